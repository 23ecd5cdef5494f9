"""One colour per cluster, the same on cards, chips and maps; never the only sign of anything."""

from __future__ import annotations

from dataclasses import dataclass

MUTED = "#858a8f"
"""Grey, for what does not count or is not chosen; no cluster has it."""

# Chosen pair by pair, one shade for each theme and of like hue, each as far as possible (OKLab) from all before it: for the
# eye that sees least difference, where full sight must see twice that of sight without red, green or blue cones (Machado et
# al. 2009). Only colours with a contrast of at least 3:1 to their ground (WCAG 2.2, 1.4.11), none nearly as far from it as
# the text, and none that is nearly grey. tests/test_page_palette.py measures all this.
LIGHT = """
    #1e78b4 #ff1e1e #690f00 #0f00a5 #b45aff #b41e78 #005a4b #691ed2 #78875a #5a2d78
    #784b0f #a56987 #1e2d5a #d22dc3 #4b9600 #695a87 #960fa5 #2d784b #3c4bf0 #96003c
    #c3002d #8778e1 #3c96a5 #4b4bb4 #a54ba5 #e15a69 #3c00c3 #5a3c1e #b44b4b #f02d96
    #872d69 #5a1e3c #3c1e78 #965ad2 #870f00 #873cd2 #787800 #d20f69 #785af0 #b4783c
    #004b5a #0087ff #a578c3 #965a69 #c369a5 #d20096 #1e4b96 #1e3c1e #782d87 #d24b87
    #d24be1 #964b2d #5a69c3 #693c3c #4b1ea5 #a5005a #690f87 #780f4b #0f3ce1 #d24b4b
    #006978 #5a2d2d #870069 #003c4b #6987d2 #3c87b4 #690fb4 #690f69 #875a00 #874b78
    #e14b0f #1e3c69 #1e2d96 #961ec3 #1e9669 #a53ce1 #a52da5 #4b693c #b42dc3 #5a78f0
    #87783c #c34bb4 #c3695a #a51e00 #3c7896 #4b8778 #5a4b1e #69871e #e14bc3 #7878c3
    #872d4b #9669a5 #3c69a5 #695ab4 #4b5a96 #b43c5a #c32d87 #3c2d00 #0f692d #b469d2
""".split()  # noqa: SIM905 - a table of ten times ten
DARK = """
    #5aa5e1 #f00000 #ffc300 #a53cc3 #e1d2ff #ff5ab4 #3c785a #1e69ff #96a569 #786996
    #f096a5 #d22d78 #9678e1 #c37887 #1e963c #e1a5ff #ff69ff #69b41e #87c3d2 #ff872d
    #f0d2a5 #d24bc3 #2dd278 #c369ff #785ae1 #b45a00 #a596ff #96875a #a55a5a #e178d2
    #b469a5 #e15a3c #a587b4 #6978c3 #d2a55a #b44ba5 #5a780f #ff2d78 #ffa5e1 #b4c35a
    #5a9687 #a5e1e1 #c3c3ff #e1b496 #ffc3c3 #d296c3 #00f0ff #5ab487 #965a87 #c35a69
    #b4a5e1 #87693c #b478d2 #d2780f #3c69d2 #c31eb4 #9696d2 #d29687 #4b87f0 #f0b43c
    #1e8778 #a5782d #ff78a5 #2de1c3 #0f7887 #1ea596 #c387f0 #c33c3c #b4964b #e10f96
    #e16996 #00b4c3 #69c3f0 #8769d2 #96b44b #a54bf0 #875ab4 #5a874b #c33cd2 #a5d2f0
    #69c369 #d25ae1 #ffa5b4 #f01e4b #5ad2e1 #2dc3a5 #f0780f #69d2b4 #ff6978 #7896c3
    #f0a578 #ff87f0 #5a87c3 #c35ab4 #9669ff #f069e1 #d26969 #a5c387 #87b496 #96a5ff
""".split()  # noqa: SIM905 - a table of ten times ten


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster id in CSS, one shade on a light and one on a dark page; ids more than 100 apart share one."""
    return f"light-dark({cluster_shade(cluster, dark=False)}, {cluster_shade(cluster, dark=True)})"


def cluster_shade(cluster: int, *, dark: bool) -> str:
    """The colour of a cluster id on a light or on a dark page, as "#rrggbb"."""
    shades = DARK if dark else LIGHT
    return shades[cluster % len(shades)]


@dataclass(frozen=True, slots=True)
class Theme:
    """What a chart is drawn in besides the colours of clusters, each as "#rrggbb".

    Attributes:
        text: of names and numbers, that of the page.
        accent: for what KEC gives.
        faint, strong: the accent where there is least and most of it; text can be read on both.
    """

    text: str
    accent: str
    faint: str
    strong: str


def theme(*, dark: bool) -> Theme:
    """The colours of a chart on a light or on a dark page."""
    if dark:
        return Theme(text="#e9e6e0", accent="#5cbfae", faint="#21322e", strong="#2a6a5f")
    return Theme(text="#26241f", accent="#1f7a6d", faint="#e6efec", strong="#7fbcb0")
