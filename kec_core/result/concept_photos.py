"""Which photos a concept has, how sure it is of them, and which concepts are like it: what a person judges a concept by.

A photo belongs to the concept with its largest omega, its winner. Muted concepts have no photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, l2_normalize
from kec_core.clustering.geometry import row_cosines
from kec_core.live import LiveState

Order = Literal["representative", "boundary", "outlier"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConceptPhotos:
    """The photos of every concept of a state.

    Attributes:
        margin: float32 (N,) in [0, 1], largest omega minus the second largest.
        counts: int64 (M,), photos of each concept.
        sureness: float32 (M,) in [0, 1], mean omega of a concept's own photos; 0 without photos.
        columns: concept id to column.
        examples: concept id to the row of its surest photo, for concepts that have one.
    """

    state: LiveState
    margin: FloatVector
    counts: NDArray[np.int64]
    sureness: FloatVector
    columns: dict[str, int]
    examples: dict[str, int]

    def rows(self, concept: str, order: Order = "representative") -> NDArray[np.int64]:
        """A concept's photos: the surest first, those it nearly lost first, or those least like the others first."""
        column = self.columns.get(concept)
        if column is None:
            return np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(self.state.grounding.winner == column)
        return rows[np.argsort(self._by(rows, column, order), kind="stable")]

    def unclear(self, below: float) -> NDArray[np.int64]:
        """Photos whose two best concepts are closer than ``below``, the least clear first."""
        rows = np.flatnonzero(self.margin < below)
        return rows[np.argsort(self.margin[rows], kind="stable")]

    def similar(self, concept: str, count: int) -> tuple[str, ...]:
        """The concepts whose text is most like this one's, most similar first."""
        column = self.columns.get(concept)
        if column is None:
            return ()
        vectors = l2_normalize(self.state.vectors.logit)
        order = np.argsort(-(vectors @ vectors[column]), kind="stable")
        ids = self.state.grounding.concept_ids
        return tuple(ids[other] for other in order if other != column)[:count]

    def _by(self, rows: NDArray[np.int64], column: int, order: Order) -> FloatVector:
        if order == "representative":
            return np.asarray(-self.state.grounding.omega[rows, column])
        if order == "boundary":
            return self.margin[rows]
        x = self.state.collection.x[rows]
        mean = l2_normalize(x.mean(axis=0, keepdims=True))
        return row_cosines(x, mean, np.zeros(len(rows), dtype=np.int32))


def concept_photos(state: LiveState) -> ConceptPhotos:
    """Whose the photos are; O(N M), a fraction of a second at 50,000 photos and 100 concepts."""
    omega, ids = state.grounding.omega, state.grounding.concept_ids
    winner = state.grounding.winner
    best = omega[np.arange(len(omega)), winner]
    counts = np.bincount(winner, minlength=len(ids))
    sums = np.bincount(winner, weights=best, minlength=len(ids))
    return ConceptPhotos(
        state=state,
        margin=_margin(omega),
        counts=counts,
        sureness=(sums / np.maximum(counts, 1)).astype(np.float32),
        columns={concept: column for column, concept in enumerate(ids)},
        examples=_examples(winner, best, ids),
    )


def _examples(winner: IntVector, best: FloatVector, ids: Sequence[str]) -> dict[str, int]:
    """The row with the largest omega of every concept that wins one."""
    order = np.lexsort((-best, winner))
    columns, first = np.unique(winner[order], return_index=True)
    return {ids[column]: int(order[place]) for column, place in zip(columns, first, strict=True)}


def _margin(omega: FloatMatrix) -> FloatVector:
    if omega.shape[1] == 1:
        return np.ones(len(omega), dtype=np.float32)
    two = np.partition(omega, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], dtype=np.float32)
