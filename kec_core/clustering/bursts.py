"""Bursts: near-copies of one photo that make up much of a collection.

Without care they decide what the whole collection looks like. The mean of the collection is then nearly the photo that
was copied; taking it off leaves noise of the copies, and k-means cuts the noise instead of telling the others apart.
So a burst counts as one photo in the mean and while groups are searched, and its photos stay together.
"""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, blocks, l2_normalize

NEAR = 0.93
"""Least cosine of raw features to the middle of the burst. Crops, re-encodings and shots a moment apart: 0.90 to 0.99
to each other; of different photos hardly any pair in 10,000 [M]."""
OF_FARTHEST = 0.25
"""But no farther from it than this share of the way to the farthest photos: the features of some encoders lie so close
together that a fixed cosine says nothing [R]."""
SHARE = 0.05
"""Of the collection, at least: a smaller one moves the mean by too little to matter [R]."""
FEWEST = 5
"""Photos, at least [R]."""
SAMPLE = 2000
"""Rows that bursts are looked for in; one of the least share has a hundred among them [R]."""


def find_bursts(features: FloatMatrix) -> IntVector:
    """The burst of every photo, int32 (N,), numbered from 0; -1 for photos in none.

    Args:
        features: raw float32 (N, d), not centred; possibly memory-mapped, never changed.
    """
    rows = np.linspace(0, len(features) - 1, min(len(features), SAMPLE)).astype(np.int64)
    found = np.full(len(features), -1, dtype=np.int32)
    centres, limit = _centres(l2_normalize(np.asarray(features[rows]))) if len(rows) >= FEWEST else ([], 1.0)
    if not centres:
        return found
    middles = np.stack(centres)
    for block in blocks(len(features)):
        cosines = l2_normalize(np.asarray(features[block])) @ middles.T
        found[block] = np.where(cosines.max(axis=1) >= limit, cosines.argmax(axis=1), -1)
    return found


def _centres(unit: FloatMatrix) -> tuple[list[FloatMatrix], float]:
    """Unit mean of every burst among some rows, largest burst first, and the cosine that its photos reach."""
    cosines = unit @ unit.T
    limit = max(NEAR, 1 - OF_FARTHEST * float(np.median(1 - cosines.min(axis=1))))
    near, free = cosines >= limit, np.ones(len(unit), dtype=np.bool_)
    fewest = max(FEWEST, int(np.ceil(SHARE * len(unit))))
    centres: list[FloatMatrix] = []
    while True:
        counts = np.count_nonzero(near & free, axis=1) * free
        first = int(counts.argmax())
        if counts[first] < fewest:
            return centres, limit
        members = near[first] & free
        centre = l2_normalize(unit[members].mean(axis=0, keepdims=True))[0]
        centres.append(centre)
        free &= ~(members | (unit @ centre >= limit))


def one_of_each(bursts: IntVector, most: int = 1) -> IntVector:
    """Rows of the photos in no burst, and ``most`` of every burst spread over it; int32, in order."""
    rows = [np.flatnonzero(bursts < 0)]
    for burst in range(int(bursts.max(initial=-1)) + 1):
        members = np.flatnonzero(bursts == burst)
        rows.append(members[np.linspace(0, len(members) - 1, min(most, len(members))).astype(np.int64)])
    return np.sort(np.concatenate(rows)).astype(np.int32)


def burst_weights(bursts: IntVector) -> FloatMatrix:
    """float64 (N,): 1 for photos in no burst; those of a burst share a weight of 1."""
    sizes = np.bincount(bursts[bursts >= 0], minlength=1)
    return np.where(bursts >= 0, 1 / np.maximum(sizes, 1)[bursts], 1.0)


def merged_bursts(x: FloatMatrix, bursts: IntVector) -> tuple[FloatMatrix, IntVector]:
    """A row per photo in no burst and one, the unit mean, per burst.

    Args:
        x: float32 (N, D), unit rows of the space that is clustered.
        bursts: of these N photos.

    Returns:
        float32 (R, D) unit rows, and int32 (N,): the row that stands for each photo.
    """
    alone = np.flatnonzero(bursts < 0)
    row_of = np.empty(len(x), dtype=np.int32)
    row_of[alone] = np.arange(len(alone))
    row_of[bursts >= 0] = len(alone) + bursts[bursts >= 0]
    means = [x[bursts == burst].mean(axis=0) for burst in range(int(bursts.max(initial=-1)) + 1)]
    if not means:
        return x, row_of
    return np.concatenate([x[alone], l2_normalize(np.stack(means).astype(np.float32))]), row_of
