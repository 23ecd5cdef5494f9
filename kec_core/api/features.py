"""Features of what notebooks give: an encoder by name, a row for every photo."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from kec_core.api.input import Looks, Photos, embed, embed_looks
from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.clustering.whitening import SecondSpace
from kec_core.encoders import load_encoder, load_second_space
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError
from kec_core.stages import Hooks, Runner
from kec_core.store import MemoryStore
from kec_core.terminal import show_progress
from kec_core.types import SkippedImage


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder, loaded when it is named; the last two stay loaded.

    Raises:
        InputError: no such encoder.
        ResourceMissing: its weights are not on this machine.
    """
    if isinstance(encoder, str):
        return _loaded(encoder)
    if not (hasattr(encoder, "info") and hasattr(encoder, "encode_images")):
        raise InputError(
            f'An encoder or the name of one was expected, but {encoder!r} came; give "auto", for example.'
        )
    return encoder


@lru_cache(maxsize=2)
def _loaded(name: str) -> Encoder:
    return load_encoder(name)


def progress_line(wanted: bool | Progress) -> AbstractContextManager[Progress]:
    """Tells progress as asked for: by the function that came, in a line on stderr, or not at all."""
    if callable(wanted):
        return nullcontext(wanted)
    return show_progress() if wanted else nullcontext(no_progress)


def features_of(
    photos: Photos,
    encoder: Encoder,
    looks: Looks | SecondSpace | None = None,
    progress: bool | Progress = False,
) -> tuple[FloatMatrix, FloatMatrix | None]:
    """Raw features of photos, float32 (N, d), and of looks, float32 (N, d2) or None without; a row for each photo.

    Raises:
        InputError: a photo cannot be used, nothing came, or looks cannot be had.
        ResourceMissing: weights of looks are not on this machine.
        ShapeError: features that are not a finite table, or not of the encoder's width.
    """
    with progress_line(progress) as tell:
        runner = Runner(MemoryStore(), Hooks(progress=tell))
        embedded = embed(photos, encoder, runner)
        refuse_skipped(embedded.skipped)
        if looks is None:
            return embedded.raw, None
        second = embed_looks(
            load_second_space(looks) if isinstance(looks, SecondSpace) else looks, embedded, runner
        )
    return embedded.raw, None if second is None else second.arrays["features"]


def refuse_skipped(skipped: Sequence[SkippedImage]) -> None:
    """Raise InputError when photos cannot be used where a row for each is needed."""
    if skipped:
        raise InputError(
            f"A row for every photo was expected, but {len(skipped)} cannot be used (first: {skipped[0].path!r}: "
            f"{skipped[0].reason}); leave them out."
        )
