"""How much the knowledge counts beside the looks: by how decidedly its words speak; no labels."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import FloatMatrix, blocks

WEIGHT_REVISION = "weight-3"
"""Change it with the rules: stored weights are found by it."""
UNDECIDED, DECIDED = 0.4, 0.5
"""Up to the first the words count least, from the second on most [M]."""
LEAST, MOST = 0.5, 2.0
"""Times the encoder's own weight."""


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


def knowledge_weight(decided: float, encoders: float) -> float:
    """Default weight w of the knowledge, between ``LEAST`` and ``MOST`` times the encoder's.

    Args:
        decided: see ``decidedness``.
        encoders: the encoder's own weight.
    """
    sure = min(1.0, max(0.0, (decided - UNDECIDED) / (DECIDED - UNDECIDED)))
    return encoders * (LEAST + sure * (MOST - LEAST))
