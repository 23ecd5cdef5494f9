"""Thumbnails of photos that the app cannot read by itself, made on the cluster and kept in the project."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from kec_core.arrays import Progress
from kec_core.errors import InputError
from kec_core.photos.decoding import decode, thumbnail
from kec_core.photos.images import ImageRecord
from state.engine.cluster import over
from state.engine.stores import Store, Unread
from state.project.thumbnails import SIDES, THUMBNAILS, save_thumbnail, thumbnail_path

Thumbnails = Literal["none", "small", "large"]
"""Which sides of ``SIDES`` are made: none, those of galleries, those of the large view as well."""
_GROUP: Final = 32  # photos of one task                                                       [R]
_SIDES: Final[dict[Thumbnails, tuple[int, ...]]] = {"none": (), "small": SIDES[:1], "large": SIDES}


def make_thumbnails(
    photos: Store, records: Sequence[ImageRecord], project: Path, which: Thumbnails, *, progress: Progress
) -> None:
    """Make the thumbnails that are missing, inside a ``cluster`` block.

    Of a photo that cannot be read, or that ends the process that opens it, there is none.

    Args:
        photos: where they lie.
        records: photos.
        project: folder of the project.
        which: sides to make.
        progress: told about photos; may raise Cancelled, what is made stays.

    Raises:
        StoreError: the disk is full or not writable.
    """
    folder, sides = project / THUMBNAILS, _SIDES[which]
    for size in (_GROUP, 1):  # those of a group whose process ended are tried one by one
        missing = [
            record
            for record in {record.sha256: record for record in records}.values()
            if any(thumbnail_path(folder, record.sha256, side) is None for side in sides)
        ]
        groups = [missing[start : start + size] for start in range(0, len(missing), size)]
        made = over(groups, lambda group: _made(photos, group, sides), may_crash=True) if groups else ()
        for number, group in enumerate(made, 1):
            for sha256, side, content in group:
                save_thumbnail(folder, sha256, side, content)
            progress(min(number * size, len(missing)), len(missing), "Making thumbnails")


def _made(
    photos: Store, records: Sequence[ImageRecord], sides: Sequence[int]
) -> list[tuple[str, int, bytes]]:
    made = []
    for record in records:
        content = photos.read(record.id)
        if isinstance(content, Unread):
            continue
        try:
            image = decode(io.BytesIO(content), record.id.rpartition("/")[2], max(sides)).image
        except InputError:
            continue  # it was replaced since it was encoded; the next run lists it
        made += [(record.sha256, side, thumbnail(image, side)) for side in sides]
    return made
