"""Where photos that come in are written: below the photo folder, under safe and free names, all of them or none."""

from __future__ import annotations

import errno
import filecmp
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath

from kec_core.disk import reason
from kec_core.errors import InputError, StoreError
from kec_core.paths import is_file
from kec_core.photos.files import is_hidden, why_hidden
from kec_core.photos.images import passed_over
from kec_core.types import SkippedImage
from kec_core.wording import counted

_MAX_NAME_BYTES = 200
_MAX_SUFFIX_BYTES = 20
_MOST_LEVELS = 100
"""Python removes and copies folders level by level of its own stack: about a thousand end it."""
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
"""What file systems say to a name they cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came in.

    Attributes:
        saved: paths below the photo folder, with "/", as image ids are; a photo that was there already counts.
        skipped: what was left out, and why.
        others: how many files there were of each kind that is no photo.
        notes: what the person should know besides, in sentences.
    """

    saved: tuple[str, ...] = ()
    skipped: tuple[SkippedImage, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def safe_path(name: str) -> PurePosixPath:
    """A relative path without "..", below any folder it is joined to; changed only as far as that needs.

    Raises:
        InputError: absolute, with a drive, with "..", empty, or nested too deep.
    """
    parts = path_parts(name)
    if re.match(r"[A-Za-z]:", name):
        raise InputError(
            f"its path begins with a drive ({name[:2]}), so it leads out of the folder; rename it"
        )
    if name.startswith(("/", "\\")) or any(p.strip() == ".." for p in parts):
        raise InputError("its path leads out of the folder")
    if not parts:
        raise InputError("it has no name")
    if len(parts) > _MOST_LEVELS:
        raise InputError(
            f"its folders are nested {len(parts) - 1:,} deep, more than {_MOST_LEVELS - 1}; make them flatter"
        )
    return PurePosixPath(*(_safe_name(part) for part in parts))


def _safe_name(name: str) -> str:
    """Without NUL and what is not Unicode text, and short enough for any file system; the suffix stays."""
    clean = name.replace("\0", "_").encode("utf-8", "replace").decode("utf-8")
    if len(clean.encode("utf-8")) <= _MAX_NAME_BYTES:
        return clean
    suffix = PurePosixPath(clean).suffix
    suffix = suffix if len(suffix.encode("utf-8")) <= _MAX_SUFFIX_BYTES else ""
    stem = clean.encode("utf-8")[: _MAX_NAME_BYTES - len(suffix.encode("utf-8"))].decode("utf-8", "ignore")
    return stem + suffix


def path_parts(name: str) -> list[str]:
    """The parts of a path that is written with either slash; none for empty ones and "."."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def why_not(name: str) -> str:
    """Why a photo of this name is not taken, or ""."""
    try:
        path = safe_path(name)
    except InputError as error:
        return str(error)
    if path.suffix.lower() == ".zip":
        return "it is an archive inside the archive; unpack it first"
    if any(is_hidden(part) for part in path.parts[:-1]):
        return "it belongs to a hidden folder or a system's"
    return why_hidden(path.name)


@contextmanager
def writing_to(folder: Path) -> Iterator[Path]:
    """A hidden folder inside ``folder`` to write into first; it is gone afterwards, whatever happens.

    Raises:
        StoreError: the disk is full or not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=folder) as staging:
            yield Path(staging)
    except OSError as error:
        raise StoreError(
            f"Photos could not be written to {folder} ({reason(error, folder)}); "
            "free some space or make the folder writable, then try again."
        ) from error


def take(staged: Sequence[tuple[Path, PurePosixPath]], folder: Path, skipped: list[SkippedImage]) -> Ingested:
    """Move written files to where they belong below ``folder``; what has no place there joins ``skipped``."""
    saved: dict[str, None] = {}
    for file, target in staged:
        try:
            place = _place(file, folder, target)
        except OSError as error:
            if error.errno not in _NAME_ERRORS:
                raise
            why = f"it cannot be written under its name ({error.strerror}); make names shorter or plainer"
            skipped.append(SkippedImage(path=str(target), reason=why))
            continue
        if place is None:
            skipped.append(SkippedImage(path=str(target), reason="another file has the name of its folder"))
        elif place in saved:
            why = "the same photo comes twice under this name; it is kept once"
            skipped.append(SkippedImage(path=str(target), reason=why))
        else:
            saved[place] = None
    return Ingested(saved=tuple(saved), skipped=tuple(skipped))


def _place(file: Path, folder: Path, target: PurePosixPath) -> str | None:
    """Move a written file to where it belongs, under a free name; returns its path, None if there is no such place."""
    try:
        (folder / target.parent).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        return None
    if not (folder / target.parent).resolve().is_relative_to(folder.resolve()):
        return None
    for name in _names(target):
        place = folder / name
        if not os.path.lexists(place):
            file.rename(place)
            return str(name)
        if is_file(place) and filecmp.cmp(file, place, shallow=False):
            return str(name)
    raise AssertionError("names never end")


def _names(target: PurePosixPath) -> Iterator[PurePosixPath]:
    yield target
    for number in count(2):
        yield target.with_name(f"{target.stem} ({number}){target.suffix}")


def none_usable(skipped: Sequence[SkippedImage], others: Mapping[str, int]) -> str:
    """Why an archive gives no photo, as a sentence."""
    if not skipped:
        told = passed_over(others)
        return (
            "An archive with photos was expected, but there is none in this one"
            f"{f' ({told[:-1]})' if told else ''}; choose another archive."
        )
    first = skipped[0]
    return (
        f"Of {counted(len(skipped), 'photo')} in this archive none can be used (first: {first.path!r}: {first.reason}); "
        "choose another archive."
    )
