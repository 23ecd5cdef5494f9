"""A project as a folder: a copy of it, the trash, and back from there."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kec_core.disk import reason
from kec_core.errors import InputError, StoreError
from kec_core.paths import is_folder
from state.project.database import now
from state.project.locks import RunLock
from state.project.project import DATABASE, Project
from state.workspace.workspace import Workspace

TRASH = ".trash"
"""Folder of deleted projects within the folder of projects; no project's own folder can be called so."""
_LEFT = ("jobs", "running.lock", f"{DATABASE}*")
"""What a copy does not get: logs, the lock, and the database, which is copied as SQLite sees it."""
_STAMP = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """A project in the trash.

    Attributes:
        folder: where it lies now.
        name: the name people gave it.
        when: UTC, ISO 8601.
    """

    folder: Path
    name: str
    when: str


def duplicate(workspace: Workspace, project: Project, name: str) -> Project:
    """A copy in the folder of projects, with all results and the whole history; photos outside the project are shared.

    Args:
        workspace: where the copy is put.
        project: which; nothing may run on it meanwhile.
        name: of the copy.

    Raises:
        InputError: the name is empty.
        StoreError: something is running on the project, or the copy cannot be written.
    """
    folder = workspace.free_folder(name)
    try:
        with RunLock.acquire(project.folder, "Duplicating"):
            shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns(*_LEFT))
            _copy_database(project, folder)
        copy = Project(folder)
        copy.rename(name)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = reason(error, folder) if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"The project could not be copied to {folder} ({why}); free some space there and try again."
        ) from error
    except StoreError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return copy


def _copy_database(project: Project, folder: Path) -> None:
    """Last, and under its name only when it is whole: a folder without it is no project."""
    fresh = folder / f"{DATABASE}.new"
    with project.database.reading() as source, closing(sqlite3.connect(fresh)) as target:
        source.backup(target)
        target.execute("DELETE FROM lease")
        target.execute("DELETE FROM jobs")
        target.execute("UPDATE meta SET value = json_quote(?) WHERE key = 'created'", (now(),))
        target.commit()
    fresh.rename(folder / DATABASE)


def delete(workspace: Workspace, project: Project) -> Deleted:
    """Move a project of the folder of projects into the trash; its photos elsewhere stay where they are.

    Args:
        workspace: whose trash.
        project: which; nothing may run on it.

    Raises:
        InputError: it lies outside the folder of projects.
        StoreError: something is running on it, or the folder cannot be moved.
    """
    if project.folder.absolute().parent.resolve() != workspace.home.resolve():
        raise InputError(
            f"Only projects in {workspace.home} are deleted here, but this one lies in {project.folder}; delete that folder yourself."
        )
    name, moment = project.name, datetime.now(UTC)
    target = workspace.home / TRASH / f"{moment:{_STAMP}} {project.folder.name}"
    with RunLock.acquire(project.folder, "Deleting"):
        _move(project.folder, target)
    return Deleted(folder=target, name=name, when=moment.isoformat())


def deleted(workspace: Workspace) -> tuple[Deleted, ...]:
    """The projects in the trash, the one deleted last first."""
    trash = workspace.home / TRASH
    folders = sorted(trash.iterdir(), reverse=True) if is_folder(trash) else []
    return tuple(
        Deleted(folder=folder, name=Project(folder).name, when=_when(folder).isoformat())
        for folder in folders
        if Project.is_project(folder)
    )


def restore(workspace: Workspace, folder: Path) -> Project:
    """Bring a project back from the trash, to its old folder or one beside it.

    Raises:
        InputError: it is not in the trash.
        StoreError: the folder cannot be moved.
    """
    if folder.parent != workspace.home / TRASH or not Project.is_project(folder):
        raise InputError(f"There is no deleted project {folder.name!r}; it may have been restored already.")
    target = workspace.free_folder(folder.name.partition(" ")[2])
    _move(folder, target)
    return Project(target)


def _move(folder: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        folder.rename(target)
    except OSError as error:
        raise StoreError(
            f"{folder} could not be moved to {target} ({reason(error, folder)}); make its parent folder writable."
        ) from error


def _when(folder: Path) -> datetime:
    """When it was deleted, by its name; a folder put there by hand counts as deleted when it was changed last."""
    try:
        return datetime.strptime(folder.name.partition(" ")[0], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(folder.stat().st_mtime, tz=UTC)
