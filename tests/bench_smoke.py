"""Every ``kec bench NAME`` once at its smallest size: ``python -m tests.bench_smoke [NAME...]`` (``make bench-smoke``)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fakes import colour_photos

PHOTOS = "PHOTOS"
"""Stands for a folder of labelled photos."""
SMALLEST: dict[str, tuple[str, ...]] = {
    "ask": ("--data", PHOTOS, "--seeds", "1", "--answers", "10"),
    "assign": ("--data", PHOTOS, "--seeds", "1"),
    "cluster": ("--sizes", "300", "--dim", "16", "--clusters", "4", "--starts", "2"),
    "encode": (
        "--images", "4", "--side", "64", "--strings", "4", "--compact-images", "4", "--compact-side", "64",
    ),
    "engine": ("--rows", "600", "--dim", "16", "--concepts", "4", "--clusters", "4"),
    "expert": ("--data", PHOTOS, "--seeds", "1", "--photos", "1"),
    "grounding": ("--images", "200", "--concepts", "5", "--dim", "16", "--repeats", "1"),
    "layout": ("--images", "300", "--dim", "16", "--clusters", "3"),
    "lists": ("--data", PHOTOS, "--seeds", "1"),
    "live": (
        "--images", "300", "--concepts", "6", "--dim", "16", "--clusters", "4", "--edits", "3", "--full-runs", "1",
    ),
    "llm": ("--items", "4", "--in-flight", "2", "--latency", "0.01"),
    "map": ("--sizes", "300", "--clusters", "3"),
    "pages": ("--images", "300", "--concepts", "5", "--clusters", "4", "--only", "projects"),
    "scale": ("--sizes", "300,600", "--dim", "16", "--clusters", "4", "--nouns", "40"),
    "scaling": ("--methods", "kmeans", "--sizes", "100", "--dim", "16", "--clusters", "3"),
    "table": ("--data", PHOTOS, "--methods", "kmeans", "--seeds", "1"),
    "words": ("--images", "300", "--nouns", "40", "--dim", "16", "--groups", "4", "--against", "300"),
}  # fmt: skip
"""Options of each; "paper" needs the internet and is tried by its own tests with made-up sets."""
QUICK = ("cluster", "grounding", "llm")
"""Those that take less than five seconds of a core, loading aside; every test run tries them."""


def options_of(name: str, folder: Path) -> list[str]:
    """The options of one benchmark, with a made-up folder of photos where it needs one."""
    options = SMALLEST[name]
    photos = str(colour_photos(folder / "photos", 5)) if PHOTOS in options else ""
    return [photos if one == PHOTOS else one for one in options]


def _run(name: str) -> bool:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cli", "bench", name, *options_of(name, Path(folder)), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        worked = done.returncode == 0 and bool(json.loads(done.stdout))
    except ValueError:
        worked = False
    print(f"{name:10} {'works' if worked else 'FAILS'} {time.monotonic() - started:6.1f} s", flush=True)
    if not worked:
        print(f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}", flush=True)
    return worked


def main(names: Sequence[str]) -> int:
    """Run the named benchmarks, by default all."""
    worked = [_run(name) for name in names or SMALLEST]
    return 0 if all(worked) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
