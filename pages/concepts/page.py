"""Concepts: is the knowledge right? The workbench: correct it, and the photos regroup at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.errors import KecError
from kec_core.knowledge.edits import AssignImages
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from pages.concepts import actions, detail, impact_bar, listing, parameter_bar
from pages.concepts.panels import ask_llm, constraints, guidance, review_queue, workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, selection, session, ui
from state.project.project import Project
from state.revisions.revisions import Revision


def _panels(view: View) -> None:
    """Draw the panel that is open."""
    project, bench = view.project, editing.workbench(view.project)
    ui.tabs(
        {
            "Next": lambda: review_queue.draw(project, bench),
            "Guidance": lambda: guidance.draw(project, bench),
            "Wishes": lambda: constraints.draw(project, bench),
            "Ask": lambda: ask_llm.draw(project, bench, _asked_about(view)),
        },
        key="concept_side",
    )


def _asked_about(view: View) -> tuple[str, ...]:
    """The picked concepts, by default the one that is looked at."""
    known = view.state.knowledge.by_id
    picked = tuple(one for one in session.selection().concepts if one in known)
    return picked or (actions.focus(view).id,)


NEIGHBOURS = 9
HINT = "Click photos to pick them (Shift: a range), then say where they belong."


def _picked_bar(view: View) -> bool:
    """Draw the bar; returns whether anything is picked."""
    known = view.state.knowledge.by_id  # what was picked may be merged or deleted since
    concepts = [one for one in session.selection().concepts if one in known]
    has_photos = bool(session.selection().images)
    if len(concepts) > 1:
        _picked_concepts(view, concepts)
    if has_photos:
        _neighbours(view)
    selection.draw(view.project, view.revision, hint=HINT, place="line")
    return has_photos or len(concepts) > 1


def _picked_concepts(view: View, picked: Sequence[str]) -> None:
    names = unique_names(view.state.knowledge)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="concept_bar"):
        st.badge(f"{markup.count(len(picked), 'concept')} picked", icon=":material/check:", color="green")
        ui.note(", ".join(names[one] for one in picked), width="content")
        if st.button(
            f"Merge {len(picked)}",
            key="concepts_merge",
            icon=":material/merge:",
            type="primary",
            shortcut="G",
        ):
            actions.merge(view, picked)
        st.button(
            "Clear", key="concepts_clear", type="tertiary", on_click=session.select, kwargs={"concepts": ()}
        )


def _neighbours(view: View) -> None:
    """The concepts similar to the one that is looked at, each a key away."""
    picked, concept = session.selection().images, actions.focus(view)
    names = unique_names(view.state.knowledge)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="neighbours"):
        st.caption("They belong to", width="content")
        for number, other in enumerate(view.photos.similar(concept.id, NEIGHBOURS), start=1):
            st.button(
                markup.plain(names[other]),
                key=f"neighbour_{other}",
                type="tertiary",
                shortcut=str(number),
                on_click=selection.act,
                args=(view.project, AssignImages(images=picked, concept=other)),
            )


COLUMNS = (3.5, 5.7, 2.8)


def _state(project: Project, revision: Revision) -> LiveState:
    """The live state with the collected edits; the first one of a server loads the encoder, which takes seconds."""
    bench = editing.workbench(project)
    with st.spinner("Opening the workbench…", show_time=True):
        if not editing.staged():
            return bench.live(revision)
        try:
            return bench.preview(editing.staged(), revision=revision).after
        except KecError:  # the line at the bottom says which edit does not fit, and offers to discard them
            return bench.live(revision)


project = ui.need_project()
with ui.errors():
    revision = ui.need_result(
        project,
        "Concepts",
        "No concepts yet",
        "Run the stages once; then correct here what the photos were said to show.",
    )
    view = workbench_view.view_of(project, revision, _state(project, revision))
    with st.bottom:  # first: whatever fails above it, collected edits can be discarded
        is_picked = _picked_bar(view)
        if editing.staged() or not is_picked:
            impact_bar.draw(view)
    parameter_bar.draw(view)
    left, centre, right = st.columns(COLUMNS, gap="medium")
    with left:
        listing.draw(view)
    with centre:
        detail.draw(view)
    with right:
        _panels(view)
