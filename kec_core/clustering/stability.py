"""How far a grouping can be trusted: whether photos keep their cluster when the collection is resampled."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, Progress, no_progress
from kec_core.clustering.geometry import nearest_centroids
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.clustering.labels import match_labels

MAX_SAMPLE = 20_000
"""Rows of one resample at most; agreement is a mean over photos, so more rows tell little more."""


def bootstrap_agreement(
    x: FloatMatrix,
    n_clusters: int,
    *,
    n_resamples: int = 8,
    n_init: int = 3,
    seed: int = 0,
    progress: Progress = no_progress,
) -> FloatVector:
    """Per photo, the share of resamples that put it into the same cluster as the whole collection does.

    Args:
        x: float32 (N, d), unit rows.
        n_clusters: K.
        n_resamples: bootstrap samples.
        n_init: starts of k-means per sample.
        seed: draws samples and starts.
        progress: told after each resample; may raise Cancelled.

    Returns:
        float32 (N,), each in [0, 1]; clusters are matched one to one before they are compared.

    Raises:
        InputError: K is not between 1 and N.
    """
    rng = np.random.default_rng(seed)
    size = min(len(x), MAX_SAMPLE)
    whole = spherical_kmeans(x, n_clusters, n_init=3 * n_init, seed=seed).labels
    kept = np.zeros(len(x), dtype=np.float32)
    for resample in range(n_resamples):
        rows = np.sort(rng.integers(len(x), size=max(size, n_clusters)))
        fitted = spherical_kmeans(x[rows], n_clusters, n_init=n_init, seed=seed + resample + 1)
        labels, _ = nearest_centroids(x, fitted.centroids)
        kept += match_labels(labels, whole) == whole
        progress(resample + 1, n_resamples, "Resampling the photos")
    return kept / np.float32(n_resamples)
