"""First maps of a collection: ours beside umap-learn and scikit-learn with their defaults, on the same vectors.

``kec bench layout [--images 50000] [--dim 512] [--clusters 100] [--skip-sklearn]``.
Planted photos: one direction per cluster, within it twenty directions of falling strength, and noise. Every way is run
once on few photos before, so that compiling is in nobody's time. Seconds are of whole layouts from the vectors; ours
share one graph, which is in both of them. Recall: share of the true 15 neighbours of 500 photos that are in our graph.
Kept: share of a photo's 10 neighbours on the map that are of its own planted cluster.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.common import options_parser
from benchmarks.live import timed
from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.maps.layout import NEIGHBOURS, lay_out
from kec_core.maps.neighbours import Neighbours, find_neighbours

FEW = 5000
FEWEST = 4200
"""More than umap-learn compares pair by pair, so that its search is compiled too."""
STRENGTHS = 20
MEASURED = 500
RECALL_AT = 15
KEPT_AT = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, and seconds of all cores: on a busy machine only the second are to be trusted."""

    seconds: float
    core_seconds: float

    def plus(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(self.seconds + other.seconds, self.core_seconds + other.core_seconds)


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options."""
    parser = options_parser("layout", images=50000, dim=512, clusters=100, seed=0)
    parser.add_argument("--skip-sklearn", action="store_true", help="its t-SNE of 50,000 photos takes long")
    arguments = parser.parse_args(options)
    x, truth = planted(arguments.images, arguments.dim, arguments.clusters, arguments.seed)
    few = x[: min(FEW, len(x) // 2)]
    graph_of(few)
    searched, graph = _said("graph of neighbours", graph_of, x)
    reached = recall(x, graph)
    print(f"recall {reached:.3f}", file=sys.stderr, flush=True)
    ours = {name: _row(truth, *_ours(name, x, graph, few), also=searched) for name in ("umap", "tsne")}
    theirs = {"umap": _row(truth, *_theirs("umap-learn", _umap_defaults, x, few))}
    if not arguments.skip_sklearn:
        theirs["tsne"] = _row(truth, *_theirs("scikit-learn", _sklearn_defaults, x, few))
    return {
        "graph": {"seconds": round(searched.seconds, 2), "recall": round(reached, 4)},
        "ours": ours,
        "defaults": theirs,
        **{f"ratio_{unit}": _ratios(ours, theirs, unit) for unit in ("seconds", "core_seconds")},
        "images": arguments.images,
        "dim": arguments.dim,
        "clusters": arguments.clusters,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def _ratios(
    ours: Mapping[str, Mapping[str, float]], theirs: Mapping[str, Mapping[str, float]], unit: str
) -> dict[str, float]:
    """How many times faster ours are."""
    return {name: round(row[unit] / ours[name][unit], 2) for name, row in theirs.items()}


def planted(n_images: int, dim: int, n_clusters: int, seed: int) -> tuple[FloatMatrix, IntVector]:
    """Photos of planted clusters, unit rows in a narrow cone, and the cluster of each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, dim)).astype(np.float32)
    truth = rng.integers(n_clusters, size=n_images, dtype=np.int32)
    strengths = (1 / np.sqrt(1 + np.arange(STRENGTHS))).astype(np.float32)
    x = 0.3 * rng.standard_normal(size=(n_images, dim), dtype=np.float32)
    x += 1.5 * rng.normal(size=dim).astype(np.float32)
    for cluster in range(n_clusters):
        rows = np.flatnonzero(truth == cluster)
        within = rng.standard_normal(size=(len(rows), STRENGTHS), dtype=np.float32) * strengths
        x[rows] += centres[cluster] + within @ rng.standard_normal(size=(STRENGTHS, dim), dtype=np.float32)
    return l2_normalize(x), truth


def graph_of(x: FloatMatrix) -> Neighbours:
    """Our graph."""
    return find_neighbours(x, NEIGHBOURS)


def recall(x: FloatMatrix, graph: Neighbours) -> float:
    """Share of the true neighbours of some photos that are in the graph; checked against all pairs."""
    rows = np.random.default_rng(7).choice(len(x), size=min(MEASURED, len(x)), replace=False)
    cosines = x[rows] @ x.T
    cosines[np.arange(len(rows)), rows] = -np.inf
    true = np.argpartition(-cosines, RECALL_AT, axis=1)[:, :RECALL_AT]
    hits = [len(np.intersect1d(a, b)) for a, b in zip(true, graph.rows[rows, :RECALL_AT], strict=True)]
    return sum(hits) / true.size


def _ours(
    method: Any,  # noqa: ANN401 - one of the methods' names
    x: FloatMatrix,
    graph: Neighbours,
    few: FloatMatrix,
) -> tuple[Cost, FloatMatrix]:
    lay_out(few, method, graph_of(few))
    return _said(f"ours, {method}, without the graph", lay_out, x, method, graph)


def _theirs(
    name: str, work: Callable[[FloatMatrix], FloatMatrix], x: FloatMatrix, few: FloatMatrix
) -> tuple[Cost, FloatMatrix]:
    work(few[:FEWEST])
    return _said(f"{name}, defaults", work, x)


def _umap_defaults(x: FloatMatrix) -> FloatMatrix:
    from umap import UMAP

    return np.asarray(UMAP().fit_transform(x))


def _sklearn_defaults(x: FloatMatrix) -> FloatMatrix:
    from sklearn.manifold import TSNE

    return np.asarray(TSNE().fit_transform(x))


def _row(truth: IntVector, cost: Cost, places: FloatMatrix, *, also: Cost | None = None) -> dict[str, float]:
    cost = cost if also is None else cost.plus(also)
    return {
        **{unit: round(value, 2) for unit, value in asdict(cost).items()},
        "kept": round(kept(places, truth), 4),
    }


def kept(places: FloatMatrix, truth: IntVector) -> float:
    """How well planted clusters stay together on a map, in [0, 1]."""
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=KEPT_AT).fit(places).kneighbors(return_distance=False)
    return float((truth[near] == truth[:, None]).mean())


def _said(name: str, work: Callable[..., Any], *inputs: object) -> tuple[Cost, Any]:
    before = time.process_time()
    seconds, result = timed(work, *inputs)
    cost = Cost(seconds, time.process_time() - before)
    print(f"{name}: {cost.seconds:.1f} s, {cost.core_seconds:.1f} s of cores", file=sys.stderr, flush=True)
    return cost, result


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(measure(sys.argv[1:])))
