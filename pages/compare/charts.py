"""Charts of the Compare page; every name in them is escaped, because plotly reads its labels as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import unescape
from typing import TYPE_CHECKING

import numpy as np

from kec_core.impact import Flow
from kec_core.metrics import Confusion
from pages.shared.markup import text
from pages.shared.palette import MUTED, cluster_colour
from pages.shared.revision_diff import Names

if TYPE_CHECKING:
    import plotly.graph_objects as go

FLOWS = 24
"""Flows drawn one by one; all others together are one more."""
LONGEST = 26
CELLS_WITH_NUMBERS = 400
ACCENT = "#1f9d8b"
SHADES = {
    "light": [[0, "#f4f5f2"], [0.02, "#e6efec"], [1, "#1f7a6d"]],
    "dark": [[0, "#1b1e20"], [0.02, "#21302e"], [1, "#1f7a6d"]],
}
UPRIGHT = 40
"""More labels than this stand upright and small, so that they do not lie on each other."""
_UPRIGHT_TEXT = {"tickangle": -90, "tickfont": {"size": 9}}
_TILTED = 0.75
"""How far a name at 40 degrees reaches, up or to the side, of its length."""
_ROW_PIXELS, _LETTER_PIXELS, _TITLE = 22, 6, 40


def label(name: str) -> str:
    """A name short enough for an axis, escaped."""
    return text(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…")


def fold(flows: Sequence[Flow], limit: int = FLOWS) -> tuple[list[Flow], int]:
    """The largest flows, and how many photos the others carry together.

    Args:
        flows: largest first.
        limit: how many stay.
    """
    return list(flows[:limit]), sum(flow.photos for flow in flows[limit:])


def flow_diagram(flows: Sequence[Flow], old_name: Names, new_name: Names) -> go.Figure:
    """Where photos came from (left) and went (right).

    Args:
        flows: largest first; at least one.
        old_name: names of the clusters on the left.
        new_name: names of those on the right.
    """
    import plotly.graph_objects as go

    kept, rest = fold(flows)
    left = list(dict.fromkeys(flow.source for flow in kept))
    right = list(dict.fromkeys(flow.target for flow in kept))
    names = [label(old_name(c)) for c in left] + [label(new_name(c)) for c in right]
    colours = [cluster_colour(c) for c in (*left, *right)]
    links = [(left.index(f.source), len(left) + right.index(f.target), f.photos) for f in kept]
    shades = [_faint(cluster_colour(flow.target)) for flow in kept]
    if rest:
        links.append((len(names), len(names) + 1, rest))
        names += [f"other clusters ({len(flows) - len(kept)} smaller flows)", "other clusters"]
        colours += [MUTED, MUTED]
        shades.append(_faint(MUTED))
    sources, targets, values = zip(*links, strict=True)
    figure = go.Figure(
        go.Sankey(
            node={"label": names, "color": colours, "pad": 10, "thickness": 12, "line": {"width": 0}},
            link={"source": sources, "target": targets, "value": values, "color": shades},
            textfont={"size": 13, "shadow": "none"},
            valueformat=",d",
            valuesuffix=" photos",
        )
    )
    rows = max(len(left), len(right)) + bool(rest)
    figure.update_layout(height=90 + 26 * rows, margin={"l": 8, "r": 8, "t": 12, "b": 12})
    return figure


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.38)"


def confusion_map(table: Confusion, name: Names, *, dark: bool = False) -> go.Figure:
    """Clusters (rows) against labels (columns): shade by the share of the cluster, numbers are photos.

    Args:
        table: what to draw.
        name: of the clusters.
        dark: whether the page is dark; plotly chooses the colour of the numbers by opaque shades alone.
    """
    import plotly.graph_objects as go

    counts = table.counts
    shares = (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    clusters = [label(name(cluster)) for cluster in table.clusters]
    labels = [label(one) for one in table.labels]
    numbers = {"texttemplate": "%{text}", "text": [[f"{n:,}" if n else "" for n in row] for row in counts]}
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            customdata=counts.astype(
                np.int32
            ),  # the browser words it: 100 x 100 sentences would be most of a megabyte
            hovertemplate="%{y} · %{x}: %{customdata:,d} photos, %{z:.0%} of the cluster<extra></extra>",
            zmin=0,
            zmax=1,
            colorscale=SHADES["dark" if dark else "light"],
            showscale=False,
            xgap=1,
            ygap=1,
            **(numbers if counts.size <= CELLS_WITH_NUMBERS else {}),
        )
    )
    narrow = len(labels) > UPRIGHT
    side, top = _room(clusters), round(_room(labels) * (1 if narrow else _TILTED))
    figure.update_layout(
        height=_TITLE + top + 40 + _ROW_PIXELS * len(clusters),
        margin={"l": _TITLE + side, "r": 8 if narrow else 8 + top, "t": _TITLE + top, "b": 8},
        xaxis=_ticks(
            labels,
            side="top",
            title={"text": "Labels", "standoff": 4},
            **(_UPRIGHT_TEXT if narrow else {"tickangle": -40}),
        ),
        yaxis=_ticks(clusters, autorange="reversed", title={"text": "Clusters", "standoff": 4}),
    )
    return figure


def _room(names: Sequence[str]) -> int:
    """Pixels for the names of an axis; plotly's own way (automargin) takes half a minute for a hundred of them."""
    return 14 + _LETTER_PIXELS * max(len(unescape(name)) for name in names)


def _ticks(names: Sequence[str], **more: object) -> Mapping[str, object]:
    """An axis by position: two names may be the same after they were cut."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": list(names),
        "showgrid": False,
        "zeroline": False,
        "automargin": False,
        **more,
    }


def timeline(
    revisions: Sequence[str],
    values: Sequence[float | None],
    baseline: Sequence[float | None],
    notes: Sequence[str],
    *,
    name: str,
    shown: str,
) -> go.Figure:
    """One score over the revisions of a branch, with k-means as a dashed line.

    Args:
        revisions: ids, oldest first.
        values: of each; None where there is none.
        baseline: of k-means beside each.
        notes: what was done, for the hover.
        name: of the score.
        shown: format of the values, e.g. ".1%".
    """
    import plotly.graph_objects as go

    hover = [text(note) for note in notes]
    figure = go.Figure(
        [
            go.Scatter(
                x=list(revisions),
                y=list(baseline),
                name="k-means",
                mode="lines",
                line={"dash": "dash", "color": MUTED, "width": 1.6},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=list(revisions),
                y=list(values),
                name=text(name),
                mode="lines+markers",
                line={"color": ACCENT, "width": 2.2},
                marker={"size": 7},
                customdata=hover,
                hovertemplate=f"%{{x}}: %{{y:{shown}}}<br>%{{customdata}}<extra></extra>",
            ),
        ]
    )
    figure.update_layout(
        height=210,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        yaxis={"tickformat": shown, "automargin": True},
        xaxis={"type": "category", "showgrid": False},
        legend={"orientation": "h", "y": 1.18, "x": 0},
        hovermode="closest",
    )
    return figure
