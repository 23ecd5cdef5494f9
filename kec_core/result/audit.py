"""An audit: a person judges a small random sample of the photos, and the share of right ones is known with an interval.

The sample is stratified by cluster, so small clusters are heard too; every judged photo stands for its share of the
cluster it was drawn from. The interval is Wilson's, with Kish's effective sample size for the unequal weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector
from kec_core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was judged of one cluster; ``right`` of ``judged`` photos belong to it, of ``size`` photos in all."""

    size: int
    judged: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The share of photos in the right cluster, each in [0, 1].

    Attributes:
        share: best estimate.
        low, high: ends of the interval.
        covered: share of all photos that lie in clusters with at least one judged photo; the others are not known.
        judged: number of photos that were judged.
    """

    share: float
    low: float
    high: float
    covered: float
    judged: int


def draw_sample(labels: IntVector, size: int, *, seed: int = 0) -> IntVector:
    """Photos to judge: in proportion to the clusters' sizes, at least one of every cluster, in random order.

    Args:
        labels: int32 (N,), cluster of each photo.
        size: photos wanted; with more clusters than that there is one per cluster, and never more than N.
        seed: draws the photos and their order.

    Returns:
        int32 (n,), rows without repeats. The order is random, so that the first judgements already stand for all.

    Raises:
        InputError: less than one photo is wanted.
    """
    if size < 1:
        raise InputError(f"An audit needs at least one photo, but {size} were asked for; try 60.")
    rng = np.random.default_rng(seed)
    clusters, sizes = np.unique(labels, return_counts=True)
    shares = _shares(sizes, size)
    rows = [
        rng.choice(np.flatnonzero(labels == cluster), count, replace=False)
        for cluster, count in zip(clusters, shares, strict=True)
    ]
    return rng.permutation(np.concatenate(rows)).astype(np.int32)


def _shares(sizes: NDArray[np.integer], total: int) -> list[int]:
    """``total`` in proportion to the sizes: one each, then the largest remainders first; never more than there are."""
    total = min(max(total, len(sizes)), int(sizes.sum()))
    shares = np.ones(len(sizes), dtype=np.int64)
    wanted = sizes * (total / sizes.sum())
    while shares.sum() < total:
        lacking = np.where(shares < sizes, wanted - shares, -np.inf)
        shares[int(lacking.argmax())] += 1
    return [int(share) for share in shares]


def estimate(strata: Mapping[int, Judged], *, confidence: float = 0.95) -> Estimate | None:
    """What the judgements say about all photos; None before the first one.

    Clusters without a judged photo are left out, and ``covered`` says how much that is.

    Args:
        strata: by cluster.
        confidence: of the interval, in (0, 1).
    """
    known = [stratum for stratum in strata.values() if stratum.judged]
    if not known:
        return None
    total = sum(stratum.size for stratum in known)
    weights = [stratum.size / total for stratum in known]
    share = sum(w * s.right / s.judged for w, s in zip(weights, known, strict=True))
    effective = 1 / sum(w * w / s.judged for w, s in zip(weights, known, strict=True))
    low, high = wilson(share, effective, confidence=confidence)
    return Estimate(
        share=share,
        low=low,
        high=high,
        covered=total / sum(stratum.size for stratum in strata.values()),
        judged=sum(stratum.judged for stratum in known),
    )


def wilson(share: float, count: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Args:
        share: in [0, 1].
        count: effective number of observations, above 0; need not be whole (scipy's own interval wants it so).
        confidence: in (0, 1).
    """
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + confidence / 2))
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
