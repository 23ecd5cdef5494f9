"""Constraints on photos: together, apart, under a concept, in a cluster; checked, and as rows of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kec_core.errors import InputError
from kec_core.types import Constraint, Knowledge


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
    concept_of, cluster_of = _places(constraints, unit_of)
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
    concept_of, cluster_of = _places(constraints, unit_of)
    rows: dict[str, list[int]] = {}
    for image, unit in unit_of.items():
        rows.setdefault(unit, []).append(row_of[image])
    position = {unit: index for index, unit in enumerate(rows)}
    apart = (
        tuple(dict.fromkeys(position[unit_of[image]] for image in c.images if image in unit_of))
        for c in constraints
        if c.kind == "apart"
    )
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


def _one_of(constraints: Sequence[Constraint], image: str, conflicting: Constraint) -> str:
    """Which constraints a person may take back so that a photo is not wanted in two places."""
    together = next((one.id for one in constraints if one.kind == "together" and image in one.images), "")
    named = dict.fromkeys(filter(None, (together, conflicting.id)))
    return f"take the wish {' or '.join(named)} back" if any(named) else "take one of the two back"


def _places(
    constraints: Sequence[Constraint], unit_of: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, int]]:
    """The concept of every unit with an assigned image, and the kept cluster of every unit with a photo put into one."""
    concept_of: dict[str, str] = {}
    cluster_of: dict[str, int] = {}
    for constraint in constraints:
        for image in constraint.images:
            if (unit := unit_of.get(image)) is None:
                continue
            other = ""
            if (
                constraint.kind == "assign"
                and concept_of.setdefault(unit, constraint.concept) != constraint.concept
            ):
                other = "concept"
            elif (
                constraint.cluster is not None
                and cluster_of.setdefault(unit, constraint.cluster) != constraint.cluster
            ):
                other = "group"
            if other:
                raise InputError(
                    f"the photo {image!r} is kept together with photos of another {other}; "
                    f"{_one_of(constraints, image, constraint)}."
                )
    return concept_of, cluster_of


def assigned_rows(plan: ConstraintPlan, concept: str) -> NDArray[np.int64]:
    """The rows that are assigned to a concept, int64 (R,)."""
    return np.concatenate(
        [rows for rows, name in zip(plan.units, plan.concepts, strict=True) if name == concept]
    )
