"""One concept: its words, what is typical of it, what sets it apart, and its photos."""

from __future__ import annotations

from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from kec_core.knowledge.edits import (
    DeleteConcept,
    LockConcept,
    MuteConcept,
    assigned,
)
from kec_core.knowledge.unique_names import unique_names
from kec_core.result.concept_photos import Order
from kec_core.types import Concept, Knowledge
from pages.concepts import actions, attributes
from pages.concepts.panels.workbench_view import View
from pages.shared import cached, editing, markup, photo_picker, ui
from state.project.project import Project

Shown = Order | Literal["assigned"]
SHOWN: dict[Shown, str] = {
    "representative": "Typical",
    "boundary": "Nearly lost",
    "outlier": "Odd ones",
    "assigned": "Put here",
}
NOUNS = 12


def draw(view: View) -> None:
    """Draw the latest picked concept, by default the one with the most photos."""
    project, knowledge, concept = view.project, view.state.knowledge, actions.focus(view)
    _head(view, concept)
    # The style of this container keeps it in sight, and lets the words scroll by themselves.
    with st.container(key="concept_photos"):
        _photos(view, concept)
    with st.container(key="concept_words"):
        _words(concept)
        typical, apart = st.columns(2, gap="medium")
        with typical:
            attributes.typical(project, knowledge, concept)
        with apart:
            attributes.apart(view, concept)
            attributes.left_out(project, knowledge, concept)


def _head(view: View, concept: Concept) -> None:
    project, knowledge = view.project, view.state.knowledge
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(markup.plain(unique_names(knowledge)[concept.id]), anchor=False, width="content")
        for word, on in (("muted", concept.muted), ("locked", concept.locked)):
            if on:
                st.badge(word, color="gray")
        st.space("stretch")
        actions.steps(view, concept)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if st.button("Rename", key="concept_rename", icon=":material/edit:", shortcut="E"):
            (actions.locked if concept.locked else actions.rename)(project, concept)
        if st.button("Split", key="concept_split", icon=":material/call_split:", shortcut="S"):
            if concept.locked:
                actions.locked(project, concept)
            else:
                actions.split(view, concept)
        if st.button(
            "Test",
            key="concept_test",
            icon=":material/science:",
            shortcut="A",
            help="Type a phrase and see which photos it finds, before it becomes an attribute.",
        ):
            actions.test(view, concept)
        _switches(project, knowledge, concept)


def _switches(project: Project, knowledge: Knowledge, concept: Concept) -> None:
    st.button(
        "Unmute" if concept.muted else "Mute",
        key="concept_mute",
        type="tertiary",
        icon=":material/visibility:" if concept.muted else ":material/visibility_off:",
        help="A muted concept pulls no photo; you can take it back at any time (key Delete).",
        on_click=editing.act,
        args=(project, [MuteConcept(concept=concept.id, muted=not concept.muted)]),
    )
    st.button(
        "Unlock" if concept.locked else "Lock",
        key="concept_lock",
        type="tertiary",
        icon=":material/lock_open:" if concept.locked else ":material/lock:",
        shortcut="L",
        help="A locked concept is never renamed, merged, split, deleted or rebuilt.",
        on_click=editing.act,
        args=(project, [LockConcept(concept=concept.id, locked=not concept.locked)]),
    )
    wishes = assigned(knowledge, concept.id)
    asked = st.button(
        "Delete…" if wishes else "Delete",
        key="concept_delete",
        type="tertiary",
        icon=":material/delete:",
        help="Its photos go to the concepts that fit them next best. Undo brings it back.",
        on_click=None if wishes or concept.locked else editing.act,
        args=None if wishes or concept.locked else (project, [DeleteConcept(concept=concept.id)]),
    )
    if asked and concept.locked:
        actions.locked(project, concept)
    elif asked and wishes:
        actions.delete(project, concept, wishes)


def _words(concept: Concept) -> None:
    if concept.description:
        ui.note(concept.description)
    if concept.note:
        ui.note(concept.note)
    if concept.nouns:
        more = len(concept.nouns) - NOUNS
        words = [noun.word for noun in concept.nouns[:NOUNS]]
        st.html(markup.chips([*words, f"{more} more"] if more > 0 else words, label="made from"))


def _photos(view: View, concept: Concept) -> None:
    put = _assigned(view, concept)
    names = SHOWN | ({"assigned": f"Put here ({len(put):,})"} if len(put) else {})
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = ui.choose(
            "Which photos",
            names,
            key="concept_order",
            tip="Typical: surest first. Nearly lost: another concept fits almost as well (boundary). Odd ones: least like the "
            "others (outliers). Put here: those you put into it, whatever its words fit.",
        )
    rows = put if shown == "assigned" else view.photos.rows(concept.id, shown)
    if not len(rows):
        ui.note(_none(concept, shown))
        return
    photo_picker.draw(
        view.project,
        [view.images[row] for row in rows],
        key=f"concept_photos_{concept.id}_{shown}",
        label=f"Photos of {concept.name}",
    )


def _assigned(view: View, concept: Concept) -> NDArray[np.int64]:
    """The photos that the person put into a concept, in row order."""
    wishes = (one.images for one in view.state.knowledge.constraints if one.concept == concept.id)
    row_of = cached.row_of(view.project, view.revision.scan)
    rows = {row_of[image] for images in wishes for image in images if image in row_of}
    return np.array(sorted(rows), dtype=np.int64)


def _none(concept: Concept, shown: Shown) -> str:
    """Why there is no photo to show."""
    if shown == "assigned":
        return "You put no photo into it: pick photos, then Move to concept."
    if concept.muted:
        return "It is muted, so it has no photos."
    return "No photo fits this concept better than another one."
