"""Clusterings that respect constraints on photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize, one_to_one
from kec_core.clustering.constraints import ConstraintPlan, assigned_rows
from kec_core.clustering.geometry import nearest_centroids
from kec_core.clustering.warm_start import continue_kmeans, resized_centroids
from kec_core.errors import InputError
from kec_core.types import Clustering, Grounding
from kec_core.wording import counted

DOMINANCE = 2.0
"""How much a concept's share in a cluster counts beside a cosine: a clear share beats any look of the photos [R]."""


def home_clusters(
    x: FloatMatrix,
    labels: IntVector,
    centroids: FloatMatrix,
    plan: ConstraintPlan,
    grounding: Grounding | None,
) -> dict[str, int]:
    """The cluster where each assigned concept is at home.

    A cluster speaks for a concept by the concept's mean share in its photos (omega), and by the mean cosine of the
    assigned photos to its centroid, which decides where the text says little. Concepts get different clusters as
    long as there are enough.

    Args:
        x: float32 (N, D), unit rows, the space that was clustered.
        labels: int32 (N,), ids 0..K-1.
        centroids: float32 (K, D), unit rows.
        plan: the constraints on these N photos.
        grounding: of these N photos; None leaves the cosines alone to decide.
    """
    concepts = [c for c in dict.fromkeys(filter(None, plan.concepts)) if c not in plan.homes]
    if not concepts:
        return dict(plan.homes)
    affinity = np.empty((len(concepts), len(centroids)), dtype=np.float64)
    for row, concept in enumerate(concepts):
        affinity[row] = x[assigned_rows(plan, concept)].mean(axis=0) @ centroids.T
        affinity[row] += DOMINANCE * _dominance(concept, labels, len(centroids), grounding)
    homes = affinity.argmax(axis=1)
    chosen, clusters = one_to_one(affinity)
    homes[chosen] = clusters
    return plan.homes | {concept: int(home) for concept, home in zip(concepts, homes, strict=True)}


def _dominance(
    concept: str, labels: IntVector, n_clusters: int, grounding: Grounding | None
) -> NDArray[np.float64]:
    """Mean omega of one concept in every cluster, float64 (K,); zeros for a concept that is muted."""
    if grounding is None or concept not in grounding.concept_ids:
        return np.zeros(n_clusters)
    omega = grounding.omega[:, grounding.concept_ids.index(concept)]
    sizes = np.bincount(labels, minlength=n_clusters)
    return np.bincount(labels, weights=omega, minlength=n_clusters) / np.maximum(sizes, 1)


def apply_constraints(
    x: FloatMatrix, labels: IntVector, centroids: FloatMatrix, plan: ConstraintPlan, homes: Mapping[str, int]
) -> IntVector:
    """Labels that respect every constraint, other photos left where they are.

    Assigned units go to their concept's home; units kept apart get different clusters with the best sum of scores
    (Hungarian, set by set, around what is placed already); other units go where their mean score is best.

    Args:
        x: float32 (N, D), unit rows.
        labels: int32 (N,), ids 0..K-1.
        centroids: float32 (K, D), unit rows.
        plan: the constraints on these N photos.
        homes: cluster of each assigned concept, see ``home_clusters``.

    Raises:
        InputError: more photos are kept apart than there are clusters.
    """
    placed = labels.copy()
    rows, places = plan.placed
    placed[rows] = places
    if not plan.free:
        return placed
    scores = _unit_scores(x, centroids, plan)
    cluster_of: dict[int, int] = {u: homes[plan.concepts[u]] for u in plan.free if plan.concepts[u]}
    for units in plan.apart:
        cluster_of |= {unit: plan.clusters[unit] for unit in units if plan.clusters[unit] >= 0}
        _place_apart(units, scores, plan, cluster_of)
    for unit in plan.free:
        home = cluster_of.get(unit)
        placed[plan.units[unit]] = int(scores[unit].argmax()) if home is None else home
    return placed


def _unit_scores(x: FloatMatrix, centroids: FloatMatrix, plan: ConstraintPlan) -> FloatMatrix:
    """Mean inner product of every free unit with every centroid, float32 (U, K); zeros for the others."""
    units = [plan.units[unit] for unit in plan.free]
    sizes = np.asarray([len(rows) for rows in units])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums = np.add.reduceat(x[np.concatenate(units)] @ centroids.T, starts, axis=0)
    scores = np.zeros((len(plan.units), len(centroids)), dtype=np.float32)
    scores[list(plan.free)] = sums / sizes[:, None]
    return scores


def _place_apart(
    units: tuple[int, ...], scores: FloatMatrix, plan: ConstraintPlan, cluster_of: dict[int, int]
) -> None:
    """Give the units of one set that have no cluster yet different ones; extends ``cluster_of``."""
    n_clusters = scores.shape[1]
    if len(units) > n_clusters:
        raise InputError(
            f"{len(units)} photos are kept apart, but there {'is' if n_clusters == 1 else 'are'} {counted(n_clusters, 'cluster')}; "
            "ask for more clusters or take the constraint back."
        )
    free = [unit for unit in units if unit not in cluster_of]
    fixed = [cluster_of[unit] for unit in units if unit in cluster_of]
    gain = scores[free].astype(np.float64)
    for row, unit in enumerate(free):
        rivals = {other for members in plan.apart if unit in members for other in members}
        # Lower than any sum of cosines: taken only when nothing else is left.
        gain[row, [cluster_of[other] for other in rivals if other in cluster_of]] = -1e6
    rows, clusters = one_to_one(gain)
    if len(set(fixed)) < len(fixed) or (gain[rows, clusters] < -1e5).any():
        raise InputError(
            f"The photos kept apart cannot all be placed in {counted(n_clusters, 'cluster')}; "
            "ask for more clusters or take one of the constraints back."
        )
    cluster_of.update({free[row]: int(cluster) for row, cluster in zip(rows, clusters, strict=True)})


def constrained_clustering(
    x: FloatMatrix,
    clustering: Clustering,
    plan: ConstraintPlan,
    grounding: Grounding | None,
    *,
    pull: bool = True,
    worth: float = 1.0,
) -> Clustering:
    """A clustering that respects every constraint, with the other photos following the centroids.

    Continues spherical k-means from ``clustering`` with the constraints applied in every iteration. The same
    clustering comes back when there is nothing to respect.

    Args:
        x: float32 (N, D), unit rows, the space that was clustered.
        clustering: of these rows, by whatever algorithm; every id has a photo.
        plan: the constraints on these N photos.
        grounding: of these N photos, tells where concepts are at home; None without knowledge.
        pull: True lets assigned photos pull the centroid of their home before the first iteration, so that a few
            examples can found a group; False goes on where an earlier pull has led.
        worth: how many examples the centroid itself counts for when it is pulled.

    Raises:
        InputError: more photos are kept apart than there are clusters.
    """
    if not plan:
        return clustering
    homes = home_clusters(x, clustering.labels, clustering.centroids, plan, grounding)
    centroids = _pulled(x, clustering.centroids, plan, homes, worth) if pull else clustering.centroids

    def settle(nearest: IntVector, centroids: FloatMatrix) -> IntVector:
        return apply_constraints(x, nearest, centroids, plan, homes)

    found = continue_kmeans(x, centroids, settle=settle, held=plan.held(len(x)))
    return replace(found, method=clustering.method, seed=clustering.seed, note=clustering.note)


def regroup(
    x: FloatMatrix,
    groups: IntVector,
    plan: ConstraintPlan,
    n_clusters: int,
    *,
    grounding: Grounding | None,
    pull: bool = True,
    worth: float = 1.0,
    seed: int = 0,
) -> Clustering:
    """K-means from groups of any number, around the constraints; see ``constrained_clustering``.

    Args:
        x: float32 (N, D), unit rows.
        groups: int32 (N,), from ``own_groups`` or ``other_groups``.
        plan: the constraints on these N photos.
        n_clusters: K, 1 to N; kept clusters are made beyond it.
        grounding: see ``constrained_clustering``.
        pull: see ``constrained_clustering``.
        worth: see ``constrained_clustering``.
        seed: for cutting groups.

    Returns:
        Labels in 0..K-1, the kept clusters first.

    Raises:
        InputError: K is not between 1 and N, or more photos are kept apart than there are clusters.
    """
    n_kept = len(plan.kept)
    held = np.zeros(len(x), dtype=np.bool_)
    held[plan.placed[0]] = True
    centroids = resized_centroids(x, groups, max(n_clusters, n_kept), kept=n_kept, held=held, seed=seed)
    if not plan:
        return continue_kmeans(x, centroids)
    labels, _ = nearest_centroids(x, centroids)
    start = Clustering(labels=labels, centroids=centroids, objective=0.0, method="kmeans", seed=seed)
    return constrained_clustering(x, start, plan, grounding, pull=pull, worth=worth)


def own_groups(labels: IntVector, plan: ConstraintPlan) -> IntVector:
    """Labels under the ids of the clusters they were kept from, with the kept clusters first; int32 (N,)."""
    if not plan.kept:
        return labels
    place = {cluster: index for index, cluster in enumerate(plan.kept)}
    return _with_kept_first(labels, place, plan)


def other_groups(groups: IntVector, plan: ConstraintPlan) -> IntVector:
    """Groups of another origin, with the kept clusters first; int32 (N,).

    A kept cluster takes over the group that holds most of its photos, one to one; what is left of it otherwise are
    the photos put into it and its seeds.
    """
    if not plan.kept:
        return groups
    rows, places = plan.placed
    names, positions = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(plan.kept), len(names)))
    np.add.at(counts, (places, positions[rows]), 1)
    kept, taken = one_to_one(counts)
    place = {int(names[t]): int(k) for k, t in zip(kept, taken, strict=True) if counts[k, t]}
    return _with_kept_first(groups, place, plan)


def _with_kept_first(groups: IntVector, place: Mapping[int, int], plan: ConstraintPlan) -> IntVector:
    """Groups renamed: to their place among the kept clusters where they have one, else to ids after those."""
    names, positions = np.unique(groups, return_inverse=True)
    free = iter(range(len(plan.kept), len(plan.kept) + len(names)))
    ids = np.array([place[n] if n in place else next(free) for n in names.tolist()], dtype=np.int32)
    first: IntVector = ids[positions]
    rows, places = plan.placed
    first[rows] = places
    return first


def _pulled(
    x: FloatMatrix, centroids: FloatMatrix, plan: ConstraintPlan, homes: Mapping[str, int], worth: float
) -> FloatMatrix:
    """Centroids moved towards the mean of the n photos assigned to them, by n / (n + worth) of the way [M]."""
    pulled = centroids.copy()
    for concept, home in homes.items():
        rows = assigned_rows(plan, concept)
        examples = l2_normalize(x[rows].mean(axis=0, keepdims=True))[0]
        pulled[home] = (len(rows) * examples + worth * pulled[home]) / (len(rows) + worth)
    return l2_normalize(pulled)
