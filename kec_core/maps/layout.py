"""Maps of a collection: every photo a point in the plane, photos with near features near each other.

UMAP and t-SNE from one shared graph of neighbours, started from the principal components, or from an older map so that
people keep their bearings.
"""

from __future__ import annotations

import io
import os
import warnings
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.errors import InputError
from kec_core.maps.neighbours import Neighbours

UMAP_NEIGHBOURS = 14
"""Other photos that a photo is tied to: umap-learn's 15 count the photo itself."""
_SQUARE = 10.0
"""Side of the square that umap-learn stretches a start to."""
EPOCHS_AGAIN, RATE_AGAIN = 60, 0.1
"""Of a map that goes on from an old one; a first map has umap-learn's own."""


def umap_layout(
    neighbours: Neighbours, first: FloatMatrix, *, again: bool, seed: int, progress: Progress
) -> FloatMatrix:
    """Move photos to where their neighbours are.

    One core: umap-learn promises the same map for the same seed only so.

    Args:
        neighbours: of N rows; the nearest ``UMAP_NEIGHBOURS`` are used.
        first: float32 (N, 2), places to start from, not all on one line along an axis.
        again: ``first`` is an older map, to be kept as far as it still fits.
        seed: of umap-learn.
        progress: told about epochs; may raise Cancelled.

    Returns:
        float32 (N, 2).
    """
    progress(0, 1, "Loading UMAP")
    from umap import UMAP

    _keep_compiled()
    count = min(UMAP_NEIGHBOURS, len(first) - 2)
    itself = np.arange(len(first), dtype=np.int32)[:, None]
    rows = np.hstack([itself, neighbours.rows[:, :count]])
    distances = np.hstack([np.zeros((len(first), 1), np.float32), neighbours.distances[:, :count]])
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"precomputed_knn\[2\]"
        )  # a search index: nothing is looked up
        places = UMAP(
            n_neighbors=count + 1,
            n_epochs=EPOCHS_AGAIN if again else None,
            learning_rate=RATE_AGAIN if again else 1.0,
            init=first,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(rows, distances),
            tqdm_kwds={
                "disable": False,
                "file": _Epochs(progress),
                "mininterval": 0,
                "bar_format": "{n} {total}",
            },
        ).fit_transform(first)  # with the graph given, only the number of rows counts
    if again:  # umap-learn stretches the start to a square
        low, span = first.min(axis=0), np.ptp(first, axis=0)
        places = low + places * span / _SQUARE
    return np.asarray(places, dtype=np.float32)


def _keep_compiled() -> None:
    """Let numba keep umap-learn's machine code on disk: compiling takes longer than a map of 10,000 photos       [M]."""
    from numba.core.dispatcher import Dispatcher
    from umap import layouts, umap_

    for function in [*vars(layouts).values(), *vars(umap_).values()]:
        if isinstance(function, Dispatcher):
            with suppress(RuntimeError):  # no folder may be written to: every process compiles for itself
                function.enable_caching()


class _Epochs(io.StringIO):
    """Receives the progress bar of umap-learn, written as "DONE TOTAL" after every epoch."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def write(self, text: str) -> int:
        """Passes the numbers on; raises what the progress raises, which ends the layout."""
        numbers = text.split()
        if len(numbers) == 2:
            self._progress(int(numbers[0]), int(numbers[1]), "Placing the photos")
        return len(text)


TSNE_NEIGHBOURS = 60
PERPLEXITY = TSNE_NEIGHBOURS // 3
"""About how many neighbours count; a third of those in the graph, as usual."""
EARLY, LATE, AGAIN = 250, 500, 100
"""Iterations: exaggerated, plain, and of a map that goes on from an old one."""
_REPORT = 5
_FFT_ROWS = 2000
"""From here on the repulsion of all pairs is quicker to interpolate than to gather in a tree [M]."""


def tsne_layout(
    neighbours: Neighbours, first: FloatMatrix, *, again: bool, seed: int, progress: Progress
) -> FloatMatrix:
    """Place photos so that those near each other in the graph are near each other in the plane.

    Args:
        neighbours: of N rows.
        first: float32 (N, 2), places to start from.
        again: ``first`` is an older map, to be kept as far as it still fits.
        seed: of openTSNE.
        progress: told about iterations; may raise Cancelled.

    Returns:
        float32 (N, 2).
    """
    progress(0, 1, "Loading t-SNE")
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    many = len(first) > _FFT_ROWS
    jobs = (os.cpu_count() or 1) if many else 1  # threads of a small step would mostly wait for each other
    graph = PrecomputedNeighbors(neighbours.rows.astype(np.int64), neighbours.distances.astype(np.float64))
    perplexity = min(PERPLEXITY, max(1.0, (neighbours.rows.shape[1] - 1) / 3))
    affinities = PerplexityBasedNN(knn_index=graph, perplexity=perplexity, n_jobs=jobs)
    early, late = (0, AGAIN) if again else (EARLY, LATE)
    begin = np.asarray(first, np.float64) if again else initialization.rescale(np.array(first, np.float64))
    places = TSNE(
        early_exaggeration_iter=early,
        n_iter=late,
        n_jobs=jobs,
        random_state=seed,
        negative_gradient_method="fft" if many else "bh",
        callbacks=_Steps(progress, early, late),
        callbacks_every_iters=_REPORT,
    ).fit(affinities=affinities, initialization=begin)
    return np.asarray(places, dtype=np.float32)


class _Steps:
    """openTSNE's callback; the iterations of its two phases counted as one."""

    def __init__(self, progress: Progress, early: int, late: int) -> None:
        self._progress, self._total = progress, early + late
        self._done = 0

    def __call__(self, iteration: int, error: float, embedding: Any) -> bool:  # noqa: ANN401
        """Goes on unless the progress raises Cancelled."""
        del iteration, error, embedding
        self._done += _REPORT
        self._progress(min(self._done, self._total), self._total, "Placing the photos")
        return False


Space = Literal["visual", "knowledge", "combined"]
"""x, what a photo looks like; kappa, what the knowledge says about it; both, as they are clustered."""
LayoutMethod = Literal["umap", "tsne"]

NEIGHBOURS = max(UMAP_NEIGHBOURS, TSNE_NEIGHBOURS)
"""Neighbours per photo in the shared graph."""
FEWEST = 8
"""Fewer photos are laid out by their principal components alone."""


def lay_out(
    x: FloatMatrix,
    method: LayoutMethod,
    neighbours: Neighbours | None,
    *,
    start: FloatMatrix | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> FloatMatrix:
    """Give every row a place in the plane.

    Args:
        x: float32 (N, D), unit rows.
        method: "umap" or "tsne".
        neighbours: of the rows of ``x``; None only for fewer than ``FEWEST`` rows.
        start: float32 (N, 2), an older map to go on from; rows of NaN are new and start beside their neighbours.
        seed: same seed, same map.
        progress: told about the steps; may raise Cancelled.

    Returns:
        float32 (N, 2); with ``start``, turned and moved so that it lies on it as well as it can.

    Raises:
        InputError: an unknown method, or ``start`` does not fit.
    """
    if method not in ("umap", "tsne"):
        raise InputError(
            f"A map is made by 'umap' or 'tsne', but {method!r} was asked for; choose one of them."
        )
    if start is not None and start.shape != (len(x), 2):
        raise InputError(
            f"A map to start from should have shape ({len(x)}, 2), but has {start.shape}; start without it."
        )
    progress(0, 1, "Finding the main directions")
    if neighbours is None:
        return principal_plane(x)
    place = umap_layout if method == "umap" else tsne_layout
    if start is not None and np.isfinite(start).any():
        first = _jittered(_filled(start, neighbours), seed)
        return aligned(place(neighbours, first, again=True, seed=seed, progress=progress), first)
    first = _jittered(principal_plane(x), seed)
    return place(neighbours, first, again=False, seed=seed, progress=progress)


def principal_plane(x: FloatMatrix) -> FloatMatrix:
    """Coordinates along the two directions in which the rows differ most, float32 (N, 2); the widest has spread 1."""
    from sklearn.decomposition import PCA

    count = min(2, *x.shape)
    plane = np.zeros((len(x), 2), dtype=np.float32)
    if len(x) > 1:
        plane[:, :count] = PCA(count, svd_solver="covariance_eigh").fit_transform(x)
        # a direction has no sign: the same one every time, whatever the linear algebra library does
        plane *= np.where(plane[np.abs(plane).argmax(axis=0), [0, 1]] < 0, -1, 1)
    spread = float(plane.std(axis=0).max())
    return np.asarray(plane / (spread or 1.0), dtype=np.float32)


def aligned(layout: FloatMatrix, reference: FloatMatrix) -> FloatMatrix:
    """A map turned, mirrored, scaled and moved to lie on another one as well as it can (Procrustes); float32 (N, 2)."""
    centre, goal = layout.mean(axis=0), reference.mean(axis=0)
    moved, wanted = layout - centre, reference - goal
    left, sizes, right = np.linalg.svd(moved.T @ wanted)
    scale = sizes.sum() / max(float((moved**2).sum()), 1e-12)
    return np.asarray(scale * moved @ (left @ right) + goal, dtype=np.float32)


def _jittered(plane: FloatMatrix, seed: int) -> FloatMatrix:
    """No two photos at the very same place: forces between them would have no direction."""
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=plane.shape)
    return np.asarray(plane + noise, dtype=np.float32)


def _filled(start: FloatMatrix, neighbours: Neighbours) -> FloatMatrix:
    """A start with places for new rows: the middle of the neighbours that have one, else of all."""
    filled = np.array(start, dtype=np.float32)
    missing = np.flatnonzero(~np.isfinite(start).all(axis=1))
    middle = np.nanmean(start, axis=0)
    for row in missing:
        known = start[neighbours.rows[row]]
        known = known[np.isfinite(known).all(axis=1)]
        filled[row] = known[:UMAP_NEIGHBOURS].mean(axis=0) if len(known) else middle
    return filled
