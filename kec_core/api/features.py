"""Features of what notebooks give: an encoder by name, a row for every photo."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from kec_core.api.input import Photos, embed
from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.encoders import load_encoder
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError
from kec_core.stages import Hooks, Runner
from kec_core.store import MemoryStore
from kec_core.terminal import show_progress
from kec_core.types import SkippedImage


def as_encoder(encoder: str | Encoder) -> Encoder:
    """An encoder, loaded when it is named; the last two stay loaded."""
    return _loaded(encoder) if isinstance(encoder, str) else encoder


@lru_cache(maxsize=2)
def _loaded(name: str) -> Encoder:
    return load_encoder(name)


def progress_line(wanted: bool | Progress) -> AbstractContextManager[Progress]:
    """Tells progress as asked for: by the function that came, in a line on stderr, or not at all."""
    if callable(wanted):
        return nullcontext(wanted)
    return show_progress() if wanted else nullcontext(no_progress)


def raw_features(photos: Photos, encoder: Encoder, progress: bool | Progress = False) -> FloatMatrix:
    """Raw features of photos, float32 (N, d), a row for each.

    Raises:
        InputError: a photo cannot be used, or nothing came.
        ShapeError: features that are not a finite table of the encoder's width.
    """
    with progress_line(progress) as tell:
        embedded = embed(photos, encoder, Runner(MemoryStore(), Hooks(progress=tell)))
    refuse_skipped(embedded.skipped)
    return embedded.raw


def refuse_skipped(skipped: Sequence[SkippedImage]) -> None:
    """Raise InputError when photos cannot be used where a row for each is needed."""
    if skipped:
        raise InputError(
            f"A row for every photo was expected, but {len(skipped)} cannot be used (first: {skipped[0].path!r}: "
            f"{skipped[0].reason}); leave them out."
        )
