"""K-means that goes on after an edit: from the present groups, quickly, around photos that must not move freely.

The iterations are Lloyd's with Hamerly's bounds: a row is compared with all centroids only when the centroids have
moved so far that its nearest one may have changed. After an edit few rows qualify, so an iteration costs a fraction
of a whole pass, and the groups can be followed until they are stable: an edit without effect then moves no photo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, blocks, l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.geometry import cluster_sums
from kec_core.clustering.kmeans import carry_over, check_n_clusters
from kec_core.types import Clustering

ROUNDING = 1e-5
"""More than float32 products of unit rows are off by; bounds closer than this are checked."""
EQUAL = 1e-5
"""Members whose mean is shorter than 1 by no more than this are one photo up to rounding."""

Settle = Callable[[IntVector, FloatMatrix], IntVector]
"""From the nearest centroid of every row, int32 (N,), and the centroids to the labels that count."""


def continue_kmeans(
    x: FloatMatrix,
    centroids: FloatMatrix,
    *,
    settle: Settle | None = None,
    held: NDArray[np.bool_] | None = None,
    max_iter: int = 100,
    settled_share: float = 0.0,
) -> Clustering:
    """Spherical k-means from given centroids until no label changes, or hardly any.

    Args:
        x: float32 (N, D), unit rows.
        centroids: float32 (K, D), unit rows.
        settle: overrides the nearest centroid for some rows; None for none.
        held: bool (N,), the rows that ``settle`` places; they cannot fill a cluster that ran empty.
        max_iter: iterations at most.
        settled_share: of the rows, that may still change when it ends.

    Returns:
        Labels in 0..K-1 and K centroids; for a cluster that ran empty the one of widest spread is cut in two. It stays
        without photos only when photos are too alike, or too many are held, to fill it.
    """
    state = _nearest_and_bounds(x, centroids)
    labels = state.nearest.copy() if settle is None else settle(state.nearest, centroids)
    sums = cluster_sums(x, labels, len(centroids))
    for _ in range(max_iter):
        _move(x, state, _means(x, labels, sums, held))
        fresh = state.nearest.copy() if settle is None else settle(state.nearest, state.centroids)
        changed = np.flatnonzero(fresh != labels)
        if not len(changed):
            break
        carry_over(sums, x, changed, labels, fresh)
        labels = fresh
        if len(changed) <= settled_share * len(x):
            break
    lengths = np.linalg.norm(sums, axis=1)  # the sum of the cosines of a cluster is the length of its sum
    return Clustering(
        labels=labels,
        centroids=np.where(lengths[:, None] > 0, l2_normalize(sums.astype(np.float32)), state.centroids),
        objective=float(lengths.sum()),
        method="kmeans",
        seed=0,
    )


@dataclass(slots=True, eq=False)
class _Bounded:
    """Where every row stands among the centroids.

    Attributes:
        centroids: float32 (K, D), unit rows.
        nearest: int32 (N,), the centroid of largest cosine.
        own: float32 (N,), at most the cosine to that centroid.
        other: float32 (N,), at least the cosine to every other centroid.
    """

    centroids: FloatMatrix
    nearest: IntVector
    own: FloatVector
    other: FloatVector


def _nearest_and_bounds(x: FloatMatrix, centroids: FloatMatrix) -> _Bounded:
    n = len(x)
    state = _Bounded(
        centroids, np.zeros(n, np.int32), np.zeros(n, np.float32), np.full(n, np.inf, np.float32)
    )
    _check_loose_rows(x, state)
    return state


def _check_loose_rows(x: FloatMatrix, state: _Bounded) -> None:
    """Compare the rows whose bounds leave room for another centroid with all centroids; in place."""
    for rows in _pieces(np.flatnonzero(state.own < state.other + ROUNDING), len(x)):
        scores = x[rows] @ state.centroids.T
        nearest = scores.argmax(axis=1)[:, None]
        state.nearest[rows] = nearest[:, 0]
        state.own[rows] = np.take_along_axis(scores, nearest, axis=1)[:, 0]
        np.put_along_axis(scores, nearest, -np.inf, axis=1)
        state.other[rows] = scores.max(axis=1)


def _pieces(rows: NDArray[np.int64], n_rows: int) -> list[slice | NDArray[np.int64]]:
    """The rows in blocks; slices, which need no copy, when they are all rows."""
    if len(rows) == n_rows:
        return list(blocks(n_rows))
    return [rows[block] for block in blocks(len(rows))]


def _means(
    x: FloatMatrix, labels: IntVector, sums: NDArray[np.float64], held: NDArray[np.bool_] | None
) -> FloatMatrix:
    """Unit means of the labels; an empty cluster goes to a part of the cluster of widest spread."""
    means = l2_normalize(sums.astype(np.float32))
    sizes = np.bincount(labels, minlength=len(means))
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        lost = sizes - np.linalg.norm(sums, axis=1)
        lost[lost <= EQUAL * sizes] = 0.0
        for cluster in empty:
            part = _widest_part(x, labels, lost, held)
            if len(part):
                means[cluster] = l2_normalize(x[part].sum(axis=0, keepdims=True))[0]
    return means


def _widest_part(
    x: FloatMatrix, labels: IntVector, lost: NDArray[np.float64], held: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Rows of a part of the cluster of widest spread that can be cut; ``lost`` is 0 for it afterwards."""
    while lost.max() > 0:
        widest = int(lost.argmax())
        lost[widest] = 0.0
        _, part = _cut(x, np.flatnonzero(labels == widest), held, seed=0)
        if len(part):
            return part
    return np.empty(0, dtype=np.int64)


def _cut(
    x: FloatMatrix, rows: NDArray[np.int64], held: NDArray[np.bool_] | None, *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in two parts by k-means, the larger first; rows that are held are all in it, so the second may be empty."""
    if len(rows) < 2:
        return rows, rows[:0]
    other = spherical_kmeans(x[rows], 2, n_init=2, seed=seed).labels == 1
    stays = np.zeros(len(rows), dtype=np.bool_) if held is None else held[rows]
    if (stays[other].sum(), other.sum()) > (stays[~other].sum(), (~other).sum()):
        other = ~other
    other &= ~stays
    return rows[~other], rows[other]


def _move(x: FloatMatrix, state: _Bounded, centroids: FloatMatrix) -> None:
    """Put the centroids elsewhere; for unit x, |x.c' - x.c| <= |c' - c| keeps the bounds true. In place."""
    shift = np.linalg.norm(centroids - state.centroids, axis=1)
    state.centroids = centroids
    state.own -= shift[state.nearest]
    state.other += shift.max()
    _check_loose_rows(x, state)


def resized_centroids(
    x: FloatMatrix,
    labels: IntVector,
    n_clusters: int,
    *,
    kept: int = 0,
    held: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> FloatMatrix:
    """Centroids of the present groups in a (new) feature space, with groups joined or parted to get ``n_clusters``.

    Too many groups: the two whose union loses the least objective become one, again and again. Too few: the group
    with the largest spread is cut in two.

    Args:
        x: float32 (N, D), unit rows.
        labels: int32 (N,), the present groups, any ids.
        n_clusters: K, 1 to N.
        kept: the groups 0..kept-1 have rows, are never joined with each other and are cut only when no other can be.
        held: bool (N,), rows that do not leave their group when it is cut.
        seed: for cutting groups.

    Returns:
        float32 (K, D), unit rows; the first ``kept`` are those of the groups with these ids.

    Raises:
        InputError: ``n_clusters`` is not between 1 and N.
    """
    check_n_clusters(n_clusters, len(x))
    names, positions = np.unique(labels, return_inverse=True)
    groups = positions.astype(np.int32)
    sums = cluster_sums(x, groups, len(names))
    while len(sums) > max(n_clusters, kept):
        sums = _joined(sums, kept)
    if len(sums) < n_clusters:
        sums = _parted(x, groups, n_clusters, kept, held, seed)
    return l2_normalize(sums.astype(np.float32))


def _joined(sums: NDArray[np.float64], kept: int) -> NDArray[np.float64]:
    """The sums with the cheapest two joined: |S_i| + |S_j| - |S_i + S_j| is what the objective loses."""
    inner = sums @ sums.T
    squares = np.diag(inner)
    lengths = np.sqrt(squares)
    union = np.sqrt(np.maximum(squares[:, None] + squares + 2 * inner, 0))
    loss = lengths[:, None] + lengths - union
    np.fill_diagonal(loss, np.inf)
    loss[:kept, :kept] = np.inf
    first, second = sorted(np.unravel_index(loss.argmin(), loss.shape))
    joined = sums.copy()
    joined[first] += joined[second]
    return np.delete(joined, second, axis=0)


def _parted(
    x: FloatMatrix,
    labels: IntVector,
    n_clusters: int,
    kept: int,
    held: NDArray[np.bool_] | None,
    seed: int,
) -> NDArray[np.float64]:
    """Sums of the groups with the widest ones cut in two; where photos all look the same, single photos are added."""
    groups = [np.flatnonzero(labels == group) for group in np.unique(labels)]
    spread = [_spread(x[rows]) for rows in groups]
    while len(groups) < n_clusters and max(spread) > 0:
        free = spread[kept:]
        widest = kept + int(np.argmax(free)) if free and max(free) > 0 else int(np.argmax(spread))
        stay, leave = _cut(x, groups[widest], held, seed=seed)
        if not len(leave):
            spread[widest] = 0.0
            continue
        groups[widest], spread[widest] = stay, _spread(x[stay])
        groups.append(leave)
        spread.append(_spread(x[leave]))
    sums = [x[rows].sum(axis=0, dtype=np.float64) for rows in groups]
    return np.stack([*sums, *x[: n_clusters - len(groups)]])


def _spread(members: FloatMatrix) -> float:
    """How much the members differ: their number less the length of their sum; 0 when they are equal."""
    lost = 1 - float(np.linalg.norm(members.sum(axis=0, dtype=np.float64))) / len(members)
    return lost * len(members) if lost > EQUAL else 0.0
