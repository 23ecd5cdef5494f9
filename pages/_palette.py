"""One colour per cluster, the same on cards, chips and maps; never the only sign of anything."""

from __future__ import annotations

import colorcet

_COLOURS: list[str] = list(colorcet.b_glasbey_category10)
"""256 colours as ``#rrggbb``, made to stay apart for every kind of sight."""


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster id."""
    return _COLOURS[cluster % len(_COLOURS)]
