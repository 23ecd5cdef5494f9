"""The attributes of a concept, each line open to change: what is typical of it, and what sets it apart from similar ones."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.edits import (
    AddAttribute,
    AddPairAttribute,
    DeleteAttribute,
    EditAttribute,
    MoveAttribute,
)
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import BiAttribute, Concept, Knowledge, UniAttribute
from pages.concepts import actions
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session, ui
from state.project.project import Project

MANY = 5
"""More attributes of one concept than this tend to blur it."""


def typical(project: Project, knowledge: Knowledge, concept: Concept) -> None:
    """What is typical of the concept, each line open to change."""
    st.markdown(
        "**What is typical**", help="Uni-attributes: visible in a photo, typical of this concept (U)."
    )
    mine = [a for a in knowledge.uni if a.concept == concept.id]
    for attribute in mine:
        _line(project, attribute)
    key = f"attribute_new_{concept.id}"
    st.text_input(
        "New attribute",
        key=key,
        placeholder="+ e.g. red-brown coat",
        label_visibility="collapsed",
        on_change=_add,
        args=(project, concept.id, key),
    )
    if len(mine) > MANY:
        ui.note(f"More than {MANY} attributes tend to blur a concept.")
    if mine:
        _move(project, knowledge, concept, mine)


def _add(project: Project, concept: str, key: str) -> None:
    text = str(session.widget(key) or "").strip()
    if text and actions.act_on(project, lambda: AddAttribute(concept=concept, text=text)):
        session.set_widget(key, "")


def _line(project: Project, attribute: UniAttribute | BiAttribute) -> None:
    key = f"attribute_{attribute.id}_{attribute.text}"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text_input(
            f"Attribute {attribute.id}",
            value=attribute.text,
            key=key,
            label_visibility="collapsed",
            on_change=_change,
            args=(project, attribute, key),
        )
        st.button(
            "",
            key=f"attribute_delete_{attribute.id}",
            icon=":material/close:",
            type="tertiary",
            help="Delete this attribute",
            on_click=editing.act,
            args=(project, [DeleteAttribute(attribute=attribute.id)]),
        )


def _change(project: Project, attribute: UniAttribute | BiAttribute, key: str) -> None:
    """Take over a changed line; an interrupted run may report a line as changed that only came into view."""
    text = str(session.widget(key) or "").strip()
    if text == attribute.text:
        return
    actions.act_on(
        project,
        lambda: (
            EditAttribute(attribute=attribute.id, text=text)
            if text
            else DeleteAttribute(attribute=attribute.id)
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
        edits = [MoveAttribute(attribute=which, concept=where)] if which and where else []
        st.button(
            "Move", key="attribute_move", disabled=not edits, on_click=editing.act, args=(project, edits)
        )


def apart(view: View, concept: Concept) -> None:
    """What sets the concept apart from similar ones, by the other concept."""
    st.markdown(
        "**What sets it apart**",
        help="Bi-attributes: visible differences between two similar concepts (B).",
    )
    project, knowledge = view.project, view.state.knowledge
    names = unique_names(knowledge)
    pairs: dict[str, list[BiAttribute]] = {}
    for attribute in knowledge.bi:
        if concept.id in attribute.pair:
            pairs.setdefault(next(one for one in attribute.pair if one != concept.id), []).append(attribute)
    similar = [one for one in view.photos.similar(concept.id, 3) if one not in pairs]
    for other, attributes in pairs.items():
        with st.expander(f"from {markup.plain(names[other])} ({len(attributes)})", key=f"pair_{other}"):
            for attribute in attributes:
                _line(project, attribute)
            _new_pair_line(project, concept, knowledge.by_id[other])
    for other in similar:
        with st.expander(f"from {markup.plain(names[other])} (none yet)", key=f"pair_{other}"):
            _new_pair_line(project, concept, knowledge.by_id[other])
    if not pairs and not similar:
        ui.note("There is no other concept to tell it from.")


def _new_pair_line(project: Project, first: Concept, second: Concept) -> None:
    """A line to add what sets two concepts apart."""
    key = f"pair_new_{first.id}_{second.id}"
    st.text_input(
        "What sets them apart",
        key=key,
        placeholder="+ e.g. longer tail",
        label_visibility="collapsed",
        on_change=_add_pair,
        args=(project, first.id, second.id, key),
    )


def _add_pair(project: Project, first: str, second: str, key: str) -> None:
    text = str(session.widget(key) or "").strip()
    if text and actions.act_on(project, lambda: AddPairAttribute(concepts=(first, second), text=text)):
        session.set_widget(key, "")


def left_out(project: Project, knowledge: Knowledge, concept: Concept) -> None:
    """What was proposed and not taken since the photos do not confirm it, each with why and a way to take it."""
    own = {text.casefold() for text in knowledge.attributes_of(concept.id)}
    found = {a.text.casefold(): a for a in knowledge.left_out if a.concept == concept.id}
    missing = [attribute for text, attribute in found.items() if text not in own]
    if not missing:
        return
    names = unique_names(knowledge)
    with st.expander(f"Left out ({len(missing)})", key=f"left_out_{concept.id}"):
        ui.note(
            "Proposed, but they do not tell its photos from others. 50% is chance: as often right as wrong."
        )
        for attribute in missing:
            others = names.get(attribute.against, "similar concepts")
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                ui.note(
                    f"{attribute.text}: {attribute.auc:.0%} right between its photos and those of {others}"
                )
                st.button(
                    "Take it",
                    key=f"left_out_take_{concept.id}_{attribute.text}",
                    type="tertiary",
                    on_click=editing.act,
                    args=(project, [AddAttribute(concept=concept.id, text=attribute.text)]),
                )
