"""How much the knowledge counts beside the looks: by how decidedly its words speak, and how much looks leave open; no labels."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, blocks, no_progress
from kec_core.clustering.stability import bootstrap_agreement

WEIGHT_REVISION = "weight-2"
"""Change it with the rules: stored weights are found by it."""
UNDECIDED, DECIDED = 0.4, 0.5
"""Up to the first the words count least, from the second on most [M]."""
SETTLED, OPEN = 0.25, 0.35
"""Where looks leave up to the first share of the photos open, words count least; from the second on as usual [M]."""
LEAST, USUAL, MOST = 0.5, 1.0, 2.0
"""Times the encoder's own weight."""
SAMPLE = 4096  # photos by which openness is measured                                           [R]


def decidedness(omega: FloatMatrix) -> float:
    """1 - mean entropy of the posteriors over that of no knowledge: 0 when words say nothing, 1 when each photo has one.

    Args:
        omega: float32 (N, M), rows sum to 1.
    """
    if omega.shape[1] < 2 or not len(omega):
        return 0.0
    total = 0.0
    for block in blocks(len(omega)):
        part = omega[block]
        total -= float((part * np.log(np.maximum(part, 1e-12))).sum(dtype=np.float64))
    return 1.0 - total / len(omega) / float(np.log(omega.shape[1]))


def openness(x: FloatMatrix, n_clusters: int, *, seed: int = 0, progress: Progress = no_progress) -> float:
    """Share of the photos that change their group by looks when the collection is resampled, in [0, 1].

    Args:
        x: float32 (N, d), unit rows.
        n_clusters: K.
        seed: draws the samples.
        progress: told during the work; may raise Cancelled.
    """
    if n_clusters < 2:
        return 0.0
    if len(x) > SAMPLE:
        x = x[np.sort(np.random.default_rng(seed).choice(len(x), SAMPLE, replace=False))]
    agreement = bootstrap_agreement(x, min(n_clusters, len(x)), seed=seed, progress=progress)
    return 1.0 - float(agreement.mean())


def knowledge_weight(decided: float, left_open: float, encoders: float) -> float:
    """Default weight w of the knowledge, between ``LEAST`` and ``MOST`` times the encoder's.

    Args:
        decided: see ``decidedness``.
        left_open: see ``openness``.
        encoders: the encoder's own weight.
    """
    by_words = LEAST + _ramp(decided, UNDECIDED, DECIDED) * (MOST - LEAST)
    by_looks = LEAST + _ramp(left_open, SETTLED, OPEN) * (USUAL - LEAST)
    return encoders * max(by_words, by_looks)


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high`` on, straight between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
