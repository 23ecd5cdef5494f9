"""The person's wishes on photos: together, apart, under a concept; checked, and respected by a clustering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.errors import InputError
from kec_core.types import Constraint


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


def plan_constraints(constraints: Sequence[Constraint], image_ids: Sequence[str]) -> ConstraintPlan:
    """Constraints as rows of ``image_ids``; photos that are no longer there are passed over.

    Raises:
        InputError: the constraints contradict each other.
    """
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
        concepts=tuple(concept_of.get(unit, "") for unit in rows),
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
