"""What is picked, and what can be done with it: one chip, the same actions wherever photos are picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from kec_core.knowledge.edits import AddConcept, AssignImages, Edit, KeepApart, KeepTogether
from kec_core.knowledge.unique_names import unique_names
from kec_core.photos.images import ImageRecord
from kec_core.types import Knowledge
from pages.shared import cached, finding, gallery, groups, markup, photo_picker, session, ui
from state.project.project import Project
from state.project.saved_selections import forget_selection, save_selection, saved_selections
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision
from state.transfer.csv_cells import csv_bytes

MOST_APART = 50
"""More photos than this are never all in different clusters."""
_NAME, _DESCRIPTION, _CONCEPT = "selection_concept_name", "selection_concept_description", "selection_concept"

Place = Literal["bar", "beside", "line"]
"""Where it is drawn: in the bar at the bottom, beside a map, or as one line where the page has its own keys 1 to 9."""


def draw(project: Project, revision: Revision, *, hint: str, place: Place, here: int | None = None) -> None:
    """The chip, the actions and the photos; without any, how to pick some.

    Args:
        project: which.
        revision: the one that is shown.
        hint: how photos are picked here.
        place: the bar and the line show the photos on demand, the bar its groups before any photo is picked; a line
            has no groups.
        here: the cluster that is looked at; photos are not moved to it.
    """
    row_of = cached.row_of(project, revision.scan)
    images = cached.images(project, revision.scan)
    rows = [row_of[image] for image in session.selection().images if image in row_of]
    photos = [images[row] for row in rows]
    picked = [image.id for image in photos]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="selection_bar"):
        _chip(project, revision, rows, hint)
        if rows and place != "beside":
            _on_demand(project, photos)
        _saved(project, len(rows))
        if rows:
            _actions(project, revision, picked)
    if place == "bar" or (rows and place == "beside"):
        groups.draw(project, revision, picked, here=here)
    if rows and place == "beside":
        _photos(project, photos)


def _photos(project: Project, photos: Sequence[ImageRecord]) -> None:
    """The picked photos; a click takes one out."""
    photo_picker.draw(project, photos, key="picked_photos", label="Picked photos")


def _on_demand(project: Project, photos: Sequence[ImageRecord]) -> None:
    popover = st.popover("Show them", type="tertiary", key="selection_photos", on_change="rerun")
    if popover.open:
        with popover:
            _photos(project, photos)


def _chip(project: Project, revision: Revision, rows: Sequence[int], hint: str) -> None:
    if not rows:
        ui.note(hint)
        return
    st.badge(f"{markup.count(len(rows), 'photo')} picked", icon=":material/check:", color="green")
    images = cached.images(project, revision.scan)
    distinct = gallery.distinct(project, (images[row].id for row in rows))
    said = (distinct, groups.whence(project, revision, rows))
    ui.note(" · ".join(filter(None, said)))
    st.button(
        "Clear",
        key="selection_clear",
        icon=":material/close:",
        type="tertiary",
        on_click=session.select,
        kwargs={"images": ()},
        help="Esc",
    )
    st.button(
        "Invert",
        key="selection_invert",
        type="tertiary",
        help="Pick all other photos instead.",
        on_click=_invert,
        args=(project, revision),
    )


def _invert(project: Project, revision: Revision) -> None:
    every = [image.id for image in cached.images(project, revision.scan)]
    session.select(images=session.selection().inverted(every).images)


def _saved(project: Project, count: int) -> None:
    with st.popover("Saved selections", icon=":material/bookmark:", type="tertiary", key="selection_saved"):
        known = saved_selections(project)
        if count:
            with st.form("selection_save", clear_on_submit=True, border=False):
                name = st.text_input(
                    "Save these photos as", key="selection_name", placeholder="to check later"
                )
                if st.form_submit_button("Save", key="selection_keep"):
                    with ui.errors():
                        save_selection(project, name, session.selection().images)
                        st.rerun()
        if not known:
            st.caption("No selection has been saved in this project yet.")
        for number, (name, ids) in enumerate(reversed(known.items())):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    f"{markup.plain(name)} · {markup.count(len(ids), 'photo')}",
                    key=f"selection_load_{number}",
                    on_click=session.select,
                    kwargs={"images": ids},
                )
                st.button(
                    "Forget",
                    key=f"selection_forget_{number}",
                    type="tertiary",
                    help="Removes the name; the photos stay.",
                    on_click=_forget,
                    args=(project, name),
                )


@ui.refusals()
def _forget(project: Project, name: str) -> None:
    forget_selection(project, name)


def _actions(project: Project, revision: Revision, picked: Sequence[str]) -> None:
    st.button(
        "Keep together",
        key="selection_together",
        type="tertiary",
        disabled=len(picked) < 2,
        help="These photos stay in one cluster from now on (must-link).",
        on_click=act,
        args=(project, KeepTogether(images=tuple(picked))) if len(picked) > 1 else None,
    )
    may_part = 2 <= len(picked) <= MOST_APART
    st.button(
        "Keep apart",
        key="selection_apart",
        type="tertiary",
        disabled=not may_part,
        help=f"No two of these photos share a cluster from now on (cannot-link); for 2 to {MOST_APART} photos.",
        on_click=act,
        args=(project, KeepApart(images=tuple(picked))) if may_part else None,
    )
    for label, key, draw_inside in (
        ("New concept", "selection_new", _new_concept),
        ("Move to concept", "selection_move", _move),
    ):
        popover = st.popover(label, type="tertiary", key=key, on_change="rerun")
        if popover.open:
            with popover:
                draw_inside(project, revision.knowledge, picked)
    st.button(
        "More like these" if len(picked) > 1 else "More like this",
        key="selection_like",
        type="tertiary",
        help="Find the photos that are most like these, by their looks.",
        on_click=finding.ask_like,
        args=(tuple(picked),),
    )
    st.download_button(
        "Export list",
        data=lambda: _list(project, revision, picked),
        file_name=f"{project.folder.name} picked photos.csv",
        mime="text/csv",
        key="selection_export",
        type="tertiary",
        help="File names with their clusters and labels, as a table (CSV).",
        on_click="ignore",
    )


def _new_concept(project: Project, _knowledge: Knowledge, picked: Sequence[str]) -> None:
    st.text_input("Name of the concept", key=_NAME, placeholder="red deer")
    st.text_input("What is seen in such a photo", key=_DESCRIPTION, placeholder="may stay empty")
    _confirm(
        project,
        partial(_concept, tuple(picked)),
        "Add",
        "selection_concept_add",
        "A concept needs a name; type one.",
    )


def _concept(picked: tuple[str, ...]) -> Edit | None:
    """The concept as its fields are now; None without a name."""
    name, description = (str(session.widget(key) or "") for key in (_NAME, _DESCRIPTION))
    return AddConcept(name=name, description=description, images=picked) if name.strip() else None


def _move(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    shown = unique_names(knowledge)
    names = {concept.id: shown[concept.id] for concept in knowledge.concepts if not concept.muted}
    st.selectbox(
        "Concept",
        sorted(names, key=lambda one: names[one].casefold()),
        index=None,
        placeholder="Which one?",
        format_func=lambda one: markup.printable(names[one]),
        key=_CONCEPT,
    )
    hint = f"{markup.count(len(picked), 'photo')} will go there."
    _confirm(project, partial(_assignment, tuple(picked)), "Move", "selection_assign_do", hint)


def _assignment(picked: tuple[str, ...]) -> Edit | None:
    """The photos under the concept that is chosen now; None without one."""
    concept = session.widget(_CONCEPT)
    return AssignImages(images=picked, concept=str(concept)) if concept else None


def _confirm(project: Project, make: Callable[[], Edit | None], label: str, key: str, hint: str) -> None:
    """How many photos an edit would move, and the button that does it; or why it cannot be done, beside its fields."""
    edit = groups.written(make)
    found = None if edit is None else groups.tried(project, edit)
    if found is not None:
        hint = f"{markup.count(len(found.impact.moved), 'photo')} would move."
    ui.note(hint)
    st.button(
        label, key=key, type="primary", disabled=found is None, on_click=_act_as_it_is, args=(project, make)
    )


def _act_as_it_is(project: Project, make: Callable[[], Edit | None]) -> None:
    """With the fields as they are now: Enter presses the button before it was drawn with what was typed."""
    with ui.refusals():
        edit = make()
        if edit is not None:
            act(project, edit)


def act(project: Project, edit: Edit) -> None:
    """Do it, say so, pick nothing and close what is open; what is refused stays picked."""
    if groups.act(project, edit):
        session.clear_selection()
        for key in ("selection_new", "selection_move"):
            session.set_widget(key, False)
        session.set_widget(_NAME, "")
        session.set_widget(_DESCRIPTION, "")


def _list(project: Project, revision: Revision, picked: Sequence[str]) -> bytes:
    """The picked photos as CSV."""
    row_of = cached.row_of(project, revision.scan)
    name_of = cached.cluster_names(project, revision)
    clusters = load_overview(project, revision).labels
    labels = cached.labels(project, revision.scan)
    rows = ((row_of[image], image) for image in picked)
    return csv_bytes(
        ("file", "cluster", "cluster_name", "label"),
        ((image, int(clusters[row]), name_of(int(clusters[row])), labels[row]) for row, image in rows),
    )
