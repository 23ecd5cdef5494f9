"""The clusterings a person can choose: spherical k-means, spectral, agglomerative, bisecting (methods.md 6.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, Progress, as_labels, blocks, check_matrix, no_progress
from kec_core.clustering.bursts import merged_bursts
from kec_core.clustering.geometry import centroids_of, row_cosines
from kec_core.clustering.hierarchical import agglomerative, bisecting
from kec_core.clustering.kmeans import check_n_clusters, shortfall_note, spherical_kmeans
from kec_core.clustering.spectral import spectral
from kec_core.config import ClusteringConfig
from kec_core.memory import release_pages
from kec_core.types import Clustering

FAISS_POINTS_PER_CENTROID = 256  # what faiss fits on unasked                        [C] methods.md 0, trap 1

Fit = Callable[[FloatMatrix, int, ClusteringConfig, int, Progress], tuple[NDArray[np.integer], str]]
"""Labels and a note, from unit rows, K, options, seed and progress."""


def cluster(
    x: FloatMatrix,
    n_clusters: int,
    config: ClusteringConfig,
    *,
    init: FloatMatrix | None = None,
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
        init: float32 (K, D) centroids to continue from; k-means only, the others start afresh.
        bursts: int32 (N,) from ``find_bursts``: each counts as one photo while groups are searched, so that it is not
            cut, unless there are more clusters than that leaves photos; None for none.
        seed: makes the result repeatable.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: K is not between 1 and N.
        ShapeError: ``x`` is not a finite table, or ``init`` is not (K, D).
    """
    if bursts is not None and init is None and (bursts >= 0).any():
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
            init=init,
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
