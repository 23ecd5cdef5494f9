"""``kec edit``: a script of edits applied to a project's knowledge."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from commands.parsing import Subparsers, add_command
from kec_core.errors import InputError


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec edit``."""
    p = add_command(
        commands, "edit", edit, "apply a script of edits to a project's knowledge and regroup its photos"
    )
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument("--script", type=Path, required=True, metavar="EDITS.json", help='{"edits": [...]}')
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
