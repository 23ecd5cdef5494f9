"""The test bench for phrases: how a text scores the photos of two concepts, before it becomes an attribute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize
from kec_core.encoders.base import TextEncoder
from kec_core.errors import InputError

BINS = 30
"""Bars of the histogram."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probe:
    """How a phrase scores two sets of photos.

    Attributes:
        auc: chance that a photo of the first set scores above one of the second, in [0, 1]; 0.5 separates nothing.
        edges: float32 (BINS + 1,), cosines between the bars of the histogram.
        first, second: int64 (BINS,), photos of each set per bar.
        top, bottom: rows of the highest and the lowest scores in the collection, most extreme first.
    """

    auc: float
    edges: FloatVector
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]


def probe(
    phrase: str,
    x: FloatMatrix,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    encode: TextEncoder,
    *,
    shown: int = 9,
) -> Probe:
    """Score every photo with a phrase, and tell how well it separates two sets.

    Args:
        phrase: what would become an attribute.
        x: float32 (N, d), unit rows.
        first: rows of one concept's photos, at least one.
        second: rows of the other concept's photos, at least one.
        encode: strings to raw features.
        shown: photos at either end.

    Raises:
        InputError: the phrase is empty, or a concept has no photo.
    """
    if not phrase.strip():
        raise InputError("A phrase to test should not be empty; write what can be seen in a photo.")
    if not len(first) or not len(second):
        raise InputError(
            "A phrase is tested on the photos of two concepts, but one of them has none; choose another."
        )
    scores = x @ l2_normalize(encode([phrase]))[0]
    edges = np.histogram_bin_edges(scores, BINS)
    order = np.argsort(scores, kind="stable")
    return Probe(
        auc=auc(scores[first], scores[second]),
        edges=edges.astype(np.float32),
        first=np.histogram(scores[first], edges)[0],
        second=np.histogram(scores[second], edges)[0],
        top=order[::-1][:shown],
        bottom=order[:shown],
    )


def auc(first: FloatVector, second: FloatVector) -> float:
    """Chance that a score of ``first`` is above one of ``second`` (ties count half), in [0, 1]; both not empty."""
    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    wins = ranks.sum() - len(first) * (len(first) + 1) / 2
    return float(wins / (len(first) * len(second)))
