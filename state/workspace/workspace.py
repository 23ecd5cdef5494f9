"""The folder of projects, and the folders that photos may be read from."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from kec_core.errors import InputError, KecError
from kec_core.paths import exists, is_folder
from kec_core.photos.images import ImageRecord
from state.project.project import Project, StageState
from state.revisions import revisions

HOME_VARIABLE = "KEC_HOME"
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
        folders = [folder for folder in sorted(self.home.iterdir()) if Project.is_project(folder)]
        cards = [project_card(folder) for folder in folders]
        return tuple(sorted(cards, key=lambda card: card.updated, reverse=True))

    def create_project(self, name: str) -> Project:
        """Make a project in a new folder named after it.

        Raises:
            InputError: the name is empty.
            StoreError: the folder of projects cannot be written.
        """
        return Project.create(self.free_folder(name), name)

    def free_folder(self, name: str) -> Path:
        """A folder for a project of this name that is not there yet.

        Raises:
            InputError: the name is empty.
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
        InputError: the name is empty.
    """
    if not name.strip():
        raise InputError("A project needs a name, but it is empty; type one.")
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "project"


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
