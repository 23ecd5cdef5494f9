"""Groups learned from examples: what photos that a person placed say about the others (methods.md 6.7).

A group is known by one prototype, the mean of the photos that were placed into it and of its other members, which
count as ``PRIOR`` photos at most. Cosines are compared in units of the mean distance of a photo to its group, so the
constants hold for encoders whose photos lie wide apart and for those in a narrow cone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, l2_normalize
from kec_core.clustering.geometry import cluster_sums, row_cosines

PRIOR = 5.0
"""How many placed photos all other members of a group count as, in its prototype, at most [M]."""
SHARPNESS = 20.0
"""How much surer one mean distance nearer makes, in nats [M]."""
STAYS = 1.0
"""Photos that stand for "a photo of this group stays in it" before any was asked about [M]."""
LEAVES = 0.03
"""Likewise for "it belongs to this other group" [M]."""

Rows = NDArray[np.int64]


def prototypes(x: FloatMatrix, labels: IntVector, placed: Rows, n_clusters: int) -> FloatMatrix:
    """One unit row per cluster, float32 (K, D); zeros for a cluster without rows.

    Args:
        x: float32 (N, D), unit rows.
        labels: int32 (N,), ids 0..K-1; of placed rows, where they were placed.
        placed: int64, rows that the person placed.
        n_clusters: K.
    """
    by_person = cluster_sums(x[placed], labels[placed], n_clusters)
    others = cluster_sums(x, labels, n_clusters) - by_person
    counts = np.bincount(labels, minlength=n_clusters) - np.bincount(labels[placed], minlength=n_clusters)
    share = np.minimum(counts, PRIOR) / np.maximum(counts, 1)
    return l2_normalize((by_person + share[:, None] * others).astype(np.float32))


def mean_distance(x: FloatMatrix, centroids: FloatMatrix, labels: IntVector) -> float:
    """Mean of 1 - cosine of the rows to the row of ``centroids`` of their cluster, above 0."""
    return max(1.0 - float(row_cosines(x, centroids, labels).mean()), 1e-6)


def followers(
    x: FloatMatrix,
    labels: IntVector,
    placed: Rows,
    cluster: int,
    came_from: IntVector,
    held: NDArray[np.bool_],
) -> Rows:
    """Rows that follow photos which were just placed into a cluster, int64, ascending.

    A row follows when the prototype of the cluster is nearer than its own by more than what speaks for staying: the
    photos that the person placed in its own cluster, less those that were just taken out of it.

    Args:
        x: float32 (N, D), unit rows.
        labels: int32 (N,), ids from 0, with the placed rows where they are now.
        placed: int64, all rows that the person placed so far.
        cluster: where the latest were placed.
        came_from: the clusters of the latest before.
        held: bool (N,), rows that never follow.
    """
    n_clusters = int(labels.max()) + 1
    means = prototypes(x, labels, placed, n_clusters)
    own = row_cosines(x, means, labels)
    stays = STAYS + np.bincount(labels[placed], minlength=n_clusters)
    leaves = LEAVES + np.bincount(came_from[came_from < n_clusters], minlength=n_clusters)
    least: FloatVector = np.log(stays / leaves).astype(np.float32)
    distance = max(1.0 - float(own.mean()), 1e-6)
    nearer = (x @ means[cluster] - own) * (SHARPNESS / distance) > least[labels]
    return np.flatnonzero(nearer & (labels != cluster) & ~held)
