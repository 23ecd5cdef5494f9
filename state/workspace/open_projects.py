"""Projects by a short id that is safe in an address: those of the workspace, and those opened from elsewhere.

Addresses of pages and thumbnails name a project by id, never by path, and reach nothing that was not opened here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from kec_core.errors import InputError
from kec_core.paths import is_folder
from kec_core.store import write_atomically
from state.project.project import Project
from state.workspace.workspace import ProjectCard, Workspace, project_card

logger = logging.getLogger(__name__)

_LIST = "opened.json"
_LONGEST_SAID = 80
"""Characters of an unknown id that are repeated to the person."""


class OpenProjects:
    """The projects that may be shown; the list of those opened from elsewhere is a file in the workspace.

    Args:
        workspace: the folder of projects and the folders that may be read.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def add(self, folder: Path) -> str:
        """Allow a project to be shown; returns its id.

        Raises:
            InputError: the folder is outside the allowed ones.
            StoreError: there is no project in it, it is damaged, or from a newer version.
        """
        if self.is_inside(folder):
            Project.open(folder)
            return folder.name
        real = self._workspace.check_allowed(folder)
        Project.open(real)
        project_id = self.id_of(real)
        if project_id not in self._elsewhere():
            self._keep([*self._elsewhere().values(), real])
        return project_id

    def forget(self, folder: Path) -> None:
        """Take a project that was opened from elsewhere off the list; its folder stays as it is."""
        kept = [path for path in self._elsewhere().values() if path.resolve() != folder.resolve()]
        self._keep(kept)

    def _keep(self, folders: Iterable[Path]) -> None:
        content = json.dumps([str(path) for path in folders], ensure_ascii=False)
        write_atomically(self._workspace.home / _LIST, content.encode("utf-8", "surrogateescape"))

    def is_inside(self, folder: Path) -> bool:
        """Whether a project lies in the folder of projects, not elsewhere."""
        return folder.absolute().parent.resolve() == self._workspace.home.resolve()

    def id_of(self, folder: Path) -> str:
        """The id of a project folder; the same folder always has the same one."""
        if self.is_inside(folder):
            return folder.name
        return "at-" + sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def folder(self, project_id: str) -> Path:
        """The folder of a project that may be shown.

        Raises:
            InputError: no such project, or it is not there any more.
        """
        # An id of the workspace is the name of one folder in it, nothing that leads elsewhere.
        inside = self._workspace.home / project_id
        is_name = project_id not in ("", ".", "..") and Path(project_id).name == project_id
        folder = inside if is_name and is_folder(inside) else self._elsewhere().get(project_id)
        if folder is not None and Project.is_project(folder):
            return folder
        raise InputError(
            f"There is no project {_shortened(project_id)!r} here (it may have been moved or deleted); open one from the list of projects."
        )

    def cards(self) -> tuple[ProjectCard, ...]:
        """The projects of the workspace and those opened from elsewhere that are still there, latest first."""
        elsewhere = [project_card(path) for path in self._elsewhere().values() if Project.is_project(path)]
        return tuple(
            sorted(
                [*self._workspace.list_projects(), *elsewhere], key=lambda card: card.updated, reverse=True
            )
        )

    def _elsewhere(self) -> dict[str, Path]:
        path = self._workspace.home / _LIST
        try:
            listed = [Path(text) for text in json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError):
            # Only a convenience list: without it the projects can be opened again by their folder.
            logger.warning(
                "the list of opened projects %s cannot be read; starting a new one", path, exc_info=True
            )
            return {}
        return {self.id_of(folder): folder for folder in listed}


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_SAID else name[:_LONGEST_SAID] + "…"
