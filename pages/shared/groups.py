"""Edits of groups from any page: done at once or collected, and said in passing with how many photos moved."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.edit_clusters import ClusterEdit, MovePhotos, NewCluster
from pages.shared import cached, markup, session
from state.project.project import Project
from state.revisions.overview import ClusterCard
from state.revisions.revisions import Revision

NUMBERED = 9
"""Groups that a key leads to."""
_NAME, _FOLLOW, _TO = "group_name", "group_follow", "group_to"


def act(project: Project, edit: ClusterEdit) -> None:
    """Make an edit of groups and say what it did; a widget's callback."""
    tried = session.preview(project, [edit])
    if tried is None:
        return
    session.act(project, [edit])
    if session.was_refused() or session.staged():
        return
    moved = markup.count(len(tried.impact.moved), "photo")
    session.notice(f"{tried.said[-1]} {moved} moved. Undo: Z")


def draw(project: Project, revision: Revision, picked: Sequence[str], *, here: int | None) -> None:
    """What can be done with picked photos: a group of their own, or another group, on keys 1 to 9.

    Args:
        project: which.
        revision: the one that is shown.
        picked: image ids, at least one.
        here: the cluster that is looked at; photos are not moved to it.
    """
    cards = [card for card in cached.cards(project, revision) if card.id != here]
    with st.container(horizontal=True, vertical_alignment="center", key="group_actions"):
        with st.popover("New group of these", icon=":material/add:", type="primary", key="group_new"):
            _new(project, picked)
        st.caption("Move to", width="content")
        for number, card in enumerate(cards[:NUMBERED], start=1):
            st.button(
                f"{number} {markup.plain(card.name)}",
                key=f"group_move_{card.id}",
                type="tertiary",
                shortcut=str(number),
                on_click=_move,
                args=(project, picked, card.id),
                help=markup.count(card.size, "photo"),
            )
        if len(cards) > NUMBERED:
            _other(project, picked, cards)


def _new(project: Project, picked: Sequence[str]) -> None:
    name = st.text_input("Name of the group", key=_NAME, placeholder="may stay empty")
    edit = NewCluster(images=tuple(picked), name=name)
    tried = session.preview(project, [edit])
    follow = 0 if tried is None else len(tried.follow)
    take = True
    if follow:
        take = st.checkbox(f"{follow} more like these would follow", value=True, key=_FOLLOW)
    st.button(
        f"Make a group of {len(picked) + (follow if take else 0):,}",
        key="group_make",
        type="primary",
        on_click=_make,
        args=(project, edit.model_copy(update={"follow": take})),
    )


def _make(project: Project, edit: NewCluster) -> None:
    act(project, edit)
    if not session.was_refused():
        session.clear_selection()
        session.set_widget(_NAME, "")


def _other(project: Project, picked: Sequence[str], cards: Sequence[ClusterCard]) -> None:
    names = {card.id: card.name for card in cards}
    st.selectbox(
        "Another group",
        sorted(names, key=lambda one: names[one].casefold()),
        index=None,
        format_func=lambda one: markup.printable(names[one]),
        placeholder="Another group",
        key=_TO,
        label_visibility="collapsed",
        width=200,
        on_change=_chosen,
        args=(project, picked),
    )


def _chosen(project: Project, picked: Sequence[str]) -> None:
    cluster = session.widget(_TO)
    if isinstance(cluster, int):
        _move(project, picked, cluster)
        session.set_widget(_TO, None)


def _move(project: Project, picked: Sequence[str], cluster: int) -> None:
    act(project, MovePhotos(images=tuple(picked), cluster=cluster))
    if not session.was_refused():
        session.clear_selection()
