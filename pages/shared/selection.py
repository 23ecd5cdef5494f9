"""What is picked, and what can be done with it: one chip, the same actions wherever photos are picked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.edits import AddConcept, AssignImages, Edit, KeepApart, KeepTogether
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Knowledge
from pages.shared import cached, gallery, groups, markup, session, ui
from state.project.project import Project
from state.project.saved_selections import forget_selection, save_selection, saved_selections
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision
from state.transfer.csv_cells import csv_bytes

MOST_APART = 50
"""More photos than this are never all in different clusters."""


def draw(project: Project, revision: Revision, *, hint: str, on_cluster: bool = False) -> None:
    """The chip, the actions and the photos; without any, how to pick some.

    Args:
        project: which.
        revision: the one that is shown.
        hint: how photos are picked here.
        on_cluster: True where one cluster is looked at, which photos are not moved to.
    """
    row_of = cached.row_of(project, revision.scan)
    images = cached.images(project, revision.scan)
    rows = [row_of[image] for image in session.selection().images if image in row_of]
    _chip(project, revision, len(rows), hint)
    if not rows:
        return
    picked = [images[row].id for row in rows]
    groups.draw(project, revision, picked, here=session.cluster() if on_cluster else None)
    _actions(project, revision, picked)
    key = f"picked_page_{session.selection_epoch()}"
    gallery.paged(project, [images[row] for row in rows], key=key, label="Picked photos")


def _chip(project: Project, revision: Revision, count: int, hint: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="selection_chip"):
        if count:
            st.badge(f"{markup.count(count, 'photo')} picked", icon=":material/check:", color="green")
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
        else:
            st.caption(hint)
        _saved(project, count)


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
    with st.container(horizontal=True, vertical_alignment="center", key="selection_actions"):
        with st.popover("New concept", icon=":material/add:", key="selection_new"):
            _new_concept(project, picked)
        with st.popover("Move to concept", icon=":material/drive_file_move:", key="selection_move"):
            _move(project, revision.knowledge, picked)
        if st.button(
            "Keep together",
            key="selection_together",
            disabled=len(picked) < 2,
            help="These photos stay in one cluster from now on (must-link).",
        ):
            _act(project, KeepTogether(images=tuple(picked)))
        if st.button(
            "Keep apart",
            key="selection_apart",
            disabled=not 2 <= len(picked) <= MOST_APART,
            help=f"No two of these photos share a cluster from now on (cannot-link); for 2 to {MOST_APART} photos.",
        ):
            _act(project, KeepApart(images=tuple(picked)))
        st.download_button(
            "Export list",
            data=lambda: _list(project, revision, picked),
            file_name=f"{project.folder.name} picked photos.csv",
            mime="text/csv",
            key="selection_export",
            icon=":material/download:",
            help="File names with their clusters and labels, as a table (CSV).",
            on_click="ignore",
        )


def _new_concept(project: Project, picked: Sequence[str]) -> None:
    with st.form("selection_concept", border=False):
        name = st.text_input("Name of the concept", key="selection_concept_name", placeholder="red deer")
        description = st.text_input(
            "What is seen in such a photo", key="selection_concept_description", placeholder="may stay empty"
        )
        st.html(markup.note(f"{markup.count(len(picked), 'photo')} will belong to it."))
        if st.form_submit_button("Add", type="primary", key="selection_concept_add"):
            if name.strip():
                _act(project, AddConcept(name=name, description=description, images=tuple(picked)))
            st.error("A concept needs a name; type one.", icon=":material/error:")


def _move(project: Project, knowledge: Knowledge, picked: Sequence[str]) -> None:
    with st.form("selection_assign", border=False):
        shown = unique_names(knowledge)
        names = {concept.id: shown[concept.id] for concept in knowledge.concepts if not concept.muted}
        concept = st.selectbox(
            "Concept",
            sorted(names, key=lambda one: names[one].casefold()),
            format_func=lambda one: markup.printable(names[one]),
            key="selection_concept",
        )
        if st.form_submit_button("Move", type="primary", key="selection_assign_do") and concept:
            _act(project, AssignImages(images=tuple(picked), concept=concept))


def _act(project: Project, edit: Edit) -> None:
    """Apply an edit and draw the whole page anew: the header and the map change with it."""
    session.act(project, [edit])
    st.rerun()


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
