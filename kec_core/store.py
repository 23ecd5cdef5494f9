"""Results of stages on disk, addressed by the fingerprint of their inputs; every write is atomic.

A result is a folder ``STAGE-FINGERPRINT`` of ``.npy`` files and one ``data.json``. It appears by a rename, so it
is there whole or not at all. Work in progress lives in ``STAGE-FINGERPRINT.part`` and survives a kill.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kec_core.disk import damage_as, reason
from kec_core.errors import StoreError
from kec_core.paths import exists, is_folder

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
MAPPED_BYTES = 2**20
"""Files above this size are memory-mapped; smaller ones are read, because every map keeps a file open."""
CHECKSUMS = "checksums.json"
"""Beside the files of a result: the CRC-32 of each, so that a changed byte is noticed, and a file that went missing."""
CHECKED_FILES = 4096
"""Files whose checksum this process remembers, so that it reads each but once."""


def cache_dir() -> Path:
    """The folder of caches shared by all projects: ``$KEC_CACHE_DIR``, else the user's cache folder; made if absent.

    Raises:
        StoreError: it cannot be made.
    """
    from platformdirs import user_cache_path

    return own_folder("cache", "KEC_CACHE_DIR", user_cache_path("kec-studio"))


def own_folder(kind: str, variable: str, usual: Path) -> Path:
    """The folder that a variable of the environment names, else the usual one; made if absent.

    Raises:
        StoreError: it cannot be made.
    """
    folder = Path(os.environ.get(variable) or usual)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The {kind} folder {folder} cannot be made ({reason(error, folder)}); set {variable} to a writable folder."
        ) from error
    return folder


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StageResult:
    """Arrays and JSON data that one stage produced."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


class StageStore(Protocol):
    """Where stages keep their results."""

    def load(self, stage: str, fingerprint: str) -> StageResult | None:
        """The stored result or None; arrays are read-only, large ones memory-mapped."""
        ...

    def save(self, stage: str, fingerprint: str, result: StageResult) -> StageResult:
        """Store atomically; returns what ``load`` gives from now on."""
        ...

    def workspace(self, stage: str, fingerprint: str) -> Path | None:
        """A folder for unfinished work of this stage, kept over a kill, removed by ``save``; None: nothing is kept."""
        ...

    def fingerprints(self, stage: str) -> list[str]:
        """Of the stored results of a stage, newest first."""
        ...


class FolderStore:
    """A StageStore in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, stage: str, fingerprint: str) -> StageResult | None:
        """See StageStore; raises StoreError for a result that is damaged, of another format or cannot be opened."""
        folder = self._folder(stage, fingerprint)
        if not is_folder(folder):
            return None
        try:
            document, arrays = _read(folder)
        except _DamagedResultError as damage:
            raise StoreError(
                f"The stored result of stage {stage!r} cannot be read ({damage}); {self._set_aside(folder)}."
            ) from damage
        except OSError as error:
            raise StoreError(
                f"The stored result of stage {stage!r} in {folder} cannot be opened ({error.strerror}); "
                "make it readable, then try again."
            ) from error
        if document["format_version"] != FORMAT_VERSION:
            raise StoreError(
                f"The stored result of stage {stage!r} has format {document['format_version']}, this program reads "
                f"format {FORMAT_VERSION}; use the program version that wrote it."
            )
        return StageResult(arrays=arrays, data=document["data"])

    def save(self, stage: str, fingerprint: str, result: StageResult) -> StageResult:
        """See StageStore.

        Raises:
            StoreError: the disk is full or not writable; nothing half-written stays.
        """
        folder = self._folder(stage, fingerprint)
        fresh = folder.with_name(f"{folder.name}.new{os.getpid()}")
        try:
            fresh.mkdir(parents=True)
            for name, array in result.arrays.items():
                np.save(fresh / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
            document = {"format_version": FORMAT_VERSION, "data": dict(result.data)}
            (fresh / "data.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            _write_checksums(fresh)
            _sync(fresh)
            if exists(folder):
                shutil.rmtree(folder)
            fresh.rename(folder)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise StoreError(
                f"The result of stage {stage!r} could not be written to {folder.parent} ({reason(error, self.root)}); "
                "free some space or make the folder writable, then run again: finished stages are kept."
            ) from error
        shutil.rmtree(self.workspace_path(stage, fingerprint), ignore_errors=True)
        stored = self.load(stage, fingerprint)
        assert stored is not None
        return stored

    def workspace(self, stage: str, fingerprint: str) -> Path:
        """See StageStore."""
        path = self.workspace_path(stage, fingerprint)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def fingerprints(self, stage: str) -> list[str]:
        """See StageStore."""
        folders = [
            folder for folder in self.root.glob(f"{stage}-*") if is_folder(folder) and not folder.suffix
        ]
        newest_first = sorted(folders, key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        return [folder.name.removeprefix(f"{stage}-") for folder in newest_first]

    def workspace_path(self, stage: str, fingerprint: str) -> Path:
        """Where unfinished work of a stage lies, whether it exists or not."""
        return self._folder(stage, fingerprint).with_suffix(".part")

    def _folder(self, stage: str, fingerprint: str) -> Path:
        return self.root / f"{stage}-{fingerprint}"

    def _set_aside(self, folder: Path) -> str:
        """Move a damaged result out of the way; returns what became of it."""
        aside = folder.with_suffix(".damaged")
        try:
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
        except OSError as error:
            return f"it could not be set aside ({reason(error, self.root)}): copy the project to a folder of yours"
        return f"it was set aside in {folder.parent} and will be computed again on the next run"


class MemoryStore:
    """A StageStore that lasts as long as the program."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], StageResult] = {}

    def load(self, stage: str, fingerprint: str) -> StageResult | None:
        """See StageStore."""
        return self._results.get((stage, fingerprint))

    def save(self, stage: str, fingerprint: str, result: StageResult) -> StageResult:
        """See StageStore."""
        self._results[stage, fingerprint] = result
        return result

    def workspace(self, stage: str, fingerprint: str) -> None:
        """None: unfinished work is not kept."""
        del stage, fingerprint

    def fingerprints(self, stage: str) -> list[str]:
        """See StageStore."""
        return [key for known, key in reversed(self._results) if known == stage]


class ReadingStore:
    """A StageStore over another one that keeps nothing new: for trying what a run would do."""

    def __init__(self, store: StageStore) -> None:
        self._store = store

    def load(self, stage: str, fingerprint: str) -> StageResult | None:
        """See StageStore."""
        return self._store.load(stage, fingerprint)

    def save(self, stage: str, fingerprint: str, result: StageResult) -> StageResult:
        """The result as it is, stored nowhere."""
        del stage, fingerprint
        return result

    def workspace(self, stage: str, fingerprint: str) -> Path | None:
        """See StageStore."""
        return self._store.workspace(stage, fingerprint)

    def fingerprints(self, stage: str) -> list[str]:
        """See StageStore."""
        return self._store.fingerprints(stage)


class _DamagedResultError(StoreError):
    """A file of a stored result is missing, cut or changed."""


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The JSON document and the arrays of a result, checked against their checksums (older results have none)."""
    with damage_as(_DamagedResultError, "{why}"):
        for name, expected in _checksums(folder / CHECKSUMS).items():
            _check(folder / name, expected)
        document = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        if not isinstance(document["data"], dict) or not isinstance(document["format_version"], int):
            raise _DamagedResultError("data.json does not hold what was stored")
        arrays = {path.stem: _read_array(path) for path in sorted(folder.glob("*.npy"))}
    return document, arrays


def _checksums(path: Path) -> dict[str, int]:
    """CRC-32 of each file of a result, by name; none for older results."""
    if not exists(path):
        return {}
    with damage_as(_DamagedResultError, f"{path.name} is damaged"):
        return dict(json.loads(path.read_bytes()))


def _check(path: Path, expected: int) -> None:
    stat = path.stat()
    if _known_crc32(path, stat.st_size, stat.st_mtime_ns) != expected:
        raise _DamagedResultError(f"{path.name} has changed since it was written")


@lru_cache(maxsize=CHECKED_FILES)
def _known_crc32(path: Path, _size: int, _changed: int) -> int:
    return _crc32(path)


def _crc32(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            value = zlib.crc32(block, value)
    return value


def _write_checksums(folder: Path) -> None:
    sums = {path.name: _crc32(path) for path in sorted(folder.iterdir())}
    (folder / CHECKSUMS).write_text(json.dumps(sums), encoding="utf-8")


def _read_array(path: Path) -> NDArray[Any]:
    """A stored array, read-only; mapped when it is large."""
    mode: Literal["r"] | None = "r" if path.stat().st_size > MAPPED_BYTES else None
    array: NDArray[Any] = np.load(path, mmap_mode=mode, allow_pickle=False)
    array.flags.writeable = False
    return array


def _sync(folder: Path) -> None:
    """Flush a folder's files to the disk, so the rename that follows cannot overtake them."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Raises:
        StoreError: the disk is full or not writable.
    """
    fresh = path.with_name(f".{path.name}.new{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):  # it may never have been made
            fresh.unlink()
        raise StoreError(
            f"{path} could not be written ({reason(error, path.parent)}); free some space or choose another folder."
        ) from error


def write_cache(path: Path, content: bytes) -> None:
    """As ``write_atomically`` for what can be made again: that it could not be written is only logged."""
    try:
        write_atomically(path, content)
    except StoreError as error:
        logger.warning("%s It is made again next time.", error)
