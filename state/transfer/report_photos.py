"""Photos inside a report: small thumbnails as data addresses, a stated number of them at most."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord, open_image, thumbnail
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS, thumbnail_path
from state.revisions.overview import Overview

SIDE = 112
"""Longest side in pixels."""
PER_CLUSTER = 12
PHOTOS = 1200
"""In one report at most; about 4 kB each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPhoto:
    """One photo of a report; ``src`` is a data address, "" when the photo cannot be opened any more."""

    name: str
    src: str


def per_cluster(n_clusters: int) -> int:
    """How many photos each cluster may show, at least one."""
    return max(1, min(PER_CLUSTER, PHOTOS // max(n_clusters, 1)))


def chosen(overview: Overview, cluster: int, count: int) -> list[int]:
    """Rows of the photos that show a cluster: mostly the most typical, one in four nearest to another cluster."""
    typical: list[int] = overview.members(cluster).tolist()
    if len(typical) <= count:
        return typical
    uncertain = overview.members(cluster, "boundary").tolist()[: count // 4]
    first = [row for row in typical if row not in set(uncertain)][: count - len(uncertain)]
    return [*first, *uncertain]


def photos(project: Project, images: Sequence[ImageRecord]) -> list[ReportPhoto]:
    """Photos with their thumbnails, made from those of the gallery where they are there."""
    return [ReportPhoto(name=image.id, src=_address(project, image)) for image in images]


def _address(project: Project, image: ImageRecord) -> str:
    opened = _stored(project.folder / THUMBNAILS, image) or _original(project, image)
    if opened is None:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail(opened, SIDE)).decode('ascii')}"


def _stored(folder: Path, image: ImageRecord) -> Image.Image | None:
    path = thumbnail_path(folder, image.sha256, SIDES[0])
    if path is None:
        return None
    try:
        opened = Image.open(io.BytesIO(path.read_bytes()))
        opened.load()
    except OSError:
        return None
    return opened.convert("RGB")


def _original(project: Project, image: ImageRecord) -> Image.Image | None:
    try:
        return open_image(project.photo_path(image.id), min_side=SIDE)
    except InputError:
        return None
