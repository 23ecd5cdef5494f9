"""Spherical k-means beside faiss, scikit-learn's KMeans and MiniBatchKMeans, in one run.

``kec bench cluster [--sizes 50000,200000] [--dim 512] [--clusters 100] [--starts 20] [--ways ours,faiss,...] [--json]``.

Random rows around planted centres that overlap. All have the same number of starts, of 300 iterations at most, except
MiniBatchKMeans (its default, one pass after another). faiss as the paper's reference code calls it: spherical, which
fits on 256 rows per centroid unasked. The objective is the sum of the cosines of all rows to the unit mean of their cluster, so that all
can be compared.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.common import options_parser
from kec_core.arrays import FloatMatrix, IntVector, blocks, l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.geometry import cluster_sums
from kec_core.errors import InputError

ITERATIONS = 300
NOISE = 2.0  # length of a row's noise over that of its centre, times the root of the dimensions over 16


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Seconds and objective of every way at every size; see the module.

    Raises:
        InputError: a way of clustering is not known.
    """
    parser = options_parser("cluster", sizes="50000,200000", dim=512, clusters=100, starts=20, seed=0)
    parser.add_argument("--ways", default=",".join(WAYS))
    arguments = parser.parse_args(options)
    ways = arguments.ways.split(",")
    if unknown := [way for way in ways if way not in WAYS]:
        raise InputError(f"Unknown ways of clustering: {', '.join(unknown)}; known: {', '.join(WAYS)}.")
    found = {}
    for size in arguments.sizes.split(","):
        x = overlapping_rows(int(size), arguments.dim, arguments.clusters, arguments.seed)
        found[size] = {
            way: _measured(way, x, arguments.clusters, arguments.starts, arguments.seed) for way in ways
        }
    return {
        "sizes": found,
        "dim": arguments.dim,
        "clusters": arguments.clusters,
        "starts": arguments.starts,
        "cores": os.cpu_count(),
    }


def _measured(way: str, x: FloatMatrix, n_clusters: int, starts: int, seed: int) -> dict[str, float]:
    busy, started = time.process_time(), time.perf_counter()
    labels = WAYS[way](x, n_clusters, starts, seed)
    run = {
        "seconds": round(time.perf_counter() - started, 3),
        "core_seconds": round(time.process_time() - busy, 3),
        "objective": round(float(np.linalg.norm(cluster_sums(x, labels, n_clusters), axis=1).sum()), 2),
    }
    print(f"{way}, {len(x):,} rows: {run}", file=sys.stderr, flush=True)
    return run


def overlapping_rows(n_rows: int, dim: int, n_clusters: int, seed: int) -> FloatMatrix:
    """Unit rows around random centres, float32 (N, D), with noise that makes neighbouring clusters overlap."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, dim)).astype(np.float32)
    x = rng.standard_normal((n_rows, dim), dtype=np.float32)
    scale = np.float32(NOISE * (dim / 16) ** 0.25)
    for block in blocks(n_rows):
        x[block] *= scale
        x[block] += centres[rng.integers(n_clusters, size=len(x[block]))]
        x[block] = l2_normalize(x[block])
    return x


def _ours(x: FloatMatrix, n_clusters: int, starts: int, seed: int) -> IntVector:
    return spherical_kmeans(x, n_clusters, n_init=starts, max_iter=ITERATIONS, seed=seed).labels


def _faiss(x: FloatMatrix, n_clusters: int, starts: int, seed: int) -> IntVector:
    import faiss

    kmeans = faiss.Kmeans(
        x.shape[1], n_clusters, niter=ITERATIONS, nredo=starts, spherical=True, seed=seed + 1
    )
    kmeans.train(x)
    labels: IntVector = kmeans.index.search(x, 1)[1][:, 0].astype(np.int32)
    return labels


def _sklearn(x: FloatMatrix, n_clusters: int, starts: int, seed: int) -> IntVector:
    from sklearn.cluster import KMeans

    labels: IntVector = KMeans(n_clusters, n_init=starts, max_iter=ITERATIONS, random_state=seed).fit_predict(
        x
    )
    return labels


def _minibatch(x: FloatMatrix, n_clusters: int, starts: int, seed: int) -> IntVector:
    from sklearn.cluster import MiniBatchKMeans

    labels: IntVector = MiniBatchKMeans(
        n_clusters, n_init=min(3, starts), max_iter=ITERATIONS, random_state=seed
    ).fit_predict(x)
    return labels


WAYS: dict[str, Callable[[FloatMatrix, int, int, int], IntVector]] = {
    "ours": _ours,
    "faiss": _faiss,
    "sklearn": _sklearn,
    "minibatch": _minibatch,
}
"""Labels from unit rows, K, number of starts and seed."""
