"""The features behind a revision, found through what each stored result says it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.arrays import FloatMatrix, l2_normalize
from kec_core.clustering import fuse
from kec_core.clustering.whitening import Whitening, looks_of
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import visual_features
from kec_core.maps.layout import Space
from kec_core.stages import read_grounding, read_whitening
from kec_core.types import Grounding
from state.project.project import Project
from state.revisions.clusterings import load_result
from state.revisions.revisions import RevisionInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """What the clustering of a revision was made from; row i belongs to ``ids[i]``.

    Attributes:
        ids: N image ids, those of ``project.images(revision.scan)`` in order.
        raw: float32 (N, d), as the encoder gave them; memory-mapped.
        defaults: the encoder's.
        grounding: omega (N, M) and kappa (N, d); memory-mapped.
        embed_key: what ``raw`` is stored under, stage "embed".
        looks_key: what ``whitening`` is stored under, stage "looks"; "" for none.
        whitening: from ``visual()`` to the looks that were clustered; None where they are the same.
    """

    ids: tuple[str, ...]
    raw: FloatMatrix
    defaults: EncoderDefaults
    grounding: Grounding
    embed_key: str
    looks_key: str
    whitening: Whitening | None

    def fused(self, weight: float) -> FloatMatrix:
        """The space that was clustered under a weight of the knowledge: new float32 (N, e + d), unit rows."""
        return fuse(self.looks(), self.grounding.kappa, weight)

    def of_space(self, space: Space, weight: float) -> FloatMatrix:
        """The features that a map of this space is made from under a weight of the knowledge, unit rows."""
        if space == "visual":
            return self.visual()
        return l2_normalize(self.grounding.kappa) if space == "knowledge" else self.fused(weight)

    def looks(self) -> FloatMatrix:
        """Float32 (N, e), unit rows, what was clustered beside the knowledge."""
        return looks_of(self.visual(), self.whitening)

    def visual(self) -> FloatMatrix:
        """Visual features as the methods use them: new float32 (N, d), unit rows."""
        return visual_features(self.raw, self.defaults)


def load_features(project: Project, revision: RevisionInfo) -> Features:
    """The features a revision was clustered on.

    Raises:
        StoreError: one of the results is not in the project folder, or damaged.
    """
    clustered = load_result(project, "cluster", revision.clustering_fp)
    grounded = load_result(project, "ground", clustered.data.get("ground", ""))
    embedded = load_result(project, "embed", grounded.data["embed"])
    looks_key = str(clustered.data.get("looks", ""))
    return Features(
        ids=tuple(embedded.data["ids"]),
        raw=embedded.arrays["features"],
        defaults=EncoderDefaults.from_json(grounded.data["defaults"]),
        grounding=read_grounding(grounded),
        embed_key=str(grounded.data["embed"]),
        looks_key=looks_key,
        whitening=read_whitening(load_result(project, "looks", looks_key)) if looks_key else None,
    )
