"""A whole run from ready-made vectors to a revision, as collections grow: seconds, core seconds and peak memory of every stage.

``kec bench scale [--sizes 100000,1000000] [--dim 512] [--clusters 100] [--nouns 5000] [--json]``. Each size in a process
of its own, with default options, WordNet's builder, random vectors around planted centres, one in a hundred of them copied
from another, and made-up words near them. There are no files of photos: the scan gives their names. "revision" is what
follows the last stage, "show" is ``kec show`` in a process of its own, its start included. The exponent is the
slope of log core seconds over log photos: 1 is linear. Megabytes are of the whole process, the inputs included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import options_parser
from benchmarks.live import TableOfWords
from benchmarks.scaling import exponent
from kec_core.arrays import FloatMatrix, Progress, blocks, no_progress
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.encoders.base import EncoderInfo, Pixels
from kec_core.encoders.readymade import load_readymade
from kec_core.errors import InputError
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.memory import peak_megabytes, reset_peak
from kec_core.photos.images import ImageRecord, Scan, ScanReport
from kec_core.stages import Hooks, Resources
from kec_core.types import Noun, StageReport
from kec_core.wordnet.vocabulary import can_be_seen, wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet
from state.project.project import Project
from state.work.run import run_project

COPIES = 100
"""One in so many vectors is a near-copy of the one before."""


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run every size; seconds and MB per stage, and how each stage's time grows."""
    parser = options_parser("scale", sizes="100000,1000000", dim=512, clusters=100, nouns=5000)
    arguments = parser.parse_args(options)
    runs = {size: _measured(size, arguments) for size in arguments.sizes.split(",")}
    stages = list(dict.fromkeys(stage for run in runs.values() for stage in run))
    return {
        "sizes": runs,
        "exponents": {stage: _exponent(runs, stage) for stage in stages},
        "dim": arguments.dim,
        "clusters": arguments.clusters,
    }


def _measured(size: str, arguments: argparse.Namespace) -> dict[str, Any]:
    words = (size, arguments.dim, arguments.clusters, arguments.nouns)
    command = [sys.executable, "-m", "benchmarks.scale", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _exponent(runs: Mapping[str, Mapping[str, Any]], stage: str) -> float | None:
    done = [(int(size), found[stage]["core_seconds"]) for size, found in runs.items() if stage in found]
    return exponent([{"images": size, "core_seconds": seconds} for size, seconds in done])


class _Watch:
    """Seconds and megabytes of what is done one after another in this process."""

    def __init__(self, size: int) -> None:
        self.found: dict[str, dict[str, float]] = {}
        self._size = size
        self._busy = time.process_time()
        self._since = time.perf_counter()

    def tell(self, stage: str, megabytes: float) -> None:
        """Something has ended; what was done since the one before counts with it."""
        before, self._busy = self._busy, time.process_time()
        since, self._since = self._since, time.perf_counter()
        self.keep(stage, self._since - since, self._busy - before, megabytes)

    def keep(self, stage: str, seconds: float, core_seconds: float, megabytes: float) -> None:
        """Note what something took."""
        self.found[stage] = {
            "seconds": round(seconds, 3),
            "core_seconds": round(core_seconds, 3),
            "megabytes": round(megabytes, 1),
        }
        print(f"{self._size:,} photos, {stage}: {self.found[stage]}", file=sys.stderr, flush=True)


def run_one(size: int, dim: int, n_clusters: int, n_nouns: int) -> dict[str, dict[str, float]]:
    """Seconds on the clock and of all cores, and peak MB, of every stage of one run and of all together."""
    wordnet = load_wordnet()
    with tempfile.TemporaryDirectory(prefix="kec-bench-") as name:
        folder = Path(name)
        words = WordEncoder(dim, n_clusters)
        _write_vectors(folder / "vectors.npy", size, words.table.centres)
        nouns = tuple(noun for noun in wordnet_vocabulary(wordnet) if can_be_seen(noun, wordnet))[:n_nouns]

        def resources(_project: Project, _config: RunConfig) -> Resources:
            return Resources(
                encoder=load_readymade(folder / "vectors.npy", words),
                vocabulary=nouns,
                builder=WordNetBuilder(wordnet),
                wordnet=wordnet,
            )

        watch = _Watch(size)

        def tell(report: StageReport) -> None:
            watch.tell(report.stage, report.megabytes)
            reset_peak()

        project = Project.create(folder / "project", "planted")
        config = RunConfig(n_clusters=n_clusters)
        run_project(
            project, folder, config, resources=resources, scan=_named(size), hooks=Hooks(on_report=tell)
        )
        watch.tell("revision", peak_megabytes())
        sums = {key: sum(one[key] for one in watch.found.values()) for key in ("seconds", "core_seconds")}
        watch.keep("total", **sums, megabytes=max(one["megabytes"] for one in watch.found.values()))
        watch.keep("show", *_show(project.folder))
    return watch.found


def _named(size: int) -> Scan:
    """A scan that finds so many photos by their names."""

    def scan(_root: Path, /, *, progress: Progress = no_progress) -> ScanReport:  # noqa: ARG001 - quick
        return ScanReport(
            images=tuple(
                ImageRecord(id=f"{number:08d}.jpg", width=1, height=1, sha256=f"{number:064x}", mode="RGB")
                for number in range(size)
            )
        )

    return scan


_SHOW = """
import sys, cli, kec_core.memory
cli.main(sys.argv[1:])
print(kec_core.memory.peak_megabytes(), file=sys.stderr)
"""
"""The command line, then its peak MB: that of ``getrusage`` would hold the memory of the process that started it."""


def _show(folder: Path) -> tuple[float, float, float]:
    """What ``kec show --clusters`` takes: seconds on the clock and of cores, and peak MB."""
    import resource  # not on Windows

    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _SHOW, "show", "--clusters", "--json", str(folder)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, busy, float(done.stderr.split()[-1])


def _write_vectors(file: Path, size: int, centres: FloatMatrix) -> None:
    """Vectors around the centres, written in blocks so that they never are in memory together."""
    rng = np.random.default_rng(0)
    table = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(size, centres.shape[1]))
    for block in blocks(size):
        rows = rng.standard_normal((block.stop - block.start, centres.shape[1]), dtype=np.float32)
        rows = 2 * rows + centres[rng.integers(len(centres), size=len(rows))]
        rows[1::COPIES] = rows[::COPIES][: len(rows[1::COPIES])] + 0.3 * rows[1::COPIES]
        table[block] = rows
    table.flush()


@dataclass(frozen=True, slots=True, eq=False)
class WordEncoder:
    """Texts of the planted space (``TableOfWords``); it sees no photos.

    Attributes:
        dim: d, width of the vectors.
        n_centres: one per cluster.
    """

    dim: int
    n_centres: int

    @property
    def table(self) -> TableOfWords:
        """The centres and the words near them."""
        return TableOfWords(
            np.random.default_rng(1).normal(size=(self.n_centres, self.dim)).astype(np.float32)
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return EncoderInfo(
            name="planted",
            dim=self.dim,
            defaults=EncoderDefaults(),
            caption="planted",
            revision="planted",
            image_side=0,
            noun_templates=("{}",),
        )

    def preprocess(self, image: object) -> Pixels:
        """Vectors are ready-made.

        Raises:
            InputError: always.
        """
        raise InputError(f"No photo is encoded here, but one came: {image}")

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """Vectors are ready-made.

        Raises:
            InputError: always.
        """
        raise InputError(f"No photo is encoded here, but {len(pixels)} came.")

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """See Encoder: every text lies near one of the centres."""
        return self.table([f"{text} thing {zlib.crc32(text.encode()) % self.n_centres}" for text in texts])

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:  # noqa: ARG002 - quick
        """See Encoder: all of them."""
        return np.ones(len(nouns), dtype=np.bool_)


if __name__ == "__main__":
    print(json.dumps(run_one(*map(int, sys.argv[1:]))))
