"""Concepts: is the knowledge right? The workbench: correct it, and the photos regroup at once."""

from __future__ import annotations

import streamlit as st

from kec_core.errors import KecError
from kec_core.live import LiveState
from pages.concepts import detail, impact_bar, listing, parameter_bar, picked_bar, side_panel
from pages.shared import cached, session, ui
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision

COLUMNS = (3.5, 5.7, 2.8)


def _state(project: Project, revision: Revision) -> LiveState:
    """The live state with the collected edits; the first one of a server loads the encoder, which takes seconds."""
    bench = session.workbench(project)
    with st.spinner("Opening the workbench…", show_time=True):
        if not session.staged():
            return bench.live(revision)
        try:
            return bench.preview(session.staged(), revision=revision).after
        except KecError:  # the line at the bottom says which edit does not fit, and offers to discard them
            return bench.live(revision)


project = ui.need_project()
with ui.errors():
    revision = revisions.current(project)
    if revision is None:
        st.title("Concepts", anchor=False)
        ui.nothing_here(
            "No concepts yet",
            "Run the stages once; then correct here what the photos were said to show.",
            "build",
            "Go to Build",
        )
        st.stop()
    state = _state(project, revision)
    images = cached.images(project, revision.scan)
    photos = cached.concept_photos(revision, state)
    with st.bottom:  # first: whatever fails above it, collected edits can be discarded
        is_picked = picked_bar.draw(project, revision, state, photos, images)
        if session.staged() or not is_picked:
            impact_bar.draw(project, revision, state)
    parameter_bar.draw(project, revision, state, photos)
    left, centre, right = st.columns(COLUMNS, gap="medium")
    with left:
        listing.draw(project, state, photos, images)
    with centre:
        detail.draw(project, state, photos, images)
    with right:
        side_panel.draw(project, photos)
