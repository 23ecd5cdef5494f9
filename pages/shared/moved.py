"""The photos that an edit moved, or would move: from which group to which; and the line that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from kec_core.arrays import IntVector
from kec_core.knowledge.edits import RenameCluster, SetClusterDone, parse_edit
from kec_core.photos.images import ImageRecord
from kec_core.result.impact import Flow, moves
from pages.shared import cached, editing, gallery, markup, ui
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

FLOWS_PER_PAGE = 4
NAMED = 2
"""Groups with another name that the line tells."""


def bar(project: Project, revision: Revision) -> None:
    """What the latest edit did: in words, how many photos moved, See and Undo; nothing after a run."""
    parent = None if revision.parent is None else revisions.get(project, revision.parent)
    if parent is None or not revision.edits or parent.scan != revision.scan:
        return
    old, new = (np.asarray(load_overview(project, one).labels) for one in (parent, revision))
    rows, flows = moves(old, new)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="latest_edit"):
        st.badge(revision.id, color="green", icon=":material/check:")
        ui.note(revision.note, width="content")
        if len(rows) or not _is_a_name(revision):
            ui.note(f"{markup.count(len(rows), 'photo')} moved", width="content")
        if changed := renamed(project, parent, revision):
            ui.note(changed, width="content")
        if len(rows) and st.button("See", key="see_moved", type="tertiary", icon=":material/visibility:"):
            names = cached.cluster_names(project, parent), cached.cluster_names(project, revision)
            see(project, cached.images(project, revision.scan), (old, new), flows, names)
        st.button(
            "Undo",
            key="latest_undo",
            type="tertiary",
            icon=":material/undo:",
            on_click=editing.undo,
            args=(project,),
        )


def _is_a_name(revision: Revision) -> bool:
    """Whether its edits say nothing of where photos are, so that nobody expects one to move."""
    return all(isinstance(parse_edit(edit), (RenameCluster, SetClusterDone)) for edit in revision.edits)


def renamed(project: Project, parent: Revision, revision: Revision) -> str:
    """Which groups are called otherwise since, though nobody gave them the name; "" for none."""
    given = {kept.id for kept in revision.knowledge.kept if kept.name}
    before = {card.id: card.name for card in cached.cards(project, parent)}
    said = [
        f"“{before[card.id]}” is now called “{card.name}”"
        for card in cached.cards(project, revision)
        if card.id not in given and before.get(card.id, card.name) != card.name
    ]
    more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return "; ".join(said[:NAMED]) + more


@ui.dialog("Photos that move", width="large")
def see(
    project: Project,
    images: Sequence[ImageRecord],
    labels: tuple[IntVector, IntVector],
    flows: Sequence[Flow],
    names: tuple[Callable[[int], str], Callable[[int], str]],
) -> None:
    """All photos that move, by where from and where to, some flows at a time.

    Args:
        project: whose.
        images: all photos, by row.
        labels: int32 (N,), before and after, under the same ids.
        flows: largest first.
        names: of the groups before, and after.
    """
    old, new = labels
    for flow in flows[gallery.turn("page_flows", len(flows), FLOWS_PER_PAGE)]:
        rows = np.flatnonzero((old == flow.source) & (new == flow.target))
        title = (
            f"{markup.count(flow.photos, 'photo')} from {names[0](flow.source)} to {names[1](flow.target)}"
        )
        ui.card(title)
        key = f"flow_{flow.source}_{flow.target}"
        gallery.paged(project, [images[row] for row in rows.tolist()], key=key, label=title)
