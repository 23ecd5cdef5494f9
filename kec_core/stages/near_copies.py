"""Near-copies: which photos of a collection show the same picture, cropped, re-encoded or taken a moment apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kec_core.arrays import FloatMatrix, IntVector, Progress, l2_normalize, no_progress
from kec_core.clustering.bursts import NEAR, find_bursts
from kec_core.maps.neighbours import find_neighbours

LINKS = 8
"""Nearest photos that one is compared with; enough to link a series of any length [R]."""


def find_near_copies(features: FloatMatrix, *, progress: Progress = no_progress) -> IntVector:
    """The group of near-copies of every photo, int32 (N,), numbered from 0, largest first; -1 for photos without any.

    Bursts first, then the rest by their nearest neighbours, approximately in collections of over 10,000. A series
    that drifts is one group only as far as its photos are near its middle.

    Args:
        features: raw float32 (N, d), not centred; possibly memory-mapped.
        progress: told about rows; may raise Cancelled.
    """
    found = find_bursts(features)
    rest = np.flatnonzero(found < 0)
    if len(rest) > 1:
        unit = l2_normalize(np.asarray(features[rest]))
        groups = _linked(unit, progress)
        found[rest] = np.where(groups < 0, -1, groups + 1 + found.max(initial=-1))
    return _numbered(found)


def _linked(unit: FloatMatrix, progress: Progress) -> NDArray[np.int64]:
    """Groups of rows that neighbours link and that are near the mean of their group; -1 for the others."""
    near = find_neighbours(unit, LINKS, progress=progress)
    rows, places = np.nonzero(1 - near.distances**2 / 2 >= NEAR)  # the cosine of unit rows
    links = coo_matrix((np.ones(len(rows)), (rows, near.rows[rows, places])), shape=(len(unit),) * 2)
    _, groups = connected_components(links, directed=False)
    sizes = np.bincount(groups)
    groups = np.where(sizes[groups] > 1, groups, -1)
    for group in np.flatnonzero(sizes > 2):
        members = np.flatnonzero(groups == group)
        middle = l2_normalize(unit[members].mean(axis=0, keepdims=True))[0]
        groups[members[unit[members] @ middle < NEAR]] = -1
    return np.asarray(groups, dtype=np.int64)


def _numbered(groups: IntVector) -> IntVector:
    """The groups of two or more, largest first; the first photo decides between equal sizes."""
    ids, first, sizes = np.unique(groups[groups >= 0], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.full(groups.max(initial=-1) + 2, -1, dtype=np.int32)  # the last entry is for -1
    kept = order[sizes[order] > 1]
    number[ids[kept]] = np.arange(len(kept))
    return number[groups]
