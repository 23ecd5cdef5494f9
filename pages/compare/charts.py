"""The charts of Compare as plotly figures: flows of photos, a score over revisions, clusters against labels.

Names are of anybody: plotly reads some HTML in them, so they are escaped, and never part of a hover template.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kec_core.clustering.metrics import Confusion
from kec_core.result.impact import Flow
from pages.shared import markup
from pages.shared.charts import go
from pages.shared.palette import MUTED, Theme, cluster_shade, theme
from pages.shared.revision_diff import Names

FLOWS = 100
"""Flows drawn one by one; all others together are one more."""
CELLS_WITH_NUMBERS = 400
LEAST_RANGE = 0.02
"""Scores that differ by less are not drawn further apart."""
_NODE, _ROW, _NARROW_ROW = 24, 24, 14
"""Pixels of a cluster in a flow chart, and of a row of the class map, few or many."""
_FEW = 40
"""Names that are written large."""
_ABOVE = 1000
"""Pixels that names above the class map may need side by side, where the window is not small; else they stand upright."""
_NAME = 40
"""Characters of a name; the rest is cut."""


def draw(figure: go.Figure, *, key: str) -> None:
    """Show a figure as wide as the page, in the colours of its theme."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False, "scrollZoom": False})


def flows(flows: Sequence[Flow], old_name: Names, new_name: Names, *, dark: bool) -> go.Figure:
    """Where photos came from (left) and went (right).

    Args:
        flows: largest first; at least one.
        old_name: names of the clusters on the left.
        new_name: names of those on the right.
        dark: whether the page is dark.
    """
    drawn, rest = flows[:FLOWS], flows[FLOWS:]
    left = list(dict.fromkeys(flow.source for flow in drawn))
    right = list(dict.fromkeys(flow.target for flow in drawn))
    names = [_text(old_name(cluster)) for cluster in left] + [_text(new_name(cluster)) for cluster in right]
    colours = [cluster_shade(cluster, dark=dark) for cluster in (*left, *right)]
    links = [(left.index(flow.source), len(left) + right.index(flow.target), flow.photos) for flow in drawn]
    if rest:
        links.append((len(names), len(names) + 1, sum(flow.photos for flow in rest)))
        names += [f"other clusters ({markup.count(len(rest), 'smaller flow')})", "other clusters"]
        colours += [MUTED, MUTED]
    sources, targets, photos = zip(*links, strict=True)
    sankey = go.Sankey(
        node={
            "label": names,
            "color": colours,
            "pad": 8,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}: %{value:,} photos<extra></extra>",
        },
        link={
            "source": sources,
            "target": targets,
            "value": photos,
            "color": [_pale(colours[target]) for target in targets],
            "hovertemplate": "%{source.label} → %{target.label}: %{value:,} photos<extra></extra>",
        },
        textfont={"color": theme(dark=dark).text, "size": 13},
        valueformat=",",
    )
    rows = max(len(left), len(right)) + bool(rest)
    return _figure(sankey, height=max(120, _NODE * rows + 40), colours=theme(dark=dark))


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


def timeline(points: Sequence[Point], *, name: str, shown: str, dark: bool) -> go.Figure:
    """One score over the revisions of a branch, with k-means as a dashed line.

    Args:
        points: oldest first; at least one has a value.
        name: of the score.
        shown: format of the values, e.g. ".1%".
        dark: whether the page is dark.
    """
    colours = theme(dark=dark)
    revisions = [point.revision for point in points]
    ours = go.Scatter(
        x=revisions,
        y=[point.value for point in points],
        name=_text(name),
        mode="lines+markers",
        line={"color": colours.accent},
        marker={"size": 9},
        customdata=[_text(point.note) for point in points],
        hovertemplate=f"%{{x}}: %{{y:{shown}}}, %{{customdata}}<extra></extra>",
    )
    kmeans = go.Scatter(
        x=revisions,
        y=[point.baseline for point in points],
        name="k-means",
        mode="lines",
        line={"color": MUTED, "dash": "dash"},
        hovertemplate=f"k-means: %{{y:{shown}}}<extra></extra>",
    )
    figure = _figure(ours, kmeans, height=230, colours=colours)
    values = [v for point in points for v in (point.value, point.baseline) if v is not None]
    middle, half = (min(values) + max(values)) / 2, max(max(values) - min(values), LEAST_RANGE) * 0.6
    figure.update_yaxes(tickformat=shown, range=[middle - half, middle + half])
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_layout(legend={"orientation": "h", "y": 1.2})
    return figure


def class_map(table: Confusion, name: Names, *, dark: bool) -> go.Figure:
    """Clusters (rows) against labels (columns): the shade is the share of the cluster, the number its photos.

    Args:
        table: what to draw.
        name: of the clusters.
        dark: whether the page is dark.
    """
    counts, colours = table.counts, theme(dark=dark)
    shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    heat = go.Heatmap(
        z=np.where(counts > 0, shares, np.nan),
        customdata=counts,
        zmin=0,
        zmax=1,
        colorscale=[[0, colours.faint], [1, colours.strong]],
        textfont_color=colours.text,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        **_numbers(counts),
        hovertemplate="labelled %{x}, in %{y}: %{customdata:,} photos<extra></extra>",
    )
    row = _ROW if len(counts) <= _FEW else _NARROW_ROW
    columns = [_text(label) for label in table.labels]
    rows = [_text(name(cluster)) for cluster in table.clusters]
    upright = len(columns) * _room(columns) > _ABOVE
    above = _room(columns) if upright else 30
    figure = _figure(heat, height=row * len(counts) + above + 20, colours=colours)
    figure.update_layout(margin_l=_room(rows), margin_t=above)
    figure.update_xaxes(side="top", tickangle=90 if upright else 0, **_ticks(columns))
    figure.update_yaxes(autorange="reversed", tickangle=0, **_ticks(rows))
    return figure


def _numbers(counts: NDArray[np.int64]) -> dict[str, object]:
    """What stands in the cells of a small table; a template of cells knows no ``customdata``."""
    if counts.size > CELLS_WITH_NUMBERS:
        return {}
    return {
        "text": [[f"{n:,}" if n else "" for n in row] for row in counts.tolist()],
        "texttemplate": "%{text}",
    }


def _ticks(names: Sequence[str]) -> dict[str, object]:
    """Names at whole numbers, for two clusters of one name are two rows.

    Nothing is left for the browser to fit: it would measure every name several times, for seconds with a hundred.
    """
    return {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "tickfont": {"size": _letter(names)},
        "automargin": False,
        "showgrid": False,
        "zeroline": False,
    }


def _letter(names: Sequence[str]) -> int:
    """Size of the letters of so many names, pixels."""
    return 12 if len(names) <= _FEW else 9


def _room(names: Sequence[str]) -> int:
    """Pixels that the longest of the names needs."""
    return 20 + round(0.62 * _letter(names) * max((len(html.unescape(name)) for name in names), default=0))


def _figure(*traces: object, height: int, colours: Theme) -> go.Figure:
    layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 24, "b": 8},
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours.text},
    }
    figure = go.Figure(data=traces, layout=layout)
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont_color=colours.text, title_font_color=colours.text)
    return figure


def _text(name: str) -> str:
    """A name as plotly shows it literally; long ones are cut."""
    plain = markup.printable(name)
    return html.escape(plain if len(plain) <= _NAME else f"{plain[: _NAME - 1]}…", quote=False)


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.42)"
