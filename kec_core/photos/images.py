"""Photos on disk: find them, check them, open them (``decoding.py``).

Everything a folder can hold is met here, so that the other rooms see nothing but sound RGB images: what cannot be
used is listed with the reason, what had to be changed carries a note.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Protocol

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError
from kec_core.parallel import map_in_threads
from kec_core.photos.damage import reason
from kec_core.photos.decoding import inspect, open_image, pixels_version, thumbnail
from kec_core.photos.exif import Exif, read_exif
from kec_core.photos.files import find_files
from kec_core.photos.formats import (
    FORMAT_OF_SUFFIX,
    HEAD_BYTES,
    WEAK_FORMATS,
    format_of,
    is_named_photo,
    kind_of,
    known_formats,
    suffix_of,
)
from kec_core.types import SkippedImage
from kec_core.wording import counted

__all__ = [
    "NO_PHOTO",
    "ImageRecord",
    "Scan",
    "ScanReport",
    "check_images",
    "check_photo",
    "find_images",
    "open_image",
    "passed_over",
    "reported",
    "scan_images",
    "thumbnail",
]

SMALL_SIDE = 32
"""Photos with a shorter side below this many pixels are used, but reported."""

NO_PHOTO = "it is no photo in a known format, by its name or its content"
"""Why a file that was meant as one is not used."""

_SMALL_SIDE = 16
"""Checking decodes JPEG at down to 1/8 of its size: every byte is still read, at a fraction of the time."""


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

    @property
    def pixels_key(self) -> str:
        """What the decoded pixels depend on: the bytes, and how they were converted where that was not always so."""
        version = pixels_version(self.warning)
        return f"{self.sha256} {version}" if version else self.sha256


@dataclass(frozen=True, kw_only=True)
class ScanReport:
    """What a folder holds.

    Attributes:
        images: sound photos, sorted by id unless somebody named them one by one; ids are unique.
        skipped: files that look like photos but cannot be used, and why, sorted by path.
        warnings: what was noticed about the folder as a whole, in sentences.
        others: how many files there are of each kind that is no photo (".txt", "hidden or system files"): every file is
            in one of ``images``, ``skipped`` and ``others``.
        exif: what the cameras wrote, by the ids of the photos that tell anything.
    """

    images: tuple[ImageRecord, ...]
    skipped: tuple[SkippedImage, ...] = ()
    warnings: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    exif: Mapping[str, Exif] = field(default_factory=dict)

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


class Scan(Protocol):
    """Finds and checks the photos of a folder, as ``scan_images`` does."""

    def __call__(self, root: Path, /, *, progress: Progress = ...) -> ScanReport:
        """See ``scan_images``."""
        ...


def find_images(root: Path) -> Iterator[Path]:
    """Yield the files below ``root`` that are photos by content or name, sorted, see ``find_files``.

    Raises:
        InputError: ``root`` is not a folder that can be read.
    """
    yield from (root / name for name in find_files(root, progress=no_progress).photos)


def scan_images(root: Path, *, progress: Progress = no_progress) -> ScanReport:
    """Find, hash and decode every photo below ``root``, in parallel threads.

    Raises:
        InputError: not a folder, or no sound photo in it.
    """
    found = find_files(root, progress=progress)
    report = _checked(root, found.photos, progress)
    others = found.others + Counter(report.others)
    skipped = sorted((*found.skipped, *report.skipped), key=lambda item: item.path)
    return reported(root, replace(report, skipped=tuple(skipped), others=dict(others)))


def check_images(root: Path, names: Sequence[str], *, progress: Progress = no_progress) -> ScanReport:
    """Hash and decode the named photos, in their order, in parallel threads; those that are no photos are listed as well.

    Args:
        root: their folder.
        names: different paths below it, with "/".
        progress: told about photos; may raise Cancelled.

    Raises:
        InputError: none of them is a sound photo.
    """
    report = _checked(root, names, progress)
    known = {item.id for item in report.images} | {item.path for item in report.skipped}
    foreign = [SkippedImage(path=name, reason=NO_PHOTO) for name in names if name not in known]
    skipped = sorted((*report.skipped, *foreign), key=lambda item: item.path)
    return reported(root, replace(report, skipped=tuple(skipped), others={}))


def _checked(root: Path, names: Sequence[str], progress: Progress) -> ScanReport:
    """Sound photos in the order of the names, those that cannot be used, and how many are no photos."""
    checked = map_in_threads(
        lambda name: _check(root, name), names, progress=progress, label="Checking photos"
    )
    sound = [item for item in checked if isinstance(item, tuple)]
    return ScanReport(
        images=tuple(image for image, _ in sound),
        skipped=tuple(item for item in checked if isinstance(item, SkippedImage)),
        others=Counter(kind_of(name) for name, item in zip(names, checked, strict=True) if item is None),
        exif={image.id: exif for image, exif in sound if exif},
    )


def reported(root: Path | str, report: ScanReport) -> ScanReport:
    """The report with its warnings.

    Args:
        root: folder or address of the photos.
        report: what was found there.

    Raises:
        InputError: there is no sound photo.
    """
    if not report.images:
        raise InputError(_none_usable(root, report))
    return replace(report, warnings=tuple(_warnings(report)))


def passed_over(others: Mapping[str, int]) -> str:
    """How many files are no photos, by kind, in one sentence; "" when there are none."""
    if not others:
        return ""
    kinds = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{number:,} {kind}" for kind, number in kinds)
    total = sum(others.values())
    return f"{_count(total, 'other file')} {_are(total)} no {'photo' if total == 1 else 'photos'}: {told}."


def _none_usable(root: Path | str, report: ScanReport) -> str:
    if not report.skipped:
        others = passed_over(report.others)
        return (
            f"A folder with photos ({', '.join(known_formats())}) was expected, but {root} has none"
            f"{f' ({others[:-1]})' if others else ''}; choose another one."
        )
    first = report.skipped[0]
    return (
        f"Of {counted(len(report.skipped), 'photo')} in {root} none can be used (first: {first.path!r}: {first.reason}); "
        "choose a folder with sound photos."
    )


# --- checking


def _check(root: Path, name: str) -> tuple[ImageRecord, Exif] | SkippedImage | None:
    try:
        with (root / name).open("rb") as file:
            return check_photo(file, name)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return SkippedImage(path=name, reason=reason(error))


def check_photo(file: BufferedReader | BytesIO, name: str) -> tuple[ImageRecord, Exif] | SkippedImage | None:
    """Hash and decode an open file: a sound photo and what its camera wrote, or why it cannot be used.

    Args:
        file: read from its beginning; where it is left is undefined.
        name: its path below the photo folder, with "/".

    Returns:
        None when it is no photo after all, though it begins like one.

    Raises:
        OSError: it cannot be read.
    """
    plain = name.rpartition("/")[2]
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    try:
        facts = inspect(file, plain, _SMALL_SIDE)
    except InputError as error:
        return SkippedImage(path=name, reason=str(error)) if _is_meant_as_photo(file, plain) else None
    promised = FORMAT_OF_SUFFIX.get(suffix_of(plain))
    notes = list(facts.notes)
    if promised != facts.format and is_named_photo(plain):
        notes.append(f"it is {facts.format} in spite of its name")
    width, height = facts.size
    record = ImageRecord(
        id=name, width=width, height=height, sha256=sha256, mode=facts.mode, warning="; ".join(notes)
    )
    return record, read_exif(file)


def _is_meant_as_photo(file: BufferedReader | BytesIO, name: str) -> bool:
    """Whether a file that cannot be decoded is to be listed: a few formats begin like other files by chance."""
    if is_named_photo(name):
        return True
    file.seek(0)
    return format_of(file.read(HEAD_BYTES), name) not in WEAK_FORMATS


def _warnings(report: ScanReport) -> Iterator[str]:
    if report.skipped:
        yield f"{_count(len(report.skipped), 'file')} cannot be used and {_are(len(report.skipped))} skipped."
    repeated = sum(len(group) - 1 for group in report.duplicates)
    if repeated:
        yield f"{_count(repeated, 'photo')} {_are(repeated)} an exact copy of another one; all are kept."
    if small := len(report.too_small):
        yield f"{_count(small, 'photo')} {_are(small)} smaller than {SMALL_SIDE} pixels; results may be poor there."
    if odd := len(report.odd):
        yield f"{_count(odd, 'photo')} {_are(odd)} converted, misnamed or damaged in places; see the note of each."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
