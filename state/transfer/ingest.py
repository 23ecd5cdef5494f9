"""Photos come in: zip archives and uploads, unpacked so that nothing can be written outside the photo folder.

What is not wanted is listed with the reason; what threatens the disk refuses the whole archive. Labels come in by
``label_files.py``.
"""

from __future__ import annotations

import errno
import filecmp
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from kec_core.arrays import Progress, no_progress
from kec_core.disk import reason, short
from kec_core.errors import InputError, StoreError
from kec_core.paths import is_file
from kec_core.photos.files import DOT_NAME, HIDDEN, is_hidden, printable
from kec_core.photos.formats import HEAD_BYTES, format_of, is_named_photo, kind_of, suffix_of
from kec_core.photos.formats import is_photo as is_photo_file
from kec_core.photos.images import NO_PHOTO, passed_over
from kec_core.types import SkippedImage
from state.transfer.zip_names import HonestFlags, entry_names

__all__ = [
    "Ingested",
    "copy_photos",
    "safe_path",
    "save_uploads",
    "unpack_zip",
]

MAX_FILES = 1_000_000
MAX_BYTES = 64 << 30
MAX_RATIO = 100
"""A photo hardly shrinks in a zip; an archive that grows more than this is a bomb."""
_HARMLESS_BYTES = 256 << 20
"""Below this the ratio does not matter: a few plain BMP files shrink a lot and hurt nobody."""
_MAX_NAME_BYTES = 200
_MAX_SUFFIX_BYTES = 20
_MOST_LEVELS = 100
"""Python removes and copies folders level by level of its own stack: about a thousand end it."""
_ENCRYPTED = 0x1
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
"""What reading a damaged entry may raise; RuntimeError: an unknown method of packing, or a password."""
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
"""What file systems say to a name they cannot hold."""

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
        others: how many files there were of each kind that is no photo.
        notes: what the person should know besides, in sentences.
    """

    saved: tuple[str, ...] = ()
    skipped: tuple[SkippedImage, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def unpack_zip(archive: Archive, folder: Path, *, progress: Progress = no_progress) -> Ingested:
    """Unpack the photos of a zip archive below ``folder``: all that are sound, or none when it fails half-way.

    Existing files are never overwritten: another photo of the same name gets a number, the same photo is kept once.
    Content decides what is a photo, whatever its name; files that are none, and the hidden ones, are counted by kind.

    Raises:
        InputError: not a zip archive, a zip bomb, or no photo in it.
        StoreError: the disk is full or not writable.
    """
    with _writing_to(folder) as staging, _opened(archive) as source:
        skipped: list[SkippedImage] = []
        others: Counter[str] = Counter()
        names, page = entry_names(source.infolist())
        entries = list(_wanted(source, names, skipped, others))
        _refuse_bomb(source, entries, shutil.disk_usage(staging).free)
        staged: list[tuple[Path, PurePosixPath]] = []
        for number, (entry, target) in enumerate(entries):
            file = staging / str(number)
            if why := _extract(source, entry, file):
                skipped.append(SkippedImage(path=printable(str(target)), reason=why))
            else:
                staged.append((file, target))
            progress(number + 1, len(entries), "Unpacking")
        if not staged:
            raise InputError(_none_usable(skipped, others))
        notes = () if page in ("", "utf-8") else (f"Names in the archive were read as {page}.",)
        return replace(_take(staged, folder, skipped), others=dict(others), notes=notes)


def save_uploads(
    files: Iterable[tuple[str, BinaryIO]], folder: Path, *, progress: Progress = no_progress
) -> dict[str, Ingested]:
    """Save uploaded photos below ``folder``, and unpack uploaded zip archives there.

    Args:
        files: name (may contain folders) and content of each; the content is read from its current position.
        folder: the photo folder, made if missing; existing files are never overwritten.
        progress: told about files.

    Returns:
        What came in with each upload, by its name; several of one name are numbered. An archive that cannot be used is
        left out as a whole, the other uploads are kept.

    Raises:
        InputError: nothing could be saved, since an archive is not usable.
        StoreError: the disk is full or not writable.
    """
    taken: dict[str, Ingested] = {}
    uploads = list(files)
    unusable: InputError | None = None
    for number, (name, content) in enumerate(uploads):
        try:
            is_archive = name.lower().endswith(".zip")
            one = unpack_zip(content, folder) if is_archive else _save(name, content, folder)
        except InputError as error:
            unusable = error
            one = Ingested(skipped=(SkippedImage(path=printable(name), reason=str(error)),))
        taken[_free_key(name, taken)] = one
        progress(number + 1, len(uploads), "Saving")
    if unusable and not any(one.saved for one in taken.values()):
        raise unusable
    return taken


def copy_photos(
    files: Sequence[tuple[Path, str]], folder: Path, *, progress: Progress = no_progress
) -> Ingested:
    """Copy photos below ``folder``: all of them, or none when it fails half-way; existing files are never overwritten.

    Args:
        files: each photo, and its path below ``folder`` with "/".
        folder: the photo folder, made if missing.
        progress: told about files; may raise Cancelled.

    Raises:
        StoreError: a photo cannot be read any more, or the disk is full or not writable.
    """
    with _writing_to(folder) as staging:
        staged: list[tuple[Path, PurePosixPath]] = []
        for number, (source, target) in enumerate(files):
            staged.append((Path(shutil.copy2(source, staging / str(number))), safe_path(target)))
            progress(number + 1, len(files), "Copying photos")
        return _take(staged, folder, [])


def _free_key(name: str, taken: Mapping[str, Ingested]) -> str:
    """The name of an upload as a key that is free."""
    key = printable(name)
    return next(k for k in (key, *(f"{key} ({n})" for n in range(2, len(taken) + 3))) if k not in taken)


def _save(name: str, content: BinaryIO, folder: Path) -> Ingested:
    start = content.tell()
    plain = (_parts(name) or [""])[-1]
    is_photo = is_photo_file(plain, content.read(HEAD_BYTES))
    content.seek(start)
    if why := _why_not(name) or ("" if is_photo else NO_PHOTO):
        return Ingested(skipped=(SkippedImage(path=printable(name), reason=why),))
    with _writing_to(folder) as staging:
        file = staging / "upload"
        with file.open("wb") as out:
            shutil.copyfileobj(content, out)
        return _take([(file, safe_path(name))], folder, [])


def safe_path(name: str) -> PurePosixPath:
    """A relative path without "..", below any folder it is joined to; changed only as far as that needs.

    Raises:
        InputError: absolute, with a drive, with "..", empty, or nested too deep.
    """
    parts = _parts(name)
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or any(p.strip() == ".." for p in parts):
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


# --- archives


@contextmanager
def _opened(archive: Archive) -> Iterator[zipfile.ZipFile]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(archive.open("rb")) if isinstance(archive, Path) else archive
            source = stack.enter_context(zipfile.ZipFile(cast(BinaryIO, HonestFlags(file))))
        except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError, OSError, struct.error) as error:
            raise InputError(  # RuntimeError: a newer kind of zip
                f"A zip archive was expected, but this one cannot be read ({short(error)}); make it again or unpack it yourself."
            ) from error
        yield source


def _wanted(
    source: zipfile.ZipFile, names: Sequence[str], skipped: list[SkippedImage], others: Counter[str]
) -> Iterator[Entry]:
    """Entries to unpack and where to; those that would be photos but cannot be used go to ``skipped``."""
    for entry, name in zip(source.infolist(), names, strict=True):
        if name.endswith(("/", "\\")) and not entry.file_size:
            continue  # a folder
        kind, why = _sorted_out(source, entry, name)
        if kind:
            others[kind] += 1
        elif why:
            skipped.append(SkippedImage(path=printable(name), reason=why))
        else:
            yield entry, safe_path(name)


def _sorted_out(source: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> tuple[str, str]:
    """The kind under which an entry is counted when it is no photo, or else why it is not used; or neither."""
    *folders, plain = _parts(name) or [""]
    if any(is_hidden(folder) for folder in folders if folder != ".."):
        return HIDDEN, ""
    why = _why_not_entry(entry)
    head = b"" if why else _head(source, entry)
    if not (_is_wanted(plain) and not is_hidden(plain)) and format_of(head, plain) is None:
        return HIDDEN if is_hidden(plain) else kind_of(plain), ""
    return "", _why_not(name) or why


def _head(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The first bytes of an entry; b"" when it is damaged: then its name decides."""
    try:
        with source.open(entry) as packed:
            return packed.read(HEAD_BYTES)
    except (*_DAMAGE, OSError):
        return b""


def _is_wanted(name: str) -> bool:
    return is_named_photo(name) or suffix_of(name) == ".zip"


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def _why_not(name: str) -> str:
    """Why a photo of this name is not taken, or ""."""
    try:
        path = safe_path(name)
    except InputError as error:
        return str(error)
    if path.suffix.lower() == ".zip":
        return "it is an archive inside the archive; unpack it first"
    if any(is_hidden(part) for part in path.parts[:-1]):
        return "it belongs to a hidden folder or a system's"
    return DOT_NAME if is_hidden(path.name) else ""


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
    except _DAMAGE as error:
        return f"it is damaged in the archive ({short(error)})"
    except OSError as error:
        if error.errno != errno.EINVAL:  # an entry that claims to begin before the file does
            raise
        return f"it is damaged in the archive ({error.strerror})"
    return ""


def _none_usable(skipped: Sequence[SkippedImage], others: Mapping[str, int]) -> str:
    if not skipped:
        told = passed_over(others)
        return (
            "An archive with photos was expected, but there is none in this one"
            f"{f' ({told[:-1]})' if told else ''}; choose another archive."
        )
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
            f"Photos could not be written to {folder} ({reason(error, folder)}); "
            "free some space or make the folder writable, then try again."
        ) from error


def _take(
    staged: Sequence[tuple[Path, PurePosixPath]], folder: Path, skipped: list[SkippedImage]
) -> Ingested:
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
