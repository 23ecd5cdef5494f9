"""Beside the concept: what to look at next, what matters to the person, the photos' wishes, the language model."""

from __future__ import annotations

import streamlit as st

from kec_core.concept_photos import ConceptPhotos
from pages import _ask_llm, _concept_verbs, _constraints, _guidance, _review
from state import session
from state.project import Project


def draw(project: Project, photos: ConceptPhotos) -> None:
    """Draw the panel that is open."""
    bench = session.workbench(project)
    review, guidance, wishes, ask = st.tabs(
        ["Next", "Guidance", "Wishes", "Ask"], key="concept_side", on_change="rerun"
    )
    if review.open:
        with review:
            _review.draw(project, bench)
    if guidance.open:
        with guidance:
            _guidance.draw(project, bench)
    if wishes.open:
        with wishes:
            _constraints.draw(project, bench)
    if ask.open:
        with ask:
            _ask_llm.draw(project, bench, _asked_about(photos))


def _asked_about(photos: ConceptPhotos) -> tuple[str, ...]:
    """The picked concepts, by default the one that is looked at."""
    known = photos.state.knowledge.by_id
    picked = tuple(one for one in session.selection().concepts if one in known)
    return picked or (_concept_verbs.focus(photos.state, photos).id,)
