"""Where photos went, from clusters on the left to clusters on the right, as HTML; pure functions, no streamlit.

Bands are boxes cut to shape (``clip-path``), across in per cent of the width and down in pixels: they need no script,
follow the width of the page, and each has its own words on hover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kec_core.result.impact import Flow
from pages.shared import markup
from pages.shared.markup import text
from pages.shared.palette import MUTED, cluster_colour
from pages.shared.revision_diff import Names

FLOWS = 24
"""Flows drawn one by one; all others together are one more."""
REST = -1
"""The place of all other clusters, where a cluster's id stands."""
_SLOT, _GAP = 26, 4
"""Pixels: the least room of a name, and what lies between two."""
_BENDS = 14
"""Straight pieces of a bent edge."""


def fold(flows: Sequence[Flow], limit: int = FLOWS) -> tuple[list[Flow], int]:
    """The largest flows, and how many photos the others carry together.

    Args:
        flows: largest first.
        limit: how many stay.
    """
    return list(flows[:limit]), sum(flow.photos for flow in flows[limit:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One end of flows: a cluster, or all other clusters.

    Attributes:
        cluster: its id, or ``REST``.
        photos: that leave or reach it.
        top, height: pixels of its bar.
    """

    cluster: int
    photos: int
    top: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """Where everything lies.

    Attributes:
        left, right: from above to below; bars are as tall as their photos.
        flows: those drawn; the last one carries all smaller ones when its ends are ``REST``.
        height: of the whole, pixels.
    """

    left: tuple[Stop, ...]
    right: tuple[Stop, ...]
    flows: tuple[Flow, ...]
    height: float


def lay_out(flows: Sequence[Flow]) -> Diagram:
    """Both sides from above to below: the largest first on the left, and on the right near to where photos come from.

    Args:
        flows: largest first; at least one.
    """
    kept, rest = fold(flows)
    drawn = [*kept, *([Flow(source=REST, target=REST, photos=rest)] if rest else [])]
    out, into = _sums((f.source, f.photos) for f in drawn), _sums((f.target, f.photos) for f in drawn)
    sources = sorted(out, key=lambda c: (c == REST, -out[c]))
    place = {cluster: number for number, cluster in enumerate(sources)}
    comes_from = _sums((f.target, f.photos * place[f.source]) for f in drawn)
    targets = sorted(into, key=lambda c: (c == REST, comes_from[c] / into[c]))
    scale = _SLOT * max(len(sources), len(targets)) / sum(out.values())
    left, right = _stops(sources, out, scale), _stops(targets, into, scale)
    return Diagram(left=left, right=right, flows=tuple(drawn), height=max(_end(left), _end(right)))


def _sums(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for key, number in pairs:
        found[key] = found.get(key, 0) + number
    return found


def _stops(clusters: Sequence[int], photos: dict[int, int], scale: float) -> tuple[Stop, ...]:
    """Bars one below the other, each with room for its name."""
    stops, top = [], 0.0
    for cluster in clusters:
        height = max(1.0, photos[cluster] * scale)
        room = max(height, _SLOT - _GAP)
        stops.append(
            Stop(cluster=cluster, photos=photos[cluster], top=top + (room - height) / 2, height=height)
        )
        top += room + _GAP
    return tuple(stops)


def _end(stops: Sequence[Stop]) -> float:
    return stops[-1].top + max(stops[-1].height, _SLOT - _GAP)


def draw(flows: Sequence[Flow], old_name: Names, new_name: Names) -> str:
    """Where photos came from (left) and went (right).

    Args:
        flows: largest first; at least one.
        old_name: names of the clusters on the left.
        new_name: names of those on the right.
    """
    diagram = lay_out(flows)
    smaller = markup.count(max(0, len(flows) - FLOWS), "smaller flow")
    before = {stop.cluster: old_name(stop.cluster) for stop in diagram.left if stop.cluster != REST}
    after = {stop.cluster: new_name(stop.cluster) for stop in diagram.right if stop.cluster != REST}
    before[REST], after[REST] = f"other clusters ({smaller})", "other clusters"
    bands = "".join(_bands(diagram, before, after))
    return (
        f'<div class="kec kec-flow" role="img" style="height:{diagram.height:.0f}px" '
        'aria-label="Flow of photos between clusters; the list below names the same flows.">'
        f'<div class="kec-from">{_names(diagram.left, before)}</div>'
        f'<div class="kec-bands">{bands}{_bars(diagram.left)}{_bars(diagram.right)}</div>'
        f'<div class="kec-to">{_names(diagram.right, after)}</div></div>'
    )


def _names(stops: Sequence[Stop], names: dict[int, str]) -> str:
    return "".join(
        f'<div style="top:{stop.top + stop.height / 2:.1f}px" title="{text(names[stop.cluster])}: '
        f'{markup.count(stop.photos, "photo")}"><span>{text(names[stop.cluster])}</span> '
        f'<span class="kec-quiet">{stop.photos:,}</span></div>'
        for stop in stops
    )


def _bars(stops: Sequence[Stop]) -> str:
    bars = "".join(
        f'<b style="top:{stop.top:.1f}px;height:{stop.height:.1f}px;background:{_colour(stop.cluster)}"></b>'
        for stop in stops
    )
    return f"<div>{bars}</div>"


def _colour(cluster: int) -> str:
    return MUTED if cluster == REST else cluster_colour(cluster)


def _bands(diagram: Diagram, before: dict[int, str], after: dict[int, str]) -> Iterable[str]:
    """Each flow from its part of the left bar to its part of the right one."""
    starts, ends = _parts(diagram.left), _parts(diagram.right)
    row = {stop.cluster: number for number, stop in enumerate(diagram.right)}
    column = {stop.cluster: number for number, stop in enumerate(diagram.left)}
    order = sorted(diagram.flows, key=lambda f: (column[f.source], row[f.target]))
    left = {f: starts[f.source].take(f.photos) for f in order}
    order = sorted(diagram.flows, key=lambda f: (row[f.target], column[f.source]))
    right = {f: ends[f.target].take(f.photos) for f in order}
    for flow in diagram.flows:
        said = f"{before[flow.source]} → {after[flow.target]}: {markup.count(flow.photos, 'photo')}"
        yield (
            f'<i title="{text(said)}" style="background:{_colour(flow.target)};'
            f'clip-path:polygon({_band(left[flow], right[flow])})"></i>'
        )


class _Part:
    """A bar that is given away from above to below."""

    def __init__(self, stop: Stop) -> None:
        self._at, self._scale = stop.top, stop.height / stop.photos

    def take(self, photos: int) -> tuple[float, float]:
        """The next so many photos: where they begin and end, pixels."""
        begin = self._at
        self._at += photos * self._scale
        return begin, self._at


def _parts(stops: Sequence[Stop]) -> dict[int, _Part]:
    return {stop.cluster: _Part(stop) for stop in stops}


def _band(start: tuple[float, float], end: tuple[float, float]) -> str:
    """The corners of a band that leaves and arrives level."""
    steps = [step / _BENDS for step in range(_BENDS + 1)]
    above = [_corner(t, start[0], end[0]) for t in steps]
    below = [_corner(t, start[1], end[1]) for t in reversed(steps)]
    return ",".join((*above, *below))


def _corner(t: float, start: float, end: float) -> str:
    return f"{t * 100:.4g}% {start + (end - start) * (3 - 2 * t) * t * t:.1f}px"
