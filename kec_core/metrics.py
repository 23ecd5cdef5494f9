"""How good a partition is: scores against labels (methods.md 8.1), scores without labels, and what cluster cards show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from kec_core.arrays import FloatMatrix, IntVector, as_labels
from kec_core.errors import InputError, ShapeError
from kec_core.geometry import centroids_of, row_cosines
from kec_core.types import InternalScores, Scores

SILHOUETTE_SAMPLE = 5000
"""Rows the silhouette is measured on; its cost grows with their square (methods.md 8.1)."""

Average = Literal["arithmetic", "geometric"]
MemberOrder = Literal["representative", "boundary"]


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
    matched = padded[linear_sum_assignment(padded, maximize=True)].sum()
    rows, columns = as_labels(predicted), as_labels(truth)
    return Scores(
        acc=float(matched / len(rows)),
        nmi=float(normalized_mutual_info_score(columns, rows, average_method=nmi_average)),
        ari=float(adjusted_rand_score(columns, rows)),
    )


def internal_scores(x: FloatMatrix, labels: IntVector, *, seed: int = 0) -> InternalScores:
    """Scores that need no labels (methods.md 8.1); None where undefined (one cluster, or one photo per cluster).

    Args:
        x: float32 (N, D), unit rows.
        labels: (N,) cluster ids, any integers.
        seed: draws the 5,000 rows of the silhouette.
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    ids = as_labels(labels)
    n_clusters = int(ids.max()) + 1
    if n_clusters < 2:
        return InternalScores()
    entropy = size_entropy(ids)
    if n_clusters >= len(ids):
        return InternalScores(size_entropy=entropy)
    return InternalScores(
        silhouette=_silhouette(x, ids, seed),
        davies_bouldin=float(davies_bouldin_score(x, ids)),
        calinski_harabasz=float(calinski_harabasz_score(x, ids)),
        size_entropy=entropy,
    )


def size_entropy(labels: IntVector) -> float:
    """How even the cluster sizes are, in [0, 1]: 1 when all are equal, 0 when one holds everything."""
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2:
        return 0.0
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(len(counts)))


def _silhouette(x: FloatMatrix, ids: IntVector, seed: int) -> float | None:
    from sklearn.metrics import silhouette_score

    if len(ids) > SILHOUETTE_SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(ids), SILHOUETTE_SAMPLE, replace=False))
        x, ids = x[rows], as_labels(ids[rows])
    if not 2 <= ids.max() + 1 < len(ids):
        return None
    return float(silhouette_score(x, ids, metric="cosine"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSummary:
    """What a cluster's card shows.

    Attributes:
        cluster: its id.
        size: number of photos.
        coherence: mean cosine of its photos to its centroid, at most 1.
        purity: share of its commonest label among its labelled photos, in [0, 1]; None without labels.
        majority_label: that label, or None.
    """

    cluster: int
    size: int
    coherence: float
    purity: float | None = None
    majority_label: str | None = None


def cluster_summaries(
    x: FloatMatrix, labels: IntVector, truth: NDArray[np.generic] | None = None
) -> list[ClusterSummary]:
    """One summary per cluster, in the order of the ids.

    Args:
        x: float32 (N, D), unit rows, the space the clusters are judged in.
        labels: (N,) cluster ids, any integers.
        truth: (N,) label per photo, "" where a photo has none; or None.
    """
    names, ids = np.unique(labels, return_inverse=True)
    compact = ids.astype(np.int32)
    sizes = np.bincount(compact, minlength=len(names))
    cosines = row_cosines(x, centroids_of(x, compact, len(names)), compact)
    coherence = np.bincount(compact, weights=cosines, minlength=len(names)) / sizes
    majority = _majorities(compact, truth, len(names))
    return [
        ClusterSummary(
            cluster=int(name),
            size=int(sizes[i]),
            coherence=float(coherence[i]),
            purity=majority[i][0],
            majority_label=majority[i][1],
        )
        for i, name in enumerate(names)
    ]


def _majorities(
    ids: IntVector, truth: NDArray[np.generic] | None, n_clusters: int
) -> list[tuple[float | None, str | None]]:
    """Per cluster the share and name of its commonest label, (None, None) where nothing is labelled."""
    if truth is None:
        return [(None, None)] * n_clusters
    texts = truth.astype(str)
    labelled = texts != ""
    names, columns = np.unique(texts[labelled], return_inverse=True)
    if not len(names):
        return [(None, None)] * n_clusters
    counts = np.zeros((n_clusters, len(names)), dtype=np.int64)
    np.add.at(counts, (ids[labelled], columns), 1)
    best = counts.argmax(axis=1)
    totals = counts.sum(axis=1)
    return [
        (float(counts[i, best[i]] / totals[i]), str(names[best[i]])) if totals[i] else (None, None)
        for i in range(n_clusters)
    ]


def representatives(x: FloatMatrix, labels: IntVector, cluster: int, n: int) -> NDArray[np.int64]:
    """Row numbers of the ``n`` photos nearest to the cluster's own centroid, nearest first.

    Raises:
        InputError: the cluster has no photo.
    """
    rows = _members(labels, cluster)
    members = x[rows]
    centroid = centroids_of(members, np.zeros(len(rows), np.int32), 1)[0]
    return rows[np.argsort(-(members @ centroid), kind="stable")[:n]]


def order_members(
    x: FloatMatrix,
    centroids: FloatMatrix,
    labels: IntVector,
    cluster: int,
    by: MemberOrder = "representative",
) -> NDArray[np.int64]:
    """Row numbers of a cluster's photos in the order a gallery shows them.

    Args:
        x: float32 (N, D), unit rows, in the space of the centroids.
        centroids: float32 (K, D), unit rows; row ``cluster`` is this cluster's.
        labels: (N,) cluster ids.
        cluster: the cluster shown.
        by: "representative" puts the nearest to the centroid first; "boundary" those that would most easily
            belong elsewhere (smallest lead of the own centroid over the best other one).

    Raises:
        InputError: the cluster has no photo.
    """
    rows = _members(labels, cluster)
    scores = x[rows] @ centroids.T
    own = scores[:, cluster].copy()
    if by == "representative":
        return rows[np.argsort(-own, kind="stable")]
    scores[:, cluster] = -np.inf
    return rows[np.argsort(own - scores.max(axis=1), kind="stable")]


def _members(labels: IntVector, cluster: int) -> NDArray[np.int64]:
    rows = np.flatnonzero(labels == cluster)
    if not len(rows):
        raise InputError(
            f"Cluster {cluster} has no photo; choose one of the {len(np.unique(labels))} clusters that are shown."
        )
    return rows
