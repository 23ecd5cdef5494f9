"""Photos to features: decoding in parallel ahead of the encoder, finished shards kept over a kill."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, blocks, fingerprint, no_progress
from kec_core.disk import reason, short
from kec_core.encoders.base import Encoder, Pixels
from kec_core.errors import InputError, StoreError
from kec_core.paths import exists
from kec_core.photos.images import open_image
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


_SHARD = 128  # photos between two writes, or one batch: who stops loses at most these, seconds on a CPU
_AHEAD = 2  # batches decoded ahead of the encoder: bounds the memory
_DECODE_FACTOR = (
    2  # photos are decoded no smaller than this many times the encoder's side, so the resize decides
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EncodedFiles:
    """What ``encode_files`` gives.

    Attributes:
        features: raw float32 (n_ok, d), one row per photo that could be read, in the order of the paths.
        failed: (index into the paths, reason) of each photo that could not.
    """

    features: FloatMatrix
    failed: tuple[tuple[int, str], ...]


def encode_files(
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    batch_size: int = 32,
    workers: int | None = None,
    progress: Progress = no_progress,
    workspace: Path | None = None,
) -> EncodedFiles:
    """Encode photos; one that cannot be read is reported and never stops the others.

    Args:
        encoder: any encoder.
        paths: N photos.
        batch_size: photos per call of the encoder.
        workers: threads that decode; None: one per core, at most 8.
        progress: called per batch; may raise Cancelled, finished shards stay in ``workspace``.
        workspace: folder for finished shards; given again after a kill, what they hold is not encoded again. The
            features returned are then memory-mapped from a file in it.

    Raises:
        StoreError: the workspace cannot be written.
    """
    shards = Shards(workspace)
    parts = {_shard_name(encoder, paths, part): part for part in blocks(len(paths), max(_SHARD, batch_size))}
    missing = {name: part for name, part in parts.items() if name not in shards}
    todo = [path for part in missing.values() for path in paths[part]]
    report = _Countdown(progress, len(paths), len(todo))
    with (
        ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool,
        closing(_decode_ahead(encoder, todo, pool, _AHEAD * batch_size)) as decoded,
    ):
        for name, part in missing.items():
            shards[name] = _encode(encoder, islice(decoded, part.stop - part.start), batch_size, report)
    report(0)
    return _result(*shards.joined(list(parts), encoder.info.dim))


def _result(features: FloatMatrix, reasons: Sequence[str]) -> EncodedFiles:
    return EncodedFiles(features=features, failed=tuple((i, why) for i, why in enumerate(reasons) if why))


class _Countdown:
    """Tells ``progress`` how many of the photos are done, those of earlier runs included."""

    def __init__(self, progress: Progress, total: int, todo: int) -> None:
        self._progress = progress
        self._total = total
        self._done = total - todo

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._done, self._total, "Encoding photos")


def _shard_name(encoder: Encoder, paths: Sequence[Path], part: slice) -> str:
    stamps = [_stamp(path) for path in paths[part]]
    return f"{part.start:08d}-{fingerprint(encoder.info.revision, stamps)}"


def _stamp(path: Path) -> tuple[str, int, int]:
    """What tells whether a file is still the one that was encoded."""
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), status.st_size, status.st_mtime_ns


def _encode(encoder: Encoder, decoded: Iterator[Pixels | str], batch_size: int, report: _Countdown) -> Shard:
    rows = [np.empty((0, encoder.info.dim), dtype=np.float32)]
    reasons: list[str] = []
    while batch := list(islice(decoded, batch_size)):
        report(0)
        readable = [pixels for pixels in batch if not isinstance(pixels, str)]
        if readable:
            rows.append(encoder.encode_images(np.stack(readable)))
        reasons += [item if isinstance(item, str) else "" for item in batch]
        report(len(batch))
    return Shard(features=np.concatenate(rows), reasons=tuple(reasons))


def _decode_ahead(
    encoder: Encoder, paths: Sequence[Path], pool: ThreadPoolExecutor, ahead: int
) -> Generator[Pixels | str]:
    """Each photo's pixels, or why it cannot be read, in order; at most ``ahead`` wait to be taken."""
    waiting: deque[Future[Pixels | str]] = deque()
    queue = iter(paths)
    try:
        waiting.extend(pool.submit(_decode, encoder, path) for path in islice(queue, ahead))
        while waiting:
            pixels = waiting.popleft().result()
            waiting.extend(pool.submit(_decode, encoder, path) for path in islice(queue, 1))
            yield pixels
    finally:
        for future in waiting:
            future.cancel()


def decoding_side(encoder: Encoder) -> int:
    """The shorter side in pixels below which photos are not decoded for this encoder."""
    return _DECODE_FACTOR * encoder.info.image_side


def _decode(encoder: Encoder, path: Path) -> Pixels | str:
    try:
        return encoder.preprocess(open_image(path, min_side=decoding_side(encoder)))
    except InputError as error:
        return str(error)
