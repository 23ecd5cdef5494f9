"""The photos of a collection brought together: listed, encoded into shards, and a sample of them drawn into a project."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.encoders import load_encoder
from kec_core.encoders.base import Encoder
from kec_core.encoders.readymade import ReadymadeEncoder
from kec_core.errors import InputError, StoreError
from kec_core.photos.exif import Exif
from kec_core.photos.images import ImageRecord, ScanReport, reported
from kec_core.stages import Hooks, Runner, keep_features
from state.engine.cluster import LOCAL, over, sharing
from state.engine.collection import Collection
from state.engine.encoding import MakeEncoder, encode_parts
from state.engine.listing import Part, list_photos
from state.engine.shards import finished, part_of, read_facts, read_shard
from state.engine.stores import Store, store_at
from state.engine.thumbnails import Thumbnails, make_thumbnails
from state.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Photos of a collection, in the order of their names.

    Attributes:
        records: n photos.
        features: raw float32 (n, d), row i belongs to record i.
        exif: as in ``ScanReport``.
    """

    records: tuple[ImageRecord, ...]
    features: FloatMatrix
    exif: dict[str, Exif]


def draw(
    shards: Store,
    files: Sequence[str],
    counts: Sequence[int],
    size: int,
    seed: int,
    keep: frozenset[str] = frozenset(),
) -> Sample:
    """Draw ``size`` photos inside a ``cluster`` block; all when there are not more.

    Args:
        shards: where the shards lie.
        files: of the parts, in the order of the photos' names.
        counts: photos of each part; not all 0.
        size: of the sample, at least 1.
        seed: makes the sample repeatable.
        keep: names that are in the sample wherever they are still there, beyond its size too.

    Raises:
        StoreError: a shard cannot be read.
    """
    shares = allotted(counts, size)
    wanted = [(place, files[place], share) for place, share in enumerate(shares) if share or keep]

    def pick(kept: frozenset[str], item: tuple[int, str, int]) -> tuple[int, Sample]:
        place, file, share = item
        shard = read_shard(shards, file)
        rows = picked([record.id for record in shard.records], share, seed, kept)
        records = tuple(shard.records[row] for row in rows)
        exif = {record.id: shard.exif[record.id] for record in records if record.id in shard.exif}
        return place, Sample(records=records, features=shard.features[rows], exif=exif)

    found = dict(over(wanted, sharing(keep, pick)))
    parts = [found[place] for place, _, _ in wanted]
    return Sample(
        records=tuple(record for part in parts for record in part.records),
        features=np.concatenate([part.features for part in parts]),
        exif={name: exif for part in parts for name, exif in part.exif.items()},
    )


def allotted(counts: Sequence[int], size: int) -> list[int]:
    """How many photos each part gives: in proportion, by largest remainders; ``counts`` when the size covers all."""
    have = np.asarray(counts, dtype=np.int64)
    if have.sum() <= size:
        return list(counts)
    exact = have * (size / have.sum())
    shares = np.floor(exact).astype(np.int64)
    rest = np.argsort(shares - exact, kind="stable")[: size - int(shares.sum())]
    shares[rest] += 1
    given: list[int] = np.minimum(shares, have).tolist()
    return given


def picked(
    names: Sequence[str], count: int, seed: int, keep: frozenset[str] = frozenset()
) -> NDArray[np.int64]:
    """Rows of ``count`` names, ascending, those of ``keep`` first; for the rest the order of their hashes decides."""
    if count >= len(names):
        return np.arange(len(names))
    kept = [row for row, name in enumerate(names) if name in keep]
    others = (row for row, name in enumerate(names) if name not in keep)
    more = heapq.nsmallest(max(0, count - len(kept)), others, key=lambda row: fingerprint(seed, names[row]))
    return np.array(sorted([*kept, *more]), dtype=np.int64)


SAMPLE: Final = 200_000
"""Photos that a project holds at most: what the live loop regroups within seconds."""
FEATURES: Final = "features"
"""Where the shards lie below the results."""


@dataclass(frozen=True, slots=True)
class NamedEncoder:
    """Loads an encoder by its name; equal ones are loaded once in a process."""

    name: str

    def __call__(self) -> Encoder:
        """The encoder."""
        return load_encoder(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where a run on a cluster takes place.

    Attributes:
        photos: folder or address of the photos.
        address: of the cluster, see ``cluster``.
        results: folder or address for features and labels; "" for the project's folder.
        sample: photos that the project holds at most.
        thumbnails: which to make of photos that the app cannot read by itself.
        make: loads the encoder on a worker; None for the one that the options name.
    """

    photos: str
    address: str = LOCAL
    results: str = ""
    sample: int = SAMPLE
    thumbnails: Thumbnails = "small"
    make: MakeEncoder | None = None


class Clock:
    """Seconds of the steps of the work."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self.laps[name] = now - self._since
        self._since = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A collection whose features are there, and the report of a scan of its sample.

    Attributes:
        encoded: photos that were encoded now.
    """

    collection: Collection
    report: ScanReport
    encoded: int

    def scan(self, _root: Path, /, *, progress: Progress = no_progress) -> ScanReport:
        """Stands for a scan of the photo folder."""
        del progress
        return self.report


def gather(
    project: Project,
    plan: Plan,
    results: Store,
    encoder: Encoder,
    seed: int,
    clock: Clock,
    progress: Progress,
    keep: frozenset[str] = frozenset(),
) -> Gathered:
    """Encode what is not encoded yet, draw the sample, and keep its features and thumbnails in the project.

    Inside a ``cluster`` block.

    Args:
        project: that is to hold the sample.
        plan: photos, places.
        results: where features go.
        encoder: as it is loaded here.
        seed: of the sample.
        clock: told the steps.
        progress: told during the work; may raise Cancelled, what is encoded stays.
        keep: photos that stay in the sample.

    Raises:
        InputError: no readable photo, an unusable address or option.
        StoreError: features cannot be written or read.
        EngineError: some parts cannot be encoded.
    """
    if plan.sample < 1:
        raise InputError(
            f"A sample should hold at least one photo, but {plan.sample} was asked for; give more."
        )
    if isinstance(encoder, ReadymadeEncoder):
        raise InputError(
            f"The engine ray encodes photos, but {encoder.info.name} is a file of features; choose an encoder."
        )
    photos, shards = store_at(plan.photos), results.below(FEATURES)
    listing = list_photos(photos, encoder.info.revision, progress=progress)
    clock.lap("list")
    make = plan.make or NamedEncoder(encoder.info.name)
    files, fresh = _encoded(listing.parts, photos, shards, make, encoder.info.revision, progress)
    clock.lap("encode")
    facts = dict(over(files, lambda file: (file, read_facts(shards, file)))) if files else {}
    skipped = [*listing.skipped, *(item for file in files for item in facts[file].skipped)]
    report = ScanReport(
        images=(),
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        others=sum((facts[file].others for file in files), start=listing.others),
    )
    counts = [facts[file].photos for file in files]
    if not sum(counts):
        reported(plan.photos, report)  # refuses a collection without photos
    sample = draw(shards, files, counts, plan.sample, seed, keep)
    clock.lap("sample")
    if photos.folder is None:
        make_thumbnails(photos, sample.records, project.folder, plan.thumbnails, progress=progress)
        clock.lap("thumbnails")
    runner = Runner(project.store, Hooks(progress=progress))
    keep_features(runner, sample.records, sample.features, encoder)
    collection = Collection(
        address=photos.address,
        results=results.address,
        files=_save_files(results, files),
        photos=sum(counts),
        sample=len(sample.records),
        cluster=plan.address,
    )
    return Gathered(
        collection=collection,
        report=reported(plan.photos, replace(report, images=sample.records, exif=sample.exif)),
        encoded=sum(facts[file].photos for file in fresh),
    )


def _encoded(
    parts: Sequence[Part], photos: Store, shards: Store, make: MakeEncoder, revision: str, progress: Progress
) -> tuple[list[str], list[str]]:
    """The files of all parts in their order, and those that were made now; finished ones are not made again.

    Raises:
        StoreError: a shard that a worker wrote is not seen from here.
    """
    done = finished(shards)
    missing = [part for part in parts if part.name not in done]
    progress(len(parts) - len(missing), len(parts), "Encoding parts of the collection")
    written: dict[str, str] = {}
    for file in encode_parts(missing, photos, shards, make, revision) if missing else ():
        written[part_of(file)] = file
        progress(len(parts) - len(missing) + len(written), len(parts), "Encoding parts of the collection")
    seen = {file.name for file in shards.files()} if written else set()
    if lost := sorted(set(written.values()) - seen):
        raise StoreError(
            f"A worker wrote {lost[0]} to {shards.address}, but it is not seen from here; give --results an address "
            "that every machine of the cluster reaches, such as s3://bucket/folder."
        )
    return [written.get(part.name, f"{part.name}.parquet") for part in parts], list(written.values())


def _save_files(results: Store, files: Sequence[str]) -> str:
    """Keep the list of the shards of a collection; returns its name."""
    name = f"shards-{fingerprint(list(files))[:12]}.json"
    results.write(name, json.dumps(list(files)).encode())
    return name
