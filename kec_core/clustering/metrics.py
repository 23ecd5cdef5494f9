"""How good a partition is: scores against labels and scores without (methods.md 8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector, RowBlocks, as_labels, blocks, one_to_one, sampled_rows
from kec_core.clustering.geometry import cluster_sums
from kec_core.errors import ShapeError
from kec_core.types import InternalScores, Scores

SILHOUETTE_SAMPLE = 5000
"""Rows the silhouette is measured on; its cost grows with their square (methods.md 8.1)."""

Average = Literal["arithmetic", "geometric"]


def contingency(predicted: NDArray[np.generic], truth: NDArray[np.generic]) -> NDArray[np.int64]:
    """Count rows per (predicted, truth) pair, ids re-indexed in sorted order.

    Returns:
        int64 (number of predicted ids, number of true ids).

    Raises:
        ShapeError: the two are not equally long vectors, or are empty.
    """
    if predicted.shape != truth.shape or predicted.ndim != 1 or not len(truth):
        raise ShapeError(
            "Scores need two label lists of one equal length above zero, "
            f"but the shapes are {predicted.shape} and {truth.shape}; give one label per photo."
        )
    rows, columns = as_labels(predicted), as_labels(truth)
    counts = np.zeros((rows.max() + 1, columns.max() + 1), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


def score(
    predicted: NDArray[np.generic], truth: NDArray[np.generic], *, nmi_average: Average = "arithmetic"
) -> Scores:
    """ACC, NMI and ARI of a partition against labels (methods.md 8.1).

    Args:
        predicted: (N,) cluster ids, any integers.
        truth: (N,) labels, any integers or strings.
        nmi_average: how the two entropies are averaged in the NMI.

    Raises:
        ShapeError: the two are not equally long vectors, or are empty.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    counts = contingency(predicted, truth)
    size = max(counts.shape)
    padded = np.zeros((size, size), dtype=np.int64)  # fewer or more clusters than labels are fine
    padded[: counts.shape[0], : counts.shape[1]] = counts
    matched = padded[one_to_one(padded)].sum()
    rows, columns = as_labels(predicted), as_labels(truth)
    return Scores(
        acc=float(matched / len(rows)),
        nmi=float(normalized_mutual_info_score(columns, rows, average_method=nmi_average)),
        ari=float(adjusted_rand_score(columns, rows)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """Clusters against labels, in the order that puts matched pairs on the diagonal.

    Attributes:
        counts: int64 (clusters, labels), photos of each pair.
        clusters: id of each row; the first rows are matched one to one with the first columns (Hungarian).
        labels: of each column; matched ones first, the largest match first.
        matched: number of matched pairs.
    """

    counts: NDArray[np.int64]
    clusters: tuple[int, ...]
    labels: tuple[str, ...]
    matched: int


def confusion(predicted: IntVector, truth: Sequence[str]) -> Confusion:
    """How clusters and labels meet.

    Args:
        predicted: int32 (N,), cluster of each photo.
        truth: N labels.

    Raises:
        ShapeError: the two are not equally long, or are empty.
    """
    names = np.asarray(truth)
    counts = contingency(predicted, names)
    rows, columns = one_to_one(counts)
    shared = counts[rows, columns] > 0
    rows, columns = rows[shared], columns[shared]
    order = np.argsort(-counts[rows, columns], kind="stable")
    by_row = _first(rows[order], counts.sum(axis=1))
    by_column = _first(columns[order], counts.sum(axis=0))
    return Confusion(
        counts=counts[np.ix_(by_row, by_column)],
        clusters=tuple(np.unique(predicted)[by_row].tolist()),
        labels=tuple(np.unique(names)[by_column].tolist()),
        matched=len(order),
    )


def _first(chosen: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """All positions: the chosen ones in their order, then the others, largest first."""
    rest = np.setdiff1d(np.arange(len(sizes)), chosen)
    return np.concatenate([chosen, rest[np.argsort(-sizes[rest], kind="stable")]]).astype(np.int64)


def internal_scores(x: RowBlocks, labels: IntVector, *, seed: int = 0) -> InternalScores:
    """Scores that need no labels (methods.md 8.1); None where undefined (one cluster, or one photo per cluster).

    Args:
        x: float32 (N, D), unit rows; read in blocks.
        labels: (N,) cluster ids, any integers.
        seed: draws the 5,000 rows of the silhouette.
    """
    ids = as_labels(labels)
    n_clusters = int(ids.max()) + 1
    if n_clusters < 2:
        return InternalScores()
    entropy = size_entropy(ids)
    if n_clusters >= len(ids):
        return InternalScores(size_entropy=entropy)
    overlap, separation = _overlap_and_separation(x, ids, n_clusters)
    return InternalScores(
        silhouette=_silhouette(x, ids, seed),
        davies_bouldin=overlap,
        calinski_harabasz=separation,
        size_entropy=entropy,
    )


def _overlap_and_separation(x: RowBlocks, ids: IntVector, n_clusters: int) -> tuple[float, float]:
    """Davies-Bouldin and Calinski-Harabasz index, as scikit-learn's, which would copy all rows to float64.

    Args:
        x: float32 (N, D).
        ids: int32 (N,), 0..K-1, no cluster empty.
        n_clusters: K, 2 to N - 1.
    """
    from sklearn.metrics import pairwise_distances

    sizes, sums = np.bincount(ids), cluster_sums(x, ids, n_clusters)
    means = sums / sizes[:, None]
    reach, within = np.zeros(n_clusters), 0.0
    for block in blocks(len(ids)):
        apart = x[block] - means[ids[block]]
        squares = np.einsum("nd,nd->n", apart, apart)
        within += float(squares.sum())
        reach += np.bincount(ids[block], np.sqrt(squares), minlength=n_clusters)
    reach /= sizes
    between = float(sizes @ ((means - sums.sum(axis=0) / len(ids)) ** 2).sum(axis=1))
    separation = between / within * (len(ids) - n_clusters) / (n_clusters - 1) if within else 1.0
    distances = pairwise_distances(means)
    if np.allclose(reach, 0) or np.allclose(distances, 0):
        return 0.0, separation
    distances[distances == 0] = np.inf
    return float(((reach[:, None] + reach) / distances).max(axis=1).mean()), separation


def size_entropy(labels: IntVector) -> float:
    """How even the cluster sizes are, in [0, 1]: 1 when all are equal, 0 when one holds everything."""
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2:
        return 0.0
    shares = counts / counts.sum()
    return min(1.0, float(-(shares * np.log(shares)).sum() / np.log(len(counts))))


def _silhouette(x: RowBlocks, ids: IntVector, seed: int) -> float | None:
    from sklearn.metrics import silhouette_score

    rows = sampled_rows(len(ids), SILHOUETTE_SAMPLE, seed)
    some, ids = x[rows], as_labels(ids[rows])
    if not 2 <= ids.max() + 1 < len(ids):
        return None
    return float(silhouette_score(some, ids, metric="cosine"))
