"""One colour per cluster, the same on cards, chips and maps; never the only sign of anything."""

from __future__ import annotations

MUTED = "#8a8f94"
"""Grey, for what does not count or is not chosen; no cluster has it."""

# Chosen one after the other, each as far as possible (OKLab) from all before it for the eye that sees least difference:
# full sight, and sight without red, green or blue cones (Machado et al. 2009). Only colours with a contrast of at least
# 2:1 to the light and to the dark background, and none that is nearly grey. tests/test_page_palette.py measures all this.
_COLOURS = """
    #1f77b3 #ff9600 #a50000 #c3a5ff #5a00d2 #ff2d5a #d22dff #69c3a5 #870f78 #877800
    #c32d96 #005a2d #b487a5 #784b5a #6996e1 #1e0fff #784bd2 #5a9669 #c3a569 #5a3c96
    #ff4be1 #f096d2 #e1780f #d278ff #965a2d #a55ad2 #960fb4 #2d6978 #f000b4 #a53c78
    #e178c3 #d25a3c #78c31e #d26987 #9678c3 #4b78ff #b40f4b #d22d4b #00a5ff #5a6996
    #5a4b00 #d29687 #781ee1 #96b4e1 #a56978 #960f3c #4bb487 #962df0 #96961e #ff5a69
    #873ca5 #3c4bc3 #9696c3 #3ca55a #0087a5 #c30069 #00874b #4b4b87 #b46996 #e1a5a5
    #696900 #e1a54b #b43ce1 #c378e1 #7869c3 #693c5a #695a2d #f00f00 #87874b #c3963c
    #e12d87 #00c3f0 #d25ad2 #b4b487 #c34ba5 #2d4b78 #a578f0 #960f69 #d296c3 #4b5a87
    #d27878 #d20fb4 #782da5 #87a5f0 #ff9696 #1e7887 #3c694b #6969e1 #4b5ac3 #6900c3
    #78872d #964b5a #4bc34b #a52d2d #b44b69 #8769f0 #c3b469 #6987d2 #8796f0 #e14b96
""".split()  # noqa: SIM905 - a table of ten times ten


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster id, ``#rrggbb``; ids more than 100 apart share one."""
    return _COLOURS[cluster % len(_COLOURS)]
