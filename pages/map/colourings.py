"""What the points of a map are coloured by: one code per photo, and what each code is called and looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatVector, IntVector
from kec_core.clustering import match_labels
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Grounding, Knowledge

Codes = NDArray[np.uint16]
"""uint16 (N,)."""

STEPS = 48
"""Shades of a scale."""
_TAILS = 0.02
"""Share of the photos at either end that share the outermost shade, so that one odd photo does not hide all others."""
OTHER = -1
"""In ``Colouring.keys``: no cluster, concept or label, but what is left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colouring:
    """Row i of ``codes`` belongs to photo i.

    Attributes:
        codes: uint16 (N,), indices into ``names``.
        names: what a code means.
        keys: what a code's colour is chosen by: a cluster id, a concept's number, a label's place; ``OTHER`` is grey.
        ends: for a scale, what its two ends mean; None for groups.
    """

    codes: Codes
    names: tuple[str, ...]
    keys: tuple[int, ...]
    ends: tuple[str, str] | None = field(default=None)

    @property
    def counts(self) -> list[int]:
        """Photos of every code."""
        counts: list[int] = np.bincount(self.codes, minlength=len(self.names)).tolist()
        return counts


def by_cluster(labels: IntVector, names: Sequence[str]) -> Colouring:
    """By cluster; ``names`` has one for every id."""
    return _groups(labels, dict(enumerate(names)))


def by_concept(grounding: Grounding, knowledge: Knowledge) -> Colouring:
    """By each photo's strongest concept (the winner of omega)."""
    numbers = np.array([int(concept[1:]) for concept in grounding.concept_ids], dtype=np.int32)
    shown = unique_names(knowledge)
    names = {int(concept[1:]): shown.get(concept, concept) for concept in grounding.concept_ids}
    return _groups(numbers[grounding.winner], names)


def by_label(labels: Sequence[str | None], missing: str = "no label") -> Colouring:
    """By the person's labels, or other names of photos; ``missing`` stands for photos without one."""
    known = sorted({label for label in labels if label is not None})
    place = {label: number for number, label in enumerate(known)}
    ids = np.array([OTHER if label is None else place[label] for label in labels], dtype=np.int32)
    return _groups(ids, {**dict(enumerate(known)), OTHER: missing})


def by_move(before: IntVector, after: IntVector, names: Sequence[str]) -> Colouring:
    """Photos that are in another cluster than before, by the cluster they are in now.

    Args:
        before: int32 (N,), clusters of the same photos in an earlier revision; -1 for a photo that it does not have.
        after: int32 (N,), clusters now.
        names: of the clusters now, one for every id.
    """
    known = before >= 0
    same = before.copy()
    if known.any():
        same[known] = match_labels(before[known], after[known])
    ids = np.where(same == after, OTHER, after).astype(np.int32)
    return _groups(ids, {**dict(enumerate(names)), OTHER: "stayed"})


def by_value(values: FloatVector, *, percent: bool = False) -> Colouring:
    """By a number per photo, from its lowest to its highest values.

    Args:
        values: float32 (N,), finite.
        percent: show it as a share of 1.
    """
    return _scale(values, ("{:.0%}" if percent else "{:.3f}").format)


def by_date(taken: Sequence[str]) -> Colouring:
    """By the day photos were taken; those that do not tell it are grey.

    Args:
        taken: ISO 8601 or "" of each photo; at least one day is known.
    """
    known = np.array([bool(moment) for moment in taken])
    days = np.array([date.fromisoformat(m[:10]).toordinal() for m in taken if m], dtype=np.float32)
    scale = _scale(days, lambda day: date.fromordinal(round(day)).isoformat())
    if known.all() or scale.ends is None:
        return scale
    codes = np.full(len(taken), STEPS, dtype=np.uint16)
    codes[known] = scale.codes
    first, last = scale.ends
    return Colouring(
        codes=codes,
        names=(*scale.names, "no date"),
        keys=(*scale.keys, OTHER),
        ends=(first, f"{last} · grey: no date"),
    )


def _scale(values: FloatVector, shown: Callable[[float], str]) -> Colouring:
    low, high = (float(value) for value in np.quantile(values, [_TAILS, 1 - _TAILS]))
    size = high - low or 1.0
    codes = np.clip((values - low) / size * STEPS, 0, STEPS - 1).astype(np.uint16)
    return Colouring(
        codes=codes,
        names=tuple(shown(low + size * (step + 0.5) / STEPS) for step in range(STEPS)),
        keys=tuple(range(STEPS)),
        ends=(shown(low), shown(high)),
    )


def _groups(ids: IntVector, names: Mapping[int, str]) -> Colouring:
    """Codes for the ids that occur."""
    keys, codes = np.unique(np.asarray(ids), return_inverse=True)
    return Colouring(
        codes=codes.reshape(-1).astype(np.uint16),
        names=tuple(names[int(key)] for key in keys),
        keys=tuple(int(key) for key in keys),
    )
