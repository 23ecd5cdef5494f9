"""When photos were taken: a bar for each day, month or year, in the colours of their clusters; a bar chooses its days."""

from __future__ import annotations

import html
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import streamlit as st

from pages.find import filters
from pages.shared import markup, session, ui
from pages.shared.charts import go
from pages.shared.palette import MUTED, cluster_shade, theme
from state.work.photo_filter import PhotoFilter
from state.work.search import Search

_DAY, _MONTH, _YEAR = 10, 7, 4
"""Letters of an ISO date that name each period."""
_MOST_BARS = 62
_COLOURED = 8
"""The largest clusters have their colours, all others together are grey."""
_OTHERS = -1
_KEY, _HEIGHT = "find_timeline", 190


def draw(search: Search, chosen: PhotoFilter) -> None:
    """Draw the photos that a filter lets through over time; nothing when none of all photos tells when it was taken."""
    if not any(one.taken for one in search.exif):
        return
    panel = st.expander("Timeline", icon=":material/timeline:", key="find_timeline_panel", on_change="rerun")
    if not panel.open:
        return
    rows = np.flatnonzero(search.matching(chosen)).tolist()
    dated = [row for row in rows if search.exif[row].taken]
    with panel:
        missing = len(rows) - len(dated)
        said = f"{markup.count(len(dated), 'photo')}" + (
            f", {missing:,} more without a date" if missing else ""
        )
        st.caption(f"{said}. Click a bar to see its photos alone.")
        if dated:
            figure = chart(search, dated, dark=ui.is_dark())
            st.plotly_chart(
                figure, key=_KEY, on_select=_choose, selection_mode="points", config={"displayModeBar": False}
            )


def chart(search: Search, rows: Iterable[int], *, dark: bool) -> go.Figure:
    """Bars of photos over time, one colour for each of the largest clusters.

    Args:
        search: the photos.
        rows: those that are drawn; each tells when it was taken, at least one.
        dark: whether the page is dark.
    """
    labels = np.asarray(search.overview.labels)
    shown = [(search.exif[row].taken, int(labels[row])) for row in rows]
    letters = period([moment for moment, _ in shown])
    largest = [cluster for cluster, _ in Counter(cluster for _, cluster in shown).most_common(_COLOURED)]
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for moment, cluster in shown:
        counts[cluster if cluster in largest else _OTHERS][moment[:letters]] += 1
    figure = go.Figure()
    for cluster in (*largest, *([_OTHERS] if _OTHERS in counts else [])):
        name = "other clusters" if cluster == _OTHERS else search.names[cluster]
        figure.add_bar(
            x=list(counts[cluster]),
            y=list(counts[cluster].values()),
            name=html.escape(markup.printable(name)),
            marker_color=MUTED if cluster == _OTHERS else cluster_shade(cluster, dark=dark),
            hovertemplate="%{x}: %{y:,}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=_HEIGHT,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        xaxis={"type": "category", "categoryorder": "category ascending"},
        font={"color": theme(dark=dark).text},
        clickmode="event+select",
    )
    return figure


def period(moments: list[str]) -> int:
    """How many letters of ISO dates make bars of days, months or years: the shortest period with not too many bars."""
    return next(
        (letters for letters in (_DAY, _MONTH) if len({m[:letters] for m in moments}) <= _MOST_BARS), _YEAR
    )


def days_of(written: str) -> tuple[date, date]:
    """First and last day of a period as it is written below its bar: 2026, 2026-05 or 2026-05-01."""
    first = date.fromisoformat((written + "-01-01")[:_DAY])
    if len(written) == _DAY:
        return first, first
    month = 12 if len(written) == _YEAR else first.month
    return first, date(first.year, month, monthrange(first.year, month)[1])


def _choose() -> None:
    """The bar that was clicked chooses its days; a widget's callback."""
    event = session.widget(_KEY)
    points = event["selection"]["points"] if isinstance(event, Mapping) else []
    if points:
        session.set_widget(filters.DAYS, days_of(str(points[0]["x"])))
