"""The arrays behind revisions: clusterings in the project's store, and the features they were made from."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.arrays import FloatMatrix, fingerprint, l2_normalize
from kec_core.clustering import fuse
from kec_core.clustering.whitening import Whitening, looks_of
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import visual_features
from kec_core.errors import StoreError
from kec_core.maps.layout import Space
from kec_core.stages import (
    clustering_result,
    read_clustering,
    read_grounding,
    read_whitening,
    whitening_result,
)
from kec_core.store import StageResult
from kec_core.types import Clustering, Grounding
from state.project.project import Project
from state.revisions.revisions import Baseline, RevisionInfo


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


_CLUSTER, _BASELINE, _LOOKS = "cluster", "baseline", "looks"


def save_clustering(project: Project, clustering: Clustering, *, ground: str, looks: str = "") -> str:
    """Keep a clustering made outside a run (the live loop); returns the fingerprint for ``NewRevision.clustering_fp``.

    Args:
        project: where.
        clustering: what.
        ground: key of the stored grounding it was made from, so that its features are found again.
        looks: key of the stored looks it was made from; "" where they are the visual features.
    """
    made = clustering_result(clustering, ground=ground, looks=looks)
    key = fingerprint(clustering.labels, clustering.centroids, made.data)
    if project.store.load(_CLUSTER, key) is None:
        project.store.save(_CLUSTER, key, made)
    return key


def save_baseline(project: Project, clustering: Clustering) -> str:
    """Keep a clustering of the plain method made outside a run; returns the fingerprint for ``Baseline.clustering_fp``."""
    made = clustering_result(clustering)
    key = fingerprint("baseline", clustering.labels, clustering.centroids, made.data)
    if project.store.load(_BASELINE, key) is None:
        project.store.save(_BASELINE, key, made)
    return key


def save_whitening(project: Project, whitening: Whitening | None) -> str:
    """Keep a whitening made outside a project; returns its key, "" for none."""
    if whitening is None:
        return ""
    key = fingerprint("looks", whitening.centre, whitening.onto, whitening.second)
    project.store.save(_LOOKS, key, whitening_result(whitening))
    return key


def load_clustering(project: Project, revision: RevisionInfo) -> Clustering:
    """The clustering of a revision; arrays memory-mapped, row i belongs to ``project.images(revision.scan)[i]``.

    Raises:
        StoreError: its arrays are not in the project folder, or damaged.
    """
    return read_clustering(load_result(project, _CLUSTER, revision.clustering_fp))


def load_baseline(project: Project, baseline: Baseline) -> Clustering:
    """The clustering of the plain method beside a revision; as ``load_clustering``.

    Raises:
        StoreError: its arrays are not in the project folder, or damaged.
    """
    return read_clustering(load_result(project, _BASELINE, baseline.clustering_fp))


def load_result(project: Project, stage: str, key: str) -> StageResult:
    """A stored result that a revision relies on.

    Raises:
        StoreError: it is not in the project folder, or damaged.
    """
    result = project.store.load(stage, key)
    if result is None:
        raise StoreError(
            f"The {stage} result {key} is missing from {project.store.root}; run the project again to restore it."
        )
    return result
