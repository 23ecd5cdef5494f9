"""The folder of projects, and the folders that photos may be read from.

Addresses of pages and thumbnails name a project by id, never by path, and reach nothing that was not opened here.
"""

from __future__ import annotations

import json
import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

from kec_core.errors import InputError, KecError
from kec_core.paths import exists, is_folder
from kec_core.photos.images import ImageRecord
from kec_core.store import write_atomically
from state.project.names import given_name
from state.project.project import DATABASE, Project, StageState
from state.project.recovery import kept_aside
from state.revisions import revisions
from state.workspace.environment import HOME_VARIABLE

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
        elsewhere = [project_card(path) for path in self._elsewhere().values() if _is_listed(path)]
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


_CARD_PHOTOS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCard:
    """A project at a glance.

    Attributes:
        n_clusters: K of the current revision, None before the first.
        revision: id of the current revision, None before the first.
        updated: when the current revision was made, or the project; UTC, ISO 8601.
        photos: up to 4 photos spread over the collection, for thumbnails.
        stages: name and state of every stage of the latest run, in order.
        problem: why it cannot be opened, in a sentence, or ""; the other fields are empty then.
    """

    folder: Path
    name: str
    n_images: int = 0
    n_clusters: int | None = None
    revision: str | None = None
    updated: str = ""
    photos: tuple[ImageRecord, ...] = ()
    stages: tuple[tuple[str, StageState], ...] = ()
    problem: str = ""


class Workspace:
    """Projects below one folder, and which folders may be read.

    Args:
        home: the folder of projects; by default ``$KEC_HOME``, else the user's data folder.
        images_roots: folders that photos may come from; by default the user's home folder.
    """

    def __init__(self, home: Path | None = None, images_roots: Sequence[Path] = ()) -> None:
        self.home = home or default_home()
        self.images_roots = tuple(root.resolve() for root in images_roots) or (Path.home().resolve(),)

    def list_projects(self) -> tuple[ProjectCard, ...]:
        """A card per project, latest first; a project that cannot be opened is listed with its problem."""
        if not is_folder(self.home):
            return ()
        folders = [folder for folder in sorted(self.home.iterdir()) if _is_listed(folder)]
        cards = [project_card(folder) for folder in folders]
        return tuple(sorted(cards, key=lambda card: card.updated, reverse=True))

    def create_project(self, name: str) -> Project:
        """Make a project in a new folder named after it.

        Raises:
            InputError: the name is empty or too long.
            StoreError: the folder of projects cannot be written.
        """
        return Project.create(self.free_folder(name), name)

    def free_folder(self, name: str) -> Path:
        """A folder for a project of this name that is not there yet.

        Raises:
            InputError: the name is empty or too long.
        """
        base = slug(name)
        folder, number = self.home / base, 1
        while exists(folder):
            number += 1
            folder = self.home / f"{base}-{number}"
        return folder

    def check_allowed(self, path: Path) -> Path:
        """The real path, links followed, of a folder or file that may be read.

        Raises:
            InputError: it does not exist, or lies outside the allowed folders.
        """
        try:
            real = path.expanduser().resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(
                f"{path} does not exist or cannot be opened; check the spelling of the path."
            ) from error
        if not any(real.is_relative_to(root) for root in (*self.images_roots, self.home.resolve())):
            allowed = ", ".join(str(root) for root in self.images_roots)
            raise InputError(
                f"{path} lies outside the folders this program may read ({allowed}); choose a folder below them, "
                "or start it with --images-root naming another one."
            )
        return real


def default_home() -> Path:
    """``$KEC_HOME``, else ``kec-studio/projects`` in the user's data folder."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("kec-studio", appauthor=False) / "projects"


def slug(name: str) -> str:
    """A folder name that every file system takes: "Kamera-Fallen 2026!" gives "kamera-fallen-2026".

    Raises:
        InputError: the name is empty or too long.
    """
    plain = (
        unicodedata.normalize("NFKD", given_name(name, "a project"))
        .encode("ascii", "ignore")
        .decode()
        .lower()
    )
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "project"


def _is_listed(folder: Path) -> bool:
    """Whether a folder holds a project, or what is left of one."""
    return Project.is_project(folder) or kept_aside(folder / DATABASE) is not None


def project_card(folder: Path) -> ProjectCard:
    """A project at a glance; one that cannot be opened says why."""
    try:
        project = Project.open(folder)
        images = project.images()
        shown = revisions.current(project)
        step = max(1, len(images) // _CARD_PHOTOS)
        return ProjectCard(
            folder=folder,
            name=project.name,
            n_images=len(images),
            n_clusters=shown.facts.n_clusters if shown else None,
            revision=shown.id if shown else None,
            updated=shown.created if shown else project.created,
            photos=images[::step][:_CARD_PHOTOS],
            stages=tuple((record.report.stage, record.state) for record in project.stage_reports()),
        )
    except KecError as error:
        return ProjectCard(folder=folder, name=folder.name, problem=str(error))
