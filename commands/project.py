"""What is done with a project that has a result: ``kec finalise``, ``kec show``, ``kec export``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from commands.output import say
from commands.parsing import Subparsers, add_command, names
from state.transfer.formats.table import WRITTEN


def add_finalise(commands: Subparsers[Any]) -> None:
    """Add ``kec finalise``."""
    p = add_command(
        commands, "finalise", finalise, "cluster a project's photos in full after edits, and tell what moved"
    )
    p.add_argument("project", type=Path, metavar="PROJECT")


def finalise(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec finalise``: every restart of the clustering on the shown revision."""
    from kec_core.terminal import show_progress
    from state.project.locks import RunLock
    from state.project.project import Project
    from state.work.finalise import finalise as finalise_project

    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec finalise"), show_progress() as progress:
        return finalise_project(project, progress=progress).to_json()


def add_show(commands: Subparsers[Any]) -> None:
    """Add ``kec show``."""
    p = add_command(commands, "show", show, "show what a project knows")
    p.add_argument("project", type=Path, metavar="PROJECT")
    what = p.add_mutually_exclusive_group()
    for part in ("concepts", "attributes", "clusters", "history"):
        what.add_argument(f"--{part}", dest="part", action="store_const", const=part)
    p.set_defaults(part="clusters")


def show(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec show``: one part of what a project knows."""
    from commands.describe import describe_project
    from state.project.project import Project

    return describe_project(Project.open(arguments.project), arguments.part)


def add_export(commands: Subparsers[Any]) -> None:
    """Add ``kec export``."""
    p = add_command(commands, "export", export, "write a project's result to a folder")
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument("--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--format", default="csv", help=f"comma-separated: {', '.join(WRITTEN)}")
    p.add_argument("--link", action="store_true", help="folders: link to the photos instead of copying them")


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec export``: the result as files."""
    from state.project.project import Project
    from state.transfer.export import export_project

    report = export_project(
        Project.open(arguments.project), arguments.out, names(arguments.format), link=arguments.link
    )
    for note in report.notes:
        say(note)
    return report.to_json()
