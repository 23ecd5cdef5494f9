"""Edits of groups from any page: done at once or collected, and said in passing with how many photos moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from kec_core.errors import KecError
from kec_core.knowledge.edit_base import Edit
from kec_core.knowledge.edit_clusters import MergeClusters, MovePhotos, NewCluster
from kec_core.knowledge.edit_sorting import NONE
from kec_core.knowledge.unique_names import says_unclear
from pages.shared import cached, editing, markup, session, ui
from state.project.project import Project
from state.revisions.clusterings import load_clustering
from state.revisions.overview import ClusterCard, load_overview
from state.revisions.revisions import Revision
from state.work.workbench import Preview

NUMBERED = 9
"""Groups that a key leads to."""
SHOWN_FOLLOWERS = 12
_NAME, _FOLLOW, _TO = "group_name", "group_follow", "group_to"
_NEW, _ORDER = "group_new", "group_order"


def act(project: Project, edit: Edit) -> bool:
    """Make an edit and say what it did; a widget's callback.

    Returns:
        Whether it was done or collected; else the person was told why not.
    """
    found = editing.preview(project, [edit])
    if found is None:
        return False
    editing.act(project, [edit])
    if session.was_refused():
        return False
    moved = markup.count(len(found.impact.moved), "photo")
    if editing.staged():
        session.notice(f"Collected: {found.said[-1]} Apply it on the Concepts page.")
    else:
        session.notice(f"{found.said[-1]} {moved} moved. Undo: Z")
    return True


def written(make: Callable[[], Edit | None]) -> Edit | None:
    """The edit that the words in some fields make; None, with the reason beside them, when they cannot be one."""
    try:
        return make()
    except KecError as error:
        ui.error(error)
        return None


def tried(project: Project, edit: Edit) -> Preview | None:
    """What an edit would do; when it does not fit, says why here, beside the field, and gives None."""
    try:
        return editing.workbench(project).preview((*editing.staged(), edit))
    except KecError as error:
        ui.error(error)
        return None


def merging(cards: Sequence[ClusterCard]) -> MergeClusters:
    """The edit that makes groups one with the name of the first; a first one that no word fits gives none."""
    name = "" if says_unclear(cards[0].name) else cards[0].name
    return MergeClusters(clusters=tuple(card.id for card in cards), name=name)


def nearest_first(project: Project, revision: Revision, here: int | None) -> list[ClusterCard]:
    """All groups but the one that is looked at, those most like it first.

    While one group is looked at they keep their places, whatever is moved: a key goes on meaning the same group.
    """
    cards = {card.id: card for card in cached.cards(project, revision) if card.id != here}
    before = session.widget(_ORDER)
    known = before[1] if isinstance(before, tuple) and before[0] == (str(project.folder), here) else ()
    kept = [one for one in known if one in cards]
    order = [*kept, *_by_nearness(project, revision, here, [one for one in cards if one not in kept])]
    session.set_widget(_ORDER, ((str(project.folder), here), tuple(order)))
    return [cards[one] for one in order]


def _by_nearness(project: Project, revision: Revision, here: int | None, clusters: list[int]) -> list[int]:
    """Clusters with those most like one of them first; as they come when none is looked at."""
    if here is None or not clusters:
        return clusters
    centroids = np.asarray(load_clustering(project, revision).centroids)
    if here >= len(centroids):
        return clusters
    nearness = centroids @ centroids[here]
    return sorted(clusters, key=lambda one: -float(nearness[one]))


def whence(project: Project, revision: Revision, rows: Sequence[int]) -> str:
    """In which groups photos are now, most of them first: ``5 in guitar, 6 in fruit``."""
    labels = load_overview(project, revision).labels
    name_of = cached.cluster_names(project, revision)
    counts = Counter(labels[list(rows)].tolist()).most_common()
    said = [f"{count:,} in {name_of(cluster)}" for cluster, count in counts[:3]]
    rest = sum(count for _, count in counts[3:])
    return ", ".join([*said, *([f"{rest:,} elsewhere"] if rest else [])])


def draw(project: Project, revision: Revision, picked: Sequence[str], *, here: int | None) -> None:
    """What can be done with picked photos: a group of their own, or another group, on keys 1 to 9.

    The buttons are there while nothing is picked too: photos can be dragged onto them.

    Args:
        project: which.
        revision: the one that is shown.
        picked: image ids.
        here: the cluster that is looked at; photos are not moved to it.
    """
    cards = nearest_first(project, revision, here)
    with st.container(horizontal=True, vertical_alignment="center", key="group_actions"):
        popover = st.popover(
            "New group",
            icon=":material/add:",
            type="primary",
            key=_NEW,
            on_change="rerun",
            disabled=not picked,
        )
        if popover.open and picked:
            with popover:
                _new(project, revision, picked)
        st.caption("Move to", width="content")
        for number, card in enumerate(cards[:NUMBERED], start=1):
            st.button(
                markup.plain(card.name),
                key=f"group_move_{card.id}",
                type="tertiary",
                shortcut=str(number),
                disabled=not picked,
                on_click=move,
                args=(project, picked, card.id),
                help=f"{markup.plain(card.name)}, {markup.count(card.size, 'photo')}. Photos can be dragged here too.",
            )
        if len(cards) > NUMBERED:
            _other(project, picked, cards)
        st.button(
            "No group",
            key="group_none",
            type="tertiary",
            disabled=not picked,
            help=f"These photos are in none of the groups: they go into one called “{NONE}”.",
            on_click=_into_none,
            args=(project, revision, picked),
        )


def _new(project: Project, revision: Revision, picked: Sequence[str]) -> None:
    name = st.text_input("Name of the group", key=_NAME, placeholder="may stay empty")
    edit = written(partial(NewCluster, images=tuple(picked), name=name))
    found = None if edit is None else tried(project, edit)
    if found is not None:
        _say_taken(project, revision, name)
    take = True
    follow = [] if found is None else found.follow.tolist()
    if follow:
        take = st.checkbox(f"{len(follow):,} more like these would follow", value=True, key=_FOLLOW)
        images = cached.images(project, revision.scan)
        shown = [images[row] for row in follow[:SHOWN_FOLLOWERS]]
        ui.photos(project, shown, size="strip", label="Photos that would follow")
    st.button(
        f"Make a group of {len(picked) + (len(follow) if take else 0):,}",
        key="group_make",
        type="primary",
        disabled=found is None,
        on_click=_make,
        args=(project, tuple(picked)),
    )


def _say_taken(project: Project, revision: Revision, name: str) -> None:
    """That a group is called so already, which will have to give way."""
    wanted = " ".join(name.split()).casefold()
    for card in cached.cards(project, revision):
        if card.name.casefold() == wanted:
            ui.note(
                f"“{card.name}” is a group already, and would get a number: to put these photos there, move them."
            )


def _make(project: Project, picked: tuple[str, ...]) -> None:
    """With the name as it is now: Enter presses the button before the popover was drawn with what was typed."""
    name, follow = str(session.widget(_NAME) or ""), session.widget(_FOLLOW) is not False
    with ui.refusals():
        if act(project, NewCluster(images=picked, name=name, follow=follow)):
            session.clear_selection()
            session.set_widget(_NAME, "")
            session.set_widget(_NEW, False)


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
        width=180,
        disabled=not picked,
        on_change=_chosen,
        args=(project, picked),
    )


def _chosen(project: Project, picked: Sequence[str]) -> None:
    cluster = session.widget(_TO)
    if isinstance(cluster, int):
        move(project, picked, cluster)
        session.set_widget(_TO, None)


def move(project: Project, picked: Sequence[str], cluster: int) -> None:
    """Put photos into a group; nothing is picked afterwards."""
    if act(project, MovePhotos(images=tuple(picked), cluster=cluster)):
        session.clear_selection()


def _into_none(project: Project, revision: Revision, picked: Sequence[str]) -> None:
    """Put photos into the group of those that belong nowhere, which is made when there is none."""
    there = [card.id for card in cached.cards(project, revision) if card.name.casefold() == NONE]
    if there:
        move(project, picked, there[0])
    elif act(project, NewCluster(images=tuple(picked), name=NONE, follow=False)):
        session.clear_selection()
