"""What the person wishes of single photos: together, apart, under a concept; listed, removable, to take along."""

from __future__ import annotations

import streamlit as st

from kec_core.knowledge.edits import RemoveConstraint
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Constraint, Knowledge
from pages.concepts.panels import workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import cached, editing, gallery, markup, session, ui
from state.project.project import Project
from state.transfer.constraint_files import group_name, wishes_csv, wishes_script
from state.work.workbench import Workbench

PER_PAGE = 8
SHOWN = 6
TERMS = {
    "together": "These photos stay in one cluster (must-link).",
    "apart": "Every two of these photos are in different clusters (cannot-link).",
    "assign": "These photos are in the cluster where this concept is at home, and found it if there is none.",
    "member": "These photos are in this cluster, whatever else changes.",
}


def draw(project: Project, bench: Workbench) -> None:
    """Draw the wishes with their photos; without any, say how one is made."""
    view = workbench_view.look(project, bench)
    wishes = view.state.knowledge.constraints
    if not wishes:
        st.html(
            markup.empty(
                "No wishes for single photos",
                "Pick photos here, on the map or in a cluster; then keep them together, keep them apart, or put them "
                "under a concept. The groups follow at once and keep to it in every later run.",
            )
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{markup.count(len(wishes), 'wish', 'wishes')}**", width="content")
        st.space("stretch")
        _downloads(view)
    row_of = cached.row_of(project, view.revision.scan)
    for wish in wishes[gallery.turn("wishes_page", len(wishes), PER_PAGE)]:
        _wish(view, wish, row_of)


def _wish(view: View, wish: Constraint, row_of: dict[str, int]) -> None:
    here = [row_of[image] for image in wish.images if image in row_of]
    with st.container(border=True, key=f"wish_{wish.id}"):
        st.markdown(f"**{_title(view, wish)}** :small[:gray[{wish.id}]]", help=TERMS[wish.kind])
        gone = len(wish.images) - len(here)
        ui.note(
            markup.count(len(wish.images), "photo") + (f", {gone} of them no longer here" if gone else "")
        )
        view.gallery(here[:SHOWN], label=f"Photos of wish {wish.id}", size="strip")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Show",
                key=f"wish_show_{wish.id}",
                help="Pick these photos.",
                on_click=session.select,
                kwargs={"images": wish.images},
            )
            st.button(
                "Remove",
                key=f"wish_remove_{wish.id}",
                type="tertiary",
                icon=":material/close:",
                help="The photos go where they fit best again.",
                on_click=editing.act,
                args=(view.project, [RemoveConstraint(constraint=wish.id)]),
            )


def _title(view: View, wish: Constraint) -> str:
    if wish.kind == "assign":
        return f"Belong to “{markup.plain(unique_names(view.state.knowledge)[wish.concept])}”"
    if wish.kind == "member":
        return f"Stay in “{markup.plain(group_name(wish, _in_words(view)))}”"
    return "Stay together" if wish.kind == "together" else "Stay apart"


def _in_words(view: View) -> Knowledge:
    return cached.knowledge_in_words(view.project, view.revision)


def _downloads(view: View) -> None:
    knowledge = view.state.knowledge
    st.download_button(
        "CSV",
        lambda: wishes_csv(_in_words(view)),
        "wishes.csv",
        "text/csv",
        key="wishes_csv",
        type="tertiary",
        icon=":material/download:",
        help="One line per photo, for a spreadsheet.",
        on_click="ignore",
    )
    st.download_button(
        "JSON",
        lambda: wishes_script(knowledge),
        "wishes.json",
        "application/json",
        key="wishes_json",
        type="tertiary",
        icon=":material/download:",
        help="A script of edits: kec edit makes the same wishes in another project with these photos.",
        on_click="ignore",
    )
