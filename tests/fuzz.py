"""``make fuzz``: a bounded random search with any seed; ``python -m tests.fuzz --rounds N --seed S``.

Prints for each kind of input how many were tried, used, refused and ended in a crash; exits 1 if any did.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator

KINDS = (
    ("fuzz_photos", "fuzz_images", 25),
    ("fuzz_photos", "fuzz_zips", 25),
    ("fuzz_tables", "fuzz_label_csvs", 1),
    ("fuzz_tables", "fuzz_embedding_tables", 1),
    ("fuzz_edits", "fuzz_edits", 1),
    ("fuzz_projects", "fuzz_projects", 1),
)
"""Module, function, and how many inputs one of its rounds tries."""
MOST_CRASHES = 5
"""A kind is given up after so many."""


def main(argv: list[str] | None = None) -> int:
    """Search every kind; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="repeats a search")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    arguments = parser.parse_args(argv)
    print(f"seed {arguments.seed}")
    total: Counter[str] = Counter()
    for module, name, size in KINDS:
        if arguments.only in name and importlib.util.find_spec(f"tests.{module}"):
            kind = getattr(importlib.import_module(f"tests.{module}"), name)
            found = search(kind, -(-arguments.rounds // size), arguments.seed, size)
            print(name, ", ".join(f"{count} {word}" for word, count in sorted(found.items())), flush=True)
            total += found
    print(f"all: {total.total() - total['crashed']} tried, {total['crashed']} crashed")
    return 1 if total["crashed"] else 0


def search(
    kind: Callable[[int, int], Iterator[object]], rounds: int, seed: int, size: int = 1
) -> Counter[str]:
    """Counts of what became of the inputs of one kind; after a crash the search goes on with the next seed."""
    found: Counter[str] = Counter()
    done = 0
    for attempt in itertools.count():
        try:
            for outcome in kind(rounds - done, seed + attempt):
                found[outcome if isinstance(outcome, str) else "tried"] += size
                done += 1
            return found
        except Exception:
            traceback.print_exc()
            found["crashed"] += 1
            done += 1
        if done >= rounds or found["crashed"] >= MOST_CRASHES:
            return found


if __name__ == "__main__":
    sys.exit(main())
