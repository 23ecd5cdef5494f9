"""One part of a collection as one Parquet file: its photos with their features, and what could not be used."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np

from kec_core.arrays import FloatMatrix
from kec_core.disk import short
from kec_core.errors import StoreError
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ImageRecord
from kec_core.types import SkippedImage
from state.engine.stores import Store

_FACTS: Final = b"kec"
_UNREAD: Final = "-unread"
_COLUMNS: Final = tuple(field.name for field in fields(ImageRecord))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shard:
    """What became of the files of a part: each is in one of ``records``, ``skipped`` and ``others``.

    Attributes:
        records: sound photos, in the order of their names.
        features: raw float32 (n, d), row i belongs to record i.
        exif: as in ``ScanReport``.
        skipped: what cannot be used, and why.
        others: files that are no photos, by kind.
        is_final: False when the store did not give some of the files, so that a later run asks for them again.
    """

    records: tuple[ImageRecord, ...]
    features: FloatMatrix
    exif: Mapping[str, Exif]
    skipped: tuple[SkippedImage, ...]
    others: Counter[str]
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFacts:
    """What is known of a shard without its photos: their number, and the rest as in ``Shard``."""

    photos: int
    skipped: tuple[SkippedImage, ...]
    others: Counter[str]


def finished(shards: Store) -> set[str]:
    """Names of the parts whose shards are there and final.

    Raises:
        InputError: the place cannot be listed.
    """
    names = (file.name.removesuffix(".parquet") for file in shards.files())
    return {name for name in names if not name.endswith(_UNREAD)}


def part_of(file: str) -> str:
    """The name of the part that a shard's file holds."""
    return file.removesuffix(".parquet").removesuffix(_UNREAD)


def save_shard(shards: Store, part: str, shard: Shard) -> str:
    """Write a shard under the name of its part; returns the file's name.

    Raises:
        StoreError: it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [getattr(record, name) for record in shard.records] for name in _COLUMNS}
    flat = pa.array(np.ascontiguousarray(shard.features, dtype=np.float32).reshape(-1))
    features = pa.FixedSizeListArray.from_arrays(flat, shard.features.shape[1])
    types = {name: pa.int32() if name in ("width", "height") else pa.string() for name in _COLUMNS}
    facts = {
        "exif": {name: asdict(exif) for name, exif in shard.exif.items()},
        "skipped": [[item.path, item.reason] for item in shard.skipped],
        "others": dict(shard.others),
    }
    table = pa.table(
        {**{name: pa.array(columns[name], types[name]) for name in _COLUMNS}, "features": features}
    ).replace_schema_metadata({_FACTS: json.dumps(facts, ensure_ascii=False).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False)
    file = f"{part}{'' if shard.is_final else _UNREAD}.parquet"
    shards.write(file, buffer.getvalue())
    if shard.is_final:
        shards.remove(f"{part}{_UNREAD}.parquet")
    return file


def read_shard(shards: Store, file: str) -> Shard:
    """Read what ``save_shard`` wrote.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    import pyarrow.parquet as pq

    content = shards.needed(file)
    try:
        table = pq.read_table(io.BytesIO(content))
        facts = json.loads(table.schema.metadata[_FACTS])
        records = tuple(ImageRecord(**row) for row in table.select(_COLUMNS).to_pylist())
        features = table["features"].combine_chunks()
        width = table.schema.field("features").type.list_size
        exif = _exif(facts)
    except Exception as error:  # parsers of damaged bytes raise anything
        raise _damaged(shards, file, error) from error
    return Shard(
        records=records,
        features=np.asarray(features.flatten(), dtype=np.float32).reshape(-1, width),
        exif=exif,
        skipped=_skipped(facts),
        others=Counter(facts["others"]),
        is_final=_UNREAD not in file,
    )


def read_facts(shards: Store, file: str) -> ShardFacts:
    """Read what a shard says of its part; of the features nothing but their number.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    import pyarrow.parquet as pq

    content = shards.needed(file)
    try:
        footer = pq.read_metadata(io.BytesIO(content))
        facts = json.loads(footer.metadata[_FACTS])
    except Exception as error:  # parsers of damaged bytes raise anything
        raise _damaged(shards, file, error) from error
    return ShardFacts(photos=footer.num_rows, skipped=_skipped(facts), others=Counter(facts["others"]))


def _exif(facts: Mapping[str, Any]) -> dict[str, Exif]:
    """Shards of the first version have the dates alone."""
    dates = {name: Exif(taken=date) for name, date in facts.get("taken", {}).items()}
    full = {
        name: Exif(one["taken"], one["camera"], one["place"] and Place(**one["place"]))
        for name, one in facts.get("exif", {}).items()
    }
    return dates | full


def _skipped(facts: Mapping[str, Any]) -> tuple[SkippedImage, ...]:
    return tuple(SkippedImage(path=path, reason=why) for path, why in facts["skipped"])


def _damaged(shards: Store, file: str, error: Exception) -> StoreError:
    return StoreError(
        f"{file} at {shards.address} is damaged ({short(error)}); delete it and run again: only its photos are "
        "encoded anew."
    )
