"""One concept: its words, what is typical of it, what sets it apart, and its photos."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.concept_photos import ConceptPhotos, Order
from kec_core.images import ImageRecord
from kec_core.knowledge.edits import (
    AddAttribute,
    AssignImages,
    DeleteAttribute,
    DeleteConcept,
    EditAttribute,
    LockConcept,
    MoveAttribute,
    MuteConcept,
)
from kec_core.live import LiveState
from kec_core.types import BiAttribute, Concept, Knowledge, UniAttribute
from pages.concepts import actions
from pages.shared import markup, photo_picker, selection
from state import session
from state.project import Project
from state.revisions import Revision

ORDERS: dict[Order, str] = {"representative": "Typical", "boundary": "Nearly lost", "outlier": "Odd ones"}
MANY_ATTRIBUTES = 5
NOUNS = 12
NEIGHBOURS = 9


def draw(
    project: Project,
    revision: Revision,
    state: LiveState,
    photos: ConceptPhotos,
    images: Sequence[ImageRecord],
) -> None:
    """Draw the latest picked concept, by default the one with the most photos."""
    concept = actions.focus(state, photos)
    _head(project, state, photos, concept, images)
    _words(concept)
    typical, apart = st.columns(2, gap="medium")
    with typical:
        _typical(project, state.knowledge, concept)
    with apart:
        _apart(project, state, photos, concept)
    _photos(project, photos, concept, images)
    _neighbours(project, state, photos, concept)
    selection.draw(
        project, revision, hint="Click photos to pick them (Shift: a range), then say where they belong."
    )


def _head(
    project: Project,
    state: LiveState,
    photos: ConceptPhotos,
    concept: Concept,
    images: Sequence[ImageRecord],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(markup.plain(concept.name), anchor=False, width="content")
        for word, on in (("muted", concept.muted), ("locked", concept.locked)):
            if on:
                st.badge(word, color="gray")
        st.space("stretch")
        actions.steps(state, concept)
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Rename", key="concept_rename", icon=":material/edit:", shortcut="E", disabled=concept.locked
        ):
            actions.rename(project, concept)
        if st.button(
            "Split", key="concept_split", icon=":material/call_split:", shortcut="S", disabled=concept.locked
        ):
            actions.split(project, photos, concept, images)
        if st.button(
            "Test",
            key="concept_test",
            icon=":material/science:",
            shortcut="A",
            help="Type a phrase and see which photos it finds, before it becomes an attribute.",
        ):
            actions.test(project, concept, photos)
        _switches(project, concept)


def _switches(project: Project, concept: Concept) -> None:
    st.button(
        "Unmute" if concept.muted else "Mute",
        key="concept_mute",
        icon=":material/visibility:" if concept.muted else ":material/visibility_off:",
        shortcut="Delete",
        help="A muted concept pulls no photo; you can take it back at any time.",
        on_click=session.act,
        args=(project, [MuteConcept(concept=concept.id, muted=not concept.muted)]),
    )
    st.button(
        "Unlock" if concept.locked else "Lock",
        key="concept_lock",
        icon=":material/lock_open:" if concept.locked else ":material/lock:",
        shortcut="L",
        help="A locked concept is never renamed, merged, split, deleted or rebuilt.",
        on_click=session.act,
        args=(project, [LockConcept(concept=concept.id, locked=not concept.locked)]),
    )
    st.button(
        "Delete",
        key="concept_delete",
        icon=":material/delete:",
        disabled=concept.locked,
        help="Its photos go to the concepts that fit them next best. Undo brings it back.",
        on_click=session.act,
        args=(project, [DeleteConcept(concept=concept.id)]),
    )


def _words(concept: Concept) -> None:
    if concept.description:
        st.html(markup.note(concept.description))
    if concept.note:
        st.html(markup.note(concept.note))
    if concept.nouns:
        more = len(concept.nouns) - NOUNS
        words = [noun.word for noun in concept.nouns[:NOUNS]]
        st.html(markup.chips([*words, f"{more} more"] if more > 0 else words, label="made from"))


def _typical(project: Project, knowledge: Knowledge, concept: Concept) -> None:
    """What is typical of the concept, each line open to change."""
    st.markdown(
        "**What is typical**", help="Uni-attributes: visible in a photo, typical of this concept (U)."
    )
    mine = [a for a in knowledge.uni if a.concept == concept.id]
    for attribute in mine:
        _line(project, attribute)
    key = f"attribute_new_{concept.id}_{len(mine)}"
    st.text_input(
        "New attribute",
        key=key,
        placeholder="+ what can be seen, e.g. red-brown coat",
        label_visibility="collapsed",
        on_change=_add,
        args=(project, concept.id, key),
    )
    if len(mine) > MANY_ATTRIBUTES:
        st.html(markup.note(f"More than {MANY_ATTRIBUTES} attributes tend to blur a concept."))
    if mine:
        _move(project, knowledge, concept, mine)


def _add(project: Project, concept: str, key: str) -> None:
    text = str(session.widget(key) or "").strip()
    if text:
        actions.act_on(project, lambda: AddAttribute(concept=concept, text=text))


def _line(project: Project, attribute: UniAttribute | BiAttribute) -> None:
    key = f"attribute_{attribute.id}_{attribute.text}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text_input(
            f"Attribute {attribute.id}",
            value=attribute.text,
            key=key,
            label_visibility="collapsed",
            on_change=_change,
            args=(project, attribute.id, key),
        )
        st.button(
            "",
            key=f"attribute_delete_{attribute.id}",
            icon=":material/close:",
            type="tertiary",
            help="Delete this attribute",
            on_click=session.act,
            args=(project, [DeleteAttribute(attribute=attribute.id)]),
        )


def _change(project: Project, attribute: str, key: str) -> None:
    text = str(session.widget(key) or "").strip()
    actions.act_on(
        project,
        lambda: (
            EditAttribute(attribute=attribute, text=text) if text else DeleteAttribute(attribute=attribute)
        ),
    )


def _move(project: Project, knowledge: Knowledge, concept: Concept, mine: Sequence[UniAttribute]) -> None:
    with st.popover("Move to another concept", type="tertiary"):
        texts = {attribute.id: attribute.text for attribute in mine}
        others = {other.id: other.name for other in knowledge.concepts if other.id != concept.id}
        which = st.selectbox(
            "Attribute", list(texts), format_func=texts.__getitem__, key=f"move_what_{concept.id}"
        )
        where = st.selectbox(
            "Goes to", list(others), format_func=others.__getitem__, index=None, key=f"move_to_{concept.id}"
        )
        st.button(
            "Move",
            key="attribute_move",
            disabled=which is None or where is None,
            on_click=lambda: session.act(project, [MoveAttribute(attribute=which, concept=where)]),
        )


def _apart(project: Project, state: LiveState, photos: ConceptPhotos, concept: Concept) -> None:
    """What sets the concept apart from similar ones, by the other concept."""
    st.markdown(
        "**What sets it apart**",
        help="Bi-attributes: visible differences between two similar concepts (B).",
    )
    knowledge = state.knowledge
    pairs: dict[str, list[BiAttribute]] = {}
    for attribute in knowledge.bi:
        if concept.id in attribute.pair:
            pairs.setdefault(next(one for one in attribute.pair if one != concept.id), []).append(attribute)
    similar = [one for one in photos.similar(concept.id, 3) if one not in pairs]
    for other, attributes in pairs.items():
        with st.expander(
            f"from {markup.plain(knowledge.by_id[other].name)} ({len(attributes)})", key=f"pair_{other}"
        ):
            for attribute in attributes:
                _line(project, attribute)
            actions.pair_tools(project, concept, knowledge.by_id[other])
    for other in similar:
        with st.expander(f"from {markup.plain(knowledge.by_id[other].name)} (none yet)", key=f"pair_{other}"):
            actions.pair_tools(project, concept, knowledge.by_id[other])
    if not pairs and not similar:
        st.html(markup.note("There is no other concept to tell it from."))


def _neighbours(project: Project, state: LiveState, photos: ConceptPhotos, concept: Concept) -> None:
    """With photos picked: the similar concepts, each a key away."""
    picked = session.selection().images
    if not picked:
        return
    with st.container(horizontal=True, gap="small", key="neighbours"):
        st.caption("They belong to", width="content")
        for number, other in enumerate(photos.similar(concept.id, NEIGHBOURS), start=1):
            st.button(
                markup.plain(state.knowledge.by_id[other].name),
                key=f"neighbour_{other}",
                type="tertiary",
                shortcut=str(number),
                on_click=session.act,
                args=(project, [AssignImages(images=picked, concept=other)]),
            )


def _photos(project: Project, photos: ConceptPhotos, concept: Concept, images: Sequence[ImageRecord]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        order = st.segmented_control(
            "Order of the photos",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            default="representative",
            required=True,
            key="concept_order",
            label_visibility="collapsed",
            persist_state="session",
            help="Typical: surest first. Nearly lost: another concept fits almost as well (boundary). Odd ones: least like the others (outliers).",
        )
    rows = photos.rows(concept.id, order)
    if not len(rows):
        reason = (
            "It is muted, so it has no photos."
            if concept.muted
            else "No photo fits this concept better than another one."
        )
        st.html(markup.note(reason))
        return
    photo_picker.draw(
        project,
        [images[row] for row in rows],
        key=f"concept_photos_{concept.id}_{order}",
        label=f"Photos of {concept.name}",
    )
