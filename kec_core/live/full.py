"""The full clustering of a collection under its knowledge: every restart, around the person's wishes.

What a run ends with and what "Finalise" repeats after edits; the live loop goes on from present groups instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, Progress, no_progress
from kec_core.clustering import cluster, rename
from kec_core.clustering.constrained import other_groups, own_groups, regroup
from kec_core.clustering.constraints import plan_constraints
from kec_core.clustering.geometry import cluster_sums
from kec_core.clustering.seeded import names_groups, seeded_clustering, told_by_words
from kec_core.config import ClusteringConfig
from kec_core.live import LiveState, with_clustering
from kec_core.live.recluster import missing_note
from kec_core.types import Clustering, Grounding, Knowledge


def full_clustering(
    x: FloatMatrix,
    grounding: Grounding,
    knowledge: Knowledge,
    image_ids: Sequence[str],
    n_clusters: int,
    config: ClusteringConfig,
    *,
    bursts: IntVector | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Clustering:
    """Cluster from scratch with the chosen algorithm and respect the photos' wishes.

    Groups that the person has named start from their names instead of from random photos (``seeded_clustering``).

    Args:
        x: float32 (N, D), unit rows, from ``fuse``.
        grounding: of these N photos.
        knowledge: its constraints hold.
        image_ids: N ids, to find constrained photos.
        n_clusters: K, 1 to N.
        config: algorithm, restarts, iterations.
        bursts: see ``cluster``.
        seed: makes the result repeatable.
        progress: told during the work; may raise Cancelled.

    Returns:
        Labels in 0..K-1, the kept clusters first (``under_kept_ids`` gives them their ids).

    Raises:
        InputError: K is not between 1 and N, or the wishes cannot be met with so many clusters.
    """
    plan = plan_constraints(knowledge, image_ids)
    found = cluster(x, n_clusters, config, bursts=bursts, seed=seed, progress=progress)
    if names_groups(knowledge) and config.algorithm == "kmeans":
        named = seeded_clustering(x, grounding, plan, n_clusters, present=found.labels, seed=seed)
        return replace(named, note=missing_note(named, n_clusters, plan))
    if config.words_start:
        found = told_by_words(x, grounding.omega, found)
    if not plan:
        return found
    groups = other_groups(found.labels, plan)
    around = regroup(x, groups, plan, n_clusters, grounding=grounding, seed=seed)
    return replace(
        around,
        method=found.method,
        seed=found.seed,
        note=" ".join(filter(None, (found.note, missing_note(around, n_clusters, plan)))),
    )


def weighed(config: ClusteringConfig, weight: float) -> ClusteringConfig:
    """The options under a weight of the knowledge: at 0 words start nothing."""
    return replace(config, words_start=config.words_start and weight > 0)


def under_kept_ids(found: Clustering, kept: Sequence[int]) -> Clustering:
    """A clustering of ``full_clustering`` with the ids of the kept clusters, and the lowest free ones for the others.

    Args:
        found: the clusters 0, 1 ... are the kept ones.
        kept: their ids, from ``ConstraintPlan.kept``.
    """
    if not kept:
        return found
    used = np.unique(found.labels).tolist()
    free = iter(new for new in range(len(used) + max(kept)) if new not in kept)
    ids = {old: kept[old] if old < len(kept) else next(free) for old in used}
    centroids = np.zeros((1 + max(ids.values()), found.centroids.shape[1]), dtype=np.float32)
    for old, new in ids.items():
        centroids[new] = found.centroids[old]
    return replace(found, labels=rename(found.labels, ids), centroids=centroids)


def finalised(state: LiveState, config: ClusteringConfig, *, progress: Progress = no_progress) -> LiveState:
    """A state clustered in full, with the person's K and weight; cluster ids follow those of the state.

    Restarts that do not fit better than the present groups leave them: a finalised state is never worse by its
    objective, as far as constraints let it choose.

    Args:
        state: of a revision; stays as it is.
        config: of the run behind it.
        progress: told during the work; may raise Cancelled.
    """
    collection, knowledge = state.collection, state.knowledge
    fused = state.fused()
    found = full_clustering(
        fused,
        state.grounding,
        knowledge,
        collection.image_ids,
        state.n_clusters,
        weighed(config, state.weight),
        bursts=collection.bursts,
        seed=collection.seed,
        progress=progress,
    )
    if config.algorithm == "kmeans" and not names_groups(knowledge):
        found = max(found, _present(state, fused), key=lambda one: one.objective)
    return with_clustering(state, found)


def _present(state: LiveState, fused: FloatMatrix) -> Clustering:
    """Where k-means comes to from the groups of a state."""
    groups = own_groups(state.clustering.labels, state.plan)
    return regroup(
        fused,
        groups,
        state.plan,
        state.n_clusters,
        grounding=state.grounding,
        pull=False,
        seed=state.collection.seed,
    )


def objective(state: LiveState) -> float:
    """How well the groups of a state fit: the mean cosine of its photos to their centroid, at most 1."""
    fused = state.fused()
    labels: IntVector = np.asarray(state.clustering.labels)
    sums = cluster_sums(fused, labels, int(labels.max()) + 1)
    return float(np.linalg.norm(sums, axis=1).sum() / len(fused))
