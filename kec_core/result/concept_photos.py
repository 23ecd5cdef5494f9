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
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.geometry import row_cosines
from kec_core.encoders.base import TextEncoder
from kec_core.errors import InputError
from kec_core.live import LiveState

BINS = 30
"""Bars of the histogram."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """How a phrase scores two sets of photos.

    Attributes:
        auc: chance that a photo of the first set scores above one of the second, in [0, 1]; 0.5 separates nothing.
        edges: float32 (BINS + 1,), cosines between the bars of the histogram.
        first, second: int64 (BINS,), photos of each set per bar.
        top, bottom: rows of the highest and the lowest scores in the collection, most extreme first.
    """

    auc: float
    edges: FloatVector
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]


def probe(
    phrase: str,
    x: FloatMatrix,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    encode: TextEncoder,
    *,
    shown: int = 9,
) -> Probe:
    """Score every photo with a phrase, and tell how well it separates two sets.

    Args:
        phrase: what would become an attribute.
        x: float32 (N, d), unit rows.
        first: rows of one concept's photos, at least one.
        second: rows of the other concept's photos, at least one.
        encode: strings to raw features.
        shown: photos at either end.

    Raises:
        InputError: the phrase is empty, or a concept has no photo.
    """
    if not phrase.strip():
        raise InputError("A phrase to test should not be empty; write what can be seen in a photo.")
    if not len(first) or not len(second):
        raise InputError(
            "A phrase is tested on the photos of two concepts, but one of them has none; choose another."
        )
    scores = x @ l2_normalize(encode([phrase]))[0]
    edges = np.histogram_bin_edges(scores, BINS)
    order = np.argsort(scores, kind="stable")
    return Probe(
        auc=auc(scores[first], scores[second]),
        edges=edges.astype(np.float32),
        first=np.histogram(scores[first], edges)[0],
        second=np.histogram(scores[second], edges)[0],
        top=order[::-1][:shown],
        bottom=order[:shown],
    )


def auc(first: FloatVector, second: FloatVector) -> float:
    """Chance that a score of ``first`` is above one of ``second`` (ties count half), in [0, 1]; both not empty."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    wins = ranks.sum() - len(first) * (len(first) + 1) / 2
    return float(wins / (len(first) * len(second)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """One kind of photo within a concept.

    Attributes:
        rows: int64, its photos, the most central first.
        nouns: the concept's nouns that fit it better than the other kinds, best first.
    """

    rows: NDArray[np.int64]
    nouns: tuple[str, ...]


def kinds_of(photos: ConceptPhotos, concept: str, count: int) -> tuple[Kind, ...]:
    """Group the photos of a concept by their looks, and share out its nouns.

    Args:
        photos: of the state.
        concept: id.
        count: kinds, at least 2.

    Raises:
        InputError: the concept has fewer photos than kinds were asked for.
    """
    rows = np.sort(photos.rows(concept))
    if len(rows) < count:
        raise InputError(
            f"Splitting in {count} needs at least {count} photos, but this concept has {len(rows)}; name the parts yourself."
        )
    collection = photos.state.collection
    x = collection.x[rows]
    found = spherical_kmeans(x, count, n_init=5, seed=collection.seed)
    nearness = np.einsum("nd,nd->n", x, found.centroids[found.labels])
    words = [noun.word for noun in photos.state.knowledge.by_id[concept].nouns]
    # What all kinds have in common says nothing about where a noun belongs.
    centred = l2_normalize(found.centroids - found.centroids.mean(axis=0))
    fit = l2_normalize(collection.encode(words)) @ centred.T if words else np.empty((0, count))
    return tuple(
        Kind(
            rows=_central(rows, nearness, found.labels == kind),
            nouns=tuple(words[i] for i in np.argsort(-fit[:, kind]) if fit[i].argmax() == kind),
        )
        for kind in np.unique(found.labels)
    )


def _central(
    rows: NDArray[np.int64], nearness: NDArray[np.float32], mine: NDArray[np.bool_]
) -> NDArray[np.int64]:
    some = np.flatnonzero(mine)
    return np.asarray(rows[some[np.argsort(-nearness[some], kind="stable")]])


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
