"""Shards of a webdataset, as img2dataset writes them: the photos of a tar archive below a folder named like it."""

from __future__ import annotations

import shutil
import tarfile
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kec_core.disk import short
from kec_core.errors import InputError, StoreError
from kec_core.photos.files import hidden_kind, is_hidden, printable
from kec_core.photos.formats import HEAD_BYTES, is_photo, kind_of
from kec_core.types import SkippedImage
from state.transfer.photo_folder import (
    Ingested,
    none_usable,
    path_parts,
    safe_path,
    take,
    why_not,
    writing_to,
)

SUFFIX = ".tar"


def unpack_tar(name: str, archive: BinaryIO, folder: Path) -> Ingested:
    """Unpack the photos of a tar archive below ``folder``: all that are sound, or none when it fails half-way.

    Existing files are never overwritten; links are listed, other files counted by kind.

    Args:
        name: of the archive; 00000.tar gives photos below 00000.
        archive: read from its current position; not compressed, so it cannot grow when it is unpacked.
        folder: the photo folder, made if missing.

    Raises:
        InputError: no tar archive, damaged, or no photo in it.
        StoreError: the disk is full or not writable.
    """
    below = PurePosixPath(path_parts(name)[-1]).stem
    skipped: list[SkippedImage] = []
    others: Counter[str] = Counter()
    with writing_to(folder) as staging:
        try:
            with tarfile.open(fileobj=archive, mode="r:") as source:
                staged = [
                    (file, safe_path(f"{below}/{member.name}"))
                    for number, member in enumerate(source)
                    if (file := _unpacked(source, member, staging / str(number), skipped, others)) is not None
                ]
        except (tarfile.TarError, EOFError, ValueError) as error:
            if isinstance(error, InputError | StoreError):
                raise
            raise InputError(
                f"A tar archive that is not compressed was expected, but this one cannot be read ({short(error)}); "
                "make it again or unpack it yourself."
            ) from error
        if not staged:
            raise InputError(none_usable(skipped, others))
        return replace(take(staged, folder, skipped), others=dict(others))


def _unpacked(
    source: tarfile.TarFile,
    member: tarfile.TarInfo,
    file: Path,
    skipped: list[SkippedImage],
    others: Counter[str],
) -> Path | None:
    """The file that a member was written to; None for a folder and what is counted or listed."""
    if member.isdir():
        return None
    *folders, plain = path_parts(member.name) or [""]
    content = source.extractfile(member) if member.isfile() else None
    head = content.read(HEAD_BYTES) if content else b""
    if is_hidden(plain) or any(is_hidden(one) for one in folders if one != ".."):
        others[hidden_kind(plain)] += 1
    elif not is_photo(plain, head):
        others[kind_of(plain)] += 1
    elif why := why_not(member.name) or ("" if content else "it is a link, not a photo"):
        skipped.append(SkippedImage(path=printable(member.name), reason=why))
    elif content:
        content.seek(0)
        with file.open("wb") as out:
            shutil.copyfileobj(content, out)
        return file
    return None
