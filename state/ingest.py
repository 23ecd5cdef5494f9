"""Photos come in: zip archives and uploads, unpacked so that nothing can be written outside the photo folder.

What is not wanted is listed with the reason; what threatens the disk refuses the whole archive. Labels come in by
``label_files.py``.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError, StoreError
from kec_core.images import is_hidden, is_named_photo
from kec_core.types import SkippedImage
from state.label_files import labels_from_csv, labels_from_folders

__all__ = ["Ingested", "labels_from_csv", "labels_from_folders", "safe_path", "save_uploads", "unpack_zip"]

MAX_FILES = 1_000_000
MAX_BYTES = 64 << 30
MAX_RATIO = 100
"""A photo hardly shrinks in a zip; an archive that grows more than this is a bomb."""
_HARMLESS_BYTES = 256 << 20
"""Below this the ratio does not matter: a few plain BMP files shrink a lot and hurt nobody."""
_MAX_NAME_BYTES = 200
_ENCRYPTED = 0x1

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are rare, and Python unpacks them in one go: a small one could fill the memory."""

Archive = Path | BinaryIO
Entry = tuple[zipfile.ZipInfo, PurePosixPath]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came in.

    Attributes:
        saved: paths below the photo folder, with "/", as image ids are; a photo that was there already counts.
        skipped: what was left out, and why.
    """

    saved: tuple[str, ...]
    skipped: tuple[SkippedImage, ...]


def unpack_zip(archive: Archive, folder: Path, *, progress: Progress = no_progress) -> Ingested:
    """Unpack the photos of a zip archive below ``folder``: all that are sound, or none when it fails half-way.

    Existing files are never overwritten: another photo of the same name gets a number, the same photo is kept once.
    Files that are not photos, and the hidden ones, are passed over in silence.

    Raises:
        InputError: not a zip archive, a zip bomb, or no photo in it.
        StoreError: the disk is full or not writable.
    """
    with _writing_to(folder) as staging, _opened(archive) as source:
        skipped: list[SkippedImage] = []
        entries = list(_wanted(source, skipped))
        _refuse_bomb(source, entries, shutil.disk_usage(staging).free)
        staged: list[tuple[Path, PurePosixPath]] = []
        for number, (entry, target) in enumerate(entries):
            file = staging / str(number)
            if reason := _extract(source, entry, file):
                skipped.append(SkippedImage(path=_shown(entry.filename), reason=reason))
            else:
                staged.append((file, target))
            progress(number + 1, len(entries), "Unpacking")
        if not staged:
            raise InputError(_none_usable(skipped))
        return _take(staged, folder, skipped)


def save_uploads(
    files: Iterable[tuple[str, BinaryIO]], folder: Path, *, progress: Progress = no_progress
) -> Ingested:
    """Save uploaded photos below ``folder``, and unpack uploaded zip archives there.

    Args:
        files: name (may contain folders) and content of each; the content is read from its current position.
        folder: the photo folder, made if missing; existing files are never overwritten.
        progress: told about files.

    Raises:
        InputError: an archive is not usable; nothing of it is kept, photos saved before it are.
        StoreError: the disk is full or not writable.
    """
    saved: list[str] = []
    skipped: list[SkippedImage] = []
    uploads = list(files)
    for number, (name, content) in enumerate(uploads):
        taken = unpack_zip(content, folder) if name.lower().endswith(".zip") else _save(name, content, folder)
        saved += taken.saved
        skipped += taken.skipped
        progress(number + 1, len(uploads), "Saving")
    return Ingested(saved=tuple(dict.fromkeys(saved)), skipped=tuple(skipped))


def _save(name: str, content: BinaryIO, folder: Path) -> Ingested:
    if reason := _why_not(name):
        return Ingested(saved=(), skipped=(SkippedImage(path=_shown(name), reason=reason),))
    with _writing_to(folder) as staging:
        file = staging / "upload"
        with file.open("wb") as out:
            shutil.copyfileobj(content, out)
        return _take([(file, safe_path(name))], folder, [])


def safe_path(name: str) -> PurePosixPath:
    """A relative path without "..", below any folder it is joined to; changed only as far as that needs.

    Raises:
        InputError: absolute, with a drive, with "..", or empty.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or any(p.strip() == ".." for p in parts):
        raise InputError("its path leads out of the folder")
    if not parts:
        raise InputError("it has no name")
    return PurePosixPath(*(_safe_name(part) for part in parts))


def _safe_name(name: str) -> str:
    """Without NUL and what is not Unicode text, and short enough for any file system; the suffix stays."""
    clean = name.replace("\0", "_").encode("utf-8", "replace").decode("utf-8")
    if len(clean.encode("utf-8")) <= _MAX_NAME_BYTES:
        return clean
    suffix = PurePosixPath(clean).suffix if is_named_photo(clean) else ""
    stem = clean.encode("utf-8")[: _MAX_NAME_BYTES - len(suffix)].decode("utf-8", "ignore")
    return stem + suffix


# --- archives


@contextmanager
def _opened(archive: Archive) -> Iterator[zipfile.ZipFile]:
    try:
        source = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError, OSError) as error:  # Runtime: a newer zip
        raise InputError(
            f"A zip archive was expected, but this one cannot be read ({error}); make it again or unpack it yourself."
        ) from error
    with source:
        yield source


def _wanted(source: zipfile.ZipFile, skipped: list[SkippedImage]) -> Iterator[Entry]:
    """Entries to unpack and where to; those that would be photos but are not safe go to ``skipped``."""
    for entry in source.infolist():
        suffix = PurePosixPath(entry.filename).suffix.lower()
        if entry.is_dir() or _has_hidden_part(entry.filename):
            continue
        if not is_named_photo(entry.filename) and suffix != ".zip":
            continue
        if reason := _why_not(entry.filename) or _why_not_entry(entry):
            skipped.append(SkippedImage(path=_shown(entry.filename), reason=reason))
        else:
            yield entry, safe_path(entry.filename)


def _has_hidden_part(name: str) -> bool:
    return any(is_hidden(part) for part in re.split(r"[/\\]", name) if part not in (".", ".."))


def _why_not(name: str) -> str:
    try:
        path = safe_path(name)
    except InputError as error:
        return str(error)
    if path.suffix.lower() == ".zip":
        return "it is an archive inside the archive; unpack it first"
    if _has_hidden_part(name):
        return "it is hidden or belongs to a system"
    return "" if is_named_photo(path.name) else "it is not named like a photo"


def _why_not_entry(entry: zipfile.ZipInfo) -> str:
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "it is a link, not a photo"
    if entry.flag_bits & _ENCRYPTED:
        return "it is locked with a password; make the archive again without one"
    if entry.compress_type not in _PACKINGS:
        return "it is packed in an unusual way; make the archive again as an ordinary zip"
    return ""


def _refuse_bomb(source: zipfile.ZipFile, entries: Sequence[Entry], free: int) -> None:
    """Judge by the sizes the archive declares: ``zipfile`` never unpacks more than that of an entry."""
    total = sum(entry.file_size for entry, _ in entries)
    file = source.fp
    assert file is not None
    packed = max(1, file.seek(0, os.SEEK_END))
    if len(entries) > MAX_FILES or total > MAX_BYTES:
        raise InputError(
            f"An archive of at most {MAX_FILES:,} photos and {MAX_BYTES >> 30} GB was expected, but this one would unpack "
            f"to {len(entries):,} files of {total / 2**30:,.1f} GB; unpack it yourself and choose the folder."
        )
    if total > _HARMLESS_BYTES and total > MAX_RATIO * packed:
        raise InputError(
            f"This archive would grow {total // packed:,}-fold when unpacked, as zip bombs do and photos never; "
            "nothing was unpacked. If you trust it, unpack it yourself and choose the folder."
        )
    if total > free:
        raise StoreError(
            f"Unpacking needs {total / 2**30:,.1f} GB, but {free / 2**30:,.1f} GB are free; "
            "free some space, then try again."
        )


def _extract(source: zipfile.ZipFile, entry: zipfile.ZipInfo, file: Path) -> str:
    """Unpack one entry; returns why it cannot be, or ""."""
    try:
        with source.open(entry) as packed, file.open("wb") as out:
            shutil.copyfileobj(packed, out)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # Runtime: unknown or encrypted
        return f"it is damaged in the archive ({error})"
    return ""


def _none_usable(skipped: Sequence[SkippedImage]) -> str:
    if not skipped:
        return "An archive with photos was expected, but there is none in this one; choose another archive."
    first = skipped[0]
    return (
        f"None of the {len(skipped)} photos in this archive can be used (first: {first.path!r}: {first.reason}); "
        "choose another archive."
    )


# --- the photo folder


@contextmanager
def _writing_to(folder: Path) -> Iterator[Path]:
    """A hidden folder inside ``folder`` to write into first; it is gone afterwards, whatever happens."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=folder) as staging:
            yield Path(staging)
    except OSError as error:
        raise StoreError(
            f"Photos could not be written to {folder} ({error.strerror or error}); "
            "free some space or make the folder writable, then try again."
        ) from error


def _take(
    staged: Sequence[tuple[Path, PurePosixPath]], folder: Path, skipped: list[SkippedImage]
) -> Ingested:
    saved: list[str] = []
    for file, target in staged:
        place = _place(file, folder, target)
        if place is None:
            skipped.append(SkippedImage(path=str(target), reason="another file has the name of its folder"))
        else:
            saved.append(place)
    return Ingested(saved=tuple(dict.fromkeys(saved)), skipped=tuple(skipped))


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
        if place.is_file() and filecmp.cmp(file, place, shallow=False):
            return str(name)
    raise AssertionError("names never end")


def _names(target: PurePosixPath) -> Iterator[PurePosixPath]:
    yield target
    for number in count(2):
        yield target.with_name(f"{target.stem} ({number}){target.suffix}")


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
