"""``kec bench``: measurements of speed and quality."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from commands.parsing import Subparsers, add_command
from kec_core.errors import InputError, ResourceMissing

BENCHMARKS = (
    "ask",
    "assign",
    "cluster",
    "encode",
    "engine",
    "expert",
    "grounding",
    "layout",
    "lists",
    "live",
    "llm",
    "map",
    "pages",
    "paper",
    "scale",
    "scaling",
    "table",
    "words",
)


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec bench``."""
    p = add_command(
        commands, "bench", bench, "measure speed or quality; ours beside the plain way in one run"
    )
    p.add_argument("name", help=", ".join(BENCHMARKS))
    p.add_argument("options", nargs=argparse.REMAINDER, help="options of that benchmark")


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec bench NAME``: run one benchmark; every one prints ours beside the straightforward way.

    Raises:
        InputError: there is no benchmark of this name.
        ResourceMissing: the benchmark needs a package that is not installed.
    """
    if arguments.name not in BENCHMARKS:
        raise InputError(f"Unknown benchmark {arguments.name!r}; known benchmarks: {', '.join(BENCHMARKS)}.")
    arguments.json = arguments.json or "--json" in arguments.options  # options take all that follows the name
    try:
        benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
        measured: dict[str, Any] = benchmark.measure(arguments.options)
    except ModuleNotFoundError as missing:
        raise ResourceMissing(
            f"The benchmark {arguments.name!r} needs the package {missing.name}, which is not installed; "
            "install it with `pip install -r requirements-dev.txt`."
        ) from missing
    return measured
