"""Grounding a large collection: time and memory beside the two bare matrix products it consists of.

    kec bench grounding [--images 1000000] [--concepts 1000] [--dim 512] [--repeats 2]

Random unit vectors in a memory-mapped file. Ours: ``ground_features``, from the file to the kappa of every photo.
Bare: X Zhat^T and its product with [Z | E], in the same blocks, no softmax, nothing kept. Every run has a process of
its own, ours and bare in turn; seconds are the best of the repeats, memory is the largest peak (resident set, which
counts the mapped file's pages too).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import options_parser
from kec_core.arrays import FloatMatrix, blocks, l2_normalize
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.grounding import ground_features
from kec_core.types import ConceptVectors

GIB = 2**30


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options."""
    parser = options_parser("grounding", images=1_000_000, concepts=1000, dim=512, repeats=2)
    arguments = parser.parse_args(options)
    with tempfile.TemporaryDirectory(prefix="kec-bench-") as folder:
        path = Path(folder) / "x.npy"
        write_vectors(path, arguments.images, arguments.dim)
        runs = [
            (alone(carry_knowledge, path, arguments.concepts), alone(bare_products, path, arguments.concepts))
            for _ in range(arguments.repeats)
        ]
    ours, bare = ([run[side] for run in runs] for side in (0, 1))
    return {
        "ours": summary(ours),
        "bare": summary(bare),
        "ratio": round(best(ours) / best(bare), 2),
        "images": arguments.images,
        "concepts": arguments.concepts,
        "dim": arguments.dim,
        "cores": os.cpu_count(),
    }


@dataclass(frozen=True, slots=True)
class Watched:
    """What one run cost: wall and processor seconds, peak resident memory in GiB."""

    seconds: float
    cpu_seconds: float
    peak_gib: float


def summary(runs: Sequence[Watched]) -> dict[str, Any]:
    """The best seconds, all seconds and the largest peak of some runs."""
    return {
        "seconds": round(best(runs), 2),
        "all_seconds": [round(run.seconds, 2) for run in runs],
        "cpu_seconds": round(min(run.cpu_seconds for run in runs), 2),
        "peak_gib": round(max(run.peak_gib for run in runs), 2),
    }


def best(runs: Sequence[Watched]) -> float:
    """Wall seconds of the quickest run."""
    return min(run.seconds for run in runs)


def alone(work: Callable[[FloatMatrix, int], None], path: Path, n_concepts: int) -> Watched:
    """What some work costs in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(watched, work, path, n_concepts).result()


def watched(work: Callable[[FloatMatrix, int], None], path: Path, n_concepts: int) -> Watched:
    """Do the work here and now; see ``alone``."""
    x = np.load(path, mmap_mode="r")
    started, cpu_started = time.perf_counter(), time.process_time()
    work(x, n_concepts)
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in kibibytes
    return Watched(
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu_started,
        peak_gib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB,
    )


def carry_knowledge(x: FloatMatrix, n_concepts: int) -> None:
    """Ours."""
    ground_features(x, random_concepts(n_concepts, x.shape[1]), GroundingConfig(), EncoderDefaults())


def bare_products(x: FloatMatrix, n_concepts: int) -> None:
    """The two products of methods.md 6.3 and nothing else."""
    vectors = random_concepts(n_concepts, x.shape[1])
    stacked = np.hstack([vectors.zeta, vectors.attributes])
    for block in blocks(len(x)):
        scores = x[block] @ vectors.logit.T  # (B, d)(d, M)
        scores @ stacked  # (B, M)(M, 2d)


def random_concepts(n_concepts: int, dim: int) -> ConceptVectors:
    """Concepts that all have a description and attributes."""
    rng = np.random.default_rng(1)
    phi, psi, attributes = (
        l2_normalize(rng.standard_normal((n_concepts, dim), dtype=np.float32)) for _ in range(3)
    )
    return ConceptVectors(
        logit=l2_normalize(phi + psi),
        zeta=phi + psi,
        attributes=attributes,
        concept_ids=tuple(f"c{q:04d}" for q in range(n_concepts)),
    )


def write_vectors(path: Path, n_images: int, dim: int) -> None:
    """Random unit rows, float32, written block by block."""
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n_images, dim))
    for block in blocks(n_images):
        x[block] = l2_normalize(rng.standard_normal((block.stop - block.start, dim), dtype=np.float32))
    x.flush()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
