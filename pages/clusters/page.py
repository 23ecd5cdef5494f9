"""Clusters: is the result right?"""

from __future__ import annotations

import streamlit as st

from pages.clusters import card_grid, detail
from pages.shared import cached, moved, navigation, scores, session, ui, view_start
from state.revisions import revisions
from state.revisions.overview import load_overview

project = ui.need_project()
with ui.errors():
    revision = revisions.current(project)
    if revision is None:
        st.title("Clusters", anchor=False)
        ui.nothing_here(
            "No clusters yet",
            "Run the stages once, then see the clusters here.",
            "build",
            "Go to Build",
        )
        st.stop()
    overview = load_overview(project, revision)
    cards = cached.cards(project, revision)
    images = cached.images(project, revision.scan)
    opened = next((card for card in cards if card.id == session.cluster()), None)
    if opened is not None:
        detail.draw(project, revision, overview, cards, opened, images)
    else:
        view_start.begin(f"{project.folder.name} clusters", back=True)
        st.title("Clusters", anchor=False)
        if st.button(
            "Ask me",
            key="clusters_ask",
            icon=":material/quiz:",
            help="Say where single photos belong; photos like them follow.",
        ):
            session.set_widget("compare_tab", "Ask me")
            navigation.go_to("compare")
        card_grid.draw(project, overview, cards, images)
        with st.bottom:
            card_grid.bar(project, cards)
            moved.bar(project, revision)
        scores.panel(revision)
        ui.run_notes(revision, "How this result came about", key="notes")
