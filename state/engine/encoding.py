"""Photos to shards on a cluster: tasks read and decode, tasks - on GPUs where there are any - encode and write.

All are of one Ray Data pipeline, so what is decoded waits in bounded memory; a worker that dies is replaced and
its part done again. A shard appears whole under the name of its part, so a run that was stopped goes on behind it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from kec_core.arrays import blocks
from kec_core.encoders.base import Encoder, Pixels
from kec_core.encoders.loading import decoding_side
from kec_core.errors import EngineError, InputError
from kec_core.photos.decoding import decode
from kec_core.photos.exif import Exif
from kec_core.photos.formats import HEAD_BYTES, format_of, is_named_photo, kind_of
from kec_core.photos.images import ImageRecord, check_photo
from kec_core.types import SkippedImage
from state.engine.cluster import (
    ATTEMPTS,
    dataset,
    gpus_there,
    hide_other_gpus,
    mapped,
    over,
    results,
    while_gpus_last,
)
from state.engine.listing import Part
from state.engine.shards import Shard, part_of, save_shard
from state.engine.stores import Store, Unread

MakeEncoder = Callable[[], Encoder]
"""Loads the encoder; sent to every worker, where equal ones load it once."""
READERS: Final = 8  # files that one task reads at once: a bucket takes long to answer       [R]
_BATCH: Final = 32
_CRASHING: Final = Unread(
    f"opening it ended the process {ATTEMPTS} times: it is damaged in a way that no check finds, or takes more memory than "
    "there is; save it anew with another program, or run again with more memory",
    may_pass=True,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    """A decoded photo."""

    record: ImageRecord
    exif: Exif
    pixels: Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """A part whose photos are read and decoded, or listed; attributes as in ``Shard``."""

    part: str
    photos: tuple[_Photo, ...]
    skipped: tuple[SkippedImage, ...]
    others: Counter[str]
    is_final: bool


def encode_parts(
    parts: Sequence[Part], photos: Store, shards: Store, make: MakeEncoder, revision: str
) -> Iterator[str]:
    """Encode parts inside a ``cluster`` block.

    A part that ends its process ``ATTEMPTS`` times is looked through photo by photo, and encoded without those that do.

    Args:
        parts: to encode.
        photos: where they lie.
        shards: where their shards go.
        make: loads the encoder on a worker.
        revision: what the encoder must be there.

    Yields:
        The file of every part, as soon as it is written.

    Raises:
        EngineError: a part cannot be encoded, whatever is left out of it.
    """
    left = {part.name: part for part in parts}

    def encoded(todo: Sequence[Part], *, on_gpus: bool) -> Iterator[str]:
        found = _encode(todo, photos, shards, make, revision, on_gpus=on_gpus)
        for file in while_gpus_last(found) if on_gpus else found:
            del left[part_of(file)]
            yield file

    on_gpus = gpus_there()
    yield from encoded(parts, on_gpus=on_gpus)
    if left and on_gpus and not gpus_there():
        yield from encoded(list(left.values()), on_gpus=False)
    if left:
        without = [_without_crashing(part, photos, make) for part in left.values()]
        yield from encoded(without, on_gpus=gpus_there())
    if left:
        raise EngineError(
            f"Encoding ended its process {ATTEMPTS} times, though no photo does so by itself, so {len(left)} parts of the "
            "collection are missing; give the workers more memory (Ray's logs say what ended them), and run again to go on."
        )


def _encode(
    parts: Sequence[Part],
    photos: Store,
    shards: Store,
    make: MakeEncoder,
    revision: str,
    *,
    on_gpus: bool,
) -> Iterator[str]:
    """Encode parts; one that ends its process again and again is left out.

    Tasks, no actors: when a machine leaves, Ray brings its actors back, and the idle ones hold the processors or GPUs that are
    left. A process that has done a task does the next one, so it keeps its encoder. Without GPUs Ray joins both steps to one.
    """
    decoded = mapped(
        dataset(parts, may_crash=True),
        lambda part: decode_part(photos, _loaded(make), part),
        attempts=ATTEMPTS,
    )
    encoded = mapped(
        decoded,
        lambda found: save_shard(shards, found.part, encode_part(_checked(make, revision), found)),
        on_gpu=on_gpus,
        attempts=ATTEMPTS,
    )
    return results(encoded)


def _without_crashing(part: Part, photos: Store, make: MakeEncoder) -> Part:
    """The part with the photos named that end their process ``ATTEMPTS`` times, each in a task of its own.

    Raises:
        EngineError: all do, so the fault is not the photos'.
    """
    tried = over(part.files, lambda name: _try_photo(photos, make, name), on_gpu=gpus_there(), may_crash=True)
    crashing = frozenset(part.files) - set(tried)
    if len(crashing) == len(part.files) > 1:
        raise EngineError(
            f"Every photo of a part of the collection ended its process {ATTEMPTS} times, {part.files[0]} among them; "
            "check the packages and the memory of the workers (Ray's logs say what ended them), and run again to go on."
        )
    return replace(part, crashing=crashing)


def _try_photo(photos: Store, make: MakeEncoder, name: str) -> str:
    """Do with one photo what is done with a part, and keep nothing; returns the name."""
    found = _read_photo(photos, _loaded(make), name)
    if isinstance(found, _Photo):
        _loaded(make).encode_images(found.pixels[None])
    return name


def _checked(make: MakeEncoder, revision: str) -> Encoder:
    """The encoder of this process.

    Raises:
        EngineError: it is of another version than where the run was started.
    """
    encoder = _loaded(make)
    if encoder.info.revision != revision:
        raise EngineError(
            f"Every machine of the cluster should have the encoder {encoder.info.caption} as it is here, "
            "but one has another version; install the same packages and weights on all."
        )
    return encoder


@lru_cache(maxsize=1)
def _loaded(make: MakeEncoder) -> Encoder:
    hide_other_gpus()
    return make()


# --- one part, in one process


def encode_part(encoder: Encoder, decoded: Decoded) -> Shard:
    """Encode the photos of a part."""
    batches = [
        encoder.encode_images(np.stack([photo.pixels for photo in decoded.photos[batch]]))
        for batch in blocks(len(decoded.photos), _BATCH)
    ]
    return Shard(
        records=tuple(photo.record for photo in decoded.photos),
        features=np.concatenate([np.empty((0, encoder.info.dim), dtype=np.float32), *batches]),
        exif={photo.record.id: photo.exif for photo in decoded.photos if photo.exif},
        skipped=decoded.skipped,
        others=decoded.others,
        is_final=decoded.is_final,
    )


def decode_part(photos: Store, encoder: Encoder, part: Part) -> Decoded:
    """Read and decode the photos of a part, ready for the encoder."""

    def read(name: str) -> _Photo | SkippedImage | Unread | None:
        return _CRASHING if name in part.crashing else _read_photo(photos, encoder, name)

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(read, part.files))
    unread = [
        SkippedImage(path=n, reason=f.reason)
        for n, f in zip(part.files, found, strict=True)
        if isinstance(f, Unread)
    ]
    refused = [item for item in found if isinstance(item, SkippedImage)]
    return Decoded(
        part=part.name,
        photos=tuple(item for item in found if isinstance(item, _Photo)),
        skipped=tuple(sorted([*unread, *refused], key=lambda item: item.path)),
        others=Counter(kind_of(n) for n, f in zip(part.files, found, strict=True) if f is None),
        is_final=not any(isinstance(item, Unread) and item.may_pass for item in found),
    )


def _read_photo(photos: Store, encoder: Encoder, name: str) -> _Photo | SkippedImage | Unread | None:
    """A photo, why it cannot be used, or None for a file that is none."""
    plain = name.rpartition("/")[2]
    if not is_named_photo(plain):
        head = photos.read(name, most=HEAD_BYTES)
        if isinstance(head, Unread):
            return head
        if format_of(head, plain) is None:
            return None
    content = photos.read(name)
    if isinstance(content, Unread):
        return content
    checked = check_photo(io.BytesIO(content), name)
    if not isinstance(checked, tuple):
        return checked
    try:
        image = decode(io.BytesIO(content), plain, decoding_side(encoder)).image
        return _Photo(*checked, encoder.preprocess(image))
    except InputError as error:
        return SkippedImage(path=name, reason=str(error))
