"""UMAP (McInnes, Healy & Melville 2018) from a graph of neighbours that is known already.

Own code, because umap-learn spends most of a first map on finding neighbours again, on compiling, and on one core where
the same seed must give the same map. Three things differ from it. Every photo moves against the places that the others
had when the epoch began, so any number of cores gives one map. A tie moves only the photo whose turn it is, where
umap-learn moves both ends: a photo is pulled half as often for as many pushes. And b = 1 in the curve
1 / (1 + a d^2b), as in the t-UMAP of uwot, so that no force takes a power. The graph is the one that umap-learn builds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.maps.neighbours import Neighbours

UMAP_NEIGHBOURS = 14
"""Other photos that a photo is tied to: umap-learn's 15 count the photo itself."""
FEW_ROWS = 10_000
EPOCHS, EPOCHS_OF_FEW, EPOCHS_AGAIN = 200, 500, 60
"""For many rows, for up to ``FEW_ROWS``, and for a map that goes on from an old one."""
RATE, RATE_AGAIN = 1.0, 0.1
SPREAD = 10.0
"""Side of the square that a first map starts from."""
_BISECTIONS = 64
_SMALLEST_WIDTH = 1e-3


def umap_layout(
    neighbours: Neighbours, first: FloatMatrix, *, again: bool, seed: int, progress: Progress
) -> FloatMatrix:
    """Move photos to where their neighbours are.

    Args:
        neighbours: of N rows; the nearest ``UMAP_NEIGHBOURS`` are used.
        first: float32 (N, 2), places to start from.
        again: ``first`` is an older map, to be kept as far as it still fits.
        seed: chooses the photos that push each other away.
        progress: told about epochs; may raise Cancelled.

    Returns:
        float32 (N, 2).
    """
    progress(0, 1, "Loading UMAP")
    from kec_core.maps.umap_epoch import move

    graph = fuzzy_graph(neighbours, progress)
    shares = graph.data / graph.data.max()
    old = np.array(first if again else _spread(first), dtype=np.float32, order="C")  # never the caller's
    new = np.empty_like(old)
    epochs, rate = (EPOCHS_AGAIN, RATE_AGAIN) if again else (_epochs(len(first)), RATE)
    for epoch in range(epochs):
        progress(epoch, epochs, "Placing the photos")
        step = np.float32(rate * (1 - epoch / epochs))
        move(old, new, graph.indptr, graph.indices, shares, epoch, step, seed)
        old, new = new, old
    return old


def fuzzy_graph(neighbours: Neighbours, progress: Progress = no_progress) -> csr_matrix:
    """How surely two photos belong together, symmetric float32 (N, N) in (0, 1]; the fuzzy set union of their views."""
    rows = neighbours.rows[:, :UMAP_NEIGHBOURS]
    distances = neighbours.distances[:, : rows.shape[1]].astype(np.float64)
    nearest = _smallest_positive(distances)
    beyond = np.maximum(distances - nearest[:, None], 0.0)
    widths = _widths(beyond, np.log2(rows.shape[1] + 1), progress)
    means = distances.sum(axis=1) / (rows.shape[1] + 1)  # the photo itself counts, at distance 0
    widths = np.maximum(widths, _SMALLEST_WIDTH * np.where(nearest > 0, means, means.mean()))
    sure = np.exp(-beyond / np.maximum(widths, np.finfo(np.float64).tiny)[:, None])
    starts = np.arange(0, rows.size + 1, rows.shape[1])
    views = csr_matrix((sure.ravel(), rows.ravel(), starts), shape=(len(rows), len(rows)))
    union = (views + views.T - views.multiply(views.T)).tocsr().astype(np.float32)
    union.sort_indices()
    return union


def _smallest_positive(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of every row; 0 where all are 0."""
    smallest = np.where(distances > 0, distances, np.inf).min(axis=1)
    return np.where(np.isfinite(smallest), smallest, 0.0)


def _widths(beyond: NDArray[np.float64], wanted: float, progress: Progress) -> NDArray[np.float64]:
    """The sigma of every row, so that the row's exp(-beyond / sigma) add up to ``wanted``; found by bisection."""
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    width = np.ones(len(beyond))
    for step in range(_BISECTIONS):
        progress(step, _BISECTIONS, "Weighing the neighbours")
        more = np.exp(-beyond / width[:, None]).sum(axis=1) > wanted
        high = np.where(more, width, high)
        low = np.where(more, low, width)
        width = np.where(np.isinf(high), 2 * width, (low + high) / 2)
    return width


def _spread(first: FloatMatrix) -> FloatMatrix:
    low, high = first.min(axis=0), first.max(axis=0)
    return np.asarray(SPREAD * (first - low) / np.maximum(high - low, 1e-12), dtype=np.float32)


def _epochs(n_rows: int) -> int:
    return EPOCHS_OF_FEW if n_rows <= FEW_ROWS else EPOCHS
