"""Unit rows around known directions, for tests of clustering and mapping."""

from __future__ import annotations

import numpy as np


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def planted_rows(n_clusters=5, per_cluster=40, dim=32, noise=0.1, seed=0):
    """Rows around random directions, and which direction each row is of; rows are shuffled."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(n_clusters, dtype=np.int32), per_cluster))
    centres = unit(rng.normal(size=(n_clusters, dim)))
    return unit(centres[truth] + noise * rng.normal(size=(len(truth), dim))), truth


def same_partition(a, b):
    """Whether two labellings group the rows alike, whatever the ids."""
    pairs = len(set(zip(a.tolist(), b.tolist(), strict=True)))
    return pairs == len(set(a.tolist())) == len(set(b.tolist()))
