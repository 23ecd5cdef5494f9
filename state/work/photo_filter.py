"""Which photos a search is about: by file name or folder, label, cluster, date and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatVector, IntVector


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFilter:
    """What photos must have to be found; what is left at its default excludes none.

    Attributes:
        file: parts of the path in the photo folder, all of which must occur in any case; ``*`` and ``?`` stand for
            any characters and one.
        labels: one of these; "" stands for photos without a label.
        clusters: one of these ids.
        since, until: days between which it was taken, both included; photos without a date are excluded by either.
        least, most: confidence in [0, 1], both included.
    """

    file: str = ""
    labels: frozenset[str] = frozenset()
    clusters: frozenset[int] = frozenset()
    since: date | None = None
    until: date | None = None
    least: float = 0.0
    most: float = 1.0

    def __bool__(self) -> bool:
        return self != PhotoFilter()


def matching(
    chosen: PhotoFilter,
    *,
    ids: Sequence[str],
    clusters: IntVector,
    confidence: FloatVector,
    labels: Sequence[str | None] = (),
    taken: Sequence[str] = (),
) -> NDArray[np.bool_]:
    """The photos that a filter lets through, bool (N,).

    Args:
        chosen: the filter.
        ids: path of each of N photos in the photo folder.
        clusters: int32 (N,).
        confidence: float32 (N,) in [0, 1].
        labels: of each photo, None where unknown; read only where labels are chosen.
        taken: ISO 8601 or "" for each photo; read only where days are chosen.
    """
    kept = (confidence >= chosen.least) & (confidence <= chosen.most)
    for part in chosen.file.casefold().split():
        kept &= np.fromiter((_has(one.casefold(), part) for one in ids), bool, len(ids))
    if chosen.clusters:
        kept &= np.isin(clusters, list(chosen.clusters))
    if chosen.labels:
        kept &= np.fromiter(((label or "") in chosen.labels for label in labels), bool, len(ids))
    if chosen.since or chosen.until:
        days = np.asarray(taken, dtype="U19")
        # As text these dates are in their order; a day includes all moments before the next one.
        kept &= (days != "") & (days >= (chosen.since or date.min).isoformat())
        if chosen.until and chosen.until < date.max:
            kept &= days < (chosen.until + timedelta(days=1)).isoformat()
    return kept


def _has(path: str, part: str) -> bool:
    """Whether a part occurs in a path, both in small letters; plain parts are many times faster than patterns."""
    return fnmatchcase(path, f"*{part}*") if "*" in part or "?" in part or "[" in part else part in path
