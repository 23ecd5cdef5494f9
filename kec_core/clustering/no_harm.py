"""Where knowledge and looks agree: the weight of the knowledge up to which the looks lose nothing worth naming.

Looks alone leave many groupings open that explain the photos about equally well, and knowledge may choose among them.
Where it has its way at the expense of the looks, text and photos contradict each other. What it costs is told without
labels: the share of what k-means explains of the looks that the grouping on both does not [M].
"""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, Progress, no_progress
from kec_core.clustering.algorithms import fuse
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.clustering.stability import MAX_SAMPLE
from kec_core.geometry import cluster_sums

NEXT_TO_NOTHING = 0.002
"""Share of what the looks explain that agreeing knowledge may cost: starts of k-means differ by as much [M]."""

STEPS = (1.0, 0.75)
"""Weights that agreeing knowledge may get; at 1 it counts as much as the looks [P]. At smaller weights it moves little
whether it agrees or not, so a small cost there says nothing [M]."""


def agreeing_weight(
    x: FloatMatrix,
    kappa: FloatMatrix,
    n_clusters: int,
    least: float,
    *,
    n_init: int = 8,
    seed: int = 0,
    progress: Progress = no_progress,
) -> float:
    """The largest of ``STEPS`` at which the grouping explains the looks as well as k-means on them does, else ``least``.

    Args:
        x: float32 (N, d), unit rows, visual features.
        kappa: float32 (N, d'), the knowledge of the same photos.
        n_clusters: K, 1 to N.
        least: the weight that holds without agreement; smaller steps are not tried.
        n_init: starts of k-means per weight; the looks get twice as many.
        seed: draws a sample of the photos of a large collection, and the starts.
        progress: told after each weight; may raise Cancelled.

    Raises:
        InputError: K is not between 1 and N.
    """
    if len(x) > max(MAX_SAMPLE, n_clusters):
        rows = np.sort(np.random.default_rng(seed).choice(len(x), max(MAX_SAMPLE, n_clusters), replace=False))
        x, kappa = x[rows], kappa[rows]
    looks = spherical_kmeans(x, n_clusters, n_init=2 * n_init, seed=seed)
    best = explained(x, looks.labels, n_clusters)
    steps = [step for step in STEPS if step > least]
    for tried, weight in enumerate(steps):
        fused = spherical_kmeans(fuse(x, kappa, weight), n_clusters, n_init=n_init, seed=seed)
        progress(tried + 1, len(steps), "Weighing the knowledge")
        if explained(x, fused.labels, n_clusters) >= (1 - NEXT_TO_NOTHING) * best:
            return weight
    return least


def explained(x: FloatMatrix, labels: IntVector, n_clusters: int) -> float:
    """What a grouping says of the looks: cosines to the centre of the own cluster, less those to the centre of all."""
    sums = cluster_sums(x, labels, n_clusters)
    return float(np.linalg.norm(sums, axis=1).sum() - np.linalg.norm(sums.sum(axis=0)))
