"""What is done with a project that has a result: ``kec edit``, ``kec finalise``, ``kec show``, ``kec export``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from commands.output import say
from commands.parsing import Subparsers, add_command, given_path, names
from kec_core.errors import InputError
from state.transfer.formats.table import WRITTEN


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec edit``."""
    p = add_command(
        commands, "edit", edit, "apply a script of edits to a project's knowledge and regroup its photos"
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")
    p.add_argument("--script", type=given_path, required=True, metavar="EDITS.json", help='{"edits": [...]}')
    p.add_argument("--dry-run", action="store_true", help="tell what would happen and keep nothing")


def edit(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec edit``: replay a script of edits, all of it or nothing.

    Raises:
        InputError: the script cannot be read, or an edit does not fit.
    """
    from kec_core.knowledge.edits import read_script
    from kec_core.stages import Hooks
    from kec_core.terminal import show_progress
    from state.project.locks import RunLock
    from state.project.project import Project
    from state.work.editing import edit_project
    from state.work.rebuild import asks_for_rebuild, rebuild

    script: Path = arguments.script
    try:
        edits = read_script(script.read_bytes())
    except OSError as error:
        raise InputError(
            f"--script should be a JSON file with a list of edits, but {script} cannot be read ({error.strerror}); "
            "give another."
        ) from error
    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec edit"), show_progress() as progress:
        report = edit_project(project, edits, dry_run=arguments.dry_run)
        if arguments.dry_run or not asks_for_rebuild(edits):
            return report.to_json()
        return {**report.to_json(), "rebuilt": rebuild(project, hooks=Hooks(progress=progress)).to_json()}


def add_finalise(commands: Subparsers[Any]) -> None:
    """Add ``kec finalise``."""
    p = add_command(
        commands, "finalise", finalise, "cluster a project's photos in full after edits, and tell what moved"
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")


def finalise(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec finalise``: every restart of the clustering on the shown revision."""
    from kec_core.terminal import show_progress
    from state.project.locks import RunLock
    from state.project.project import Project
    from state.work.rebuild import finalise as finalise_project

    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec finalise"), show_progress() as progress:
        return finalise_project(project, progress=progress).to_json()


def add_show(commands: Subparsers[Any]) -> None:
    """Add ``kec show``."""
    p = add_command(commands, "show", show, "show what a project knows")
    p.add_argument("project", type=given_path, metavar="PROJECT")
    what = p.add_mutually_exclusive_group()
    for part in ("concepts", "attributes", "clusters", "history"):
        what.add_argument(f"--{part}", dest="part", action="store_const", const=part)
    p.set_defaults(part="clusters")


def show(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec show``: one part of what a project knows."""
    from commands.describe import describe_project
    from state.project.project import Project

    return describe_project(Project.open(arguments.project, photos=False), arguments.part)


def add_export(commands: Subparsers[Any]) -> None:
    """Add ``kec export``."""
    p = add_command(commands, "export", export, "write a project's result to a folder")
    p.add_argument("project", type=given_path, metavar="PROJECT")
    p.add_argument("--out", type=given_path, required=True, metavar="DIR")
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
