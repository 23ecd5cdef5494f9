"""The nearest-neighbour graph that both layouts share: exact for small collections, approximate and measured for large.

The approximate search is faiss's inverted lists, which look into as many lists as the wanted recall takes.

Neighbours are those of the full vectors. Fifty principal components are quicker to search but lose too many of them
where a collection has no few strong directions [M], and a map that joins the wrong photos misleads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, blocks, no_progress, sampled_rows
from kec_core.clustering.geometry import nearest_neighbours, search_others

if TYPE_CHECKING:
    import faiss

EXACT_ROWS = 10_000
"""Up to so many rows every pair is compared."""
RECALL = 0.96
"""Share of the true neighbours that an approximate graph must have on the measured rows; a margin above 0.95."""
MEASURED_ROWS = 256
"""Rows whose true neighbours are computed to measure the recall."""
_FIRST_LISTS = 4
_ROUNDING = np.float32(1e-6)
"""What two inner products of the same rows may differ in."""
_TRAINING_ROWS, _TRAINING_ITERATIONS = 64, 8
"""Rows per list and rounds of k-means that find the lists."""


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
    index = _inverted_lists(x, seed)
    probes, recall = _probes(index, x, wanted, seed, progress)
    rows, cosines = search_others(
        index, x, np.arange(len(x)), wanted, parameters=_looking_into(probes), progress=progress
    )
    short = np.flatnonzero((rows < 0).any(axis=1))  # the lists looked into hold too few rows
    rows[short], cosines[short] = search_others(
        index, x, short, wanted, parameters=_looking_into(index.nlist)
    )
    return _neighbours(rows, cosines, recall)


def _neighbours(rows: NDArray[np.int64], cosines: FloatMatrix, recall: float) -> Neighbours:
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0)).astype(np.float32)
    return Neighbours(rows=rows.astype(np.int32), distances=distances, recall=recall)


def _inverted_lists(x: FloatMatrix, seed: int) -> faiss.IndexIVFFlat:
    """The rows in lists of similar ones, about as many lists as rows in each."""
    import faiss

    lists = int(1.5 * np.sqrt(len(x)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(x.shape[1]), x.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.seed = (
        _TRAINING_ITERATIONS,
        _TRAINING_ROWS,
        seed + 1,
    )
    index.train(np.ascontiguousarray(x))
    for block in blocks(len(x)):
        index.add(np.ascontiguousarray(x[block]))
    return index


def _looking_into(lists: int) -> faiss.SearchParametersIVF:
    import faiss

    parameters = faiss.SearchParametersIVF()
    parameters.nprobe = lists
    return parameters


def _probes(
    index: faiss.IndexIVFFlat, x: FloatMatrix, wanted: int, seed: int, progress: Progress
) -> tuple[int, float]:
    """How many lists to look into for enough of the true neighbours, and the recall that this reaches."""
    chosen = sampled_rows(len(x), MEASURED_ROWS, seed)
    _, true = search_others(index, x, chosen, wanted, parameters=_looking_into(index.nlist))
    probes = min(_FIRST_LISTS, index.nlist)
    while True:
        progress(0, len(x), "Preparing the search for neighbours")
        _, cosines = search_others(index, x, chosen, wanted, parameters=_looking_into(probes))
        # by cosine, not by number: of more copies than wanted any are as true as the others
        recall = float((cosines >= true[:, -1:] - _ROUNDING).mean())
        if recall >= RECALL or probes == index.nlist:
            return probes, recall
        probes = min(2 * probes, index.nlist)
