"""One colour per cluster, the same on cards, chips and maps; never the only sign of anything."""

from __future__ import annotations

import colorcet

_COLOURS: list[str] = list(colorcet.glasbey_bw_minc_20_minl_30)
"""256 colours that stay apart, none near black or white, so they show in light and dark."""


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster id, as ``#rrggbb``."""
    return _COLOURS[cluster % len(_COLOURS)]
