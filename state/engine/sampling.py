"""A sample that stands for a collection: every part gives its share, so each folder and each time is in it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, fingerprint
from kec_core.photos.exif import Exif
from kec_core.photos.images import ImageRecord
from state.engine.cluster import over, sharing
from state.engine.shards import read_shard
from state.engine.stores import Store


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
