"""What a report consists of, and the page made of it (report.html.jinja): plain values here, HTML only in the template."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
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


_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text."""

    kind: ClassVar[str] = "paragraph"
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Several plain lines in one cell."""

    kind: ClassVar[str] = "lines"
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of plain lines."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Code:
    """Text in letters of one width, with its line breaks."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A share in [0, 1] as a bar with its number beside it."""

    kind: ClassVar[str] = "bar"
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[str | Lines | Bar]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster: facts in a line, photos with their names on hover, and its concepts if it has any."""

    kind: ClassVar[str] = "cluster"
    name: str
    facts: Sequence[str]
    photos: Sequence[ReportPhoto]
    concepts: Table | None


Block = Paragraph | Bullets | Code | Table | Cluster


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report under a heading; one without blocks is left out."""

    anchor: str
    title: str
    blocks: Sequence[Block]


def render(name: str, revision: str, head: Sequence[Block], sections: Sequence[Section]) -> str:
    """A whole page that loads nothing: its policy allows its own style and pictures inside it, and no script.

    Args:
        name: of the project.
        revision: its id.
        head: what stands above the contents.
        sections: in their order.
    """
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.jinja").render(
        name=name,
        revision=revision,
        head=head,
        sections=[section for section in sections if section.blocks],
        style=style,
        digest=digest,
    )
