"""Clusters: is the result right?"""

from __future__ import annotations

import streamlit as st

from pages.clusters import all_photos, card_grid, detail, sorting
from pages.shared import cached, moved, navigation, scores, session, ui, view_start
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision


def _head(project: Project, revision: Revision) -> None:
    """The title, and what is done with all groups at once."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Clusters", anchor=False, width="content")
        if st.button(
            "Sort into my list",
            key="clusters_sort_into",
            icon=":material/format_list_bulleted:",
            help="One group per name that you give.",
            on_click=sorting.start,
        ):
            sorting.sort(project, revision)
        if st.button(
            "Ask me",
            key="clusters_ask",
            icon=":material/quiz:",
            help="Say where single photos belong; photos like them follow.",
        ):
            session.set_widget("compare_tab", "Ask me")
            navigation.go_to("compare")


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
        _head(project, revision)
        all_photos.draw(project, revision)
        card_grid.draw(project, overview, cards, images)
        with st.bottom:
            card_grid.bar(project, cards)
            moved.bar(project, revision)
        scores.panel(revision)
        ui.run_notes(revision, "How this result came about", key="notes")
