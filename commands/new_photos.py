"""What is done with photos that a project has not seen: ``kec add``, ``kec assign``."""

from __future__ import annotations

import argparse
from typing import Any

from commands.engine import add_cluster_address
from commands.output import say
from commands.parsing import Subparsers, add_command, given_path, given_place


def add_add(commands: Subparsers[Any]) -> None:
    """Add ``kec add``."""
    p = add_command(
        commands, "add", add, "bring a project up to date with its photos: new ones join the groups there are"
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")
    p.add_argument(
        "photos",
        type=given_place,
        metavar="PHOTOS",
        help="the photo folder as it is now, or a folder or address (s3://bucket/folder) of new photos, which are copied into "
        "it; for a project that was run on an address, that address",
    )
    add_cluster_address(p)


def add(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec add``: new photos into the groups there are, and what else is different."""
    from kec_core.stages import Hooks
    from kec_core.terminal import show_progress
    from state.engine.new_photos import add_photos
    from state.project.locks import RunLock
    from state.project.project import Project

    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec add"), show_progress() as progress:
        hooks = Hooks(progress=progress)
        report = add_photos(project, arguments.photos, address=arguments.address, hooks=hooks)
    for note in report.notes:
        say(note)
    return report.to_json() if arguments.json else report.summary()


def add_assign(commands: Subparsers[Any]) -> None:
    """Add ``kec assign``."""
    p = add_command(commands, "assign", assign, "tell to which of a project's groups photos belong")
    p.add_argument(
        "source",
        type=given_path,
        metavar="PROJECT_OR_MODEL",
        help="a project, or the model.npz of `kec export --format model`",
    )
    p.add_argument(
        "photos", type=given_place, metavar="PHOTOS", help="folder or address (s3://bucket/folder) of photos"
    )


def assign(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec assign``: the group of every photo of a folder or address; nothing is kept."""
    from kec_core.terminal import show_progress
    from state.engine.new_photos import assign_photos

    with show_progress() as progress:
        report = assign_photos(arguments.source, arguments.photos, progress=progress)
    for note in report.notes:
        say(note)
    return report.to_json()
