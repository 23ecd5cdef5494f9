"""Clusters: is the result right?"""

from __future__ import annotations

import streamlit as st

from pages import _cached, _cluster_cards, _cluster_open, _html, _scores, _ui
from state import revisions, session
from state.overview import load_overview
from state.revisions import Revision


def _notes(revision: Revision) -> None:
    notes = revision.summary.get("notes", ())
    if notes:
        with st.expander("How this result came about", key="notes"):
            for note in notes:
                st.html(_html.note(note))


project = _ui.need_project()
with _ui.errors():
    revision = revisions.current(project)
    if revision is None:
        st.title("Clusters", anchor=False)
        _ui.nothing_here(
            "No clusters yet",
            "Run the stages once, then see the clusters here.",
            "build",
            "Go to Build",
        )
        st.stop()
    overview = load_overview(project, revision)
    cards = _cached.cards(project, revision)
    images = _cached.images(project, revision.scan)
    opened = next((card for card in cards if card.id == session.cluster()), None)
    if opened is not None:
        _cluster_open.draw(project, revision, overview, cards, opened, images)
    else:
        st.title("Clusters", anchor=False)
        _scores.panel(revision)
        _notes(revision)
        _cluster_cards.draw(project, overview, cards, images)
