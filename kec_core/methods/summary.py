"""Several seeds of one method as mean and spread, and the mean rank of methods over collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev

import numpy as np
from scipy.stats import rankdata

from kec_core.types import Scores

METRICS = ("acc", "nmi", "ari")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and sample standard deviation over seeds; 0 for a single one."""

    mean: float
    sd: float


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation of at least one value."""
    return Spread(mean=fmean(values), sd=stdev(values) if len(values) > 1 else 0.0)


def summarise(scores: Sequence[Scores]) -> dict[str, Spread]:
    """ACC, NMI and ARI of at least one seed, each as mean and spread."""
    rows = [asdict(each) for each in scores]
    return {metric: spread([row[metric] for row in rows]) for metric in METRICS}


def mean_ranks(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean rank of each method over collections: 1 is best, equal values share the mean of their ranks.

    Args:
        values: per collection, the value of each method, larger is better; every collection has the same methods.
    """
    names = list(values[0])
    ranks = np.array([rankdata([-row[name] for name in names]) for row in values])
    return dict(zip(names, ranks.mean(axis=0).tolist(), strict=True))
