"""The clusterings that revisions refer to: arrays in the project's store, by fingerprint."""

from __future__ import annotations

from kec_core.arrays import fingerprint
from kec_core.clustering.whitening import Whitening
from kec_core.errors import StoreError
from kec_core.stages import clustering_result, read_clustering, whitening_result
from kec_core.store import StageResult
from kec_core.types import Clustering
from state.project.project import Project
from state.revisions.revisions import Baseline, RevisionInfo

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
