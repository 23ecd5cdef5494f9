"""HTML for the pages, made of escaped text and thumbnail addresses only; pure functions, no streamlit.

Every string that comes from a photo's name, a person or a language model passes ``text`` (for HTML) or ``plain``
(for Streamlit's Markdown labels) exactly once, here or at the widget that shows it.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kec_core.wording import counted

count = counted
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
_UNBROKEN = r'<span class="kec-option">\g<0></span>'
_WORD_JOINER = "\u2060"
"""Zero-width; keeps ``:smile:`` and ``www.`` from becoming an emoji or a link after the escapes are read."""


def text(value: object) -> str:
    """Escape for HTML, attributes included; bytes that are no text (odd file names) show as backslash codes."""
    return html.escape(printable(value), quote=True)


def printable(value: object) -> str:
    """A value as Unicode text that can be encoded."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: object) -> str:
    """Escape for Markdown, so that a label shows exactly these characters on one line."""
    line = " ".join(printable(value).split())
    escaped = _MARKDOWN.sub(r"\\\1", line)
    return escaped.replace("\\:", f"\\:{_WORD_JOINER}").replace("www\\.", f"www{_WORD_JOINER}\\.")


def duration(seconds: float) -> str:
    """Seconds in words a person reads at a glance: ``<0.1 s``, ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One photo of a gallery.

    Attributes:
        src: address of its thumbnail; "" shows a grey tile (the photo cannot be opened).
        alt: what it is, usually the photo's name.
        large: address of a larger version, shown when the tile is pressed; "" for none.
        caption: a few words under the tile, "" for none.
        mark: a short word in its corner, for example "boundary".
    """

    src: str
    alt: str
    large: str = ""
    caption: str = ""
    mark: str = ""


def gallery(tiles: Sequence[Tile], *, size: str = "medium", label: str = "Photos") -> str:
    """A grid of square photos, loaded as they scroll into view; pressing one shows it whole, arrows lead from one to another.

    Args:
        tiles: the photos, in order.
        size: "small", "medium" or "large" tiles; in a card "strip" for six in a row, "trio" for three.
        label: what a screen reader calls the grid; also keeps the ids of two galleries on a page apart.
    """
    first = next((i for i, tile in enumerate(tiles) if tile.large), 0)  # the one stop of the Tab key
    items = "".join(_tile(tile, f"{label}{i}", -1 if i > first else 0) for i, tile in enumerate(tiles))
    return f'<div class="kec kec-gallery kec-{size}" role="list" aria-label="{text(label)}">{items}</div>'


def _tile(tile: Tile, key: str, tab: int) -> str:
    mark = f'<span class="kec-mark">{text(tile.mark)}</span>' if tile.mark else ""
    caption = f'<span class="kec-caption">{text(tile.caption)}</span>' if tile.caption else ""
    picture = _picture(tile.src, tile.alt)
    if not tile.large:
        return f'<div class="kec-tile" role="listitem">{picture}{mark}{caption}</div>'
    anchor = "z" + hashlib.sha256(f"{key} {tile.large}".encode("utf-8", "replace")).hexdigest()[:16]
    return (
        f'<div class="kec-tile" role="listitem">'
        f'<button class="kec-zoom" tabindex="{tab}" popovertarget="{anchor}" title="{text(tile.alt)}">{picture}</button>{mark}{caption}'
        f'<div popover="auto" id="{anchor}" class="kec-large"><img loading="lazy" src="{text(tile.large)}" '
        f'alt="{text(tile.alt)}"><div>{text(tile.alt)}</div></div></div>'
    )


def _picture(src: str, alt: str) -> str:
    if not src:
        return f'<span class="kec-blank" role="img" aria-label="{text(alt)}" title="{text(alt)}">no preview</span>'
    return f'<img loading="lazy" decoding="async" src="{text(src)}" alt="{text(alt)}" title="{text(alt)}">'


def mosaic(tiles: Sequence[Tile], cells: int = 9) -> str:
    """A square of at most ``cells`` photos for a card; missing photos leave soft grey squares."""
    shown = [_picture(t.src, t.alt) for t in tiles[:cells]]
    shown += ['<span class="kec-blank" aria-hidden="true"></span>'] * (cells - len(shown))
    return f'<div class="kec kec-mosaic kec-of{cells}">{"".join(shown)}</div>'


def card_text(title: str, lines: Iterable[str], *, colour: str = "") -> str:
    """The words of a card: a title, with a dot of its colour, and quiet lines below."""
    dot = f'<span class="kec-dot" style="background:{text(colour)}"></span>' if colour else ""
    quiet = "".join(f'<div class="kec-quiet">{text(line)}</div>' for line in lines if line)
    return f'<div class="kec kec-card"><div class="kec-title" title="{text(title)}">{dot}{text(title)}</div>{quiet}</div>'


def chips(words: Iterable[str], *, label: str = "") -> str:
    """Words as a row of small rounded labels."""
    items = "".join(f"<li>{text(word)}</li>" for word in words)
    lead = f'<span class="kec-quiet">{text(label)}</span>' if label else ""
    return f'<div class="kec kec-chips">{lead}<ul>{items}</ul></div>'


def definitions(rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Lines of a name and the phrases that belong to it."""
    items = "".join(
        f"<dt>{text(name)}</dt><dd>{''.join(f'<div>{text(phrase)}</div>' for phrase in phrases)}</dd>"
        for name, phrases in rows
    )
    return f'<dl class="kec kec-definitions">{items}</dl>'


def facts(pairs: Iterable[tuple[str, str, str]]) -> str:
    """A row of figures, each (label, value, explanation on hover)."""
    items = "".join(
        f'<div title="{text(tip)}"><dt>{text(label)}</dt><dd>{text(value)}</dd></div>'
        for label, value, tip in pairs
    )
    return f'<dl class="kec kec-facts">{items}</dl>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One stage of the rail; ``state`` is "fresh", "stale", "running", "failed" or "waiting"."""

    name: str
    state: str
    line: str
    tip: str


STATE_WORDS = {
    "fresh": "done",
    "stale": "out of date",
    "running": "running",
    "failed": "stopped",
    "waiting": "not yet",
}


def rail(nodes: Sequence[Node]) -> str:
    """The stages in order, joined by a line; the state is said in words, not by colour alone."""
    items = "".join(
        f'<li class="kec-{text(node.state)}" title="{text(node.tip)}"><span class="kec-node"></span>'
        f'<b>{text(node.name)}</b><span class="kec-quiet">{text(node.line or STATE_WORDS[node.state])}</span></li>'
        for node in nodes
    )
    return f'<ol class="kec kec-rail" aria-label="Stages">{items}</ol>'


BY_CHANCE = 0.01
"""Scores of one setting differ by about so much from one seed to the next, those above 1 by this share of them [R]."""


def delta(gap: float, shown: str, *, higher_is_better: bool = True, size: float = 1.0) -> tuple[str, str]:
    """A difference of two scores: its kind ("up", "down" or "quiet") and how to show it; never by colour alone.

    One that another start of the clustering makes as well is neither better nor worse. ``size`` is that of the scores.
    """
    if f"{abs(gap):{shown}}" == f"{0:{shown}}":
        return "quiet", "same"
    better = (gap > 0) == higher_is_better
    arrow, kind, word = ("▲", "up", "better") if better else ("▼", "down", "worse")
    sign = "+" if gap > 0 else "−"
    said = f"{abs(gap) * 100:.1f} points" if shown.endswith("%") else f"{abs(gap):{shown}}"
    if abs(gap) < BY_CHANCE * max(1.0, abs(size)):
        return "quiet", f"{arrow} {sign}{said} · about the same"
    return kind, f'{arrow} {sign}{said} <span class="kec-quiet">{word}</span>'


def dots(steps: Sequence[tuple[str, bool]]) -> str:
    """A row of dots, full for what is done; said in words to those who hover or listen."""
    done = sum(is_done for _, is_done in steps)
    marks = "".join(
        f'<i class="{"kec-full" if is_done else ""}" title="{text(name)}: {"done" if is_done else "not yet"}"></i>'
        for name, is_done in steps
    )
    return (
        f'<div class="kec kec-dots" role="img" aria-label="{done} of {len(steps)} stages done">{marks}</div>'
    )


def empty(title: str, body: str) -> str:
    """A friendly word where there is nothing yet, with a stack of blank photos drawn above it."""
    return (
        '<div class="kec kec-empty"><div class="kec-stack" aria-hidden="true"><i></i><i></i><i></i></div>'
        f"<h3>{text(title)}</h3><p>{text(body)}</p></div>"
    )


def note(body: str) -> str:
    """A quiet remark in plain text; options of commands in it stay on one line."""
    return f'<p class="kec kec-note">{_OPTION.sub(_UNBROKEN, text(body))}</p>'
