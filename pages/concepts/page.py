"""Concepts: is the knowledge right? The workbench: correct it, and the photos regroup at once."""

from __future__ import annotations

import streamlit as st

from kec_core.errors import KecError
from kec_core.live import LiveState
from kec_core.result.concept_photos import ConceptPhotos
from pages.concepts import actions, detail, impact_bar, listing, parameter_bar, picked_bar
from pages.concepts.panels import ask_llm, constraints, guidance, review_queue
from pages.shared import cached, session, ui
from state.project.project import Project
from state.revisions.revisions import Revision


def draw(project: Project, photos: ConceptPhotos) -> None:
    """Draw the panel that is open."""
    bench = session.workbench(project)
    following, guiding, wishes, asking = st.tabs(
        ["Next", "Guidance", "Wishes", "Ask"], key="concept_side", on_change="rerun"
    )
    if following.open:
        with following:
            review_queue.draw(project, bench)
    if guiding.open:
        with guiding:
            guidance.draw(project, bench)
    if wishes.open:
        with wishes:
            constraints.draw(project, bench)
    if asking.open:
        with asking:
            ask_llm.draw(project, bench, _asked_about(photos))


def _asked_about(photos: ConceptPhotos) -> tuple[str, ...]:
    """The picked concepts, by default the one that is looked at."""
    known = photos.state.knowledge.by_id
    picked = tuple(one for one in session.selection().concepts if one in known)
    return picked or (actions.focus(photos.state, photos).id,)


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
    revision = ui.need_result(
        project,
        "Concepts",
        "No concepts yet",
        "Run the stages once; then correct here what the photos were said to show.",
    )
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
        draw(project, photos)
