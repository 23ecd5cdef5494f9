"""Pieces of a report's HTML: escaped text, inline pictures and drawings; no script, no address but data."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from state.transfer.html_text import text
from state.transfer.report_photos import ReportPhoto

BAR = 120
"""Width of a full bar in pixels."""


def document(title: str, body: Iterable[str]) -> str:
    """A whole page that loads nothing: its policy allows its own style and pictures inside it, and no script."""
    style = files("state.transfer").joinpath("report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{text(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{text(title)}</title><style>{style}</style></head><body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def title(said: str) -> str:
    """The heading of the report."""
    return f"<h1>{text(said)}</h1>"


def section(title: str, anchor: str, content: Iterable[str]) -> str:
    """A part of the report under a heading; nothing when it has no content."""
    inner = "\n".join(part for part in content if part)
    return f'<section id="{text(anchor)}"><h2>{text(title)}</h2>{inner}</section>' if inner else ""


def contents(parts: Iterable[tuple[str, str]]) -> str:
    """Links to the parts, each (anchor, title)."""
    links = "".join(f'<li><a href="#{text(anchor)}">{text(title)}</a></li>' for anchor, title in parts)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def paragraph(said: str, *, quiet: bool = False) -> str:
    """Plain text."""
    return f"<p{' class=quiet' if quiet else ''}>{text(said)}</p>" if said else ""


def bullets(items: Iterable[str]) -> str:
    """Plain lines."""
    lines = "".join(f"<li>{text(item)}</li>" for item in items)
    return f"<ul>{lines}</ul>" if lines else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Plain cells; a cell that is HTML already comes from ``cell``."""
    cells = "".join(f"<th scope=col>{text(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _cell(value: str) -> str:
    return f"<td>{value if isinstance(value, Html) else text(value)}</td>"


def lines(items: Iterable[str]) -> Html:
    """Several plain lines in one cell."""
    return Html("".join(f"<div>{text(item)}</div>" for item in items))


def code(value: str) -> Html:
    """Text in letters of one width, with its line breaks."""
    return Html(f"<pre>{text(value)}</pre>")


def bar(share: float) -> Html:
    """A share in [0, 1] as a bar with its number beside it."""
    width = max(0.0, min(1.0, share)) * BAR
    return Html(
        f'<svg class=bar width="{BAR}" height="8" aria-hidden="true"><rect class=all width="{BAR}" height="8" rx="3"/>'
        f'<rect width="{width:.1f}" height="8" rx="3"/></svg> {share:.0%}'
    )


def gallery(photos: Iterable[ReportPhoto]) -> str:
    """Photos with their names on hover."""
    tiles = "".join(
        f'<img src="{text(photo.src)}" alt="{text(photo.name)}" title="{text(photo.name)}" loading=lazy>'
        if photo.src
        else f'<span class=gone title="{text(photo.name)}">{text(photo.name)}</span>'
        for photo in photos
    )
    return f"<div class=photos>{tiles}</div>"


def cluster(title: str, facts: Sequence[str], parts: Iterable[str]) -> str:
    """One cluster, with what belongs to it."""
    return (
        f"<article><h3>{text(title)}</h3><p class=quiet>{text(' · '.join(fact for fact in facts if fact))}</p>"
        f"{''.join(parts)}</article>"
    )
