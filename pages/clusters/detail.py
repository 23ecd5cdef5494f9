"""One cluster: its name, what it is about, what sets it apart, and its photos to pick and to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from kec_core.explain import ClusterWords, Contrast, explain_cluster
from kec_core.knowledge.edit_clusters import RenameCluster, SetClusterDone
from kec_core.knowledge.unique_names import says_unclear, unique_names
from kec_core.photos.images import ImageRecord
from kec_core.types import Knowledge
from pages.clusters import card_grid, dialogs, explanation_bars, photo_explanation
from pages.shared import editing, gallery, keyboard, markup, moved, photo_picker, selection, session, ui
from pages.shared.palette import cluster_colour
from state.project.project import Project
from state.revisions.cluster_marks import cluster_marks, mark_cluster
from state.revisions.overview import ClusterCard, Order, Overview
from state.revisions.revisions import Revision

ORDERS: dict[Order, str] = {
    "representative": "Most typical",
    "boundary": "Between two clusters",
    "outlier": "Least typical",
}
COLUMNS = (3, 2)
"""Photos, and what is said about them or about one of them: the photos keep their places when one is picked."""
HINT = "Click photos to pick them (Shift: a range), or drag them onto a group."
ROWS = 3
"""Concepts, and attributes, in a list of words."""
_NAMING, _NAME = "cluster_naming", "cluster_name"


def draw(
    project: Project,
    revision: Revision,
    overview: Overview,
    cards: Sequence[ClusterCard],
    card: ClusterCard,
    images: Sequence[ImageRecord],
) -> None:
    """Draw an opened cluster."""
    is_naming = session.widget(_NAMING) == card.id
    view = f"{project.folder.name} cluster {card.id} {is_naming}"
    ui.begin(view, start="cluster_back")
    split, merge = _bar(project, revision, cards, card)
    if split:
        dialogs.split(project, revision, card)
    elif merge:
        dialogs.merge(project, revision, card)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        st.html(explanation_bars.heading(card.name, cluster_colour(card.id)), width="content")
        _facts(card, gallery.distinct(project, (images[row].id for row in overview.members(card.id))))
    if says_unclear(card.name):
        ui.note(card_grid.UNCLEAR)
    if is_naming:
        _name_form(project, revision, card)
    order = _orders(card, images, overview)
    rows = overview.members(card.id, order)
    photos = [images[row] for row in rows]
    left, why = st.columns(COLUMNS, gap="large")
    with left:
        photo_picker.draw(
            project, photos, key=f"cluster_{card.id}_{order}", label=f"Photos of cluster {card.id}"
        )
    with st.bottom:
        selection.draw(project, revision, hint=HINT, place="bar", here=card.id)
        if not session.selection().images:
            moved.bar(project, revision)
    asked = photo_explanation.asked([image.id for image in photos])
    with why:
        if asked is None:
            _in_words(project, revision, cards, card)
        else:
            row = next(int(row) for row in rows if images[row].id == asked)
            photo_explanation.draw(project, revision, cards, images[row], row)


# --- the bar above


def _bar(
    project: Project, revision: Revision, cards: Sequence[ClusterCard], card: ClusterCard
) -> tuple[bool, bool]:
    """Draw it; returns whether the cluster is to be split, or merged with another one."""
    with st.container(horizontal=True, vertical_alignment="center", key="cluster_bar"):
        st.button(
            "All clusters",
            key="cluster_back",
            icon=":material/arrow_back:",
            on_click=session.close_cluster,
            shortcut="Backspace",
        )
        for name, by, shortcut in (("Previous", -1, "K"), ("Next", 1, "J")):
            st.button(
                name,
                key=f"cluster_{name.lower()}",
                on_click=session.open_cluster,
                args=(_neighbour(cards, card, by),),
                shortcut=shortcut,
            )
        st.space("stretch")
        done = sum(other.done for other in cards)
        ui.note(f"{done} of {len(cards)} done")
        split = st.button(
            "Split",
            key="cluster_split",
            icon=":material/call_split:",
            help="By looks, by picked photos or by words.",
            disabled=card.size < 2,
            shortcut="S",
        )
        merge = st.button(
            "Merge",
            key="cluster_merge",
            icon=":material/call_merge:",
            help="With another cluster.",
            disabled=len(cards) < 2,
            shortcut="G",
        )
        st.button(
            "Rename",
            key="cluster_rename",
            icon=":material/edit:",
            on_click=session.set_widget,
            args=(_NAMING, card.id),
            shortcut="E",
        )
        st.button(
            "Done" if not card.done else "Not done",
            key="cluster_done",
            icon=":material/check:" if not card.done else ":material/undo:",
            type="secondary" if card.done else "primary",
            help="Tick this cluster off, so that you see which ones are left.",
            on_click=_set_done,
            args=(project, revision.id, card.id, not card.done),
            shortcut="D",
        )
    return split, merge


def _neighbour(cards: Sequence[ClusterCard], card: ClusterCard, by: int) -> int:
    """The next cluster in the chosen order that the filter shows; any when it shows no other."""
    order = card_grid.listed(cards)
    here = [other.id for other in order].index(card.id)
    around = [order[(here + by * step) % len(order)] for step in range(1, len(order) + 1)]
    return next((other for other in around[:-1] if card_grid.is_shown(other)), around[0]).id


def _set_done(project: Project, revision_id: str, cluster: int, done: bool) -> None:
    editing.act(project, [SetClusterDone(cluster=cluster, done=done)])
    if cluster in cluster_marks(project, revision_id).done:  # a project of before, where ticks were no edits
        mark_cluster(project, revision_id, cluster, done=False)


# --- its name


def _name_form(project: Project, revision: Revision, card: ClusterCard) -> None:
    with (
        st.form("cluster_name_form", border=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(
            keyboard.CLUSTER_NAME,
            value=card.name,
            key=f"{_NAME}_{card.id}",
            help="It stays with the cluster while you edit. Leave it empty to name it by its concepts again.",
        )
        save = (project, revision, card)
        st.form_submit_button("Save", key="cluster_name_save", type="primary", on_click=_rename, args=save)
        st.form_submit_button(
            "Cancel", key="cluster_name_cancel", on_click=session.set_widget, args=(_NAMING, None)
        )


def _rename(project: Project, revision: Revision, card: ClusterCard) -> None:
    """With what the field holds; a name that is the same is no edit."""
    with ui.refusals():
        name = " ".join(str(session.widget(f"{_NAME}_{card.id}") or "").split())
        marked = cluster_marks(project, revision.id).names  # of before, when names were no edits
        given = marked.keys() | {kept.id for kept in revision.knowledge.kept if kept.name}
        if name != card.name if name else card.id in given:
            editing.act(project, [RenameCluster(cluster=card.id, name=name)])
            if session.was_refused():
                return
            if card.id in marked:
                mark_cluster(project, revision.id, card.id, name="")
        session.set_widget(_NAMING, None)


# --- in words


def _facts(card: ClusterCard, distinct: str) -> None:
    """Figures of a cluster; ``distinct`` says how many photos it has when near-copies count as one, "" for as many."""
    facts = [
        (f"Photos, {distinct}" if distinct else "Photos", f"{card.size:,}", "Photos in this cluster"),
        (
            "Alike",
            f"{card.coherence:.0%}",
            "How near the photos are to their mean, by looks (coherence: mean cosine)",
        ),
    ]
    if card.purity is not None:
        facts.append(
            (f"labelled “{card.label}”", f"{card.purity:.0%}", "Share of the most frequent label (purity)")
        )
    st.html(markup.facts(facts))


def _told_apart(found: ClusterWords, knowledge: Knowledge) -> ClusterWords:
    """The same words with concepts under names that no two of them share."""
    names = unique_names(knowledge)

    def named(rows: Sequence[Contrast]) -> tuple[Contrast, ...]:
        return tuple(replace(row, text=names.get(row.id, row.text)) for row in rows)

    return replace(found, concepts=named(found.concepts), apart=named(found.apart), there=named(found.there))


def _in_words(project: Project, revision: Revision, cards: Sequence[ClusterCard], card: ClusterCard) -> None:
    with st.spinner("Putting it into words…", show_time=True), ui.errors():
        found = explain_cluster(photo_explanation.explainer(project, revision), card.id)
        _words(_told_apart(found, revision.knowledge), cards, card)


def _words(found: ClusterWords, cards: Sequence[ClusterCard], card: ClusterCard) -> None:
    """What it is about, and what sets it apart from the nearest cluster."""
    _heading(
        "What it is about",
        "green: here, grey: all photos",
        "Against all photos: concepts by their mean posterior, attributes by how much better they fit here.",
    )
    rows = (*found.concepts[:ROWS], *found.attributes[:ROWS])
    _contrasts(rows, card.name, "all photos")
    rival = next((other for other in cards if other.id == found.nearest), None)
    if rival is None:
        ui.note("It is the only cluster, so nothing sets it apart.")
        return
    _heading(
        f"What sets it apart from {rival.name}",
        f"green: {card.name}, grey: {rival.name}",
        "The nearest cluster, by the cosine of the centres; words with the largest difference of means.",
    )
    _contrasts(_few(found.apart), card.name, rival.name)
    _heading(f"What speaks for {rival.name}", "the same, the other way round", "")
    _contrasts(_few(found.there), card.name, rival.name)
    st.button(
        f"Open {markup.plain(rival.name)}",
        key="cluster_nearest",
        icon=":material/arrow_forward:",
        on_click=session.open_cluster,
        args=(rival.id,),
    )


def _contrasts(rows: Sequence[Contrast], here: str, there: str) -> None:
    if rows:
        st.html(explanation_bars.contrasts(rows, here, there))
    else:
        ui.note("No concept or attribute does.")


def _heading(said: str, legend: str, tip: str) -> None:
    st.subheader(markup.plain(said), anchor=False, help=tip or None)
    ui.note(legend)


def _few(rows: Sequence[Contrast]) -> list[Contrast]:
    """A few of each kind, concepts first."""
    concepts = [row for row in rows if row.kind == "name"]
    return [*concepts[: ROWS - 1], *[row for row in rows if row.kind != "name"][:ROWS]]


# --- its photos


def _orders(card: ClusterCard, images: Sequence[ImageRecord], overview: Overview) -> Order:
    with st.container(horizontal=True, vertical_alignment="center", key="cluster_photos"):
        st.subheader("Photos", anchor=False, width="content")
        order = ui.choose(
            "Order of the photos",
            ORDERS,
            key="cluster_order",
            tip="Nearest to the centre (representatives); almost as near to another cluster (boundary); farthest from the "
            "centre (outliers).",
        )
        st.space("stretch")
        st.button(
            f"Select all {card.size:,}",
            key="cluster_select",
            icon=":material/select_all:",
            help="Pick every photo of this cluster, for the actions on picked photos.",
            on_click=_select_all,
            args=(overview, card.id, images),
        )
    return order


def _select_all(overview: Overview, cluster: int, images: Sequence[ImageRecord]) -> None:
    session.select(images=[images[row].id for row in overview.members(cluster)], way="add")
