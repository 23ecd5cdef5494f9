"""Clusters that come out of each other: by joining from below (Ward) or by splitting from above (bisecting k-means)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, Progress, as_labels, blocks
from kec_core.clustering.geometry import centroids_of, nearest_centroids
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.config import ClusteringConfig

AGGLOMERATIVE_ROWS = 10_000  # above, fitted on a sample: its memory grows with N^2    [R] 0.8 GB at this size


def agglomerative(
    x: FloatMatrix, n_clusters: int, _config: ClusteringConfig, seed: int, progress: Progress
) -> tuple[IntVector, str]:
    """Ward's linkage; for many rows on a sample, then the nearest centroid for every row.

    Returns:
        int32 labels (N,), and a note on the sample or "".
    """
    size = max(AGGLOMERATIVE_ROWS, n_clusters)
    if len(x) <= size:
        return ward(x, n_clusters, progress), ""
    sample = x[np.sort(np.random.default_rng(seed).choice(len(x), size, replace=False))]
    centroids = centroids_of(sample, ward(sample, n_clusters, progress), n_clusters)
    labels, _ = nearest_centroids(x, centroids, progress=progress)
    return labels, (
        f"Agglomerative clustering was fitted on {size} of {len(x)} photos, because its memory grows with the "
        "square of their number; every photo then went to the nearest cluster."
    )


def ward(x: FloatMatrix, n_clusters: int, progress: Progress) -> IntVector:
    """Join the two clusters that cost the least variance until ``n_clusters`` are left.

    Args:
        x: float32 (N, D), unit rows.
        n_clusters: K, 1 to N.
        progress: told while distances are measured; may raise Cancelled.

    Returns:
        int32 labels (N,), exactly K of them.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage

    joins = linkage(_distances(x, progress), method="ward")
    return as_labels(cut_tree(joins, n_clusters=[n_clusters]).ravel())


def _distances(x: FloatMatrix, progress: Progress) -> NDArray[np.float64]:
    """Distances of all pairs of unit rows, row by row above the diagonal, as scipy keeps them; (N (N - 1) / 2,)."""
    pairs = np.empty(len(x) * (len(x) - 1) // 2)
    end = 0
    for block in blocks(len(x)):
        progress(block.start, len(x), "Measuring distances")
        apart = np.sqrt(np.maximum(2 - 2 * (x[block] @ x[block.start :].T), 0))
        for offset, row in enumerate(apart):
            begin, end = end, end + len(x) - block.start - offset - 1
            pairs[begin:end] = row[offset + 1 :]
    return pairs


def bisecting(
    x: FloatMatrix, n_clusters: int, config: ClusteringConfig, seed: int, progress: Progress
) -> tuple[IntVector, str]:
    """Split the cluster that is spread the most in two, by k-means, until there are ``n_clusters``.

    Args:
        x: float32 (N, D), unit rows.
        n_clusters: K, 1 to N; fewer come out when only equal rows are left together.
        config: starts and iterations of each split.
        seed: draws the starts.
        progress: told during every split; may raise Cancelled.

    Returns:
        int32 labels (N,), and no note.
    """
    labels = np.zeros(len(x), dtype=np.int32)
    # rows less the sum of their cosines to the centroid, of the clusters that can be split
    spread = {0: np.inf}
    found = 1
    while found < n_clusters and spread:
        widest = max(spread, key=spread.__getitem__)
        del spread[widest]
        rows = np.flatnonzero(labels == widest)
        halves = spherical_kmeans(
            x[rows], 2, n_init=config.n_init, max_iter=config.max_iter, seed=seed + found, progress=progress
        )
        if halves.n_clusters < 2:
            continue
        labels[rows[halves.labels == 1]] = found
        for half, cluster in enumerate((widest, found)):
            members = x[rows[halves.labels == half]]
            if len(members) > 1:
                spread[cluster] = len(members) - float(
                    (members @ halves.centroids[half]).sum(dtype=np.float64)
                )
        found += 1
    return labels, ""
