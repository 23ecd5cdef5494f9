"""The nearest-neighbour graph that both layouts share: exact for small collections, approximate and measured for large.

Neighbours are those of the full vectors. Fifty principal components are quicker to search but lose too many of them
where a collection has no few strong directions [M], and a map that joins the wrong photos misleads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import BLOCK_ROWS, FloatMatrix, IntVector, Progress, blocks, no_progress
from kec_core.geometry import nearest_neighbours

EXACT_ROWS = 10_000
"""Up to so many rows every pair is compared."""
RECALL = 0.96
"""Share of the true neighbours that an approximate graph must have on the measured rows; a margin above 0.95."""
MEASURED_ROWS = 256
"""Rows whose true neighbours are computed to measure the recall."""
_FIRST_PROBES = 8
_TRAINING_ROWS_PER_LIST = 64
_TRAINING_ITERATIONS = 8


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
    index = _trained_index(x)
    recall = _widen(index, x, wanted, seed, progress)
    rows, cosines = _searched(index, x, wanted, progress)
    return _neighbours(rows, cosines, recall)


def _neighbours(rows: NDArray[np.int64], cosines: FloatMatrix, recall: float) -> Neighbours:
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0)).astype(np.float32)
    return Neighbours(rows=rows.astype(np.int32), distances=distances, recall=recall)


def _trained_index(x: FloatMatrix) -> Any:  # noqa: ANN401 - faiss has no types
    """An inverted file: rows lie in lists around centres, and a search looks into the nearest lists only."""
    import faiss

    lists = int(2 * np.sqrt(len(x)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(x.shape[1]), x.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.own_fields = False
    index.cp.niter = _TRAINING_ITERATIONS
    index.cp.max_points_per_centroid = _TRAINING_ROWS_PER_LIST
    index.train(np.ascontiguousarray(x))
    for block in blocks(len(x)):
        index.add(np.ascontiguousarray(x[block]))
    return index


def _widen(index: Any, x: FloatMatrix, wanted: int, seed: int, progress: Progress) -> float:  # noqa: ANN401
    """Look into twice as many lists until enough true neighbours are found; returns the recall reached."""
    chosen = np.random.default_rng(seed).choice(len(x), size=MEASURED_ROWS, replace=False)
    measured = np.sort(chosen).astype(np.int32)
    truth = _true_neighbours(x, measured, wanted)
    index.nprobe = _FIRST_PROBES
    while True:
        progress(0, len(x), "Preparing the search for neighbours")
        scores, found = index.search(x[measured], wanted + 1)
        recall = _recall(_without_self(scores, found, measured)[0], truth)
        if recall >= RECALL or index.nprobe >= index.nlist:
            return recall
        index.nprobe = min(2 * index.nprobe, index.nlist)


def _true_neighbours(x: FloatMatrix, rows: IntVector, count: int) -> NDArray[np.int64]:
    cosines = np.concatenate([x[rows] @ x[block].T for block in blocks(len(x))], axis=1)
    cosines[np.arange(len(rows)), rows] = -np.inf
    return np.argpartition(-cosines, count - 1, axis=1)[:, :count]


def _recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    hits = sum(len(np.intersect1d(mine, true)) for mine, true in zip(found, truth, strict=True))
    return hits / truth.size


def _searched(
    index: Any,  # noqa: ANN401
    x: FloatMatrix,
    wanted: int,
    progress: Progress,
) -> tuple[NDArray[np.int64], FloatMatrix]:
    rows = np.empty((len(x), wanted), dtype=np.int64)
    cosines = np.empty((len(x), wanted), dtype=np.float32)
    for block in blocks(len(x), BLOCK_ROWS // 8):
        progress(block.start, len(x), "Finding neighbours")
        here = np.arange(block.start, block.stop, dtype=np.int32)
        scores, found = _complete(index, x[block], wanted + 1)
        rows[block], cosines[block] = _without_self(scores, found, here)
    return rows, cosines


def _complete(index: Any, queries: FloatMatrix, wanted: int) -> tuple[FloatMatrix, NDArray[np.int64]]:  # noqa: ANN401
    """Search; a row whose lists hold too few others looks into all of them."""
    queries = np.ascontiguousarray(queries)
    scores, found = index.search(queries, wanted)
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        usual, index.nprobe = index.nprobe, index.nlist
        scores[short], found[short] = index.search(queries[short], wanted)
        index.nprobe = usual
    return scores, found


def _without_self(
    scores: FloatMatrix, found: NDArray[np.int64], rows: IntVector
) -> tuple[NDArray[np.int64], FloatMatrix]:
    """One neighbour fewer per row: the row itself where it was found (among duplicates it need not come first)."""
    order = np.argsort(found == rows[:, None], axis=1, kind="stable")[:, :-1]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(scores, order, axis=1)
