"""How far the visual grouping can be trusted by itself, and the weight of the knowledge that follows from it.

Text helps where the photos alone do not say how to group them, and harms where they do. Bootstrap resampling
tells the two apart without labels: a photo whose cluster changes when the collection is resampled is one that the
visual features leave open. The default weight of the knowledge grows with the share of such photos [M].
"""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, Progress, no_progress
from kec_core.clustering.geometry import nearest_centroids
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.clustering.labels import match_labels

MOSTLY_OPEN = 1 / 3
"""Share of open photos from which on the knowledge gets its full weight [M]."""

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


def knowledge_weight(open_share: float, full: float) -> float:
    """Default weight w of the knowledge, between ``full / 2`` and ``full``.

    Half of what the encoder's words deserve always; the other half in proportion to the photos left open, all of it
    from ``MOSTLY_OPEN`` on.

    Args:
        open_share: 1 - mean agreement, in [0, 1].
        full: the encoder's fixed weight, where looks alone decide little.
    """
    return full * (1 + min(1.0, open_share / MOSTLY_OPEN)) / 2
