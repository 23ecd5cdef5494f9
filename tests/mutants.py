"""``make mutants``: small faults put into the program on purpose, each of which a test must notice.

``python -m tests.mutants [--only WORD]`` changes one place at a time in a copy of the tree and runs the tests that
should fail there; that they pass without it is what ``make test`` shows. Prints the mutants that lived; ends with
status 1 when there are any.
"""

from __future__ import annotations

import argparse
import itertools
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutant_list import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("kec_core", "state", "pages", "commands", "provision", "benchmarks", "tests", "docs")
WORKERS = 2
SECONDS = 180.0
"""A mutant whose tests have not ended by then has been noticed: it hangs."""
HANGS = f"(not ended after {SECONDS:g} s)"
_FIRST_MOMENT = 10**9
_writes = itertools.count()
FAILED, BROKEN_IMPORT = 1, 2
"""How pytest ends when a test fails, and when a test file cannot be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a mutant; ``note`` says of a killed one that it hung."""

    mutant: Mutant
    killed: bool
    seconds: float
    note: str


@contextmanager
def copies(count: int) -> Iterator[queue.Queue[Path]]:
    """So many copies of the tree, without what is made in it."""
    with tempfile.TemporaryDirectory(prefix="kec-mutants-") as folder:
        trees: queue.Queue[Path] = queue.Queue()
        for number in range(count):
            tree = Path(folder) / str(number)
            for name in COPIED:
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            for file in ROOT.iterdir():
                if file.is_file():
                    shutil.copy2(file, tree / file.name)
            trees.put(tree)
        yield trees


def tried(mutant: Mutant, tree: Path) -> tuple[int, str]:
    """Run the tests of a mutant in a copy of the tree with it: pytest's status (``FAILED`` when it hangs) and last lines.

    Raises:
        ValueError: the place of the mutant is not there, or there more than once.
    """
    file = tree / mutant.file
    before = file.read_text(encoding="utf-8")
    _write(file, mutant.put_into(before))
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return FAILED, HANGS
    finally:
        _write(file, before)
    return done.returncode, "\n".join(done.stdout.splitlines()[-3:])


def _write(file: Path, text: str) -> None:
    """Write a source at a time of its own: Python tells what it has compiled by size and second."""
    file.write_text(text, encoding="utf-8")
    moment = _FIRST_MOMENT + next(_writes)
    os.utime(file, (moment, moment))


@contextmanager
def taken(trees: queue.Queue[Path]) -> Iterator[Path]:
    """A copy of the tree for one thread alone."""
    tree = trees.get()
    try:
        yield tree
    finally:
        trees.put(tree)


def judged(mutant: Mutant, trees: queue.Queue[Path]) -> Outcome:
    """Whether the tests notice a mutant.

    Raises:
        RuntimeError: pytest could not run them at all.
    """
    began = time.monotonic()
    with taken(trees) as tree:
        status, said = tried(mutant, tree)
    if status not in (0, FAILED, BROKEN_IMPORT):
        raise RuntimeError(f"The tests of {mutant} did not run (pytest ended with {status}): {said}")
    return Outcome(
        mutant=mutant,
        killed=status != 0,
        seconds=time.monotonic() - began,
        note=HANGS if said == HANGS else "",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every mutant; 1 if any lived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants of which this is a part of the file or the text")
    only = parser.parse_args(arguments).only
    chosen = [one for one in MUTANTS if only in str(one)]
    began = time.monotonic()
    with copies(WORKERS) as trees, ThreadPoolExecutor(WORKERS) as pool:
        outcomes = []
        for outcome in pool.map(lambda one: judged(one, trees), chosen):
            word = "killed" if outcome.killed else "LIVED "
            print(f"{word} {outcome.seconds:5.1f} s  {outcome.mutant}  {outcome.note}".rstrip(), flush=True)
            outcomes.append(outcome)
    lived = [one.mutant for one in outcomes if not one.killed]
    print(f"{len(lived)} of {len(chosen)} mutants lived; {time.monotonic() - began:.0f} s")
    return int(bool(lived))


if __name__ == "__main__":
    sys.exit(main())
