"""Beside the concept: what to look at next, what matters to the person, the photos' wishes, the language model."""

from __future__ import annotations

import streamlit as st

from kec_core.result.concept_photos import ConceptPhotos
from pages.concepts import actions
from pages.concepts.panels import ask_llm, constraints, guidance, review_queue
from pages.shared import session
from state.project.project import Project


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
