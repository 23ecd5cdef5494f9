"""One score over the revisions of a branch as HTML, with k-means as a dashed line; pure functions, no streamlit.

Lines are boxes cut to shape (``clip-path``), across in per cent of the width and down in pixels: they need no script
and follow the width of the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pages.shared.markup import text

HEIGHT = 150
"""Pixels."""
LEAST_RANGE = 0.02
"""Values that differ by less are not drawn further apart."""
_MOST_IDS = 20
_HALF = 1.2
"""Half the width of a line, pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One revision of the branch.

    Attributes:
        revision: its id.
        value: its score, None where there is none.
        baseline: of k-means beside it.
        note: what was done, for the hover.
    """

    revision: str
    value: float | None
    baseline: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where revisions and values lie."""

    low: float
    high: float
    count: int

    def left(self, number: int) -> float:
        return (number + 0.5) / self.count * 100

    def top(self, value: float) -> float:
        return HEIGHT * (self.high - value) / (self.high - self.low)


def draw(points: Sequence[Point], *, name: str, shown: str) -> str:
    """The drawing.

    Args:
        points: oldest first; at least one has a value.
        name: of the score.
        shown: format of the values, e.g. ".1%".
    """
    marks = ticks([v for point in points for v in (point.value, point.baseline) if v is not None])
    frame = _Frame(low=marks[0], high=marks[-1], count=len(points))
    rules = "".join(
        f'<div class="kec-rule" style="top:{frame.top(mark):.1f}px"><span>{mark:{shown}}</span></div>'
        for mark in marks
    )
    ids = "".join(f"<span>{text(one)}</span>" for one in thinned([point.revision for point in points]))
    said = f"{name} from {points[0].revision} to {points[-1].revision}, with k-means as a dashed line"
    return (
        f'<div class="kec kec-timeline" role="img" aria-label="{text(said)}"><div class="kec-quiet">'
        f'<i class="kec-key"></i>{text(name)} <i class="kec-key kec-dash"></i>k-means</div>'
        f'<div class="kec-plot" style="height:{HEIGHT}px">{rules}'
        f"<div>{_dashes(points, frame, shown)}{_lines(points, frame)}{_dots(points, frame, shown)}</div></div>"
        f'<div class="kec-steps kec-quiet">{ids}</div></div>'
    )


def _dashes(points: Sequence[Point], frame: _Frame, shown: str) -> str:
    width = 100 / frame.count
    return "".join(
        f'<div class="kec-dash" title="k-means: {point.baseline:{shown}}" style="left:{number * width:.2f}%;'
        f'width:{width:.2f}%;top:{frame.top(point.baseline):.1f}px"></div>'
        for number, point in enumerate(points)
        if point.baseline is not None
    )


def _lines(points: Sequence[Point], frame: _Frame) -> str:
    """From each revision with a value to the next one with a value right after it."""
    return "".join(
        _line((frame.left(i), frame.top(a.value)), (frame.left(i + 1), frame.top(b.value)))
        for i, (a, b) in enumerate(pairwise(points))
        if a.value is not None and b.value is not None
    )


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (u, v) = start, end
    above = f"{x:.2f}% {y - _HALF:.1f}px,{u:.2f}% {v - _HALF:.1f}px"
    below = f"{u:.2f}% {v + _HALF:.1f}px,{x:.2f}% {y + _HALF:.1f}px"
    return f'<i style="clip-path:polygon({above},{below})"></i>'


def _dots(points: Sequence[Point], frame: _Frame, shown: str) -> str:
    return "".join(
        f'<b style="left:{frame.left(number):.2f}%;top:{frame.top(point.value):.1f}px" '
        f'title="{text(f"{point.revision}: {point.value:{shown}}, {point.note}")}"></b>'
        for number, point in enumerate(points)
        if point.value is not None
    )


def thinned(revisions: Sequence[str]) -> list[str]:
    """The ids, "" where not all have room; the last one always stays."""
    every = math.ceil(len(revisions) / _MOST_IDS)
    last = len(revisions) - 1
    return [one if (last - number) % every == 0 else "" for number, one in enumerate(revisions)]


def ticks(values: Sequence[float]) -> list[float]:
    """Three to six round numbers around all values, ascending.

    Args:
        values: at least one.
    """
    low, high = min(values), max(values)
    if high - low < LEAST_RANGE:
        low, high = (low + high - LEAST_RANGE) / 2, (low + high + LEAST_RANGE) / 2
    least = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]
