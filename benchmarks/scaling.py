"""Time and peak memory of every method as a collection grows, on random features, each run in a process of its own.

``kec bench scaling [--methods main|all|a,b,c] [--sizes 1000,10000,50000] [--dim 512] [--clusters 10] [--limit 300]``.
Seconds are of all cores, so that other work on the machine counts little; the exponent is the slope of their log
over log photos: 1 is linear. A run over the limit is stopped and said so.
A run can be cancelled when it tells its progress: the longest time between two of these is what a cancel waits at most.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.common import markdown_table, options_parser
from benchmarks.live import TableOfWords
from benchmarks.table import chosen_methods
from kec_core.config import EncoderDefaults
from kec_core.memory import peak_megabytes, reset_peak
from kec_core.methods import METHODS, MethodInputs, photo_features, run_method
from kec_core.types import Concept, Knowledge, Noun, UniAttribute

N_NOUNS, N_CONCEPTS, N_CAPTIONS = 5000, 100, 2000
DEFAULT_METHODS = (
    "kmeans,tac-notrain,laic,cae,kec,kec-spectral,kec-agglomerative,kec-bisecting,laic-centres,sic,tac,kec-tac,"
    "turtle,turtle-kec,zeroshot"
)


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run every method at every size; seconds, MB above the inputs, wait of a cancel, and the exponent of growth."""
    parser = options_parser(
        "scaling", methods=DEFAULT_METHODS, sizes="1000,10000,50000", dim=512, clusters=10
    )
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of one run at most")
    arguments = parser.parse_args(options)
    sizes = [int(size) for size in arguments.sizes.split(",")]
    rows = {}
    for name in chosen_methods(arguments.methods):
        runs = [_measured(name, size, arguments) for size in sizes]
        rows[name] = {"runs": runs, "exponent": exponent(runs)}
    result = {"dim": arguments.dim, "clusters": arguments.clusters, "sizes": sizes, "methods": rows}
    return {**result, "markdown": markdown(result, arguments.limit)}


def _measured(name: str, size: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One method at one size, in a process of its own; all None when it was stopped."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.scaling",
        name,
        *map(str, (size, arguments.dim, arguments.clusters)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=arguments.limit)
        run: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        run = {"seconds": None, "core_seconds": None, "megabytes": None, "cancel": None}
    print(f"{name}, {size} photos: {run}", file=sys.stderr, flush=True)
    return {"images": size, **run}


def exponent(runs: Sequence[Mapping[str, Any]]) -> float | None:
    """Slope of log core seconds over log photos; None with fewer than two finished runs."""
    done = [(run["images"], run["core_seconds"]) for run in runs if run["core_seconds"]]
    if len(done) < 2:
        return None
    images, seconds = np.log(np.array(done)).T
    return round(float(np.polyfit(images, seconds, 1)[0]), 2)


def markdown(result: Mapping[str, Any], limit: float) -> str:
    """One row per method: seconds, MB and the wait of a cancel at each size, and the exponent."""
    heads = [f"{size:,} photos" for size in result["sizes"]]
    told = f"Seconds of all cores / MB above the inputs / seconds that a cancel waits at most; d = {result['dim']}, K = {result['clusters']}, preset fast."
    rows = []
    for name, row in result["methods"].items():
        cells = [
            f"{run['core_seconds']:.1f} / {run['megabytes']:.0f} / {run['cancel']:.1f}"
            if run["core_seconds"]
            else f"over {limit:g} s"
            for run in row["runs"]
        ]
        grown = "-" if row["exponent"] is None else f"{row['exponent']:.2f}"
        rows.append([METHODS[name].caption, *cells, grown])
    return markdown_table(["method", *heads, "exponent"], rows, told)


def run_one(name: str, n_images: int, dim: int, n_clusters: int) -> dict[str, float]:
    """Seconds on the clock and of all cores, peak MB above the inputs and longest silence of one run with the preset fast."""
    inputs = planted_inputs(n_images, dim, n_clusters)
    method = METHODS[name]
    options = method.fast or method.options
    few = planted_inputs(10 * n_clusters, dim, n_clusters)
    run_method(name, few, n_clusters, options=options)  # libraries are loaded outside of what is measured
    reset_peak()
    before = peak_megabytes()
    busy = time.process_time()
    said = [time.perf_counter()]
    run_method(
        name, inputs, n_clusters, options=options, progress=lambda *_: said.append(time.perf_counter())
    )
    said.append(time.perf_counter())
    return {
        "seconds": round(said[-1] - said[0], 3),
        "core_seconds": round(time.process_time() - busy, 3),
        "megabytes": round(peak_megabytes() - before, 1),
        "cancel": round(float(np.diff(said).max()), 3),
    }


def planted_inputs(n_images: int, dim: int, n_clusters: int) -> MethodInputs:
    """Random photos around one direction per cluster, words near those directions, and 100 concepts."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_CONCEPTS, dim)).astype(np.float32)
    truth = rng.integers(n_clusters, size=n_images).astype(np.int32)
    raw = rng.standard_normal(size=(n_images, dim), dtype=np.float32)
    raw *= np.float32(2.0)
    raw += centres[truth]
    words = [f"noun{n} thing {n % N_CONCEPTS}" for n in range(N_NOUNS)]
    encode = TableOfWords(centres)
    photos = photo_features(raw, EncoderDefaults())
    return MethodInputs(
        train=photos,
        test=photos,
        nouns=encode(words),
        vocabulary=tuple(Noun(word=word) for word in words),
        defaults=EncoderDefaults(logit_scale=30.0, counterpart_tau=0.02),
        encode=encode,
        knowledge=_knowledge(),
        weight=0.5,
        captions=tuple(f"caption {n} of thing {n % N_CONCEPTS}" for n in range(N_CAPTIONS)),
        photo_captions=tuple(f"photo of thing {label}" for label in truth),
        class_names=tuple(f"thing {label}" for label in range(n_clusters)),
        labels=truth,
    )


def _knowledge() -> Knowledge:
    concepts = tuple(
        Concept(id=f"c{q:03d}", name=f"thing {q}", description=f"a thing {q}") for q in range(N_CONCEPTS)
    )
    uni = tuple(
        UniAttribute(id=f"a{q:03d}", concept=f"c{q:03d}", text=f"mark of thing {q}")
        for q in range(N_CONCEPTS)
    )
    return Knowledge(concepts=concepts, uni=uni, last_id=N_CONCEPTS)


if __name__ == "__main__":
    print(json.dumps(run_one(sys.argv[1], *map(int, sys.argv[2:]))))
