"""Spectral clustering: k-means on the leading eigenvectors of the normalised affinity (methods.md 6.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, Progress, l2_normalize
from kec_core.clustering.geometry import neighbour_graph
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.config import ClusteringConfig

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
