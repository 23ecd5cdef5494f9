"""UMAP (McInnes, Healy & Melville 2018) from a graph of neighbours that is known already.

Own code, because umap-learn spends most of a first map on finding neighbours again, on compiling, and on one core where
the same seed must give the same map. Three things differ from it. Every photo moves against the places that the others
had when the epoch began, so any number of cores gives one map. A tie moves only the photo whose turn it is, where
umap-learn moves both ends: a photo is pulled half as often for as many pushes. And b = 1 in the curve
1 / (1 + a d^2b), as in the t-UMAP of uwot, so that no force takes a power. The graph is the one that umap-learn builds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from kec_core.arrays import FloatMatrix, Progress
from kec_core.maps.neighbours import Neighbours

UMAP_NEIGHBOURS = 14
"""Other photos that a photo is tied to: umap-learn's 15 count the photo itself."""
FEW_ROWS = 10_000
EPOCHS, EPOCHS_OF_FEW, EPOCHS_AGAIN = 200, 500, 60
"""For many rows, for up to ``FEW_ROWS``, and for a map that goes on from an old one."""
RATE, RATE_AGAIN = 1.0, 0.1
SPREAD = 10.0
"""Side of the square that a first map starts from."""
_A: Final = np.float32(1.558)
"""Fits 1 / (1 + a d^2) to umap-learn's wish of min_dist 0.1 and spread 1."""
_LIMIT: Final = np.float32(4.0)
_NEAR: Final = np.float32(0.001)
_NEGATIVES: Final = 5
_BISECTIONS = 64
_SMALLEST_WIDTH = 1e-3
_WORD: Final = 0xFFFFFFFF


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
    graph = fuzzy_graph(neighbours)
    shares = graph.data / graph.data.max()
    old = np.array(first if again else _spread(first), dtype=np.float32, order="C")  # never the caller's
    new = np.empty_like(old)
    epochs, rate = (EPOCHS_AGAIN, RATE_AGAIN) if again else (_epochs(len(first)), RATE)
    for epoch in range(epochs):
        progress(epoch, epochs, "Placing the photos")
        step = np.float32(rate * (1 - epoch / epochs))
        _move(old, new, graph.indptr, graph.indices, shares, epoch, step, seed)
        old, new = new, old
    return old


def fuzzy_graph(neighbours: Neighbours) -> csr_matrix:
    """How surely two photos belong together, symmetric float32 (N, N) in (0, 1]; the fuzzy set union of their views."""
    rows = neighbours.rows[:, :UMAP_NEIGHBOURS]
    distances = neighbours.distances[:, : rows.shape[1]].astype(np.float64)
    nearest = _smallest_positive(distances)
    beyond = np.maximum(distances - nearest[:, None], 0.0)
    widths = _widths(beyond, np.log2(rows.shape[1] + 1))
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


def _widths(beyond: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """The sigma of every row, so that the row's exp(-beyond / sigma) add up to ``wanted``; found by bisection."""
    low, high = np.zeros(len(beyond)), np.full(len(beyond), np.inf)
    width = np.ones(len(beyond))
    for _ in range(_BISECTIONS):
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


Epoch = TypeVar("Epoch", bound=Callable[..., None])


def _compiled(epoch: Epoch) -> Epoch:
    """As machine code for all cores; kept on disk for the next process where any folder may be written to."""
    compiled = partial(numba.njit, parallel=True, fastmath=True, error_model="numpy")
    try:
        return cast(Epoch, compiled(cache=True)(epoch))
    except RuntimeError:  # installed by another user, and no home: every process compiles for itself
        return cast(Epoch, compiled()(epoch))


@numba.njit(inline="always", fastmath=True)
def _limited(force: np.float32) -> np.float32:
    return min(_LIMIT, max(-_LIMIT, force))


@_compiled
def _move(
    old: FloatMatrix,
    new: FloatMatrix,
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    shares: NDArray[np.float32],
    epoch: int,
    step: np.float32,
    seed: int,
) -> None:
    """One epoch: every photo is pulled to those it is tied to and pushed from ``_NEGATIVES`` random ones for each.

    A tie of share s pulls in a share s of the epochs, evenly spread over them.
    """
    size = old.shape[0]
    for i in numba.prange(size):
        random = ((i + 1) * 2654435761 + (epoch + 1) * 40503 + (seed + 1) * 69069) & _WORD
        random = ((random ^ (random >> 16)) * 0x45D9F3B) & _WORD
        random = (random ^ (random >> 16)) | 1
        x, y = old[i, 0], old[i, 1]
        for edge in range(starts[i], starts[i + 1]):
            share = shares[edge]
            if math.floor((epoch + 1) * share) == math.floor(epoch * share):
                continue
            j = ends[edge]
            dx, dy = x - old[j, 0], y - old[j, 1]
            force = -2 * _A / (1 + _A * (dx * dx + dy * dy))
            towards_x, towards_y = _limited(force * dx), _limited(force * dy)
            for _ in range(_NEGATIVES):
                random = (random ^ (random << 13)) & _WORD  # xorshift32 (Marsaglia 2003)
                random = random ^ (random >> 17)
                random = (random ^ (random << 5)) & _WORD
                k = (random * size) >> 32
                if k == i:
                    continue  # a photo is not pushed from where it was
                dx, dy = x - old[k, 0], y - old[k, 1]
                gap = dx * dx + dy * dy
                force = 2 / ((_NEAR + gap) * (1 + _A * gap))
                towards_x += _limited(force * dx)
                towards_y += _limited(force * dy)
            x += step * towards_x
            y += step * towards_y
        new[i, 0], new[i, 1] = x, y
