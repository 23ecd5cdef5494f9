"""Finished blocks of rows while photos are being encoded: in memory, or in a folder that survives a kill."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from kec_core.arrays import FloatMatrix
from kec_core.disk import reason, short
from kec_core.errors import StoreError
from kec_core.paths import exists
from kec_core.store import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shard:
    """One block of photos.

    Attributes:
        features: float32 (n_ok, d), rows of the readable photos.
        reasons: for each photo of the block "", or why it could not be read.
    """

    features: FloatMatrix
    reasons: tuple[str, ...]


class Shards:
    """Blocks by name; a name says everything its rows depend on."""

    def __init__(self, folder: Path | None) -> None:
        """Keep blocks in ``folder``, or in memory when it is None."""
        self._folder = folder
        self._memory: dict[str, Shard] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._memory if self._folder is None else exists(self._file(self._folder, name))

    def __getitem__(self, name: str) -> Shard:
        if self._folder is None:
            return self._memory[name]
        file = self._file(self._folder, name)
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
                return Shard(features=stored["features"], reasons=tuple(stored["reasons"].tolist()))
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            file.unlink(missing_ok=True)
            raise StoreError(
                f"{file} cannot be read ({short(error)}) and was removed; run again: only its photos are encoded anew."
            ) from error

    def __setitem__(self, name: str, shard: Shard) -> None:
        if self._folder is None:
            self._memory[name] = shard
            return
        content = io.BytesIO()
        np.savez(content, features=shard.features, reasons=np.array(shard.reasons, dtype=np.str_))
        write_atomically(self._file(self._folder, name), content.getvalue())

    def joined(self, names: Sequence[str], dim: int) -> tuple[FloatMatrix, tuple[str, ...]]:
        """The features and reasons of these blocks, one after the other.

        Returns:
            float32 (n_ok, d), memory-mapped read-only when there is a folder, and one reason per photo.

        Raises:
            StoreError: the disk is full.
        """
        reasons = tuple(reason for name in names for reason in self[name].reasons)
        if self._folder is None:
            rows = [self._memory[name].features for name in names]
            return np.concatenate([np.empty((0, dim), dtype=np.float32), *rows]), reasons
        path = self._folder / "features.npy"
        try:
            self._write_table(path, names, (reasons.count(""), dim))
        except OSError as error:
            raise StoreError(
                f"{path} could not be written ({reason(error, path.parent)}); free some space."
            ) from error
        return np.load(path, mmap_mode="r", allow_pickle=False), reasons

    def _write_table(self, path: Path, names: Sequence[str], shape: tuple[int, int]) -> None:
        # Block by block, so memory stays small; by plain writes, since a full disk kills who writes into a map.
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for name in names:
                file.write(np.ascontiguousarray(self[name].features, dtype="<f4").data)

    @staticmethod
    def _file(folder: Path, name: str) -> Path:
        return folder / f"shard-{name}.npz"
