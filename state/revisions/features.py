"""The features behind a revision, found through what each stored result says it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.arrays import FloatMatrix
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import visual_features
from kec_core.stages import read_grounding
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
    """

    ids: tuple[str, ...]
    raw: FloatMatrix
    defaults: EncoderDefaults
    grounding: Grounding
    embed_key: str

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
    return Features(
        ids=tuple(embedded.data["ids"]),
        raw=embedded.arrays["features"],
        defaults=EncoderDefaults.from_json(grounded.data["defaults"]),
        grounding=read_grounding(grounded),
        embed_key=str(grounded.data["embed"]),
    )
