"""The person's wishes on photos: together, apart, under a concept, in a cluster; checked, and respected by a clustering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.clustering.geometry import nearest_centroids
from kec_core.errors import InputError
from kec_core.types import Clustering, Constraint, Grounding, Knowledge
from kec_core.warm_start import continue_kmeans, resized_centroids

DOMINANCE = 2.0
"""How much a concept's share in a cluster counts beside a cosine: a clear share beats any look of the photos [R]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConstraintPlan:
    """Constraints in terms of rows. A unit is a set of rows that move as one.

    While photos are clustered, the kept clusters are the first: ``kept[i]`` is cluster i.

    Attributes:
        units: U arrays of int64 row indices, no row in two of them.
        concepts: U concept ids the units are assigned to; "" where free.
        clusters: U places in ``kept`` of the clusters the units are put into; -1 where free.
        apart: sets of unit indices, every two of a set in different clusters.
        kept: ids of the kept clusters that have photos here.
        seeds: for each of them int64 row indices, in no unit, that stay in it.
    """

    units: tuple[NDArray[np.int64], ...] = ()
    concepts: tuple[str, ...] = ()
    clusters: tuple[int, ...] = ()
    apart: tuple[tuple[int, ...], ...] = ()
    kept: tuple[int, ...] = ()
    seeds: tuple[NDArray[np.int64], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.units or self.kept)

    @cached_property
    def placed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows with a given cluster, int64 (P,), and the place of that cluster in ``kept``, int64 (P,)."""
        given = [(rows, place) for rows, place in zip(self.units, self.clusters, strict=True) if place >= 0]
        given += [(rows, place) for place, rows in enumerate(self.seeds)]
        if not given:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        places = np.repeat([place for _, place in given], [len(rows) for rows, _ in given])
        return np.concatenate([rows for rows, _ in given]), places

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Indices of the units without a given cluster."""
        return tuple(unit for unit, place in enumerate(self.clusters) if place < 0)

    @cached_property
    def homes(self) -> dict[str, int]:
        """The cluster of each concept whose photos were put into one, as its place in ``kept``; the latest holds."""
        pairs = zip(self.concepts, self.clusters, strict=True)
        return {concept: place for concept, place in pairs if concept and place >= 0}

    def held(self, n_rows: int) -> NDArray[np.bool_]:
        """Which of the rows are held by a constraint or as seeds, bool (n_rows,)."""
        held = np.zeros(n_rows, dtype=np.bool_)
        held[self.placed[0]] = True
        for unit in self.free:
            held[self.units[unit]] = True
        return held


def check_constraints(constraints: Sequence[Constraint]) -> None:
    """See that constraints do not contradict each other.

    Raises:
        InputError: photos that stay together are assigned to two concepts or put into two clusters, or photos that
            stay apart are also kept together, assigned to one concept or put into one cluster.
    """
    unit_of = units_of(constraints)
    concept_of, cluster_of = _concepts(constraints, unit_of), _clusters(constraints, unit_of)
    for constraint in constraints:
        if constraint.kind != "apart":
            continue
        seen: dict[object, str] = {}
        for image in constraint.images:
            unit = unit_of[image]
            keys: dict[object, str] = {("unit", unit): "also kept together"}
            if unit in concept_of:
                keys["concept", concept_of[unit]] = "assigned to the same concept"
            if unit in cluster_of:
                keys["cluster", cluster_of[unit]] = "put into the same group"
            for key, reason in keys.items():
                if key in seen:
                    raise InputError(
                        f"the photos {seen[key]!r} and {image!r} are kept apart but {reason}; take one of the two back."
                    )
                seen[key] = image


def plan_constraints(knowledge: Knowledge, image_ids: Sequence[str]) -> ConstraintPlan:
    """The constraints of a knowledge as rows of ``image_ids``; photos that are no longer there are passed over.

    Concepts of a collapsed group are one, under the group's id.

    Raises:
        InputError: the constraints contradict each other.
    """
    constraints = knowledge.constraints
    if not (constraints or knowledge.kept):
        return ConstraintPlan()
    check_constraints(constraints)
    wanted = {image for constraint in constraints for image in constraint.images}
    wanted.update(image for kept in knowledge.kept for image in kept.seeds)
    row_of = {image: row for row, image in enumerate(image_ids) if image in wanted}
    unit_of = {image: unit for image, unit in units_of(constraints).items() if image in row_of}
    concept_of = _concepts(constraints, unit_of)
    rows: dict[str, list[int]] = {}
    for image, unit in unit_of.items():
        rows.setdefault(unit, []).append(row_of[image])
    position = {unit: index for index, unit in enumerate(rows)}
    apart = (
        tuple(dict.fromkeys(position[unit_of[image]] for image in c.images if image in unit_of))
        for c in constraints
        if c.kind == "apart"
    )
    cluster_of = _clusters(constraints, unit_of)
    seeds = _seeds(knowledge, row_of, unit_of)
    kept = [one.id for one in knowledge.kept if one.id in seeds or one.id in cluster_of.values()]
    place = {cluster: index for index, cluster in enumerate(kept)}
    return ConstraintPlan(
        units=tuple(np.sort(np.asarray(members, dtype=np.int64)) for members in rows.values()),
        concepts=tuple(
            knowledge.column_of.get(concept, concept) for concept in (concept_of.get(u, "") for u in rows)
        ),
        clusters=tuple(place.get(cluster_of.get(u, -1), -1) for u in rows),
        apart=tuple(units for units in apart if len(units) > 1),
        kept=tuple(kept),
        seeds=tuple(np.asarray(seeds.get(cluster, ()), dtype=np.int64) for cluster in kept),
    )


def _seeds(
    knowledge: Knowledge, row_of: Mapping[str, int], unit_of: Mapping[str, str]
) -> dict[int, list[int]]:
    """Rows of the seeds of each kept cluster that no constraint holds; a cluster without such is left out."""
    found = {
        kept.id: [row_of[image] for image in kept.seeds if image in row_of and image not in unit_of]
        for kept in knowledge.kept
    }
    return {cluster: rows for cluster, rows in found.items() if rows}


def units_of(constraints: Iterable[Constraint]) -> dict[str, str]:
    """The unit of every constrained image, named by one of its images; overlapping together sets are one unit."""
    unit_of: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for constraint in constraints:
        for image in constraint.images:
            if image not in unit_of:
                unit_of[image] = image
                members[image] = [image]
        if constraint.kind == "together":
            first, *others = dict.fromkeys(unit_of[image] for image in constraint.images)
            for other in others:
                unit_of.update(dict.fromkeys(members[other], first))
                members[first] += members.pop(other)
    return unit_of


def _concepts(constraints: Iterable[Constraint], unit_of: Mapping[str, str]) -> dict[str, str]:
    """The concept of every unit that has an assigned image."""
    concept_of: dict[str, str] = {}
    for constraint in constraints:
        if constraint.kind != "assign":
            continue
        for image in constraint.images:
            if (
                image in unit_of
                and concept_of.setdefault(unit_of[image], constraint.concept) != constraint.concept
            ):
                raise InputError(
                    f"the photo {image!r} is kept together with photos of another concept; take one of the two back."
                )
    return concept_of


def _clusters(constraints: Iterable[Constraint], unit_of: Mapping[str, str]) -> dict[str, int]:
    """The kept cluster of every unit that has a photo put into one."""
    cluster_of: dict[str, int] = {}
    for constraint in constraints:
        if constraint.cluster is None:
            continue
        for image in constraint.images:
            if (
                image in unit_of
                and cluster_of.setdefault(unit_of[image], constraint.cluster) != constraint.cluster
            ):
                raise InputError(
                    f"the photo {image!r} is kept together with photos of another group; take one of the two back."
                )
    return cluster_of


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
        affinity[row] = x[_assigned_rows(plan, concept)].mean(axis=0) @ centroids.T
        affinity[row] += DOMINANCE * _dominance(concept, labels, len(centroids), grounding)
    homes = affinity.argmax(axis=1)
    chosen, clusters = linear_sum_assignment(affinity, maximize=True)
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
            f"{len(units)} photos are kept apart, but there are {n_clusters} clusters; "
            "ask for more clusters or take the constraint back."
        )
    free = [unit for unit in units if unit not in cluster_of]
    fixed = [cluster_of[unit] for unit in units if unit in cluster_of]
    gain = scores[free].astype(np.float64)
    for row, unit in enumerate(free):
        rivals = {other for members in plan.apart if unit in members for other in members}
        # Lower than any sum of cosines: taken only when nothing else is left.
        gain[row, [cluster_of[other] for other in rivals if other in cluster_of]] = -1e6
    rows, clusters = linear_sum_assignment(gain, maximize=True)
    if len(set(fixed)) < len(fixed) or (gain[rows, clusters] < -1e5).any():
        raise InputError(
            f"The photos kept apart cannot all be placed in {n_clusters} clusters; "
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
    kept, taken = linear_sum_assignment(counts, maximize=True)
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
        rows = _assigned_rows(plan, concept)
        examples = l2_normalize(x[rows].mean(axis=0, keepdims=True))[0]
        pulled[home] = (len(rows) * examples + worth * pulled[home]) / (len(rows) + worth)
    return l2_normalize(pulled)


def _assigned_rows(plan: ConstraintPlan, concept: str) -> NDArray[np.int64]:
    return np.concatenate(
        [rows for rows, name in zip(plan.units, plan.concepts, strict=True) if name == concept]
    )
