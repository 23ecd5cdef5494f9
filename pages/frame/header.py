"""The slim line above every page: project, revision, encoder, undo and redo, running job; and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from kec_core.errors import KecError
from pages.frame import keys
from pages.shared import editing, finding, markup, session, ui
from state.engine.collection import collection_of
from state.jobs.jobs import Job
from state.project.database import ReadOnlyError
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision

PROGRESS_WIDTH = 340
FINISHED = {
    "export": "The folder is written.",
    "estimate": "Estimated.",
    "layout": "The map is ready.",
    "methods": "The methods are compared; see Compare.",
    "stability": "The stability is measured; see Compare.",
}
"""What is said when a job has ended well, for those that make no result of their own."""


def draw(page: str) -> tuple[Project, Revision] | None:
    """Project, revision, encoder and running job, on one line; nothing while no project is open.

    Args:
        page: path of the page below.

    Returns:
        the open project and its shown revision, if there is one.
    """
    session.arrive(page)
    for text in session.take_notices():
        st.toast(markup.plain(text))
    for text in session.take_refusals():
        ui.error(text)
    project = shown = None
    with ui.errors():
        project = session.project()
        if project is not None:
            shown = revisions.current(project)
            _bar(project, shown)
            finding.go_when_asked()
    return None if project is None or shown is None else (project, shown)


def _bar(project: Project, shown: Revision | None) -> None:
    if project.database.is_read_only():
        st.info(markup.plain(ReadOnlyError(project.folder)), icon=":material/lock:")
    editing.saw(None if shown is None else shown.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="header"):
        st.markdown(f"**{markup.plain(project.name)}**", width="content")
        if shown is None:
            st.badge("no result yet", color="gray")
        else:
            name = f" “{markup.plain(shown.name)}”" if shown.name else ""
            st.badge(
                f"{shown.id}{name}",
                color="gray",
                help=f"Revision: {markup.plain(shown.note)}, {ui.when(shown.created)}.",
            )
            ui.encoder_badge(shown.facts.encoder)
            ui.sample_badge(collection_of(project))
            _steps(project)
            _other_window(project)
            finding.field()
        if st.button("", key="keys", icon=":material/keyboard:", type="tertiary", help="Keys", shortcut="H"):
            keys.show()
        _job_line(project)


def _steps(project: Project) -> None:
    """Undo and redo, each with what it would do."""
    steps = revisions.steps(project)
    staged = len(editing.staged())
    back = f"Take back the latest of {staged} collected edits" if staged else f"Back to {steps.undo}"
    st.button(
        "Undo",
        key="undo",
        icon=":material/undo:",
        disabled=not staged and steps.undo is None,
        help=back if staged or steps.undo else "This is the first revision.",
        on_click=editing.undo,
        args=(project,),
        shortcut="Z",
    )
    st.button(
        "Redo",
        key="redo",
        icon=":material/redo:",
        disabled=steps.redo is None,
        help=f"Forth to {steps.redo}" if steps.redo else "Nothing was undone.",
        on_click=editing.redo,
        args=(project,),
        shortcut="Shift+Z",
    )


def _other_window(project: Project) -> None:
    """Say that somebody else edits, so that nobody wonders about a refused edit."""
    other = editing.other_editor(project)
    if other is not None:
        st.badge(
            f"{markup.plain(other.label)} is editing",
            color="orange",
            icon=":material/group:",
            help="You can edit here too: an edit on a result that was changed meanwhile is refused and said, never lost.",
        )


def _job_line(project: Project) -> None:
    """The running job, redrawn every second; without one nothing polls."""
    job = session.jobs().active(project)
    if job is not None:
        st.fragment(_watch, run_every=ui.POLL_SECONDS)(project, job.id)


def _watch(project: Project, job_id: str) -> None:
    job = session.jobs().status(project, job_id)
    if not job.is_active:
        session.notice(_ending(job))
        if session.has_dialog():
            ui.note(_ending(job), width="content")
            return
        st.rerun()
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="job"):
        text = markup.plain(ui.progress_line(job))
        st.progress(ui.share(job), text=text, width=PROGRESS_WIDTH)
        st.button(
            "Cancel",
            key="job_cancel",
            disabled=job.state == "cancelling",
            help="Finished stages are kept; you can resume.",
            on_click=_cancel,
            args=(project, job_id),
        )


def _cancel(project: Project, job_id: str) -> None:
    try:
        session.jobs().cancel(project, job_id)
    except KecError as error:
        session.notice(str(error))


def _ending(job: Job) -> str:
    if job.state == "done" and job.kind in FINISHED:
        return FINISHED[job.kind]
    if job.state == "done" and job.kind == "finalise" and job.result is not None:
        moved = int(job.result["moved"])
        return (
            f"Clustered in full: {markup.count(moved, 'photo')} moved."
            if moved
            else "Clustered in full: nothing moved."
        )
    if job.state == "done" and job.kind == "apply" and job.result is not None:
        return f"The groups are given to all {markup.count(int(job.result['photos']), 'photo')}."
    if job.state == "done" and job.kind == "add" and job.result is not None:
        return _added(job.result)
    if job.state == "done" and job.result is not None:
        photos = markup.count(int(job.result.get("images", 0)), "photo")
        return f"{photos} checked." if job.kind == "scan" else f"Done: {photos} clustered."
    endings = {
        "cancelled": "Cancelled; finished stages are kept.",
        "interrupted": "The work was interrupted; resume it on the Build page.",
    }
    return endings.get(job.state, f"It stopped: {job.error}")


def _added(result: Mapping[str, Any]) -> str:
    """How "Add what is new" ended."""
    counts = {what: len(result[what]) for what in ("added", "removed", "changed", "renamed")}
    said = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
    if not said:
        return "No photo is new, and none is gone."
    unlike = len(result["unlike"])
    more = f" {markup.count(unlike, 'photo')} unlike all groups, kept as a selection." if unlike else ""
    return f"Photos: {said}.{more}"
