"""Nouns chosen for photos: which may compete, and which together leave every photo near one of them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import (
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    blocks,
    l2_normalize,
    no_progress,
    sampled_rows,
)

SAMPLE = 2000  # photos looked at                                                      [R]
SPLITS = 2  # of the photos into halves; each half chooses once                        [R]
GUESSED = 20  # groups, where nouns that fit few photos are looked for                 [R]
FIRST = 3  # nouns whose mean gain is the measure                                      [M]
FURTHER = 3  # nouns whose mean gain must have fallen                                  [M]
LEAST_GAIN = 0.08
"""Of the first nouns' gain: nouns that gain less tell no group apart. From .06 to .12 the numbers found hardly differ [M]."""


def count_by_words(
    x: FloatMatrix,
    nouns: FloatMatrix,
    *,
    largest: int,
    names: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> int | None:
    """K as the number of nouns that each explain photos that had no part in choosing them.

    Nouns chosen by one half of the photos always gain something there; what they gain on the other half falls to next to
    nothing once all groups have a noun.

    Args:
        x: float32 (N, d), unit rows, centred.
        nouns: float32 (V, d), text features in the same space.
        largest: numbers above are not considered.
        names: as in ``explain_groups``.
        seed: draws sample and halves.
        progress: told before each half; may raise Cancelled.

    Returns:
        2 to ``largest``; None where the gain does not fall within the nouns there are.
    """
    rng = np.random.default_rng(seed)
    photos = x[sampled_rows(len(x), SAMPLE, rng)]
    t = l2_normalize(nouns)
    fits = fits_of(photos, t, np.zeros(len(t), np.float32), GUESSED)
    named = np.arange(len(t), dtype=np.int32) if names is None else one_for_each_name(fits.best, names)
    rows = screened_nouns(named, fits)
    similar = t[rows] @ photos.T
    similar -= fits.usual[rows, None]
    most = min(largest + FURTHER, len(rows))
    gains = np.zeros(most, np.float32)
    for split in range(SPLITS):
        progress(split, SPLITS, "Counting the words that explain the photos")
        order = rng.permutation(len(photos))
        halves = np.array_split(order, 2)
        for choosing, other in (halves, halves[::-1]):
            chosen = facility_location(np.ascontiguousarray(similar[:, choosing]), most)
            gains += gains_of(similar[np.ix_(chosen, other)])
    return fallen(gains)


def gains_of(similar: FloatMatrix) -> FloatVector:
    """What each noun adds to mean_i max(0, max_j S_ji) after those before it, (M,), from S (M, N)."""
    reached = np.maximum.accumulate(np.maximum(similar, 0), axis=0)
    return np.asarray(np.diff(reached.mean(axis=1), prepend=0), dtype=np.float32)


def fallen(gains: FloatVector) -> int | None:
    """The first number of nouns, 2 at least, after which the next ones gain too little; None where that never happens."""
    least = LEAST_GAIN * gains[:FIRST].mean()
    for count in range(2, len(gains) - FURTHER + 1):
        if gains[count : count + FURTHER].mean() < least:
            return count
    return None


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
