"""Splitting a group, and merging it with another one: each shows the photos of both sides before it happens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from kec_core.knowledge.edit_base import Edit
from kec_core.knowledge.edit_clusters import NewCluster, SplitCluster
from kec_core.photos.images import ImageRecord
from pages.shared import cached, groups, markup, session, ui
from state.project.project import Project
from state.revisions.overview import ClusterCard, load_overview
from state.revisions.revisions import Revision
from state.work.workbench import Preview

EVIDENCE = 12
MOST_PARTS = 6
WIDE = 3
"""Up to so many parts side by side have room for six photos in a row."""
WAYS = {"looks": "By looks", "picked": "By picked photos", "words": "By words"}


@ui.dialog("Split", width="large")
def split(project: Project, revision: Revision, card: ClusterCard) -> None:
    """In parts by looks, by the photos that are picked in it, or by words."""
    close_when_done()
    way = ui.choose("How", WAYS, key="split_way", labelled=True, lasting=False)
    edit, hint = {"looks": _by_looks, "picked": _by_picked, "words": _by_words}[way](project, revision, card)
    _decide(project, revision, edit, "Split", hint)


def _by_looks(_project: Project, _revision: Revision, card: ClusterCard) -> tuple[Edit | None, str]:
    most = min(MOST_PARTS, card.size)
    count = st.segmented_control(
        "Into how many", list(range(2, most + 1)), default=2, required=True, key="split_into"
    )
    return SplitCluster(cluster=card.id, into=int(count)), ""


def _by_picked(project: Project, revision: Revision, card: ClusterCard) -> tuple[Edit | None, str]:
    row_of = cached.row_of(project, revision.scan)
    labels = load_overview(project, revision).labels
    here = [one for one in session.selection().images if one in row_of and labels[row_of[one]] == card.id]
    if not here:
        return None, f"Pick photos of {card.name} first: they and those most like them become a group."
    follow = st.checkbox("With the photos most like them", value=True, key="split_follow")
    return NewCluster(images=tuple(here), follow=follow), ""


def _by_words(_project: Project, _revision: Revision, card: ClusterCard) -> tuple[Edit | None, str]:
    left, right = st.columns(2)
    names = [
        column.text_input(f"{which} part", key=f"split_word_{card.id}_{which}", placeholder=example)
        for column, which, example in ((left, "One", "dog with a ball"), (right, "Other", "sleeping dog"))
    ]
    if not all(name.strip() for name in names):
        return None, "Say what can be seen in the photos of each part; the words become the names."
    return groups.written(partial(SplitCluster, cluster=card.id, names=tuple(names))), ""


@ui.dialog("Merge", width="large")
def merge(project: Project, revision: Revision, card: ClusterCard) -> None:
    """With another group, the one most like it first; this one gives id and name."""
    close_when_done()
    others = {other.id: other for other in groups.nearest_first(project, revision, card.id)}
    chosen = st.selectbox(
        f"Merge {markup.plain(card.name)} with",
        list(others),
        format_func=lambda one: f"{markup.printable(others[one].name)} · {others[one].size:,}",
        key="merge_with",
    )
    _evidence(
        project,
        cached.images(project, revision.scan),
        [
            (one.name, one.size, load_overview(project, revision).members(one.id).tolist())
            for one in (card, others[chosen])
        ],
    )
    buttons(
        project,
        groups.merging((card, others[chosen])),
        f"Merge {card.size + others[chosen].size:,} photos",
    )


def _decide(project: Project, revision: Revision, edit: Edit | None, label: str, hint: str) -> None:
    """The parts that an edit makes, and the buttons that do it and that leave it."""
    found = None if edit is None else groups.tried(project, edit)
    if found is not None:
        _evidence(project, cached.images(project, revision.scan), _parts(found))
    elif hint:
        ui.note(hint)
    buttons(project, edit if found is not None else None, label)


def _parts(found: Preview) -> list[tuple[str, int, list[int]]]:
    """Name, size and rows of every group that an edit changes, the largest first."""
    old, new = found.before.clustering.labels, found.after.clustering.labels
    changed = np.unique(new[np.isin(old, old[found.impact.moved])])
    rows = [np.flatnonzero(new == cluster) for cluster in changed]
    rows.sort(key=len, reverse=True)
    return [("", len(part), part.tolist()) for part in rows[:MOST_PARTS]]


def _evidence(
    project: Project, images: Sequence[ImageRecord], parts: Sequence[tuple[str, int, list[int]]]
) -> None:
    """A few photos of each part, side by side."""
    for number, (column, (name, size, rows)) in enumerate(
        zip(st.columns(max(1, len(parts))), parts, strict=False), start=1
    ):
        with column:
            ui.card(name or f"Part {number}", [markup.count(size, "photo")])
            tiles = "strip" if len(parts) <= WIDE else "trio"
            shown = [images[row] for row in rows[:EVIDENCE]]
            ui.photos(project, shown, size=tiles, label=f"part {number}")


def buttons(project: Project, edit: Edit | None, label: str) -> None:
    """The buttons that make an edit and that leave it; None can only be left."""
    with st.container(horizontal=True):
        args = None if edit is None else (project, edit)
        st.button(label, key="dialog_ok", type="primary", disabled=edit is None, on_click=_do, args=args)
        if st.button("Cancel", key="dialog_cancel"):
            st.rerun()


def _do(project: Project, edit: Edit) -> None:
    if groups.act(project, edit):
        session.clear_selection()


def close_when_done() -> None:
    """Close the dialog when its button has done something, which the page says."""
    if session.has_news():
        st.rerun()
