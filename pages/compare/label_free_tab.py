"""Compare, tab "Without labels": how clear and how stable the groups are, and an audit by eye."""

from __future__ import annotations

import streamlit as st

from pages.compare import audit, metric_cards
from pages.shared import session, ui
from state.project.project import Project
from state.revisions.revisions import Revision
from state.revisions.scoring import Stability, load_stability

STABLE = metric_cards.Metric(
    key="ours",
    name="Groups that survive chance",
    term="stability",
    tip="Share of photos that keep their cluster when photos and starts are drawn anew (8 bootstrap resamples).",
    shown=".1%",
)


def draw(project: Project, shown: Revision) -> None:
    """The whole tab."""
    ui.note(
        "These scores look at the photos alone. They say how clear and how steady the groups are, not whether they "
        "are the ones you want; for that, judge a few photos by eye below."
    )
    with ui.errors():
        stability = load_stability(project, shown)
        cards = [_stability_card(stability)]
        for metric in metric_cards.WITHOUT_LABELS:
            against = [("k-means", metric.of_baseline(shown))]
            cards.append(metric_cards.card(metric, metric.of(shown), against))
        st.html(metric_cards.cards(cards))
        if stability is None:
            _measure(project, shown)
    st.subheader("Judge by eye", anchor=False)
    with ui.errors():
        audit.draw(project, shown)


def _stability_card(found: Stability | None) -> str:
    if found is None:
        return metric_cards.card(STABLE, None, [], lacking="not measured yet")
    return metric_cards.card(STABLE, found.ours, [("photos alone", found.visual)])


def _measure(project: Project, shown: Revision) -> None:
    busy = session.jobs().active(project) is not None
    if st.button(
        "Measure the stability",
        key="measure_stability",
        icon=":material/casino:",
        disabled=busy,
        help="Groups the photos 16 more times: seconds for a thousand photos, minutes for fifty thousand. It runs beside "
        "your work and can be cancelled.",
    ):
        session.jobs().start(project, "stability", {"revision": shown.id})
        st.rerun()
