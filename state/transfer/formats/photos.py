"""Photos that an export brings along: copied with their dates, or linked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kec_core.errors import InputError
from kec_core.paths import is_file, real_path
from kec_core.wording import counted
from state.transfer.formats.base import Content

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile


def bring_photos(content: Content, places: Sequence[str]) -> dict[str, WriteFile]:
    """A copy of, or link to, every photo.

    Args:
        content: what is exported.
        places: path of each photo below the export's folder.

    Raises:
        InputError: no photo is where it was.
    """
    root = content.project.images_root
    files = content.table.files
    if root is None or not any(is_file(root / file) for file in files):
        raise InputError(
            f"Of {counted(len(files), 'photo')} none is in {root} any more, so they cannot go into folders; "
            "link the project to the folder that holds them now: kec run FOLDER --project PROJECT, or the Data page."
        )
    bring = _link if content.link else _copy
    return {place: partial(bring, root, file) for place, file in zip(places, files, strict=True)}


def _copy(root: Path, image_id: str, path: Path) -> None:
    source = _source(root, image_id)
    try:
        photo = source.open("rb")
        status = source.stat()
    except OSError as error:
        raise InputError(f"the photo {image_id!r} cannot be read ({error.strerror})") from error
    with photo, path.open("wb") as file:
        shutil.copyfileobj(photo, file)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(root: Path, image_id: str, path: Path) -> None:
    path.symlink_to(_source(root, image_id))


def _source(root: Path, image_id: str) -> Path:
    path = real_path(root / image_id)
    if not path.is_relative_to(real_path(root)) or not is_file(path):
        raise InputError(f"the photo {image_id!r} is not in the photo folder any more")
    return path
