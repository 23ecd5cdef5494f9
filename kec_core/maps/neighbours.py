"""The nearest-neighbour graph that both layouts share: exact for small collections, approximate and measured for large.

Neighbours are those of the full vectors. Fifty principal components are quicker to search but lose too many of them
where a collection has no few strong directions [M], and a map that joins the wrong photos misleads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, Progress, blocks, no_progress
from kec_core.clustering import spherical_kmeans
from kec_core.geometry import nearest_neighbours

EXACT_ROWS = 10_000
"""Up to so many rows every pair is compared."""
RECALL = 0.96
"""Share of the true neighbours that an approximate graph must have on the measured rows; a margin above 0.95."""
MEASURED_ROWS = 256
"""Rows whose true neighbours are computed to measure the recall."""
_FIRST_LISTS = 8
_TRAINING_ROWS_PER_LIST = 64
_TRAINING_ITERATIONS = 8
_BLOCK_SCORES = 16_000_000
"""Cosines held at a time: 64 MB."""
_ROUNDING = np.float32(1e-6)
"""What two matrix products of other shapes may differ in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours:
    """The nearest other rows of every row, nearest first.

    Attributes:
        rows: int32 (N, k) row numbers, never the row itself.
        distances: float32 (N, k), Euclidean, in [0, 2] between unit rows.
        recall: share of the true neighbours among them, in [0, 1]: 1 when every pair was compared, else measured.
    """

    rows: NDArray[np.int32]
    distances: FloatMatrix
    recall: float


def find_neighbours(
    x: FloatMatrix, count: int, *, seed: int = 0, progress: Progress = no_progress
) -> Neighbours:
    """The graph of ``count`` neighbours.

    Args:
        x: float32 (N, D), unit rows, N >= 2.
        count: neighbours per row; at most N - 1 are given.
        seed: chooses the rows that the recall is measured on.
        progress: told about rows; may raise Cancelled.
    """
    wanted = min(count, len(x) - 1)
    if len(x) <= EXACT_ROWS:
        rows, cosines = nearest_neighbours(x, wanted, progress=progress)
        return _neighbours(rows, cosines, 1.0)
    progress(0, len(x), "Preparing the search for neighbours")
    lists = _lists(x, seed, progress)
    opened, recall = _opened(x, lists, wanted, seed, progress)
    rows, cosines = _searched(x, lists, np.arange(len(x)), opened, wanted, progress)
    return _neighbours(rows, cosines, recall)


def _neighbours(rows: NDArray[np.int64], cosines: FloatMatrix, recall: float) -> Neighbours:
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0)).astype(np.float32)
    return Neighbours(rows=rows.astype(np.int32), distances=distances, recall=recall)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lists:
    """Similar rows in one list; all rows of a list look into the same lists, so one matrix product compares them.

    Attributes:
        labels: int32 (N,), the list of every row.
        members: of every list the rows in it, int64, ascending.
        near: int64 (L, L), the lists by the similarity of their centroids, each list itself first.
    """

    labels: IntVector
    members: Sequence[NDArray[np.int64]]
    near: NDArray[np.int64]

    def opened(self, each: int, count: int, wanted: int) -> NDArray[np.int64]:
        """The rows of the ``count`` lists nearest to list ``each``, its own first; more lists for ``wanted`` others."""
        sizes = np.cumsum([len(self.members[other]) for other in self.near[each]])
        enough = int(np.searchsorted(sizes, wanted + 1)) + 1
        return np.concatenate([self.members[other] for other in self.near[each, : max(count, enough)]])


def _lists(x: FloatMatrix, seed: int, progress: Progress) -> _Lists:
    count = int(1.5 * np.sqrt(len(x)))
    groups = spherical_kmeans(
        x,
        count,
        max_iter=_TRAINING_ITERATIONS,
        init=x[np.sort(np.random.default_rng(seed).choice(len(x), size=count, replace=False))],
        seed=seed,
        max_points_per_centroid=_TRAINING_ROWS_PER_LIST,
        progress=lambda *_: progress(0, len(x), "Preparing the search for neighbours"),
    )
    order = np.argsort(groups.labels, kind="stable")
    starts = np.searchsorted(groups.labels[order], np.arange(1, len(groups.centroids)))
    closeness = groups.centroids @ groups.centroids.T
    np.fill_diagonal(closeness, np.inf)
    return _Lists(labels=groups.labels, members=np.split(order, starts), near=np.argsort(-closeness, axis=1))


def _opened(x: FloatMatrix, lists: _Lists, wanted: int, seed: int, progress: Progress) -> tuple[int, float]:
    """How many lists to look into for enough of the true neighbours, and the recall that this reaches."""
    chosen = np.sort(np.random.default_rng(seed).choice(len(x), size=MEASURED_ROWS, replace=False))
    least = _least_cosines(x, chosen, wanted) - _ROUNDING
    most = len(lists.members)
    opened = min(_FIRST_LISTS, most)
    while True:
        progress(0, len(x), "Preparing the search for neighbours")
        _, cosines = _searched(x, lists, chosen, opened, wanted, no_progress)
        # by cosine, not by number: of more copies than wanted any are as true as the others
        recall = float((cosines >= least[:, None]).mean())
        if recall >= RECALL or opened == most:
            return opened, recall
        opened = min(2 * opened, most)


def _least_cosines(x: FloatMatrix, rows: NDArray[np.int64], count: int) -> FloatVector:
    """The cosine of these rows with their ``count``-th nearest other row, float32 (R,)."""
    best = np.full((len(rows), count), -np.inf, dtype=np.float32)
    for block in blocks(len(x), _BLOCK_SCORES // len(rows)):
        scores = x[rows] @ x[block].T
        scores[rows[:, None] == np.arange(block.start, block.stop)] = -np.inf
        best = np.partition(np.hstack([best, scores]), -count, axis=1)[:, -count:]
    return np.asarray(best.min(axis=1))


def _searched(
    x: FloatMatrix, lists: _Lists, rows: NDArray[np.int64], opened: int, wanted: int, progress: Progress
) -> tuple[NDArray[np.int64], FloatMatrix]:
    """The best neighbours of these rows among the rows of the ``opened`` lists nearest to their own.

    Returns:
        int64 (R, wanted) row numbers, nearest first, and their cosines.
    """
    found = np.empty((len(rows), wanted), dtype=np.int64)
    cosines = np.empty((len(rows), wanted), dtype=np.float32)
    done = 0
    for each in range(len(lists.members)):
        here = np.flatnonzero(lists.labels[rows] == each)
        if not len(here):
            continue
        others = lists.opened(each, opened, wanted)
        candidates = x[others]
        for block in blocks(len(here), max(1, _BLOCK_SCORES // len(others))):
            progress(done, len(rows), "Finding neighbours")
            mine = here[block]
            scores = x[rows[mine]] @ candidates.T
            scores[rows[mine, None] == others] = -np.inf
            found[mine], cosines[mine] = _best(scores, others, wanted)
            done += len(mine)
    return found, cosines


def _best(
    scores: FloatMatrix, others: NDArray[np.int64], wanted: int
) -> tuple[NDArray[np.int64], FloatMatrix]:
    best = np.argpartition(scores, -wanted, axis=1)[:, -wanted:]
    values = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return others[np.take_along_axis(best, order, axis=1)], np.take_along_axis(values, order, axis=1)
