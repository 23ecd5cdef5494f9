"""The clusterings a person can choose: spherical k-means, spectral, agglomerative, bisecting (methods.md 6.6)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, as_labels, blocks, check_matrix, no_progress
from kec_core.clustering.kmeans import check_n_clusters, shortfall_note, spherical_kmeans
from kec_core.config import ClusteringConfig
from kec_core.geometry import centroids_of, nearest_centroids, neighbour_graph, row_cosines
from kec_core.types import Clustering

FAISS_POINTS_PER_CENTROID = 256  # what faiss fits on unasked                        [C] methods.md 0, trap 1
DENSE_SPECTRAL_ROWS = 5000  # above, the affinity is a sparse neighbour graph         [P] methods.md 6.6
SPECTRAL_NEIGHBOURS = 20  # neighbours per row of that graph                          [R]
AGGLOMERATIVE_ROWS = 10_000  # above, fitted on a sample: its memory grows with N^2    [R] 0.4 GB at this size

Fit = Callable[[FloatMatrix, int, ClusteringConfig, int, Progress], tuple[NDArray[np.integer], str]]
"""Labels and a note, from unit rows, K, options, seed and progress."""


def cluster(
    x: FloatMatrix,
    n_clusters: int,
    config: ClusteringConfig,
    *,
    init: FloatMatrix | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Clustering:
    """Cluster unit rows with ``config.algorithm``.

    Whatever the algorithm, ``centroids`` are the unit means of the clusters and ``objective`` is the sum of the
    cosines of the rows to them, so that objectives can be compared.

    Args:
        x: float32 (N, D), unit rows, for example from ``fuse``.
        n_clusters: K, 1 to N.
        config: algorithm, restarts, iterations.
        init: float32 (K, D) centroids to continue from; k-means only, the others start afresh.
        seed: makes the result repeatable.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: K is not between 1 and N.
        ShapeError: ``x`` is not a finite table, or ``init`` is not (K, D).
    """
    if config.algorithm == "kmeans":
        return spherical_kmeans(
            x,
            n_clusters,
            n_init=config.n_init,
            max_iter=config.max_iter,
            init=init,
            seed=seed,
            max_points_per_centroid=FAISS_POINTS_PER_CENTROID if config.faiss_compat else None,
            progress=progress,
        )
    x = check_matrix(x, "The features")
    check_n_clusters(n_clusters, len(x))
    progress(0, 1, f"Clustering ({config.algorithm})")
    if n_clusters in (1, len(x)):
        found: NDArray[np.integer] = np.arange(len(x)) % n_clusters
        note = ""
    else:
        found, note = FITS[config.algorithm](x, n_clusters, config, seed, progress)
    labels = as_labels(found)
    centroids = centroids_of(x, labels, int(labels.max()) + 1)
    return Clustering(
        labels=labels,
        centroids=centroids,
        objective=float(row_cosines(x, centroids, labels).sum(dtype=np.float64)),
        method=config.algorithm,
        seed=seed,
        note=" ".join(filter(None, (note, shortfall_note(len(centroids), n_clusters)))),
    )


def fuse(x: FloatMatrix, kappa: FloatMatrix, weight: float) -> FloatMatrix:
    """[n(x), w n(kappa)] with unit rows (methods.md A9): what the clustering sees.

    Args:
        x: float32 (N, d), image features.
        kappa: float32 (N, e), grounded knowledge of the same photos.
        weight: w, at least 0; the share of the knowledge in a cosine is w^2 / (1 + w^2).

    Returns:
        float32 (N, d + e).
    """
    width = x.shape[1]
    fused = np.empty((len(x), width + kappa.shape[1]), dtype=np.float32)
    share = np.float32(1 / np.hypot(1.0, weight))
    for block in blocks(len(x)):
        np.multiply(x[block], share * _inverse_length(x[block]), out=fused[block, :width])
        np.multiply(
            kappa[block], np.float32(weight) * share * _inverse_length(kappa[block]), out=fused[block, width:]
        )
    return fused


def _inverse_length(x: FloatMatrix) -> FloatMatrix:
    """1 / |row| as a column; 0 for a row of zeros."""
    lengths: FloatMatrix = np.sqrt(np.einsum("nd,nd->n", x, x))[:, None]
    return np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def _spectral(
    x: FloatMatrix, n_clusters: int, config: ClusteringConfig, seed: int, progress: Progress
) -> tuple[NDArray[np.integer], str]:
    """Normalised cuts of the cosines above zero, or of the neighbour graph when there are many rows."""
    from sklearn.cluster import SpectralClustering

    sparse = len(x) > DENSE_SPECTRAL_ROWS
    affinity = (
        neighbour_graph(x, SPECTRAL_NEIGHBOURS, progress=progress) if sparse else np.maximum(x @ x.T, 0)
    )
    model = SpectralClustering(
        n_clusters, affinity="precomputed", n_init=config.n_init, random_state=seed, assign_labels="kmeans"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        labels = model.fit_predict(affinity)
    note = f"Clustered on a graph of {SPECTRAL_NEIGHBOURS} visual neighbours per photo." if sparse else ""
    if any("not fully connected" in str(warning.message) for warning in caught):
        note += " The graph falls into several parts, which stay apart."
    return labels, note.strip()


def _agglomerative(
    x: FloatMatrix, n_clusters: int, _config: ClusteringConfig, seed: int, progress: Progress
) -> tuple[NDArray[np.integer], str]:
    """Ward's linkage; for many rows on a sample, then the nearest centroid for every row."""
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(n_clusters, linkage="ward")
    size = max(AGGLOMERATIVE_ROWS, n_clusters)
    if len(x) <= size:
        return model.fit_predict(x), ""
    rows = np.sort(np.random.default_rng(seed).choice(len(x), size, replace=False))
    sample = x[rows]
    centroids = centroids_of(sample, as_labels(model.fit_predict(sample)), n_clusters)
    labels, _ = nearest_centroids(x, centroids, progress=progress)
    return labels, (
        f"Agglomerative clustering was fitted on {size} of {len(x)} photos, because its memory grows with the "
        "square of their number; every photo then went to the nearest cluster."
    )


def _bisecting(
    x: FloatMatrix, n_clusters: int, config: ClusteringConfig, seed: int, _progress: Progress
) -> tuple[NDArray[np.integer], str]:
    from sklearn.cluster import BisectingKMeans

    model = BisectingKMeans(n_clusters, n_init=config.n_init, max_iter=config.max_iter, random_state=seed)
    return model.fit_predict(x), ""


FITS: dict[str, Fit] = {"spectral": _spectral, "agglomerative": _agglomerative, "bisecting": _bisecting}
