"""How many clusters, when the person does not say."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, check_matrix, no_progress
from kec_core.clustering.kmeans import spherical_kmeans

SAMPLE = 2000  # rows looked at                                                        [R]
LARGEST = 200  # largest K tried; more cannot be told apart on the sample              [R]
ROWS_PER_CLUSTER = 5  # on average at least, in what is tried                          [R]
STEPS = 24  # values of K tried, evenly spaced on a log scale                          [R]
STARTS = 5  # starts of each k-means                                                   [R]


def estimate_n_clusters(
    x: FloatMatrix, *, seed: int = 0, progress: Progress = no_progress
) -> tuple[int, str]:
    """Choose K by the largest mean silhouette (cosine) of spherical k-means on a sample.

    Args:
        x: float32 (N, D), unit rows.
        seed: draws the sample and the starts.
        progress: told after each K tried; may raise Cancelled.

    Returns:
        K and one sentence for the person on how it was found.
    """
    from sklearn.metrics import silhouette_score

    x = check_matrix(x, "The features")
    largest = min(LARGEST, len(x) // ROWS_PER_CLUSTER)
    if largest < 2:
        return (
            1,
            f"{len(x)} photos are too few to estimate the number of clusters, so all are in one; set it to split them.",
        )
    sample = _sample(x, seed)
    distances = np.clip(1 - sample @ sample.T, 0, 2)
    np.fill_diagonal(distances, 0)
    tried = np.unique(
        np.geomspace(2, min(largest, len(sample) // ROWS_PER_CLUSTER), STEPS).round().astype(int)
    )
    silhouettes = np.full(len(tried), -1.0)
    for i, k in enumerate(tried):
        progress(i, len(tried), f"Estimating the number of clusters: trying {k}")
        labels = spherical_kmeans(sample, int(k), n_init=STARTS, seed=seed).labels
        if labels.any():  # equal photos may all fall into one cluster, which has no silhouette
            silhouettes[i] = silhouette_score(distances, labels, metric="precomputed")
    best = int(silhouettes.argmax())
    if silhouettes[best] == -1:
        return 1, f"All {len(x)} photos look the same, so they are in one cluster."
    seen = f"{len(sample)} of {len(x)} photos" if len(sample) < len(x) else f"{len(x)} photos"
    return int(tried[best]), (
        f"{tried[best]} clusters were estimated: of {len(tried)} numbers from 2 to {tried[-1]} it gives the clearest "
        f"groups on {seen} (mean silhouette {silhouettes[best]:.2f})."
    )


def _sample(x: FloatMatrix, seed: int) -> FloatMatrix:
    if len(x) <= SAMPLE:
        return x
    return x[np.sort(np.random.default_rng(seed).choice(len(x), SAMPLE, replace=False))]
