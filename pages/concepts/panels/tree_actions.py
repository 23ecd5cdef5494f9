"""What can be done with the groups of the concept tree: make, move, rename, dissolve, propose, count as one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.errors import KecError, ResourceMissing
from kec_core.knowledge.edits import (
    AddGroup,
    CollapseGroup,
    DeleteGroup,
    MoveGroup,
    RenameGroup,
    SetGroup,
)
from kec_core.knowledge.tree import concept_tree
from kec_core.types import Group, Knowledge
from pages.concepts import actions
from pages.concepts.panels import workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session
from state.project.project import Project

TOP = ""
"""Stands for the top of the tree where a group is chosen."""
CONCEPTS = "concepts"
"""Stands for the level at which every concept counts for itself."""


def draw(view: View, levels: Sequence[Sequence[Group]]) -> None:
    """Draw the actions.

    Args:
        view: what is looked at.
        levels: the groups at the top, those in them, and so on.
    """
    knowledge = view.state.knowledge
    own = {concept.id for concept in knowledge.concepts}
    picked = [one for one in session.selection().concepts if one in own]
    if levels:
        _level(view.project, levels)
    with st.container(horizontal=True, gap="small"):
        with st.popover("New group", icon=":material/create_new_folder:", key="tree_new"):
            _new(view.project, knowledge, picked)
        if knowledge.groups:
            with st.popover(
                "Move to", icon=":material/drive_file_move:", key="tree_move", disabled=not picked
            ):
                _move(view.project, knowledge, picked)
            with st.popover("Change a group", icon=":material/folder_managed:", key="tree_change"):
                _change(view.project, knowledge)
        st.button(
            "Group automatically",
            key="tree_automatic",
            icon=":material/account_tree:",
            help="By what the concepts' meanings have in common (WordNet's hypernyms), else by how alike their texts are. "
            "Groups that you made or changed stay.",
            on_click=_group_automatically,
            args=(view,),
        )


def _group_automatically(view: View) -> None:
    try:
        dictionary = workbench_view.wordnet()
    except ResourceMissing:  # then the concepts' texts tell what is alike
        dictionary = None
    edit = concept_tree(view.state.knowledge, view.state.collection.encode, dictionary)
    if edit.groups:
        editing.act(view.project, [edit])
    else:
        session.notice("The concepts have nothing in common that would make a group.")


# --- the level that counts


def _level(project: Project, levels: Sequence[Sequence[Group]]) -> None:
    """Whether each concept counts for itself, or a whole group as one."""
    names = {str(depth): f"Groups, level {depth + 1}" for depth in range(len(levels))}
    if len(levels) == 1:
        names = {"0": "Groups"}
    names[CONCEPTS] = "Concepts"
    collapsed = sorted(group.id for level in levels for group in level if group.collapsed)
    key = f"tree_level_{len(levels)}_{'_'.join(collapsed)}"
    st.segmented_control(
        "Tell the photos apart by",
        list(names),
        format_func=names.__getitem__,
        default=present_level(levels),
        key=key,
        help="By groups: all concepts of a group count as one. Ask for fewer clusters then, too.",
        on_change=_set_level,
        args=(project, levels, key),
    )


def present_level(levels: Sequence[Sequence[Group]]) -> str | None:
    """The level that counts now; None when groups of several levels count as one, or some of a level."""
    if not any(group.collapsed for level in levels for group in level):
        return CONCEPTS
    for depth, level in enumerate(levels):
        others = [group for other in levels if other is not level for group in other]
        if all(group.collapsed for group in level) and not any(group.collapsed for group in others):
            return str(depth)
    return None


def _set_level(project: Project, levels: Sequence[Sequence[Group]], key: str) -> None:
    chosen = str(session.widget(key) or CONCEPTS)
    wanted = {group.id for group in levels[int(chosen)]} if chosen != CONCEPTS else set()
    edits = [
        CollapseGroup(group=group.id, collapsed=group.id in wanted)
        for level in levels
        for group in level
        if group.collapsed != (group.id in wanted)
    ]
    if edits:
        editing.act(project, edits)


# --- single groups


def _new(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    key = f"tree_new_name_{len(knowledge.groups)}"
    st.text_input(
        "Name of the group",
        key=key,
        placeholder="for example: animals",
        help="Groups may lie in groups, as deep as you like: see Change a group, Lies in.",
    )
    st.button(
        f"Make it of {markup.count(len(picked), 'picked concept')}" if picked else "Make an empty group",
        key="tree_new_ok",
        type="primary",
        on_click=_make,
        args=(project, key, picked),
    )


def _make(project: Project, key: str, picked: Sequence[str]) -> None:
    name = str(session.widget(key) or "").strip()
    try:
        edits = [AddGroup(name=name), *([SetGroup(concepts=tuple(picked), group=name)] if picked else [])]
    except KecError as error:
        session.refuse(f"The group was not made: {error}")
        return
    editing.act(project, edits)


def _move(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    group = _choice("Move the picked concepts to", knowledge, "tree_move_to")
    st.button(
        f"Move {markup.count(len(picked), 'concept')}",
        key="tree_move_ok",
        type="primary",
        on_click=editing.act,
        args=(project, [SetGroup(concepts=tuple(picked), group=group)] if picked else []),
    )


def _change(project: Project, knowledge: Knowledge) -> None:
    names = {group.id: group.name for group in knowledge.groups}
    group = st.selectbox("Group", list(names), format_func=names.__getitem__, key="tree_group")
    key = f"tree_rename_{group}_{names[group]}"
    st.text_input("Name", names[group], key=key, on_change=_rename, args=(project, group, names[group], key))
    parent = next(one.parent for one in knowledge.groups if one.id == group)
    inside = _choice("Lies in", knowledge, f"tree_parent_{group}_{parent}", without=group, chosen=parent)
    if inside != parent:
        st.button(
            "Move the group",
            key="tree_parent_ok",
            type="primary",
            on_click=editing.act,
            args=(project, [MoveGroup(group=group, parent=inside)]),
        )
    is_one = next(one.collapsed for one in knowledge.groups if one.id == group)
    one_key = f"tree_one_{group}_{is_one}"
    st.toggle(
        "Counts as one concept",
        is_one,
        key=one_key,
        help="The photos are no longer told apart by the concepts in it (the group is collapsed).",
        on_change=_collapse,
        args=(project, group, is_one, one_key),
    )
    st.button(
        "Dissolve the group",
        key="tree_dissolve",
        icon=":material/folder_delete:",
        help="What it holds moves up to where it was; no concept is lost.",
        on_click=editing.act,
        args=(project, [DeleteGroup(group=group)]),
    )


def _rename(project: Project, group: str, now: str, key: str) -> None:
    name = str(session.widget(key) or "").strip()
    if name not in ("", now):
        actions.act_on(project, lambda: RenameGroup(group=group, name=name))


def _collapse(project: Project, group: str, is_one: bool, key: str) -> None:
    if bool(session.widget(key)) != is_one:
        editing.act(project, [CollapseGroup(group=group, collapsed=not is_one)])


def _choice(label: str, knowledge: Knowledge, key: str, *, without: str = "", chosen: str = TOP) -> str:
    """A group, or the top."""
    names = {TOP: "the top", **{group.id: group.name for group in knowledge.groups if group.id != without}}
    places = list(names)
    found: str = st.selectbox(
        label,
        places,
        index=places.index(chosen) if chosen in names else 0,
        format_func=names.__getitem__,
        key=key,
    )
    return found
