"""Photos on disk: find them, check them, open them (``decoding.py``).

Everything a folder can hold is met here, so that the other rooms see nothing but sound RGB images: what cannot be
used is listed with the reason, what had to be changed carries a note.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import TypeVar

from kec_core.arrays import Progress, no_progress
from kec_core.decoding import FORMAT_OF_SUFFIX, decode, known_formats, open_image, reason, thumbnail
from kec_core.errors import InputError
from kec_core.types import SkippedImage

__all__ = [
    "ImageRecord",
    "ScanReport",
    "find_images",
    "is_hidden",
    "is_named_photo",
    "map_in_threads",
    "open_image",
    "scan_images",
    "thumbnail",
]

SMALL_SIDE = 32
"""Photos with a shorter side below this many pixels are used, but reported."""

_UNSUPPORTED_SUFFIXES = frozenset(
    (".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
)
_SYSTEM_FOLDERS = frozenset(("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"))
_OWN_FILES = frozenset(("project.db", "kec-export.json"))
"""Projects and exports below a photo folder hold copies of its photos: they are not photos of the collection."""

_SMALL_JPEG_SIDE = 16
"""Checking decodes JPEG at down to 1/8 of its size: every byte is still read, at a fraction of the time."""
_CHECKED_AHEAD = 256

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """A sound photo.

    Attributes:
        id: path relative to the photo folder, with "/": ``root / id`` is the file.
        width, height: pixels of the upright photo.
        sha256: of the file's bytes, hex.
        mode: colour mode in the file, in Pillow's words ("RGB", "CMYK", "I;16", ...).
        warning: what had to be done to use it, for people, or "".
    """

    id: str
    width: int
    height: int
    sha256: str
    mode: str
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class ScanReport:
    """What a folder holds.

    Attributes:
        images: sound photos, sorted by id; ids are unique.
        skipped: files that look like photos but cannot be used, and why, sorted by path.
        warnings: what was noticed about the folder as a whole, in sentences.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of two or more ids whose files are equal byte by byte; they all stay in the collection."""
        groups: dict[str, list[str]] = {}
        for image in self.images:
            groups.setdefault(image.sha256, []).append(image.id)
        return tuple(tuple(ids) for ids in groups.values() if len(ids) > 1)

    @cached_property
    def too_small(self) -> tuple[str, ...]:
        """Ids of photos with a side below ``SMALL_SIDE`` pixels."""
        return tuple(image.id for image in self.images if min(image.width, image.height) < SMALL_SIDE)

    @cached_property
    def odd(self) -> tuple[str, ...]:
        """Ids of photos that carry a warning."""
        return tuple(image.id for image in self.images if image.warning)


def find_images(root: Path) -> Iterator[Path]:
    """Yield the files below ``root`` that are named like photos, sorted; no link is followed out of it or in a loop.

    Raises:
        InputError: ``root`` is not a folder that can be read.
    """
    yield from (root / name for name in sorted(_look(root)[0]))


def scan_images(root: Path, *, progress: Progress = no_progress) -> ScanReport:
    """Find, hash and decode every photo below ``root``, in parallel threads.

    Raises:
        InputError: not a folder, or no sound photo in it.
    """
    names, skipped = _look(root)
    if not names and not skipped:
        raise InputError(
            f"A folder with photos ({', '.join(known_formats())}) was expected, but {root} has none; choose another one."
        )
    checked = map_in_threads(
        lambda name: _check(root, name), sorted(names), progress=progress, label="Checking photos"
    )
    images = tuple(item for item in checked if isinstance(item, ImageRecord))
    skipped += [item for item in checked if isinstance(item, SkippedImage)]
    skipped.sort(key=lambda item: item.path)
    if not images:
        raise InputError(
            f"None of the {len(skipped)} photos in {root} can be used (first: {skipped[0].path!r}: {skipped[0].reason}); "
            "choose a folder with sound photos."
        )
    report = ScanReport(images=images, skipped=tuple(skipped))
    return replace(report, warnings=tuple(_warnings(report)))


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is passed over in silence: hidden, or a system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def is_named_photo(name: str) -> bool:
    """Whether a file of this name is meant as a photo, readable here or not."""
    suffix = PurePath(name).suffix.lower()
    return suffix in FORMAT_OF_SUFFIX or suffix in _UNSUPPORTED_SUFFIXES


def map_in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], *, progress: Progress = no_progress, label: str
) -> list[Result]:
    """Call ``work`` on every item in parallel threads; results in the order of the items.

    Raises what ``work`` or ``progress`` raises; work that has not begun is dropped then.
    """
    results: list[Result] = []
    waiting: deque[Future[Result]] = deque()

    def take() -> None:
        results.append(waiting.popleft().result())
        progress(len(results), len(items), label)

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _CHECKED_AHEAD:
                    take()
            while waiting:
                take()
        finally:
            for future in waiting:
                future.cancel()
    return results


# --- finding


def _look(root: Path) -> tuple[list[str], list[SkippedImage]]:
    """Relative names of candidate files, and what is passed over."""
    if not root.is_dir():
        raise InputError(f"A folder of photos was expected, but {root} is not a folder; check the path.")
    real_root = root.resolve()
    names: list[str] = []
    skipped: list[SkippedImage] = []
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(SkippedImage(path=_printable(folder, root), reason=reason(error)))
            continue
        if folder != root and any(entry.name in _OWN_FILES for entry in here):
            continue
        for entry in here:
            path = folder / entry.name
            if is_hidden(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif why := _why_not(entry, path, real_root):
                skipped.append(SkippedImage(path=_printable(path, root), reason=why))
            elif path.suffix.lower() in FORMAT_OF_SUFFIX:
                names.append(path.relative_to(root).as_posix())
    return names, skipped


def _why_not(entry: os.DirEntry[str], path: Path, real_root: Path) -> str:
    """Why a file or link that may be meant as a photo is not used, or ""."""
    suffix = path.suffix.lower()
    is_candidate = is_named_photo(entry.name)
    if entry.is_symlink() and (is_candidate or path.is_dir()) and (why := _why_not_link(path, real_root)):
        return why
    if not is_candidate:
        return ""
    if suffix in _UNSUPPORTED_SUFFIXES:
        return f"{suffix[1:].upper()} files are not read; export them as JPEG first"
    if not path.is_file():
        return "it is not a regular file"
    if not _is_text(str(path)):
        return "its name is not valid UTF-8; rename it"
    return ""


def _why_not_link(path: Path, real_root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "it is a link that leads nowhere or in a circle"
    if not target.is_relative_to(real_root):
        return "it is a link that leads out of the folder; copy the photos in instead"
    return "it is a link to a folder; its photos are read under their own path" if target.is_dir() else ""


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(path: Path, root: Path) -> str:
    name = "." if path == root else path.relative_to(root).as_posix()
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


# --- checking


def _check(root: Path, name: str) -> ImageRecord | SkippedImage:
    path = root / name
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            decoded = decode(file, _SMALL_JPEG_SIDE)
    except InputError as error:
        return SkippedImage(path=name, reason=str(error))
    except OSError as error:
        return SkippedImage(path=name, reason=reason(error))
    notes = list(decoded.notes)
    if decoded.format != FORMAT_OF_SUFFIX[path.suffix.lower()]:
        notes.append(f"it is {decoded.format} in spite of its name")
    width, height = decoded.size
    return ImageRecord(
        id=name, width=width, height=height, sha256=sha256, mode=decoded.mode, warning="; ".join(notes)
    )


def _warnings(report: ScanReport) -> Iterator[str]:
    if report.skipped:
        yield f"{_count(len(report.skipped), 'file')} cannot be used and {_are(len(report.skipped))} skipped."
    repeated = sum(len(group) - 1 for group in report.duplicates)
    if repeated:
        yield f"{_count(repeated, 'photo')} {_are(repeated)} an exact copy of another one; all are kept."
    if small := len(report.too_small):
        yield f"{_count(small, 'photo')} {_are(small)} smaller than {SMALL_SIDE} pixels; results may be poor there."
    if odd := len(report.odd):
        yield f"{_count(odd, 'photo')} had to be converted, see the note of each."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
