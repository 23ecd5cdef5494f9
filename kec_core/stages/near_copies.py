"""Near-copies: which photos of a collection show the same picture, cropped, re-encoded or taken a moment apart.

Up to ``EXACT_ROWS`` photos every pair is compared. Beyond, pairs are looked for among a few principal components: taking
components away never makes two photos more different, so what is near there is all that must be compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    BLOCK_ROWS,
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    blocks,
    l2_normalize,
    no_progress,
    sampled_rows,
)
from kec_core.clustering.bursts import NEAR, find_bursts
from kec_core.clustering.geometry import nearest_neighbours

if TYPE_CHECKING:
    import faiss

LINKS = 8
"""Nearest photos that one is compared with; enough to link a series of any length [R]."""
EXACT_ROWS = 10_000
"""Up to so many photos every pair is compared [R]."""
COMPONENTS = 64  # in which candidates are looked for among more                               [R]
SAMPLE = 8192  # photos that the components are taken from                                     [R]
LIST_ROWS = 128  # photos in a list of similar ones, on average                                [R]
GRAPH_LINKS = 16  # of a centre, by which lists are found                                    [R]
PROBES = 8
"""Lists that are looked into: of 2,500 planted pairs among 100,000 photos all are found [M]."""

Rows = NDArray[np.int64]
IntMatrix = NDArray[np.int32]


def find_near_copies(features: FloatMatrix, *, progress: Progress = no_progress) -> IntVector:
    """The group of near-copies of every photo, int32 (N,), numbered from 0, largest first; -1 for photos without any.

    Bursts first, then the rest by their nearest neighbours. A series that drifts is one group only as far as its photos
    are near its middle.

    Args:
        features: raw float32 (N, d), not centred; possibly memory-mapped.
        progress: told about rows; may raise Cancelled.
    """
    found = find_bursts(features)
    rest = np.flatnonzero(found < 0)
    if len(rest) > 1:
        groups = _linked(features, rest, progress)
        found[rest] = np.where(groups < 0, -1, groups + 1 + found.max(initial=-1))
    return _numbered(found)


def _linked(features: FloatMatrix, rest: Rows, progress: Progress) -> Rows:
    """Groups among the photos ``rest`` that neighbours link and that are near the mean of their group; -1 for the others."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = _every_pair if len(rest) <= EXACT_ROWS else _likely_pairs
    rows, others = np.hstack([np.empty((2, 0), np.int64), *pairs(features, rest, progress)])
    links = coo_matrix((np.ones(len(rows), np.bool_), (rows, others)), shape=(len(rest),) * 2)
    _, groups = connected_components(links, directed=False)
    sizes = np.bincount(groups)
    linked = np.where(sizes[groups] > 1, groups, -1).astype(np.int64)
    for members in _by_group(linked, sizes):
        unit, ids = _unit(features, rest[members]), linked[members]
        starts = np.flatnonzero(np.diff(ids, prepend=-1))
        middles = l2_normalize(np.add.reduceat(unit, starts, axis=0))
        own = np.repeat(middles, np.diff(starts, append=len(ids)), axis=0)
        linked[members[np.einsum("nd,nd->n", unit, own) < NEAR]] = -1
    return linked


def _unit(features: FloatMatrix, rows: Rows) -> FloatMatrix:
    return l2_normalize(np.asarray(features[rows]))


def _every_pair(features: FloatMatrix, rest: Rows, progress: Progress) -> Iterator[Rows]:
    """Positions in ``rest`` of photos and of near neighbours of theirs, int64 (2, P)."""
    near, cosines = nearest_neighbours(_unit(features, rest), LINKS, progress=progress)
    rows, places = np.nonzero(cosines >= NEAR)
    yield np.stack([rows, near[rows, places]])


def _likely_pairs(features: FloatMatrix, rest: Rows, progress: Progress) -> Iterator[Rows]:
    """As ``_every_pair`` for many photos, a block of them at a time; a few pairs may be missed, none is false."""
    from faiss.contrib.ivf_tools import search_preassigned

    progress(0, len(rest), "Finding near-copies")
    raw = np.ascontiguousarray(features, dtype=np.float32)  # as stored: no copy
    reduced, lengths = _reduced(features, rest)
    index, probes = _inverted_lists(reduced)
    order = np.argsort(
        probes[:, 0], kind="stable"
    )  # rows of one list look into the same lists: these stay in the cache
    for block in blocks(len(rest)):
        progress(block.start, len(rest), "Finding near-copies")
        some = order[block]
        distances, near = search_preassigned(index, reduced[some], LINKS + 1, probes[some].astype(np.int64))  # type: ignore[no-untyped-call]
        near[(distances > _FARTHEST) | (near == some[:, None])] = -1
        products = _products(_unit(features, rest[some]), raw, np.where(near >= 0, rest[near], -1))
        rows, places = np.nonzero(products / lengths[near] >= NEAR)
        yield np.stack([some[rows], near[rows, places]])


def _products(some: FloatMatrix, table: FloatMatrix, rows: Rows) -> FloatMatrix:
    """Inner products of every row of ``some`` with its own rows of ``table``, read in place; -inf for row -1.

    Args:
        some: float32 (B, d).
        table: float32 (N, d), contiguous, possibly memory-mapped.
        rows: int64 (B, L).

    Returns:
        float32 (B, L).
    """
    import faiss

    products = np.empty(rows.shape, dtype=np.float32)
    pointers = (faiss.swig_ptr(array) for array in (products, some, table, rows))
    faiss.fvec_inner_products_by_idx(*pointers, some.shape[1], *rows.shape)  # type: ignore[attr-defined]
    return products


_FARTHEST = 2 - 2 * NEAR + 1e-4
"""Squared distance of unit rows whose cosine is ``NEAR``, and a little for rounding."""


def _reduced(features: FloatMatrix, rest: Rows) -> tuple[FloatMatrix, FloatVector]:
    """Unit rows in their ``COMPONENTS`` strongest directions, float32 (R, COMPONENTS), and their lengths before, (R,)."""
    some = _unit(features, rest[np.linspace(0, len(rest) - 1, min(len(rest), SAMPLE)).astype(np.int64)])
    _, axes = np.linalg.eigh(some.T @ some)
    onto = np.ascontiguousarray(axes[:, -COMPONENTS:], dtype=np.float32)
    reduced = np.empty((len(rest), onto.shape[1]), dtype=np.float32)
    lengths = np.empty(len(rest), dtype=np.float32)
    for block in blocks(len(rest)):
        rows = np.asarray(features[rest[block]])
        lengths[block] = np.maximum(np.linalg.norm(rows, axis=1), np.finfo(np.float32).tiny)
        reduced[block] = rows @ onto / lengths[block, None]
    return reduced, lengths


def _inverted_lists(rows: FloatMatrix) -> tuple[faiss.IndexIVFFlat, IntMatrix]:
    """All rows in lists around some of them, and the ``PROBES`` lists nearest to every row, int32 (N, PROBES).

    The lists are found by a graph of their centres, in steps that grow as log N does, and once for each row.
    """
    import faiss
    from faiss.contrib.ivf_tools import add_preassigned

    width, count = rows.shape[1], len(rows) // LIST_ROWS
    centres = rows[sampled_rows(len(rows), count, 0)]
    lists = faiss.IndexHNSWFlat(width, GRAPH_LINKS)
    lists.add(centres)
    index = faiss.IndexIVFFlat(lists, width, count)
    index.is_trained, index.nprobe = True, PROBES
    probes = np.empty((len(rows), PROBES), dtype=np.int32)
    for block in blocks(len(rows)):
        _, found = lists.search(rows[block], PROBES)
        add_preassigned(index, rows[block], np.ascontiguousarray(found[:, 0]))  # type: ignore[no-untyped-call]
        probes[block] = found
    return index, probes


def _by_group(groups: Rows, sizes: NDArray[np.int64]) -> Iterator[Rows]:
    """The members of groups of more than two, group after group, about ``BLOCK_ROWS`` at a time and no group in two."""
    order = np.argsort(groups, kind="stable")
    order = order[np.where(groups[order] < 0, 0, sizes[groups[order]]) > 2]
    ends = np.flatnonzero(np.diff(groups[order], append=-1)) + 1
    begin = 0
    while begin < len(order):
        end = int(ends[min(int(np.searchsorted(ends, begin + BLOCK_ROWS)), len(ends) - 1)])
        yield order[begin:end]
        begin = end


def _numbered(groups: IntVector) -> IntVector:
    """The groups of two or more, largest first; the first photo decides between equal sizes."""
    ids, first, sizes = np.unique(groups[groups >= 0], return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    number = np.full(groups.max(initial=-1) + 2, -1, dtype=np.int32)  # the last entry is for -1
    kept = order[sizes[order] > 1]
    number[ids[kept]] = np.arange(len(kept))
    return number[groups]
