"""What disks do to files - run full, refuse to be written, give back damage - and how to say it in one sentence."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kec_core.errors import StoreError
from kec_core.paths import is_folder

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SPARE_BYTES = 64 * 2**10
"""With less free space than this a write that failed for no stated reason has failed for want of space."""


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder, or of the nearest folder above that exists, has no space left."""
    there = next((place for place in (folder, *folder.absolute().parents) if is_folder(place)), None)
    try:
        return there is not None and shutil.disk_usage(there).free < _SPARE_BYTES
    except OSError:
        return False


def reason(error: OSError, folder: Path) -> str:
    """Why a file could not be written, in words; numpy's writers do not pass on that the disk is full.

    Args:
        error: what the write raised.
        folder: where it was to write.
    """
    if error.errno in _FULL or (error.errno in (None, errno.EIO) and is_full(folder)):
        return "the disk is full"
    if error.errno == errno.EROFS:
        return "the place is read-only"
    return error.strerror or str(error) or type(error).__name__


def may_write(path: Path) -> bool:
    """Whether this program may write a file that exists, or into a folder."""
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


@contextmanager
def damage_as(make: type[StoreError], words: str) -> Iterator[None]:
    """Whatever goes wrong inside is damage of what is read there, for the program wrote it itself.

    Args:
        make: the error to raise.
        words: what is read and what becomes of it; "{why}" is replaced by the trouble.

    Raises:
        StoreError: of class ``make``. That the operating system refuses to open a file is no damage and passes.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise make(words.replace("{why}", "a file is missing")) from error
    except (OSError, StoreError, MemoryError):
        raise
    except Exception as error:  # parsers of damaged bytes raise anything: zlib.error, EOFError, KeyError, ...
        raise make(words.replace("{why}", short(error))) from error


def short(error: Exception, most: int = 120) -> str:
    """What an error says, or else its kind, on one line of at most ``most`` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= most else f"{text[: most - 1]}…"
