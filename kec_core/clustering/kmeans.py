"""Spherical k-means (methods.md 0): every row counts, however many there are.

Up to ``LARGE`` rows every start runs on all of them until nothing changes. Beyond, starts are compared on a sample, the
best of them on more rows, and so on; the last round ends when hardly any of all rows changes: an objective 0.05 to
0.24 % below that of all starts on all rows (planted rows), in time that grows with N.

Own iterations rather than faiss's, because those cannot be cancelled or watched and subsample unasked. One
iteration costs what faiss's costs: a blocked matrix product, and sums that follow only the rows that changed.
Hamerly's bounds were tried: cosines in hundreds of dimensions lie so close that they spare almost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    BLOCK_ROWS,
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    blocks,
    check_matrix,
    l2_normalize,
    no_progress,
    sampled_rows,
)
from kec_core.clustering.geometry import cluster_sums, nearest_centroids
from kec_core.errors import InputError, ShapeError
from kec_core.types import Clustering
from kec_core.wording import counted

ROUNDING = 1e-5
"""More than float32 products of unit rows can be off."""

LARGE = 20_000  # rows up to which every start runs on all of them                       [R]
SAMPLE_ROWS = 10_000  # rows that starts are compared on when there are more          [R]
SAMPLE_ROWS_PER_CLUSTER = 150  # or that many per cluster, if that is more            [M]
GROWTH = 4  # so many times more rows in each round, with half of the starts           [R]
SETTLED_SHARE = 1e-3  # of many rows, that still change when k-means ends             [R]

SEEDING_ROWS = 4096  # rows that starts are drawn from                                 [R]
SEEDING_ROWS_PER_CLUSTER = 10  # or that many per cluster, if that is more             [R]


def spherical_kmeans(
    x: FloatMatrix,
    n_clusters: int,
    *,
    n_init: int = 20,
    max_iter: int = 300,
    init: FloatMatrix | None = None,
    seed: int = 0,
    max_points_per_centroid: int | None = None,
    progress: Progress = no_progress,
) -> Clustering:
    """Clusters of largest summed cosine to unit centroids, best of ``n_init`` random starts.

    Each start stops as soon as no assignment changes. With more than ``LARGE`` rows the starts are compared on a
    sample and only the best continue on all rows, until at most ``SETTLED_SHARE`` of them change. A cluster that runs empty is started again at the row
    that fits its own cluster worst. Duplicate rows may leave fewer clusters than asked for; the note says so.

    Args:
        x: float32 (N, D), unit rows.
        n_clusters: K, 1 to N.
        n_init: number of random starts; ``init`` replaces them all.
        max_iter: iterations of one start at most.
        init: float32 (K, D) centroids to continue from.
        seed: draws the starting rows.
        max_points_per_centroid: fit on a sample of that many rows per cluster, then assign every row; None fits
            on all rows. 256 is what faiss does unasked.
        progress: told (restart, n_init) between blocks of rows; may raise Cancelled.

    Raises:
        InputError: ``n_clusters`` is not between 1 and N, or ``n_init`` is below 1.
        ShapeError: ``x`` is not a finite table, or ``init`` is not (K, D).
    """
    x = check_matrix(x, "The features")
    check_n_clusters(n_clusters, len(x))
    if n_init < 1:
        raise InputError(
            f"At least one start of k-means is needed, but n_init is {n_init}; set it to 1 or more."
        )
    if init is not None and init.shape != (n_clusters, x.shape[1]):
        raise ShapeError(
            f"The centroids to start from should have shape {(n_clusters, x.shape[1])}, but have {init.shape}; "
            "start without them."
        )
    rng = np.random.default_rng(seed)
    sample, rounds = x, _rounds(len(x), n_clusters, n_init) if init is None else [(len(x), 1)]
    settled_share = settled_share_of(len(x))
    if max_points_per_centroid is not None:
        sample, settled_share = _some_rows(x, n_clusters * max_points_per_centroid, rng), 0.0
        rounds = [(len(sample), rounds[0][1])]
    found = _best_partitions(sample, n_clusters, rounds, init, max_iter, settled_share, rng, progress)
    if sample is not x:
        labels, cosines = nearest_centroids(x, found.centroids, progress=progress)
        found = _Partition(found.centroids, labels, float(cosines.sum(dtype=np.float64)))
    return _clustering(found, n_clusters, seed)


def settled_share_of(n_rows: int) -> float:
    """Share of so many rows that may still change when k-means ends."""
    return SETTLED_SHARE if n_rows > LARGE else 0.0


def _rounds(n_rows: int, n_clusters: int, n_init: int) -> list[tuple[int, int]]:
    """(rows, starts) of each round, from coarse to fine: the best starts of a round go on with more rows."""
    rows = max(SAMPLE_ROWS, SAMPLE_ROWS_PER_CLUSTER * n_clusters)
    if n_rows <= max(LARGE, rows):
        return [(n_rows, n_init)]
    rounds = [(rows, n_init)]
    while rows * GROWTH * 2 <= n_rows:  # samples are copies, so they stay at half of the whole at most
        rows, n_init = rows * GROWTH, -(-n_init // 2)
        rounds.append((rows, n_init))
    return [*rounds, (n_rows, -(-n_init // 2))]


def _best_partitions(
    x: FloatMatrix,
    n_clusters: int,
    rounds: Sequence[tuple[int, int]],
    init: FloatMatrix | None,
    max_iter: int,
    settled_share: float,
    rng: np.random.Generator,
    progress: Progress,
) -> _Partition:
    """The best partition of the last round, see ``_rounds``; the first begins at ``init`` or at rows of its own."""
    done, total = 0, sum(starts for _, starts in rounds)
    found: list[_Partition] = []
    for size, starts in rounds:
        rows = _some_rows(x, size, rng)
        begun, found = found[:starts], []
        for start in range(starts):
            tell = _telling_start(progress, done, total)
            if begun:
                centroids = begun[start].centroids
            else:
                centroids = _spread_rows(rows, n_clusters, rng, tell) if init is None else l2_normalize(init)
            found.append(_lloyd(rows, centroids, max_iter, tell, settled_share))
            done += 1
        found.sort(key=lambda one: -one.objective)
    return found[0]


def _telling_start(progress: Progress, start: int, starts: int) -> Progress:
    """Progress for the passes of one start, told as the number of starts that are done."""
    return lambda _done, _total, _label: progress(start, starts, f"Clustering, start {start + 1} of {starts}")


def check_n_clusters(n_clusters: int, n_rows: int) -> None:
    """Refuse a K that cannot be.

    Raises:
        InputError: K is not between 1 and the number of rows; offers a value.
    """
    if not 1 <= n_clusters <= n_rows:
        offer = max(1, min(n_rows, round(n_rows**0.5)))
        raise InputError(
            f"The number of clusters should be between 1 and the number of photos ({n_rows}), "
            f"but {n_clusters} was asked for; choose {offer} for example."
        )


def shortfall_note(found: int, asked: int) -> str:
    """What to tell the person when fewer clusters came out than asked for; "" when none is missing."""
    if found >= asked:
        return ""
    return f"Only {found} of {counted(asked, 'cluster')} asked for got photos, because many photos look the same."


@dataclass(slots=True, eq=False)
class _Partition:
    """Centroids float32 (K, D), labels int32 (N,), and the sum of every row's cosine to its own centroid."""

    centroids: FloatMatrix
    labels: IntVector
    objective: float


def _lloyd(
    x: FloatMatrix, centroids: FloatMatrix, max_iter: int, progress: Progress, settled_share: float = 0.0
) -> _Partition:
    """Iterate until at most that share of the labels changes; the centroids returned are the unit means of the labels."""
    labels, cosines = nearest_centroids(x, centroids, progress=progress)
    sums = cluster_sums(x, labels, len(centroids))
    for _ in range(max_iter):
        centroids = _unit_means(x, sums, labels, cosines, centroids)
        fresh, cosines = nearest_centroids(x, centroids, progress=progress)
        changed = np.flatnonzero(fresh != labels)
        if len(changed):
            carry_over(sums, x, changed, labels, fresh)
            labels = fresh
        if len(changed) <= settled_share * len(x):
            break
    lengths = np.linalg.norm(sums, axis=1)  # the sum of the cosines of a cluster is the length of its sum
    return _Partition(l2_normalize(sums.astype(np.float32)), labels, float(lengths.sum()))


def _unit_means(
    x: FloatMatrix, sums: NDArray[np.float64], labels: IntVector, cosines: FloatVector, previous: FloatMatrix
) -> FloatMatrix:
    """Next centroids; an empty cluster is started again at one of the rows that fit their own cluster worst."""
    centroids = l2_normalize(sums.astype(np.float32))
    empty = np.flatnonzero(np.bincount(labels, minlength=len(sums)) == 0)
    if len(empty):
        centroids[empty] = previous[empty]
        worst = np.argsort(cosines, kind="stable")[: len(empty)]
        worst = worst[cosines[worst] < 1 - ROUNDING]  # rows that sit on their centroid have nothing to split
        centroids[empty[: len(worst)]] = l2_normalize(x[worst])
    return centroids


def carry_over(
    sums: NDArray[np.float64], x: FloatMatrix, changed: NDArray[np.int64], before: IntVector, after: IntVector
) -> None:
    """Carry the rows that changed over to the sums of their new clusters; in place, a block at a time."""
    for block in blocks(len(changed), 8 * BLOCK_ROWS):
        rows = changed[block]
        moved = x[rows]
        sums += cluster_sums(moved, after[rows], len(sums)) - cluster_sums(moved, before[rows], len(sums))


def _spread_rows(x: FloatMatrix, count: int, rng: np.random.Generator, progress: Progress) -> FloatMatrix:
    """Greedy k-means++: each next start is the best of a few rows drawn by their distance to those chosen.

    Random rows, faiss's way, reach a lower objective within the same number of starts (measured on photo sets).
    """
    pool = _some_rows(x, max(SEEDING_ROWS, SEEDING_ROWS_PER_CLUSTER * count), rng)
    trials = 2 + int(np.log(count))
    centroids = np.empty((count, x.shape[1]), dtype=np.float32)
    centroids[0] = pool[rng.integers(len(pool))]
    distance = 1 - pool @ centroids[0]
    for chosen in range(1, count):
        progress(chosen, count, "Choosing starts")
        mass = np.cumsum(np.maximum(distance, 0), dtype=np.float64)
        drawn = np.minimum(np.searchsorted(mass, rng.random(trials) * mass[-1]), len(pool) - 1)
        left = np.minimum(distance[:, None], 1 - pool @ pool[drawn].T)  # (rows, trials)
        best = int(left.sum(axis=0).argmin())
        centroids[chosen], distance = pool[drawn[best]], left[:, best]
    return l2_normalize(centroids)


def _some_rows(x: FloatMatrix, count: int, rng: np.random.Generator) -> FloatMatrix:
    """``count`` rows drawn without replacement, in their order; all when there are not more."""
    if count >= len(x):
        return x
    return x[sampled_rows(len(x), count, rng)]


def _clustering(found: _Partition, asked: int, seed: int) -> Clustering:
    """Drop empty clusters, so that ids are 0..K'-1 and row c of the centroids is cluster c."""
    used, labels = np.unique(found.labels, return_inverse=True)
    return Clustering(
        labels=labels.astype(np.int32),
        centroids=found.centroids[used],
        objective=found.objective,
        method="kmeans",
        seed=seed,
        note=shortfall_note(len(used), asked),
    )
