"""How many groups words tell apart: how many nouns explain the photos before one more explains next to nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, Progress, l2_normalize, no_progress
from kec_core.mapping.choosing import facility_location, fits_of, one_for_each_name, screened_nouns

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
    photos = x[np.sort(rng.choice(len(x), SAMPLE, replace=False))] if len(x) > SAMPLE else x
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
