"""Cosine geometry shared by clustering, scores and grounding: centroids, assignments, neighbours; always in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    BLOCK_ROWS,
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    RowBlocks,
    blocks,
    l2_normalize,
    no_progress,
)

if TYPE_CHECKING:
    import faiss
    from scipy.sparse import csr_matrix

ROWS_PER_PROGRESS = 8 * BLOCK_ROWS
"""Progress is told this often inside one pass, so that a cancel is noticed within a second."""
GATHERED_ROWS = BLOCK_ROWS // 8
"""Rows whose centroids are copied beside them at a time; so few of them stay in the processor's cache."""


def cluster_sums(x: RowBlocks, labels: IntVector, n_clusters: int) -> NDArray[np.float64]:
    """Sum of the rows of every cluster, float64 (K, D); x is float32 (N, D), labels are ids 0..K-1."""
    from scipy.sparse import csr_matrix  # slow to load, and who only shows a result sums nothing

    sums = np.zeros((n_clusters, x.shape[1]))
    for block in blocks(len(x), ROWS_PER_PROGRESS):
        ids = labels[block]
        members = csr_matrix(
            (np.ones(len(ids), np.float32), (ids, np.arange(len(ids)))), shape=(n_clusters, len(ids))
        )
        sums += members @ x[block]
    return sums


def centroids_of(x: RowBlocks, labels: IntVector, n_clusters: int) -> FloatMatrix:
    """Unit mean of every cluster, (K, D); zeros for a cluster without rows."""
    return l2_normalize(cluster_sums(x, labels, n_clusters).astype(np.float32))


def row_cosines(x: RowBlocks, centroids: FloatMatrix, labels: IntVector) -> FloatVector:
    """Inner product of every row with the centroid of its own cluster, (N,); cosines when both are unit rows."""
    cosines = np.empty(len(x), dtype=np.float32)
    for block in blocks(len(x), GATHERED_ROWS):
        cosines[block] = np.einsum("nd,nd->n", x[block], centroids[labels[block]])
    return cosines


def nearness(x: RowBlocks, centres: FloatMatrix, labels: IntVector) -> tuple[FloatVector, FloatVector]:
    """Inner product of every row with its own centre, and with the nearest other one; cosines for unit rows.

    Args:
        x: float32 (N, D).
        centres: float32 (K, D).
        labels: int32 (N,), the own centre of each row.

    Returns:
        float32 (N,) own and float32 (N,) rival; the rival is -1 where there is only one centre.
    """
    own = row_cosines(x, centres, labels)
    rival = np.full(len(x), -1.0, dtype=np.float32)
    if len(centres) > 1:
        for block in blocks(len(x)):
            cosines = x[block] @ centres.T
            np.put_along_axis(cosines, labels[block, None], -np.inf, axis=1)
            rival[block] = cosines.max(axis=1)
    return own, rival


def confidence(own: FloatVector, rival: FloatVector) -> FloatVector:
    """Simplified silhouette of each row, (own - rival) / (1 - rival) in cosines, at least 0; float32 (N,).

    Args: as ``nearness`` gives them.
    """
    share = np.clip((own - rival) / np.maximum(1.0 - rival, 1e-6), 0.0, 1.0)
    return np.asarray(share, dtype=np.float32)


def nearest_centroids(
    x: FloatMatrix, centroids: FloatMatrix, *, progress: Progress = no_progress
) -> tuple[IntVector, FloatVector]:
    """The centroid of largest inner product for every row; ties go to the lower id.

    Returns:
        int32 (N,) ids and float32 (N,) inner products.
    """
    labels = np.empty(len(x), dtype=np.int32)
    best = np.empty(len(x), dtype=np.float32)
    for block in blocks(len(x)):
        if block.start % ROWS_PER_PROGRESS == 0:
            progress(block.start, len(x), "Assigning photos")
        scores = x[block] @ centroids.T
        labels[block] = scores.argmax(axis=1)
        best[block] = np.take_along_axis(scores, labels[block, None], axis=1)[:, 0]
    return labels, best


def nearest_neighbours(
    x: FloatMatrix, count: int, *, progress: Progress = no_progress
) -> tuple[NDArray[np.int64], FloatMatrix]:
    """The other rows of largest inner product, nearest first; exact.

    Args:
        x: float32 (N, D), unit rows, N >= 2.
        count: neighbours per row; at most N - 1 are given.
        progress: told after each block of rows.

    Returns:
        int64 (N, count) row numbers, never the row itself, and their float32 (N, count) inner products.
    """
    import faiss

    index = faiss.IndexFlatIP(x.shape[1])
    for block in blocks(len(x)):
        index.add(np.ascontiguousarray(x[block]))
    return search_others(index, x, np.arange(len(x)), min(count, len(x) - 1), progress=progress)


def search_others(
    index: faiss.Index,
    x: FloatMatrix,
    rows: NDArray[np.int64],
    count: int,
    *,
    parameters: faiss.SearchParameters | None = None,
    progress: Progress = no_progress,
) -> tuple[NDArray[np.int64], FloatMatrix]:
    """What an index of all rows finds near some of them, nearest first.

    Args:
        index: holds the rows of ``x`` in their order, by inner product.
        x: float32 (N, D), unit rows.
        rows: int64 (R,), which rows to search for.
        count: neighbours per row, at most N - 1.
        parameters: of faiss, for this search.
        progress: told after each block of rows.

    Returns:
        int64 (R, count) row numbers, never the row itself, and their float32 (R, count) inner products; -1 where the
        index found too few.
    """
    near = np.empty((len(rows), count), dtype=np.int64)
    cosines = np.empty((len(rows), count), dtype=np.float32)
    for block in blocks(len(rows), BLOCK_ROWS // 8):
        progress(block.start, len(rows), "Finding neighbours")
        scores, found = index.search(np.ascontiguousarray(x[rows[block]]), count + 1, params=parameters)
        # the row itself is pushed to the end and cut off; among duplicates it need not come first
        order = np.argsort(found == rows[block, None], axis=1, kind="stable")
        near[block] = np.take_along_axis(found, order, axis=1)[:, :count]
        cosines[block] = np.take_along_axis(scores, order, axis=1)[:, :count]
    return near, cosines


def neighbour_graph(x: FloatMatrix, count: int, *, progress: Progress = no_progress) -> csr_matrix:
    """Symmetric graph of nearest neighbours, float32 (N, N): 1 where both rows name each other, 0.5 where one does.

    Args: see ``nearest_neighbours``.
    """
    from scipy.sparse import csr_matrix

    rows, _ = nearest_neighbours(x, count, progress=progress)
    starts = np.arange(0, rows.size + 1, rows.shape[1])
    graph = csr_matrix((np.ones(rows.size, np.float32), rows.ravel(), starts), shape=(len(x), len(x)))
    return (graph + graph.T) * np.float32(0.5)
