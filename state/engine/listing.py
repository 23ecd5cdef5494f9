"""The files of a collection in parts: what one task reads, and one file of features holds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kec_core.arrays import Progress, fingerprint
from kec_core.photos.files import OWN, find_files, hidden_kind, is_hidden, is_own
from kec_core.types import SkippedImage
from state.engine.stores import FileAt, Store

MEAN_PART: Final = (
    256  # files of a part, in the mean: pixels of two parts and the encoder fit into a worker  [R]
)
_MOST: Final = 512


@dataclass(frozen=True, slots=True)
class Part:
    """Some files that follow each other by name.

    Attributes:
        name: says everything the features of the part depend on.
        files: their names below the folder of photos.
        crashing: those of them that end the process that opens them, so they are listed and not opened.
    """

    name: str
    files: tuple[str, ...]
    crashing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files at an address: those in parts are to be looked at, ``skipped`` and ``others`` as in ``ScanReport``."""

    parts: tuple[Part, ...]
    skipped: tuple[SkippedImage, ...]
    others: Counter[str]


def list_photos(photos: Store, encoder: str, *, progress: Progress) -> Listing:
    """List what may be photos.

    Args:
        photos: where they lie.
        encoder: revision of the encoder whose features the parts will hold.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: the folder cannot be listed.
    """
    progress(0, 1, "Listing photos")
    skipped: list[SkippedImage] = []
    others: Counter[str] = Counter()
    files: Sequence[FileAt] = photos.files()
    if photos.folder is not None:
        found = find_files(photos.folder, progress=progress)
        stamps = {file.name: file.stamp for file in files}
        files = [FileAt(name, stamps.get(name, "")) for name in found.photos]
        skipped, others = found.skipped, found.others
    else:
        files = list(_visible(files, others))
    parts = tuple(_part(photos, encoder, run) for run in _runs(files))
    return Listing(parts=parts, skipped=tuple(skipped), others=others)


def _visible(files: Sequence[FileAt], others: Counter[str]) -> Iterator[FileAt]:
    """The files of a bucket that are neither hidden nor a project's own; the rest is counted."""
    own = is_own([file.name for file in files])
    for file, is_project in zip(files, own, strict=True):
        if is_project:
            others[OWN] += 1
        elif any(is_hidden(step) for step in file.name.split("/")):
            others[hidden_kind(file.name.rpartition("/")[2])] += 1
        else:
            yield file


def _runs(files: Iterable[FileAt]) -> Iterator[list[FileAt]]:
    """Cut between files by a hash of their names: a file more or less changes only the part where it lies."""
    run: list[FileAt] = []
    for file in files:
        run.append(file)
        digest = hashlib.blake2b(file.name.encode(), digest_size=4).digest()
        if int.from_bytes(digest) % MEAN_PART == 0 or len(run) == _MOST:
            yield run
            run = []
    if run:
        yield run


def _part(photos: Store, encoder: str, run: Sequence[FileAt]) -> Part:
    key = fingerprint("part-1", photos.address, encoder, [[file.name, file.stamp] for file in run])
    return Part(name=key, files=tuple(file.name for file in run))
