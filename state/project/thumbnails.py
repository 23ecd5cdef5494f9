"""Thumbnails: made once per photo, named by the hash of its content, so copies and moved photos share them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from kec_core.arrays import Progress, no_progress
from kec_core.disk import reason
from kec_core.errors import InputError, StoreError
from kec_core.parallel import map_in_threads
from kec_core.paths import is_file
from kec_core.photos.images import ImageRecord, open_image, thumbnail
from kec_core.types import SkippedImage

THUMBNAILS = "thumbs"
"""Folder of the thumbnails inside a project's."""
SIDES = (256, 1024)
"""Longest side in pixels: in galleries and cards; in the large view."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def build_thumbnails(
    records: Iterable[ImageRecord],
    root: Path,
    folder: Path,
    *,
    sides: Sequence[int] = SIDES,
    progress: Progress = no_progress,
) -> tuple[SkippedImage, ...]:
    """Make the thumbnails that are missing, in parallel threads; stopped half-way, the next call goes on.

    Args:
        records: the photos.
        root: the photo folder.
        folder: where thumbnails are kept.
        sides: longest side of each size, in pixels.
        progress: told about photos; may raise Cancelled, what is made stays.

    Returns:
        Photos that could not be opened any more, and why; their thumbnails stay missing.

    Raises:
        StoreError: the disk is full or not writable.
    """
    by_content = {record.sha256: record for record in records}
    missing = [
        record
        for record in by_content.values()
        if any(thumbnail_path(folder, record.sha256, side) is None for side in sides)
    ]
    failed = map_in_threads(
        lambda record: _build(record, root, folder, sides),
        missing,
        progress=progress,
        label="Making thumbnails",
    )
    return tuple(skipped for skipped in failed if skipped is not None)


def thumbnail_path(folder: Path, sha256: str, side: int) -> Path | None:
    """The JPEG file of a thumbnail, or None when it is not made; safe for a hash that comes from an address.

    Args:
        folder: where thumbnails are kept.
        sha256: of the photo's bytes, 64 lower-case hex digits; anything else gives None.
        side: longest side in pixels.
    """
    if _SHA256.fullmatch(sha256) is None:
        return None
    path = _path(folder, sha256, side)
    return path if is_file(path) and path.stat().st_size else None


def _path(folder: Path, sha256: str, side: int) -> Path:
    return folder / sha256[:2] / f"{sha256}-{int(side)}.jpg"


def _build(record: ImageRecord, root: Path, folder: Path, sides: Sequence[int]) -> SkippedImage | None:
    try:
        image = open_image(root / record.id, min_side=max(sides))
    except InputError as error:
        return SkippedImage(path=record.id, reason=str(error))
    for side in sides:
        save_thumbnail(folder, record.sha256, side, thumbnail(image, side))
    return None


def save_thumbnail(folder: Path, sha256: str, side: int, content: bytes) -> None:
    """Keep a thumbnail where ``thumbnail_path`` finds it.

    Replaces a file at once but unlike ``write_atomically`` without waiting for the disk: thumbnails can be remade.

    Args:
        folder: where thumbnails are kept.
        sha256: of the photo's bytes, 64 lower-case hex digits.
        side: longest side in pixels.
        content: a JPEG file.

    Raises:
        StoreError: the disk is full or not writable.
    """
    path = _path(folder, sha256, side)
    fresh = path.with_name(f".{path.name}.new{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(
            f"The thumbnail {path} could not be written ({reason(error, path.parent)}); free some space, then try again."
        ) from error
