"""What a person did on the map, as photos: a line, a click, a group of the legend. What comes from the browser is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from kec_core.maps.planar import inside
from pages.map.canvas import Sight
from pages.map.routes import places
from pages.shared import session
from pages.shared.picked import Way
from state.project.project import Project

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
