"""The map as it is drawn in the browser, by our own component.

Places travel once, as whole numbers, and stay in the browser; a rerun sends one colour code per drawn photo. What
comes back is a line drawn by hand, or one photo, or one group of the legend: never a list of photos.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import colorcet
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kec_core.maps.planar import anchors, inside
from pages.map.colourings import OTHER, STEPS, Colouring
from pages.map.routes import photo_address, places, places_address
from pages.shared import markup, session
from pages.shared.palette import MUTED, cluster_colour
from pages.shared.picked import Way
from state.project.project import Project

_RAMP = colorcet.b_linear_bmy_10_95_c78
_RAMP_ENDS = (30, 225)  # neither so dark nor so light that it is lost on a dark or a light page
_PARTS = ("points.js", "pane.js", "view.js")
_FOLDER = Path(__file__).parent
_HTML = (
    '<div class="map"><div class="bar"></div><div class="body"><div class="panes"></div>'
    '<div class="legend" hidden></div></div>'
    '<div class="card" hidden><img alt=""><div></div></div></div>'
)
_CANVAS = st.components.v2.component(
    "kec_map",
    html=_HTML,
    css=(_FOLDER / "map.css").read_text(encoding="utf-8"),
    js="\n".join((_FOLDER / part).read_text(encoding="utf-8") for part in _PARTS),
)
HELP = (
    "Draw around photos to pick them. Keys: L lasso, B box, M move, A add, S take away, plus, minus and arrows for the "
    "view, Escape picks nothing. The legend picks whole groups."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pane:
    """One map: what it is called and where its places are."""

    title: str
    layout: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """What is drawn.

    Attributes:
        panes: one or two.
        scan: whose photos the rows are.
        drawn: bool (N,), the photos that are drawn.
        picked: bool (N,), the photos that are picked.
        name: of the colouring; groups hidden in the legend stay hidden while it is the same.
        heading: over the legend.
    """

    panes: Sequence[Pane]
    scan: int
    drawn: NDArray[np.bool_]
    picked: NDArray[np.bool_]
    colouring: Colouring
    name: str
    heading: str


def draw(project: Project, sight: Sight, *, key: str, on_picked: Callable[[], None]) -> None:
    """Draw the map; ``on_picked`` finds in ``session.widget(key)["picked"]`` what the person did."""
    _CANVAS(key=key, data=_data(project, sight), on_picked_change=on_picked)


def _data(project: Project, sight: Sight) -> dict[str, Any]:
    colouring, drawn = sight.colouring, sight.drawn
    project_id = session.open_projects().id_of(project.folder)
    counts = colouring.counts
    total, shown = len(drawn), int(drawn.sum())
    return {
        "panes": [
            {
                "title": pane.title,
                "url": places_address(project_id, pane.layout),
                "anchors": _anchors(project, pane.layout, colouring),
            }
            for pane in sight.panes
        ],
        "total": total,
        "drawn": "" if shown == total else _base64(np.packbits(drawn)),
        "codes": _base64(colouring.codes[drawn].astype("<u2")),
        "picked": _base64(np.packbits(sight.picked[drawn])) if sight.picked.any() else "",
        "palette": _palette(colouring),
        "names": list(colouring.names),
        "counts": counts,
        "order": sorted(range(len(counts)), key=lambda code: -counts[code]),
        "scale": None
        if colouring.ends is None
        else {"low": colouring.ends[0], "high": colouring.ends[1], "steps": STEPS},
        "colouring": sight.name,
        "heading": sight.heading,
        "thumb": photo_address(project_id, sight.scan),
        "note": markup.count(total, "photo") if shown == total else f"drawn {shown:,} of {total:,} photos",
        "help": HELP,
    }


def _anchors(project: Project, layout: str, colouring: Colouring) -> list[tuple[int, int, int]]:
    if colouring.ends is not None:
        return []
    found = anchors(places(project, layout), colouring.codes, len(colouring.names))
    return [anchor for anchor in found if colouring.keys[anchor[0]] != OTHER]


def _palette(colouring: Colouring) -> list[str]:
    if colouring.ends is not None:
        steps = np.linspace(*_RAMP_ENDS, STEPS).astype(int).tolist()
        return [MUTED if key == OTHER else _RAMP[steps[key]] for key in colouring.keys]
    return [MUTED if key == OTHER else cluster_colour(key) for key in colouring.keys]


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


MOST_CORNERS = 5000


def take(project: Project, key: str, sight: Sight, ids: Sequence[str]) -> None:
    """Change the selection as the map asks; call it when the map reports something.

    Args:
        project: whose photos.
        key: of the map.
        sight: what it shows.
        ids: image ids in row order.
    """
    held = session.widget(key)
    event = held.get("picked") if isinstance(held, Mapping) else None
    if not isinstance(event, Mapping):
        return
    if event.get("clear"):
        session.select(images=())
        return
    way: Way = event["way"] if event.get("way") in get_args(Way) else "replace"
    rows = np.flatnonzero(_picked(project, sight, event))
    session.select(images=[ids[row] for row in rows.tolist()], way=way)


def _picked(project: Project, sight: Sight, event: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The photos that an event is about, bool (N,); nothing when it makes no sense."""
    codes = sight.colouring.codes
    none = np.zeros(len(codes), dtype=bool)
    row, group, pane = (_number(event.get(name)) for name in ("row", "group", "pane"))
    if row is not None:
        none[row : row + 1] = True
        return none
    if group is not None:
        picked: NDArray[np.bool_] = codes == group
        return picked
    corners = _corners(event.get("shape"))
    if pane is None or pane >= len(sight.panes) or not corners:
        return none
    held = inside(places(project, sight.panes[pane].layout), corners)
    hidden = [one for one in event.get("hidden", ()) if _number(one) is not None]
    if hidden and event.get("colouring") == sight.name:
        held &= ~np.isin(codes, hidden)
    return held


def _number(value: object) -> int | None:
    """A whole number from 0 on, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _corners(shape: object) -> list[tuple[float, float]]:
    """The corners of a line, [] when it is none."""
    if not isinstance(shape, list) or not 3 <= len(shape) <= MOST_CORNERS:
        return []
    corners = [tuple(corner) for corner in shape if isinstance(corner, list) and len(corner) == 2]
    numbers = all(
        isinstance(value, int | float) and abs(value) < 1e9 for corner in corners for value in corner
    )
    return corners if numbers and len(corners) == len(shape) else []
