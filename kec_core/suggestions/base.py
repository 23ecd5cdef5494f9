"""What a doubt is, and what all doubts are computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatVector, IntVector
from kec_core.knowledge.edits import Edit
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from kec_core.types import Concept

Kind = Literal["merge", "split", "unused", "attribute", "name", "mixed"]

SHOWN = 9
"""Photos of evidence per gallery."""
SAMPLE = 400
"""Photos of a concept that are looked at, at most."""
FEW = 12
"""Photos a concept needs before its photos are judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Photos that speak for a doubt: a caption and rows, the most telling first."""

    caption: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One card of the review queue.

    Attributes:
        key: the same for the same doubt in later states, so that "never" can be remembered.
        gain: expected share of the photos that would be better placed, in [0, 1].
        question: what the person is asked.
        reason: the numbers behind it, in words.
        concepts: ids of the concepts concerned.
        edit: what accepting does; None where words of the person are needed (names of the parts, a new name).
    """

    key: str
    kind: Kind
    gain: float
    question: str
    reason: str
    concepts: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    edit: Edit | None = None


class View:
    """What the doubts are computed from; column q is concept q of the grounding."""

    def __init__(self, state: LiveState) -> None:
        self.state = state
        self.x = state.collection.x
        self.total = len(self.x)
        self.omega = state.grounding.omega
        names = unique_names(state.knowledge)  # a question must say which of two namesakes it means
        self.concepts: list[Concept] = [
            replace(state.knowledge.by_id[one], name=names[one]) for one in state.grounding.concept_ids
        ]
        self.column = {concept.id: column for column, concept in enumerate(self.concepts)}
        self.winner = state.grounding.winner
        self.rows = _rows_by_winner(self.winner, len(self.concepts))
        self._best: dict[int, Evidence] = {}

    def share(self, column: int) -> float:
        """Share of all photos that a concept wins."""
        return len(self.rows[column]) / self.total

    def sample(self, column: int) -> NDArray[np.int64]:
        """Some of a concept's photos, evenly spread over the collection."""
        rows = self.rows[column]
        return rows[:: max(1, -(-len(rows) // SAMPLE))]

    def best(self, column: int) -> Evidence:
        """The photos in which a concept is strongest; found once, for a concept may be in many pairs."""
        if column not in self._best:
            rows = strongest(self.omega[:, column], SHOWN)
            self._best[column] = evidence(self.concepts[column].name, rows)
        return self._best[column]


def _rows_by_winner(winner: IntVector, n_concepts: int) -> list[NDArray[np.int64]]:
    order = np.argsort(winner, kind="stable")
    return np.split(order, np.cumsum(np.bincount(winner, minlength=n_concepts))[:-1])


def strongest(values: FloatVector, count: int) -> NDArray[np.int64]:
    """Places of the largest values, largest first and equal ones in order: without sorting all of them.

    Args:
        values: (N,), finite.
        count: how many, at least one; all when there are fewer.
    """
    if count >= len(values):
        return np.argsort(-values, kind="stable")
    values = np.ascontiguousarray(values)
    least = np.partition(values, -count)[-count]
    places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")[:count]]


def evidence(caption: str, rows: NDArray[np.int64]) -> Evidence:
    """The first of some rows under a caption."""
    return Evidence(caption=caption, rows=tuple(rows[:SHOWN].tolist()))
