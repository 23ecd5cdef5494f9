"""A project that a command makes, and takes away again when nothing came of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from kec_core.errors import InputError, ResourceMissing
from kec_core.paths import exists, is_folder, is_link
from state.project.project import Project
from state.transfer.uploads import is_archive


@contextmanager
def new_or_open(folder: Path, images: Path | None) -> Iterator[Project]:
    """The project of a folder, made if there is none; a new one is taken away again when bad input ends the work early.

    Args:
        folder: of the project.
        images: folder or archive of the photos, checked before a project is made; None where they are not on this machine.

    Raises:
        InputError: ``images`` is neither a folder nor an archive.
        StoreError: the project cannot be opened or made.
    """
    if images is not None and not is_folder(images) and not is_archive(images):
        raise InputError(
            f"A folder of photos was expected, but {images} is neither a folder nor a zip or tar archive; check the path."
        )
    if Project.is_project(folder):
        yield Project.open(folder)
        return
    missing = [place for place in (folder, *folder.parents) if not exists(place)]
    there = set() if missing else set(folder.iterdir())
    project = Project.create(folder, folder.resolve().name)
    try:
        yield project
    except (InputError, ResourceMissing):
        if not project.store.fingerprints("embed"):
            _take_away(folder, there, missing)
        raise


def _take_away(folder: Path, there: set[Path], missing: Sequence[Path]) -> None:
    """Remove what was made in a folder since ``there`` was all it held, and the folders that were missing."""
    for path in set(folder.iterdir()) - there:
        shutil.rmtree(path) if is_folder(path) and not is_link(path) else path.unlink()
    with suppress(OSError):  # somebody else has put something there meanwhile
        for place in missing:
            place.rmdir()
