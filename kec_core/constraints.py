"""The person's wishes on photos: together, apart, under a concept; checked, and respected by a clustering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.errors import InputError
from kec_core.types import Clustering, Constraint, Grounding, Knowledge
from kec_core.warm_start import continue_kmeans

DOMINANCE = 2.0
"""How much a concept's share in a cluster counts beside a cosine: a clear share beats any look of the photos [R]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstraintPlan:
    """Constraints in terms of rows. A unit is a set of rows that move as one.

    Attributes:
        units: U arrays of int64 row indices, no row in two of them.
        concepts: U concept ids the units are assigned to; "" where free.
        apart: sets of unit indices, every two of a set in different clusters.
    """

    units: tuple[NDArray[np.int64], ...] = ()
    concepts: tuple[str, ...] = ()
    apart: tuple[tuple[int, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.units)


def check_constraints(constraints: Sequence[Constraint]) -> None:
    """See that constraints do not contradict each other.

    Raises:
        InputError: photos that stay together are assigned to two concepts, or photos that stay apart are also kept
            together or assigned to one concept.
    """
    unit_of = _units(constraints)
    concept_of = _concepts(constraints, unit_of)
    for constraint in constraints:
        if constraint.kind != "apart":
            continue
        seen: dict[object, str] = {}
        for image in constraint.images:
            unit = unit_of[image]
            for key in filter(None, (("unit", unit), concept_of.get(unit) and ("concept", concept_of[unit]))):
                if key in seen:
                    reason = "also kept together" if key[0] == "unit" else "assigned to the same concept"
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
    if not constraints:
        return ConstraintPlan()
    check_constraints(constraints)
    wanted = {image for constraint in constraints for image in constraint.images}
    row_of = {image: row for row, image in enumerate(image_ids) if image in wanted}
    unit_of = {image: unit for image, unit in _units(constraints).items() if image in row_of}
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
    return ConstraintPlan(
        units=tuple(np.sort(np.asarray(members, dtype=np.int64)) for members in rows.values()),
        concepts=tuple(
            knowledge.column_of.get(concept, concept) for concept in (concept_of.get(u, "") for u in rows)
        ),
        apart=tuple(units for units in apart if len(units) > 1),
    )


def _units(constraints: Iterable[Constraint]) -> dict[str, str]:
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
    concepts = list(dict.fromkeys(filter(None, plan.concepts)))
    if not concepts:
        return {}
    affinity = np.empty((len(concepts), len(centroids)), dtype=np.float64)
    for row, concept in enumerate(concepts):
        affinity[row] = x[_assigned_rows(plan, concept)].mean(axis=0) @ centroids.T
        affinity[row] += DOMINANCE * _dominance(concept, labels, len(centroids), grounding)
    homes = affinity.argmax(axis=1)
    chosen, clusters = linear_sum_assignment(affinity, maximize=True)
    homes[chosen] = clusters
    return {concept: int(home) for concept, home in zip(concepts, homes, strict=True)}


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
    if not plan:
        return placed
    scores = _unit_scores(x, centroids, plan)
    cluster_of: dict[int, int] = {u: homes[c] for u, c in enumerate(plan.concepts) if c}
    for units in plan.apart:
        _place_apart(units, scores, plan, cluster_of)
    for unit, rows in enumerate(plan.units):
        placed[rows] = cluster_of.get(unit, int(scores[unit].argmax()))
    return placed


def _unit_scores(x: FloatMatrix, centroids: FloatMatrix, plan: ConstraintPlan) -> FloatMatrix:
    """Mean inner product of every unit with every centroid, float32 (U, K)."""
    sizes = np.asarray([len(rows) for rows in plan.units])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    scores = x[np.concatenate(plan.units)] @ centroids.T
    return np.asarray(np.add.reduceat(scores, starts, axis=0) / sizes[:, None], dtype=np.float32)


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

    found = continue_kmeans(x, centroids, settle=settle)
    return replace(found, method=clustering.method, seed=clustering.seed, note=clustering.note)


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
