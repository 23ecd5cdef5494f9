"""The engine ray beside one process: the groups of a model given to many vectors that lie in shards on disk.

``kec bench engine [--rows 1000000] [--dim 512] [--concepts 100] [--clusters 100]``. Both sides read the same Parquet
shards, carry knowledge into every vector, find its nearest group and write the labels: one process with a thread per
processor, and Ray's workers on this machine. The seconds that Ray takes to start, a worker's first task included, are told
apart. Memory is the largest sum of resident sets of all processes, shared pages counted in each.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import options_parser
from benchmarks.grounding import GIB, random_concepts
from kec_core.arrays import l2_normalize, no_progress
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.parallel import threads_for
from kec_core.photos.images import ImageRecord
from kec_core.result.group_model import GroupModel, Groups
from kec_core.types import Knowledge
from state.engine.cluster import cluster, over
from state.engine.labelling import Labelled, label_all, label_group, task_groups
from state.engine.listing import MEAN_PART
from state.engine.shards import Shard, save_shard
from state.engine.stores import Store, store_at

_MEASURED = ("seconds", "core_seconds", "peak_gib")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options."""
    parser = options_parser("engine", rows=1_000_000, dim=512, concepts=100, clusters=100)
    arguments = parser.parse_args(options)
    model = planted_model(arguments.concepts, arguments.clusters, arguments.dim)
    with tempfile.TemporaryDirectory(prefix="kec-bench-") as folder:
        shards = store_at(Path(folder) / "features")
        files = write_shards(shards, arguments.rows, arguments.dim)
        local = watched(lambda: label_here(shards, files, model, store_at(Path(folder) / "local")))
        started = time.perf_counter()
        with cluster():
            list(over(range(4 * (os.cpu_count() or 1)), lambda number: number))  # the workers start
            starting = time.perf_counter() - started
            ray = watched(
                lambda: label_all(shards, files, model, store_at(Path(folder) / "ray"), progress=no_progress)
            )
    return {
        "rows": arguments.rows,
        "dim": arguments.dim,
        "cores": os.cpu_count(),
        "same_groups": local["labelled"].sizes == ray["labelled"].sizes,
        "local": {name: local[name] for name in _MEASURED},
        "ray": {name: ray[name] for name in _MEASURED},
        "starting_seconds": round(starting, 2),
        "ratio": round(ray["seconds"] / local["seconds"], 3),
        "core_ratio": round(ray["core_seconds"] / local["core_seconds"], 3),
    }


def planted_model(n_concepts: int, n_clusters: int, dim: int) -> GroupModel:
    """Groups at random places."""
    rng = np.random.default_rng(2)
    centres = l2_normalize(rng.standard_normal((n_clusters, 2 * dim), dtype=np.float32))
    return GroupModel(
        encoder="planted",
        revision="planted",
        knowledge=Knowledge(),
        vectors=random_concepts(n_concepts, dim),
        grounding=GroundingConfig(),
        defaults=EncoderDefaults(),
        weight=0.5,
        mean=np.zeros(dim, dtype=np.float32),
        product_centre=None,
        whitening=None,
        groups=Groups(
            clusters=np.arange(n_clusters, dtype=np.int32),
            names=tuple(f"group {number}" for number in range(n_clusters)),
            centres=centres,
            limit=-1.0,
        ),
    )


def write_shards(shards: Store, n_rows: int, dim: int) -> list[str]:
    """Random unit rows in shards of the usual size."""
    rng = np.random.default_rng(0)
    files = []
    for start in range(0, n_rows, MEAN_PART):
        names = [f"{row:010d}.jpg" for row in range(start, min(start + MEAN_PART, n_rows))]
        records = tuple(ImageRecord(id=name, width=8, height=8, sha256=name, mode="RGB") for name in names)
        rows = l2_normalize(rng.standard_normal((len(names), dim), dtype=np.float32))
        shard = Shard(records=records, features=rows, exif={}, skipped=(), others=Counter(), is_final=True)
        files.append(save_shard(shards, f"{start:010d}", shard))
    return files


def label_here(shards: Store, files: Sequence[str], model: GroupModel, labels: Store) -> Labelled:
    """The same work in this process: a thread for each processor, as Ray has a worker for each."""
    with threads_for(MEAN_PART), ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda group: label_group(model, shards, group, labels, set()), task_groups(files))
        return reduce(add, parts, Labelled())


def watched(work: Callable[[], Labelled]) -> dict[str, Any]:
    """Do the work: what came of it, its seconds, and of this process and all below it seconds of the cores and peak GiB."""
    started, worked = time.perf_counter(), _processor_seconds()
    with _watched_memory() as peak:
        found = work()
    return {
        "labelled": found,
        "seconds": round(time.perf_counter() - started, 2),
        "core_seconds": round(_processor_seconds() - worked, 2),
        "peak_gib": round(max(peak) / GIB, 2),
    }


@contextmanager
def _watched_memory() -> Iterator[list[int]]:
    """Resident bytes of this process and its children, twice a second, while the block runs."""
    seen, done = [_resident()], threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            seen.append(_resident())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _resident() -> int:
    return int(_summed(lambda process: process.memory_info().rss))


def _processor_seconds() -> float:
    """Of all processes, and of those below them that have ended."""
    return _summed(lambda process: sum(process.cpu_times()[:4]))


def _summed(measure: Callable[[psutil.Process], float]) -> float:
    """Over this process and those below it; one that ends meanwhile counts nothing."""
    own, total = psutil.Process(), 0.0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.Error):
            total += measure(process)
    return total
