"""The concepts as a tree of groups; what is picked here is picked on every page (ux.md 5.1, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.errors import KecError
from kec_core.knowledge.edits import AddGroup, DeleteGroup, MoveGroup, RenameGroup, SetGroup
from kec_core.types import Concept, Group, Knowledge
from pages import _html, _panel
from pages._panel import View
from state import session
from state.project import Project
from state.workbench import Workbench

UNCLEAR = 0.02
"""Lead of a photo's best concept over the second up to which it has no clear one [R]."""
TOP = ""
"""Stands for the top of the tree where a group is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """What lies in what; "" is the top."""

    groups: dict[str, tuple[Group, ...]]
    concepts: dict[str, tuple[Concept, ...]]


def draw(project: Project, bench: Workbench) -> None:
    """Draw groups with their concepts to pick from, and what can be done with groups."""
    view = _panel.look(project, bench)
    tree = _tree(view)
    _unclear(view)
    for group in tree.groups.get(TOP, ()):
        _group(view, tree, group)
    rest = tree.concepts.get(TOP, ())
    if rest:
        _pills(view, TOP, rest, "Not in a group" if tree.groups else "All concepts")
    if not tree.groups:
        st.html(
            _html.note(
                "Pick concepts that belong together and make a group of them; the groups help you find them."
            )
        )
    _actions(view)


def _tree(view: View) -> _Tree:
    """Concepts with many photos first, groups as they were made; what names a lost group is at the top."""
    knowledge = view.state.knowledge
    known = {group.id for group in knowledge.groups}
    groups: dict[str, list[Group]] = {}
    concepts: dict[str, list[Concept]] = {}
    for group in knowledge.groups:
        groups.setdefault(group.parent if group.parent in known else TOP, []).append(group)
    for concept in sorted(knowledge.concepts, key=lambda one: (-view.count(one.id), one.name.casefold())):
        concepts.setdefault(concept.group if concept.group in known else TOP, []).append(concept)
    return _Tree(
        groups={parent: tuple(some) for parent, some in groups.items()},
        concepts={group: tuple(some) for group, some in concepts.items()},
    )


def _unclear(view: View) -> None:
    """A way to the photos that no concept clearly wins."""
    rows = view.photos.unclear(UNCLEAR)
    st.button(
        f"{_html.count(len(rows), 'photo')} with no clear concept",
        key="tree_unclear",
        type="tertiary",
        icon=":material/help_center:",
        disabled=not len(rows),
        help=f"Two concepts fit them almost equally well (best and second posterior ω differ by less than {UNCLEAR:g}). "
        "Press to pick them.",
        on_click=lambda: session.select(images=[view.images[row].id for row in rows]),
    )


def _group(view: View, tree: _Tree, group: Group) -> None:
    """One group with the groups in it, closed or open as the person left it."""
    label = f"**{_html.plain(group.name)}** · {_html.count(_photos(view, tree, group.id), 'photo')}"
    with st.expander(label, expanded=True, key=f"tree_group_{group.id}"):
        for child in tree.groups.get(group.id, ()):
            _group(view, tree, child)
        concepts = tree.concepts.get(group.id, ())
        if concepts:
            _pills(view, group.id, concepts, f"Concepts in {_html.plain(group.name)}", visible=False)
        elif group.id not in tree.groups:
            st.html(_html.note("Empty: pick concepts and move them here."))


def _photos(view: View, tree: _Tree, group: str) -> int:
    own = sum(view.count(concept.id) for concept in tree.concepts.get(group, ()))
    return own + sum(_photos(view, tree, child.id) for child in tree.groups.get(group, ()))


def _pills(view: View, group: str, concepts: Sequence[Concept], label: str, *, visible: bool = True) -> None:
    """The concepts of one group, one widget for all of them."""
    ids = [concept.id for concept in concepts]
    picked = set(session.selection().concepts)
    labels = {concept.id: _label(view, concept) for concept in concepts}
    key = f"tree_{group}_{view.state.knowledge.fingerprint[:8]}_{session.selection_epoch()}"
    st.pills(
        label,
        ids,
        selection_mode="multi",
        default=[one for one in ids if one in picked],
        format_func=labels.__getitem__,
        key=key,
        label_visibility="visible" if visible else "collapsed",
        on_change=_pick,
        args=(key, ids),
    )


def _label(view: View, concept: Concept) -> str:
    marks = "".join(
        f" {icon}"
        for icon, on in ((":material/lock:", concept.locked), (":material/visibility_off:", concept.muted))
        if on
    )
    return f"{_html.plain(concept.name)} · {view.count(concept.id):,}{marks}"


def _pick(key: str, ids: Sequence[str]) -> None:
    """Take over what is picked in one group; picks in other groups stay."""
    chosen = session.widget(key)
    mine = [one for one in ids if isinstance(chosen, list | tuple) and one in chosen]
    others = [one for one in session.selection().concepts if one not in ids]
    session.select(concepts=[*others, *mine], from_widget=True)


# --- what can be done with groups


def _actions(view: View) -> None:
    knowledge = view.state.knowledge
    picked = [one for one in session.selection().concepts if one in knowledge.by_id]
    with st.container(horizontal=True):
        with st.popover("New group", icon=":material/create_new_folder:", key="tree_new"):
            _new(view.project, knowledge, picked)
        if knowledge.groups:
            with st.popover(
                "Move to", icon=":material/drive_file_move:", key="tree_move", disabled=not picked
            ):
                _move(view.project, knowledge, picked)
            with st.popover("Change a group", icon=":material/folder_managed:", key="tree_change"):
                _change(view.project, knowledge)


def _new(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    key = f"tree_new_name_{len(knowledge.groups)}"
    st.text_input("Name of the group", key=key, placeholder="for example: animals")
    st.button(
        f"Make it of {_html.count(len(picked), 'picked concept')}" if picked else "Make an empty group",
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
    session.act(project, edits)


def _move(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    group = _choice("Move the picked concepts to", knowledge, "tree_move_to")
    st.button(
        f"Move {_html.count(len(picked), 'concept')}",
        key="tree_move_ok",
        type="primary",
        on_click=session.act,
        args=(project, [SetGroup(concepts=tuple(picked), group=group)] if picked else []),
    )


def _change(project: Project, knowledge: Knowledge) -> None:
    names = {group.id: group.name for group in knowledge.groups}
    group = st.selectbox("Group", list(names), format_func=names.__getitem__, key="tree_group")
    key = f"tree_rename_{group}_{names[group]}"
    st.text_input("Name", names[group], key=key, on_change=_rename, args=(project, group, key))
    parent = next(one.parent for one in knowledge.groups if one.id == group)
    inside = _choice("Lies in", knowledge, f"tree_parent_{group}_{parent}", without=group, chosen=parent)
    if inside != parent:
        st.button(
            "Move the group",
            key="tree_parent_ok",
            type="primary",
            on_click=session.act,
            args=(project, [MoveGroup(group=group, parent=inside)]),
        )
    st.button(
        "Dissolve the group",
        key="tree_dissolve",
        icon=":material/folder_delete:",
        help="What it holds moves up to where it was; no concept is lost.",
        on_click=session.act,
        args=(project, [DeleteGroup(group=group)]),
    )


def _rename(project: Project, group: str, key: str) -> None:
    name = str(session.widget(key) or "").strip()
    if name:
        session.act(project, [RenameGroup(group=group, name=name)])


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
