"""Nouns chosen for photos: which may compete, and which together leave every photo near one of them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, blocks

NOUNS_AT_ONCE = 1024  # compared with the sample, so that memory does not grow with the vocabulary   [R]
SCREENED = 10_000
"""Of more names, the half of so many that fit their best photos best and the half that fit all photos best are chosen from [R]."""


def facility_location(similar: FloatMatrix, count: int) -> IntVector:
    """Nouns that together leave every photo near one of them, greedily: each adds most to sum_i max_j max(0, S_ji).

    Lazy: a gain only shrinks as nouns are chosen, so an old gain is a bound, and few nouns are counted again.

    Args:
        similar: float32 (V, N).
        count: rows to choose, at most V.

    Returns:
        int32 (count,) in the order of their choice.
    """
    reached = np.zeros(similar.shape[1], np.float32)
    queue = [(-float(np.maximum(row, 0).sum(dtype=np.float64)), noun) for noun, row in enumerate(similar)]
    heapq.heapify(queue)
    chosen: list[int] = []
    while len(chosen) < count and queue:
        _, noun = heapq.heappop(queue)
        gain = float(np.maximum(similar[noun] - reached, 0).sum(dtype=np.float64))
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, noun))
            continue
        chosen.append(noun)
        np.maximum(reached, similar[noun], out=reached)
    return np.asarray(chosen, dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """How nouns fit the photos, each float32 (V,).

    Attributes:
        usual: mean cosine to all photos.
        best: mean similarity to the photos that a noun fits best, as many as a group may have, less the usual one.
        total: summed similarity to the photos on its side.
    """

    usual: FloatVector
    best: FloatVector
    total: FloatVector


def fits_of(photos: FloatMatrix, t: FloatMatrix, gain: FloatVector, count: int) -> Fits:
    """How nouns fit photos that may fall into ``count`` groups.

    Args:
        photos: float32 (S, d), unit rows, centred.
        t: float32 (V, d), unit rows.
        gain: float32 (V,), added to the similarities of a noun.
        count: M.
    """
    most = min(len(photos), max(3, len(photos) // (3 * count)))
    fits = Fits(*np.empty((3, len(t)), np.float32))
    for block in blocks(len(t), NOUNS_AT_ONCE):
        similar = t[block] @ photos.T
        fits.usual[block] = similar.mean(axis=1)
        similar += gain[block, None]
        fits.total[block] = np.maximum(similar, 0).sum(axis=1)
        similar.partition(len(photos) - most, axis=1)
        fits.best[block] = similar[:, -most:].mean(axis=1) - fits.usual[block]
    return fits


def screened_nouns(named: IntVector, fits: Fits) -> IntVector:
    """The nouns that are chosen from, ascending: all of ``named``, or the likeliest of very many."""
    if len(named) <= SCREENED:
        return named
    few = SCREENED // 2
    likely = (named[np.argsort(-score[named], kind="stable")[:few]] for score in (fits.best, fits.total))
    return np.asarray(np.union1d(*likely), dtype=np.int32)


def one_for_each_name(best: FloatVector, names: Sequence[str]) -> IntVector:
    """The best noun of every name, ascending."""
    winner: dict[str, int] = {}
    for row in np.argsort(-best, kind="stable").tolist():
        winner.setdefault(names[row].casefold(), row)
    return np.sort(np.fromiter(winner.values(), dtype=np.int32))
