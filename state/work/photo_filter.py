"""Which photos a search is about: by file name or folder, label, cluster, date, camera, place and confidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatVector, IntVector
from kec_core.errors import InputError
from kec_core.photos.exif import Exif, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFilter:
    """What photos must have to be found; what is left at its default excludes none.

    Attributes:
        file: parts of the path in the photo folder, all of which must occur in any case; ``*`` and ``?`` stand for
            any characters and one.
        labels: one of these; "" stands for photos without a label.
        clusters: one of these ids.
        since, until: days between which it was taken, both included; photos without a date are excluded by either.
        cameras: one of these; "" stands for photos that do not tell it.
        has_place: True for photos that tell where they were taken, False for the others, None for both.
        near: a place; photos without one are excluded.
        within: kilometres from ``near``, above 0.
        least, most: confidence in [0, 1], both included.
    """

    file: str = ""
    labels: frozenset[str] = frozenset()
    clusters: frozenset[int] = frozenset()
    since: date | None = None
    until: date | None = None
    cameras: frozenset[str] = frozenset()
    has_place: bool | None = None
    near: Place | None = None
    within: float = 1.0
    least: float = 0.0
    most: float = 1.0

    def __bool__(self) -> bool:
        return self != PhotoFilter()

    @property
    def needs_exif(self) -> bool:
        """Whether it asks for anything that cameras write."""
        return bool(self.since or self.until or self.cameras or self.near) or self.has_place is not None


def matching(
    chosen: PhotoFilter,
    *,
    ids: Sequence[str],
    clusters: IntVector,
    confidence: FloatVector,
    labels: Sequence[str | None] = (),
    exif: Sequence[Exif] = (),
) -> NDArray[np.bool_]:
    """The photos that a filter lets through, bool (N,).

    Args:
        chosen: the filter.
        ids: path of each of N photos in the photo folder.
        clusters: int32 (N,).
        confidence: float32 (N,) in [0, 1].
        labels: of each photo, None where unknown; read only where labels are chosen.
        exif: of each photo; read only where days, cameras or places are chosen (``needs_exif``).
    """
    kept = (confidence >= chosen.least) & (confidence <= chosen.most)
    for part in chosen.file.casefold().split():
        kept &= np.fromiter((_has(one.casefold(), part) for one in ids), bool, len(ids))
    if chosen.clusters:
        kept &= np.isin(clusters, list(chosen.clusters))
    if chosen.labels:
        kept &= np.fromiter(((label or "") in chosen.labels for label in labels), bool, len(ids))
    if chosen.needs_exif:
        kept &= np.fromiter((_fits(chosen, one) for one in exif), bool, len(ids))
    return kept


def parse_place(written: str) -> Place:
    """A place as "52.52, 13.40": latitude and longitude in degrees.

    Raises:
        InputError: it is something else.
    """
    number = r"([-+]?\d+(?:\.\d+)?)"
    if match := re.fullmatch(rf"\s*{number}\s*[,;\s]\s*{number}\s*", written, re.ASCII):
        latitude, longitude = map(float, match.groups())
        if abs(latitude) <= 90 and abs(longitude) <= 180:
            return Place(latitude, longitude)
    raise InputError(
        f"Latitude and longitude in degrees were expected, but {written!r} came; write them as 52.52, 13.40."
    )


def _fits(chosen: PhotoFilter, exif: Exif) -> bool:
    """Whether what the camera wrote is what the filter asks for."""
    day = exif.taken[:10]  # as text these dates are in their order
    if (chosen.since or chosen.until) and not (
        day and (chosen.since or date.min).isoformat() <= day <= (chosen.until or date.max).isoformat()
    ):
        return False
    if chosen.cameras and exif.camera not in chosen.cameras:
        return False
    if chosen.has_place is not None and chosen.has_place != (exif.place is not None):
        return False
    return chosen.near is None or (
        exif.place is not None and exif.place.distance(chosen.near) <= chosen.within
    )


def _has(path: str, part: str) -> bool:
    """Whether a part occurs in a path, both in small letters; plain parts are many times faster than patterns."""
    return fnmatchcase(path, f"*{part}*") if "*" in part or "?" in part or "[" in part else part in path
