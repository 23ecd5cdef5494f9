"""Photos come in: zip archives and uploads, unpacked so that nothing can be written outside the photo folder.

What is not wanted is listed with the reason; what threatens the disk refuses the whole archive. Labels come in by
``label_files.py``.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from kec_core.arrays import Progress, no_progress
from kec_core.disk import short
from kec_core.errors import InputError, StoreError
from kec_core.photos.files import HIDDEN, hidden_kind, is_hidden, printable
from kec_core.photos.formats import HEAD_BYTES, format_of, is_named_photo, kind_of, suffix_of
from kec_core.photos.formats import is_photo as is_photo_file
from kec_core.photos.images import NO_PHOTO
from kec_core.types import SkippedImage
from state.transfer import tar_shards
from state.transfer.photo_folder import (
    Ingested,
    none_usable,
    path_parts,
    safe_path,
    take,
    why_not,
    writing_to,
)
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
_ENCRYPTED = 0x1
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
"""What reading a damaged entry may raise; RuntimeError: an unknown method of packing, or a password."""

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others are rare, and Python unpacks them in one go: a small one could fill the memory."""

Archive = Path | BinaryIO
Entry = tuple[zipfile.ZipInfo, PurePosixPath]


def unpack_zip(archive: Archive, folder: Path, *, progress: Progress = no_progress) -> Ingested:
    """Unpack the photos of a zip archive below ``folder``: all that are sound, or none when it fails half-way.

    Existing files are never overwritten: another photo of the same name gets a number, the same photo is kept once.
    Content decides what is a photo, whatever its name; files that are none, and the hidden ones, are counted by kind.

    Raises:
        InputError: not a zip archive, a zip bomb, or no photo in it.
        StoreError: the disk is full or not writable.
    """
    with writing_to(folder) as staging, _opened(archive) as source:
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
            raise InputError(none_usable(skipped, others))
        notes = () if page in ("", "utf-8") else (f"Names in the archive were read as {page}.",)
        return replace(take(staged, folder, skipped), others=dict(others), notes=notes)


def save_uploads(
    files: Iterable[tuple[str, BinaryIO]], folder: Path, *, progress: Progress = no_progress
) -> dict[str, Ingested]:
    """Save uploaded photos below ``folder``, and unpack uploaded archives (zip, tar) there.

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
            one = _take_in(name, content, folder)
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
    with writing_to(folder) as staging:
        staged: list[tuple[Path, PurePosixPath]] = []
        for number, (source, target) in enumerate(files):
            staged.append((Path(shutil.copy2(source, staging / str(number))), safe_path(target)))
            progress(number + 1, len(files), "Copying photos")
        return take(staged, folder, [])


def _free_key(name: str, taken: Mapping[str, Ingested]) -> str:
    """The name of an upload as a key that is free."""
    key = printable(name)
    return next(k for k in (key, *(f"{key} ({n})" for n in range(2, len(taken) + 3))) if k not in taken)


def _take_in(name: str, content: BinaryIO, folder: Path) -> Ingested:
    """An archive by its suffix, anything else as one photo."""
    if suffix_of(name) == ".zip":
        return unpack_zip(content, folder)
    if suffix_of(name) == tar_shards.SUFFIX:
        return tar_shards.unpack_tar(name, content, folder)
    return _save(name, content, folder)


def _save(name: str, content: BinaryIO, folder: Path) -> Ingested:
    start = content.tell()
    plain = (path_parts(name) or [""])[-1]
    is_photo = is_photo_file(plain, content.read(HEAD_BYTES))
    content.seek(start)
    if why := why_not(name) or ("" if is_photo else NO_PHOTO):
        return Ingested(skipped=(SkippedImage(path=printable(name), reason=why),))
    with writing_to(folder) as staging:
        file = staging / "upload"
        with file.open("wb") as out:
            shutil.copyfileobj(content, out)
        return take([(file, safe_path(name))], folder, [])


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
    *folders, plain = path_parts(name) or [""]
    if any(is_hidden(folder) for folder in folders if folder != ".."):
        return HIDDEN, ""
    why = _why_not_entry(entry)
    head = b"" if why else _head(source, entry)
    if not (_is_wanted(plain) and not is_hidden(plain)) and format_of(head, plain) is None:
        return hidden_kind(plain) if is_hidden(plain) else kind_of(plain), ""
    return "", why_not(name) or why


def _head(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The first bytes of an entry; b"" when it is damaged: then its name decides."""
    try:
        with source.open(entry) as packed:
            return packed.read(HEAD_BYTES)
    except (*_DAMAGE, OSError):
        return b""


def _is_wanted(name: str) -> bool:
    return is_named_photo(name) or suffix_of(name) == ".zip"


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
