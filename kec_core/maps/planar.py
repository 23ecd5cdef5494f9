"""Points in the plane: what is sent to a map, which of them are drawn, and which lie inside a line drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector

FULL = 65535
"""Places on a map are whole numbers from 0 to this one."""
FLOOR = 50
"""Of every group at least so many photos are drawn, as far as it has them."""

Places = NDArray[np.uint16]
"""uint16 (N, 2)."""


def quantised(layout: FloatMatrix) -> Places:
    """A layout as whole numbers: both axes on one scale, the longer one from 0 to ``FULL``, the other one centred.

    Args:
        layout: float32 (N, 2), finite.
    """
    low, high = layout.min(axis=0), layout.max(axis=0)
    size = float((high - low).max()) or 1.0
    centred = (layout - (low + high) / 2) / size + 0.5
    places: Places = np.clip(np.rint(centred * FULL), 0, FULL).astype(np.uint16)
    return places


def drawn_rows(groups: IntVector, most: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """Which photos are drawn when there are too many: some of every group, the rest by chance.

    A photo's chance does not depend on the groups, so after an edit nearly the same photos are drawn.

    Args:
        groups: int32 (N,), ids 0..G-1.
        most: how many are drawn.
        seed: of the chance.

    Returns:
        bool (N,).
    """
    if len(groups) <= most:
        return np.ones(len(groups), dtype=bool)
    turn = np.random.default_rng(seed).permutation(len(groups))
    order = np.lexsort((turn, groups))
    sizes = np.bincount(groups)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place_in_group = np.empty(len(groups), dtype=np.int64)
    place_in_group[order] = np.arange(len(groups)) - starts
    floor = max(1, min(FLOOR, most // (2 * len(sizes))))
    first = np.lexsort((turn, place_in_group >= floor))
    drawn = np.zeros(len(groups), dtype=bool)
    drawn[first[:most]] = True
    return drawn


def inside(places: NDArray[np.generic], polygon: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Which points lie inside a closed line, by the even-odd rule; its left and lower edges count as inside.

    Args:
        places: (N, 2).
        polygon: corners (x, y) in order; the last is joined to the first. Fewer than three hold nothing.

    Returns:
        bool (N,).
    """
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    held = np.zeros(len(places), dtype=bool)
    if len(corners) < 3:
        return held
    points = np.asarray(places, dtype=np.float64)
    near = ((points >= corners.min(axis=0)) & (points <= corners.max(axis=0))).all(axis=1)
    near_rows = np.flatnonzero(near)
    order = near_rows[np.argsort(points[near_rows, 1], kind="stable")]
    xs, ys = points[order].T
    odd = np.zeros(len(order), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        beside = slice(*np.searchsorted(ys, sorted((y0, y1))))  # points whose level the edge crosses
        # whole numbers are compared without a division, so exactly
        far = (xs[beside] - x0) * (y1 - y0) - (ys[beside] - y0) * (x1 - x0)
        odd[beside] ^= far < 0 if y1 > y0 else far > 0
    held[order] = odd
    return held


def anchors(places: Places, codes: NDArray[np.integer], n_groups: int) -> list[tuple[int, int, int]]:
    """Where the name of every group is written: at its photo nearest to its middle; the largest group first.

    Returns:
        (group, x, y) for every group that has a photo.
    """
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=n_groups)
    found = []
    for group, rows in enumerate(np.split(order, np.cumsum(sizes)[:-1])):
        if len(rows):
            members = places[rows].astype(np.int64)
            middle = np.median(members, axis=0)
            x, y = members[np.abs(members - middle).sum(axis=1).argmin()]
            found.append((group, int(x), int(y)))
    return sorted(found, key=lambda anchor: -sizes[anchor[0]])
