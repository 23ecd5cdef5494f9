"""What all benchmarks share: how their options are read, and how tables are written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence


def options_parser(name: str, **defaults: float | str) -> argparse.ArgumentParser:
    """The options of ``kec bench NAME``: each of the type of its default, and ``--json``."""
    parser = argparse.ArgumentParser(prog=f"kec bench {name}")
    for option, default in defaults.items():
        parser.add_argument(f"--{option.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--json", action="store_true")
    return parser


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], told: str = "") -> str:
    """A table in Markdown, under what is told of it."""
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
    return "\n".join([told, "", *lines] if told else lines)
