"""The clusterings a person can choose: spherical k-means, spectral, agglomerative, bisecting (methods.md 6.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    FloatMatrix,
    IntVector,
    Progress,
    as_labels,
    blocks,
    check_matrix,
    l2_normalize,
    no_progress,
    sampled_rows,
)
from kec_core.clustering.bursts import merged_bursts
from kec_core.clustering.geometry import centroids_of, nearest_centroids, neighbour_graph, row_cosines
from kec_core.clustering.kmeans import check_n_clusters, shortfall_note, spherical_kmeans
from kec_core.config import ClusteringConfig
from kec_core.memory import release_pages
from kec_core.types import Clustering

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DENSE_ROWS = 5000  # above, the affinity is a sparse neighbour graph                    [P] methods.md 6.6
NEIGHBOURS = 20  # per row of that graph                                               [R]


def spectral(
    x: FloatMatrix, n_clusters: int, config: ClusteringConfig, seed: int, progress: Progress
) -> tuple[IntVector, str]:
    """Normalised cuts of the cosines above zero, or of the neighbour graph when there are many rows.

    Returns:
        int32 labels (N,), and a note on the graph or "".
    """
    sparse = len(x) > DENSE_ROWS
    affinity = neighbour_graph(x, NEIGHBOURS, progress=progress) if sparse else np.maximum(x @ x.T, 0)
    found = spherical_kmeans(
        l2_normalize(embedding(affinity, n_clusters, seed, progress)),
        n_clusters,
        n_init=config.n_init,
        max_iter=config.max_iter,
        seed=seed,
        progress=progress,
    )
    return found.labels, _note(affinity) if sparse else ""


def embedding(
    affinity: FloatMatrix | csr_matrix, n_components: int, seed: int, progress: Progress
) -> FloatMatrix:
    """Leading eigenvectors of D^-1/2 A D^-1/2, which are the last ones of the normalised Laplacian.

    Args:
        affinity: A, symmetric, not negative, float32 (N, N).
        n_components: eigenvectors wanted, below N.
        seed: draws the vector that the search starts from.
        progress: told at every product with the affinity; may raise Cancelled.

    Returns:
        float32 (N, n_components).
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    affinity = affinity.astype(np.float64)  # once, or every product would do it
    degrees = np.asarray(affinity.sum(axis=1)).ravel()
    scale = 1 / np.sqrt(np.maximum(degrees, np.finfo(np.float32).tiny))
    products = 0

    def product(vector: NDArray[Any]) -> NDArray[Any]:
        nonlocal products
        progress(products, products + 1, "Searching eigenvectors")
        products += 1
        result: NDArray[Any] = scale * (affinity @ (scale * vector.ravel()))
        return result

    operator = LinearOperator((len(scale), len(scale)), matvec=product, dtype=np.float64)
    start = np.random.default_rng(seed).uniform(-1, 1, len(scale))
    _, vectors = eigsh(operator, k=n_components, which="LA", v0=start, tol=1e-6)
    return np.asarray(vectors, dtype=np.float32)


def _note(graph: csr_matrix) -> str:
    from scipy.sparse.csgraph import connected_components

    note = f"Clustered on a graph of {NEIGHBOURS} visual neighbours per photo."
    if connected_components(graph, directed=False)[0] > 1:
        note += " The graph falls into several parts, which stay apart."
    return note


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
    sample = x[sampled_rows(len(x), size, seed)]
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


FAISS_POINTS_PER_CENTROID = 256  # what faiss fits on unasked                        [C] methods.md 0, trap 1

Fit = Callable[[FloatMatrix, int, ClusteringConfig, int, Progress], tuple[NDArray[np.integer], str]]
"""Labels and a note, from unit rows, K, options, seed and progress."""


def cluster(
    x: FloatMatrix,
    n_clusters: int,
    config: ClusteringConfig,
    *,
    bursts: IntVector | None = None,
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
        bursts: int32 (N,) from ``find_bursts``: each counts as one photo while groups are searched, so that it is not
            cut, unless there are more clusters than that leaves photos; None for none.
        seed: makes the result repeatable.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: K is not between 1 and N.
        ShapeError: ``x`` is not a finite table.
    """
    if bursts is not None and (bursts >= 0).any():
        merged, row_of = merged_bursts(check_matrix(x, "The features"), bursts)
        if n_clusters <= len(merged):
            found = cluster(merged, n_clusters, config, seed=seed, progress=progress)
            return _spread_over_copies(x, found, row_of, config)
    if config.algorithm == "kmeans":
        return spherical_kmeans(
            x,
            n_clusters,
            n_init=config.n_init,
            max_iter=config.max_iter,
            seed=seed,
            max_points_per_centroid=FAISS_POINTS_PER_CENTROID if config.faiss_compat else None,
            progress=progress,
        )
    x = check_matrix(x, "The features")
    check_n_clusters(n_clusters, len(x))
    progress(0, 1, f"Clustering ({config.algorithm})")
    if n_clusters in (1, len(x)):
        ids: NDArray[np.integer] = np.arange(len(x)) % n_clusters
        note = ""
    else:
        ids, note = FITS[config.algorithm](x, n_clusters, config, seed, progress)
    labels = as_labels(ids)
    centroids = centroids_of(x, labels, int(labels.max()) + 1)
    return Clustering(
        labels=labels,
        centroids=centroids,
        objective=float(row_cosines(x, centroids, labels).sum(dtype=np.float64)),
        method=config.algorithm,
        seed=seed,
        note=" ".join(filter(None, (note, shortfall_note(len(centroids), n_clusters)))),
    )


def _spread_over_copies(
    x: FloatMatrix, found: Clustering, row_of: IntVector, config: ClusteringConfig
) -> Clustering:
    """The clustering of all rows that follows from one of ``merged_bursts``; k-means goes on until it is stable."""
    if config.algorithm == "kmeans":
        return replace(
            spherical_kmeans(x, len(found.centroids), max_iter=config.max_iter, init=found.centroids),
            seed=found.seed,
            note=found.note,
        )
    labels = found.labels[row_of]
    centroids = centroids_of(x, labels, len(found.centroids))
    objective = float(row_cosines(x, centroids, labels).sum(dtype=np.float64))
    return replace(found, labels=labels, centroids=centroids, objective=objective)


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
        release_pages(kappa)
    return fused


@dataclass(frozen=True, slots=True, eq=False)
class FusedRows:
    """``fuse`` a block at a time: the rows that are asked for are made anew, the whole is never in memory.

    Attributes:
        looks: float32 (N, e).
        kappa: float32 (N, d), possibly memory-mapped.
        weight: w, at least 0.
    """

    looks: FloatMatrix
    kappa: FloatMatrix
    weight: float

    @property
    def shape(self) -> tuple[int, int]:
        """(N, e + d)."""
        return len(self.looks), self.looks.shape[1] + self.kappa.shape[1]

    def __len__(self) -> int:
        return len(self.looks)

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> FloatMatrix:
        """Some rows, new float32 (R, e + d)."""
        return fuse(self.looks[rows], self.kappa[rows], self.weight)


def _inverse_length(x: FloatMatrix) -> FloatMatrix:
    """1 / |row| as a column; 0 for a row of zeros."""
    lengths: FloatMatrix = np.sqrt(np.einsum("nd,nd->n", x, x))[:, None]
    return np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)


FITS: dict[str, Fit] = {"spectral": spectral, "agglomerative": agglomerative, "bisecting": bisecting}
