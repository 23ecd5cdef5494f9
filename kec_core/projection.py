"""Maps of a collection: every photo a point in the plane, photos with near features near each other.

UMAP (McInnes et al. 2018) and t-SNE (van der Maaten & Hinton 2008, FFT-accelerated: Linderman et al. 2019) from one
shared graph of neighbours, started from the principal components, or from an older map so that people keep their
bearings (ux.md 5.2).
"""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, l2_normalize, no_progress
from kec_core.clustering import fuse
from kec_core.errors import InputError
from kec_core.neighbours import Neighbours

Space = Literal["visual", "knowledge", "combined"]
"""x, what a photo looks like; kappa, what the knowledge says about it; both, as they are clustered."""
LayoutMethod = Literal["umap", "tsne"]

NEIGHBOURS = 60
"""Neighbours per photo in the shared graph."""
UMAP_NEIGHBOURS = 15
PERPLEXITY = NEIGHBOURS // 3
"""Of t-SNE: about how many neighbours count; a third of those in the graph, as usual."""
FEWEST = 8
"""Fewer photos are laid out by their principal components alone."""
_UMAP_EPOCHS, _UMAP_WARM_EPOCHS = 200, 60
_UMAP_RATE, _UMAP_WARM_RATE = 1.0, 0.1
_UMAP_CURVE = {"a": 1.577, "b": 0.8951}
"""What umap-learn fits for min_dist 0.1 and spread 1."""
_TSNE_EARLY, _TSNE_LATE, _TSNE_WARM = 250, 500, 100
_TSNE_REPORT = 5
_FFT_ROWS = 2000
"""From here on the repulsion of all pairs is quicker to interpolate than to gather in a tree [M]."""


def space_features(space: Space, x: FloatMatrix, kappa: FloatMatrix, weight: float) -> FloatMatrix:
    """The features that a map of this space is made from, unit rows.

    Args:
        space: which.
        x: float32 (N, d), unit rows, visual features.
        kappa: float32 (N, d), knowledge features.
        weight: of the knowledge in the combined space.
    """
    if space == "visual":
        return x
    return l2_normalize(kappa) if space == "knowledge" else fuse(x, kappa, weight)


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
    if start is not None and np.isfinite(start).any():
        first = _filled(start, neighbours)
        return aligned(_placed(x, method, neighbours, first, True, seed, progress), first)
    first = _jittered(principal_plane(x), seed)
    return _placed(x, method, neighbours, first, False, seed, progress)


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


def _placed(
    x: FloatMatrix,
    method: LayoutMethod,
    neighbours: Neighbours,
    first: FloatMatrix,
    warm: bool,
    seed: int,
    progress: Progress,
) -> FloatMatrix:
    if method == "umap":
        return _umap(x, neighbours, first, warm, seed, progress)
    return _tsne(neighbours, first, warm, seed, progress)


def _umap(
    x: FloatMatrix, neighbours: Neighbours, first: FloatMatrix, warm: bool, seed: int, progress: Progress
) -> FloatMatrix:
    progress(0, 1, "Loading UMAP")
    from umap.umap_ import fuzzy_simplicial_set, simplicial_set_embedding

    count = min(UMAP_NEIGHBOURS - 1, neighbours.rows.shape[1])
    itself = np.arange(len(x), dtype=np.int32)[:, None]
    rows = np.hstack([itself, neighbours.rows[:, :count]])
    distances = np.hstack([np.zeros((len(x), 1), np.float32), neighbours.distances[:, :count]])
    random = np.random.RandomState(seed)
    graph, _, _ = fuzzy_simplicial_set(
        x, count + 1, random, "euclidean", knn_indices=rows, knn_dists=distances
    )
    places, _ = simplicial_set_embedding(
        x,
        graph,
        n_components=2,
        initial_alpha=_UMAP_WARM_RATE if warm else _UMAP_RATE,
        **_UMAP_CURVE,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=_UMAP_WARM_EPOCHS if warm else _UMAP_EPOCHS,
        init=first,
        random_state=random,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        parallel=False,  # races between threads would give another map every time
        tqdm_kwds={
            "file": _Ticks(progress),
            "disable": False,
            "mininterval": 0.2,
            "bar_format": "{n} {total} ",
        },
    )
    return np.asarray(places, dtype=np.float32)


class _Ticks:
    """The "file" that umap-learn's progress bar writes to: the one way it tells how far it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> None:
        """Take one state of the bar."""
        numbers = [int(word) for word in text.split() if word.isdecimal()]
        if len(numbers) == 2:
            self._progress(numbers[0], numbers[1], "Placing the photos")

    def flush(self) -> None:
        """Nothing waits to be written."""


def _tsne(
    neighbours: Neighbours, first: FloatMatrix, warm: bool, seed: int, progress: Progress
) -> FloatMatrix:
    progress(0, 1, "Loading t-SNE")
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    many = len(first) > _FFT_ROWS
    jobs = (os.cpu_count() or 1) if many else 1  # threads of a small step would mostly wait for each other
    graph = PrecomputedNeighbors(neighbours.rows.astype(np.int64), neighbours.distances.astype(np.float64))
    perplexity = min(PERPLEXITY, max(1.0, (neighbours.rows.shape[1] - 1) / 3))
    affinities = PerplexityBasedNN(knn_index=graph, perplexity=perplexity, n_jobs=jobs)
    early, late = (0, _TSNE_WARM) if warm else (_TSNE_EARLY, _TSNE_LATE)
    begin = np.asarray(first, np.float64) if warm else initialization.rescale(np.array(first, np.float64))
    places = TSNE(
        early_exaggeration_iter=early,
        n_iter=late,
        n_jobs=jobs,
        random_state=seed,
        negative_gradient_method="fft" if many else "bh",
        callbacks=_Steps(progress, early, late),
        callbacks_every_iters=_TSNE_REPORT,
    ).fit(affinities=affinities, initialization=begin)
    return np.asarray(places, dtype=np.float32)


class _Steps:
    """openTSNE's callback; the iterations of its two phases counted as one."""

    def __init__(self, progress: Progress, early: int, late: int) -> None:
        self._progress, self._early, self._total = progress, early, early + late
        self._done = 0

    def __call__(self, iteration: int, error: float, embedding: Any) -> bool:  # noqa: ANN401
        """Goes on unless the progress raises Cancelled."""
        del iteration, error, embedding
        self._done += _TSNE_REPORT
        self._progress(min(self._done, self._total), self._total, "Placing the photos")
        return False
