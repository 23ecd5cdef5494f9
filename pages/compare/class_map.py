"""Clusters against labels, drawn in the browser by our own component: a shade and a number for each pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from kec_core.clustering.metrics import Confusion
from pages.shared.revision_diff import Names

CELLS_WITH_NUMBERS = 400
_HTML = (
    '<div class="table"><div class="title across">Labels</div><div class="columns"></div><div class="rows"></div>'
    '<div class="cells"><canvas role="img"></canvas><div class="tip" hidden></div></div></div>'
)
_FOLDER = Path(__file__).parent
_TABLE = st.components.v2.component(
    "kec_class_map",
    html=_HTML,
    css=(_FOLDER / "class_map.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "class_map.js").read_text(encoding="utf-8"),
)


def draw(table: Confusion, name: Names, *, key: str, dark: bool) -> None:
    """Draw it.

    Args:
        table: what to draw.
        name: of the clusters.
        key: of the widget.
        dark: whether the page is dark.
    """
    _TABLE(key=key, data={**content(table, name), "dark": dark})


def content(table: Confusion, name: Names) -> dict[str, Any]:
    """What the browser needs: the names of both sides, and the pairs that have photos, numbered row by row."""
    counts = table.counts.ravel()
    places = np.flatnonzero(counts)
    return {
        "clusters": [name(cluster) for cluster in table.clusters],
        "labels": list(table.labels),
        "places": places.tolist(),
        "photos": counts[places].tolist(),
        "numbers": table.counts.size <= CELLS_WITH_NUMBERS,
        "alt": "Photos of each cluster by label; the list below names the largest mistakes.",
    }
