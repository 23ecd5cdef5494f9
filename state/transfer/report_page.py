"""What a report consists of, and the page made of it (report.html.jinja): plain values here, HTML only in the template."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from state.transfer.report_photos import ReportPhoto

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
