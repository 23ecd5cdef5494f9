"""``kec search``: photos of a project by words, or like another photo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from commands.parsing import Subparsers, add_command
from kec_core.errors import InputError


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec search``."""
    p = add_command(commands, "search", search, "find photos of a project by words, or like another photo")
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument("words", nargs="?", metavar="WORDS", help='what can be seen in them, like "red flowers"')
    p.add_argument("--like", metavar="FILE", help="a photo of the project, or any photo file")
    p.add_argument("--top", type=int, default=20, metavar="N", help="how many photos at most (20)")


def search(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec search``: the photos found, best first.

    Raises:
        InputError: neither or both of words and a photo came, or they cannot be looked for.
    """
    from state.project.project import Project
    from state.work.search import open_search

    if (arguments.words is None) == (arguments.like is None):
        came = "neither" if arguments.words is None else "both"
        raise InputError(f"Either WORDS or --like FILE was expected, but {came} came; give one of them.")
    opened = open_search(Project.open(arguments.project))
    if arguments.like is None:
        found, asked = opened.words(arguments.words, arguments.top), {"words": arguments.words}
    else:
        found, asked = opened.like(arguments.like, arguments.top), {"like": arguments.like}
    return {
        "project": opened.project.name,
        "revision": opened.revision.id,
        **asked,
        "found": [one.to_json() for one in found],
    }
