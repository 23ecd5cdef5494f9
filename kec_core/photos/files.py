"""Find the photos below a folder: every file there is a candidate, listed with a reason, or counted by its kind."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kec_core.arrays import Progress
from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.parallel import map_in_threads
from kec_core.photos.damage import reason
from kec_core.photos.formats import HEAD_BYTES, format_of, is_named_photo, kind_of
from kec_core.types import SkippedImage

HIDDEN: Final = "hidden or system files"
OWN: Final = "files of KEC+ Studio projects and exports"
NOT_TEXT: Final = "its name is not valid UTF-8; rename it"
DOT_NAME: Final = "its name begins with a dot, so it counts as hidden; rename it to use it"
NOT_HERE: Final = "it stands for a file that is still in iCloud; download that first"

_IN_ICLOUD: Final = ".icloud"
_SYSTEM_FOLDERS: Final = frozenset(
    ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found")
)
_SYSTEM_FILES: Final = {
    ".ds_store": ".DS_Store (how macOS shows a folder)",
    "thumbs.db": "Thumbs.db (small pictures that Windows keeps)",
    "ehthumbs.db": "ehthumbs.db (small pictures that Windows keeps)",
    "desktop.ini": "desktop.ini (how Windows shows a folder)",
    "icon\r": "Icon (the icon that macOS shows for a folder)",
}
_BESIDE, _BESIDE_KIND = "._", "beginning with ._ (what macOS notes beside a file)"
_OWN_MARKS: Final = frozenset(("project.db", "kec-export.json"))
"""Projects and exports below a photo folder hold copies of its photos: they are not photos of the collection."""
_THUMBNAIL: Final = re.compile(r"(.*/)?thumbs/([0-9a-f]{2})/\2[0-9a-f]{62}-\d+\.jpg")
"""Small pictures of a project; they are told by their name where the photo folder itself is the project."""
_FILES_PER_LOOK: Final = 256


@dataclass(slots=True)
class Found:
    """What lies below a folder.

    Attributes:
        photos: paths relative to the folder, with "/", of what is to be checked as photos.
        skipped: what is left out, and why.
        others: how many files there are of each kind that is no photo.
    """

    photos: list[str] = field(default_factory=list)
    skipped: list[SkippedImage] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def skip(self, name: str, why: str) -> None:
        """List a file with the reason; what is no text in its name is shown escaped."""
        self.skipped.append(SkippedImage(path=printable(name), reason=why))


def find_files(root: Path, *, progress: Progress) -> Found:
    """Every file below ``root``; no link is followed out of it or in a loop, what cannot be looked at is listed.

    Files not named like photos are looked into, in parallel threads.

    Raises:
        InputError: ``root`` is not a folder that can be read.
    """
    found = Found()
    unnamed: list[str] = []
    for name in _regular_files(root, found):
        if is_named_photo(name) and not is_hidden(name.rpartition("/")[2]):
            _add(found, name)
        else:
            unnamed.append(name)
    parts = [unnamed[start : start + _FILES_PER_LOOK] for start in range(0, len(unnamed), _FILES_PER_LOOK)]
    for part in map_in_threads(
        lambda part: _looked_into(root, part), parts, progress=progress, label="Looking into other files"
    ):
        found.photos += part.photos
        found.skipped += part.skipped
        found.others += part.others
    found.photos.sort()
    return found


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS or name.lower() in _SYSTEM_FILES


def hidden_kind(name: str) -> str:
    """The kind under which a hidden file or a system's own is counted."""
    return _SYSTEM_FILES.get(name.lower()) or (_BESIDE_KIND if name.startswith(_BESIDE) else HIDDEN)


def why_hidden(name: str) -> str:
    """Why a file is not used that is hidden or a system's own; "" when it is neither."""
    if known := _SYSTEM_FILES.get(name.lower()):
        return f"it is {known}, not a photo"
    if name.startswith(_BESIDE):
        return "its name begins with ._, as what macOS notes beside a file does; rename it if it is a photo"
    return DOT_NAME if is_hidden(name) else ""


def is_own(names: Sequence[str]) -> list[bool]:
    """For each path below a folder whether it belongs to a project or an export that lies there.

    Args:
        names: all files below the folder, with "/".
    """
    homes = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in _OWN_MARKS} - {""}
    return [
        _THUMBNAIL.fullmatch(name) is not None or any(_is_below(name, home) for home in homes)
        for name in names
    ]


def _is_below(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}/")


def printable(name: str) -> str:
    """A name as text, whatever bytes it was made of."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _add(found: Found, name: str) -> None:
    if _THUMBNAIL.fullmatch(name):
        found.others[OWN] += 1
    elif printable(name) != name:
        found.skip(name, NOT_TEXT)
    else:
        found.photos.append(name)


# --- looking into files


def _looked_into(root: Path, names: Sequence[str]) -> Found:
    found = Found()
    for name in names:
        plain = name.rpartition("/")[2]
        if is_hidden(plain) and not plain.startswith("."):
            found.others[hidden_kind(plain)] += 1
            continue
        try:
            is_photo = format_of(_head(f"{root}/{name}"), plain) is not None
        except OSError as error:
            found.skip(name, reason(error))
            continue
        if not is_photo and plain.endswith(_IN_ICLOUD):
            found.skip(name, NOT_HERE)
        elif not is_photo:
            found.others[hidden_kind(plain) if is_hidden(plain) else kind_of(plain)] += 1
        elif is_hidden(plain):
            found.skip(name, why_hidden(plain))
        else:
            _add(found, name)
    return found


def _head(path: str) -> bytes:
    """The first bytes of a file; a folder may hold a million that are no photos, so nothing is built around it."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, HEAD_BYTES)
    finally:
        os.close(file)


# --- walking


def _regular_files(root: Path, found: Found) -> Iterator[str]:
    """Names of regular files, relative to ``root``; all else goes to ``found``."""
    try:
        real_root = os.path.realpath(root, strict=True)
        _entries(root)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) else short(error)
        raise InputError(
            f"A folder of photos was expected, but {printable(str(root))!r} is not a folder that can be read ({why}); "
            "check the path."
        ) from error
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = _entries(root / folder)
        except OSError as error:
            found.skip(folder or ".", reason(error))
            continue
        if folder and any(entry.name in _OWN_MARKS for entry in entries):
            found.others[OWN] += _count_files(root / folder)
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            try:
                kind = _kind(entry, real_root)
            except OSError as error:
                kind = reason(error)
            if kind == _FOLDER and is_hidden(entry.name):
                found.others[HIDDEN] += _count_files(root / name)
            elif kind == _FOLDER:
                pending.append(name)
            elif kind == _FILE:
                yield name
            else:
                found.skip(name, kind)


_FILE, _FOLDER = "file", "folder"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _kind(entry: os.DirEntry[str], real_root: str) -> str:
    """File, folder, or why it is neither."""
    if entry.is_symlink() and (why := _why_not_link(entry.path, real_root)):
        return why
    if entry.is_dir():
        return _FOLDER
    return _FILE if entry.is_file() else "it is not a regular file"


def _why_not_link(path: str, real_root: str) -> str:
    try:
        target = os.path.realpath(path, strict=True)
    except OSError:
        return "it is a link that leads nowhere or in a circle"
    if os.path.commonpath([target, real_root]) != real_root:
        return "it is a link that leads out of the folder; copy the photos in instead"
    is_folder = os.path.isdir(target)  # noqa: PTH112 - Path.is_dir raises
    return "it is a link to a folder; its photos are read under their own path" if is_folder else ""


def _count_files(folder: Path) -> int:
    """How many files lie below a folder, links included; folders that are closed hold none."""
    total, pending = 0, [folder]
    while pending:  # os.walk calls itself level by level
        inside = pending.pop()
        try:
            entries = _entries(inside)
        except OSError:
            continue
        folders = [inside / entry.name for entry in entries if _is_real_folder(entry)]
        total += len(entries) - len(folders)
        pending += folders
    return total


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
