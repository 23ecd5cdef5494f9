"""Concepts: is the knowledge right? The workbench: correct it, and the photos regroup at once."""

from __future__ import annotations

import streamlit as st

from kec_core.errors import KecError
from kec_core.live import LiveState
from pages import _cached, _concept_detail, _concept_list, _concept_side, _dials, _impact, _ui
from state import revisions, session
from state.project import Project
from state.revisions import Revision

COLUMNS = (3, 6, 3)


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


project = _ui.need_project()
with _ui.errors():
    revision = revisions.current(project)
    if revision is None:
        st.title("Concepts", anchor=False)
        _ui.nothing_here(
            "No concepts yet",
            "Run the stages once; then correct here what the photos were said to show.",
            "build",
            "Go to Build",
        )
        st.stop()
    state = _state(project, revision)
    images = _cached.images(project, revision.scan)
    photos = _cached.concept_photos(revision, state)
    with st.bottom:  # first: whatever fails above it, collected edits can be discarded
        _impact.draw(project, revision, state)
    _dials.draw(project, revision, state, photos)
    left, centre, right = st.columns(COLUMNS, gap="medium")
    with left:
        _concept_list.draw(project, state, photos, images)
    with centre:
        _concept_detail.draw(project, revision, state, photos, images)
    with right:
        _concept_side.draw(project, photos)
