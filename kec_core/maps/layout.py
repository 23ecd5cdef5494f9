"""Maps of a collection: every photo a point in the plane, photos with near features near each other.

UMAP and t-SNE from one shared graph of neighbours, started from the principal components, or from an older map so that
people keep their bearings.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.errors import InputError
from kec_core.maps.neighbours import Neighbours
from kec_core.maps.tsne import TSNE_NEIGHBOURS, tsne_layout
from kec_core.maps.umap import UMAP_NEIGHBOURS, umap_layout

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
