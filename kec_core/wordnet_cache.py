"""The parsed table of WordNet in the user's cache folder: parsing takes seconds, loading the table 0.1 s."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kec_core.store import cache_dir
from kec_core.wndb import NounTable

log = logging.getLogger(__name__)


def cached_table(key: str, read: Callable[[], NounTable]) -> NounTable:
    """The table stored under ``key``, else ``read()``, then stored; a damaged or unwritable cache costs time only."""
    path = cache_dir() / f"wordnet-{key}.npz"
    if path.is_file():
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return NounTable.from_arrays(dict(arrays))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            log.warning("%s is damaged (%s) and is made again.", path, error)
    table = read()
    _store(path, table.to_arrays())
    return table


def _store(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    fresh = path.with_name(f"{path.stem}.new{os.getpid()}.npz")
    try:
        np.savez(fresh, allow_pickle=False, **arrays)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        log.warning("%s could not be written (%s); WordNet is parsed again next time.", path, error)
