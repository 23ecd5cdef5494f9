"""Export: take the result home, as a report, as tables, as folders of photos."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared import session, ui
from state.jobs.jobs import Job
from state.project.project import Project
from state.revisions.revisions import Revision
from state.transfer import downloads
from state.transfer.downloads import DOWNLOADS, Download
from state.transfer.formats.names import safe_name
from state.transfer.formats.table import FORMATS, WRITTEN

_OUT, _FORMATS, _LINK = "export_out", "export_formats", "export_link"


def _file(project: Project, revision: Revision, download: Download) -> None:
    first = download.format == "report"
    ui.card(download.title)
    ui.note(download.about)
    st.download_button(
        "Download",
        data=lambda: downloads.content_of(project, revision.id, download),
        file_name=downloads.file_name(project, revision.id, download),
        mime=download.mime,
        key=f"download_{download.file}",
        icon=":material/download:",
        type="primary" if first else "secondary",
        on_click="ignore",
    )


def _folder(project: Project, revision: Revision) -> None:
    st.subheader("Into a folder on this computer", anchor=False)
    ui.note(
        "Of an earlier export in that folder, what you choose here is written anew and what you do not choose stays as "
        "it was. Files of yours are never touched, and your photos stay where they are."
    )
    st.text_input("Folder", value=str(_usual_folder(project)), key=_OUT)
    st.pills(
        "What to write",
        WRITTEN,
        format_func=lambda name: FORMATS[name].title,
        selection_mode="multi",
        default=["folders"],
        key=_FORMATS,
    )
    st.checkbox(
        "Link to the photos instead of copying them",
        key=_LINK,
        help="Symbolic links take no space, but they point into the photo folder of this computer.",
    )
    job = session.jobs().active(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Write the folder",
            key="export_write",
            icon=":material/folder_copy:",
            type="primary",
            disabled=job is not None,
            on_click=_start,
            args=(project, revision.id),
            shortcut="Alt+W",
        )
        if job is None:
            ui.note(_latest(project), width="stretch")
        else:
            st.fragment(_progress, run_every=ui.POLL_SECONDS)(project, job)


def _progress(project: Project, running: Job) -> None:
    """Beside the button, for the line at the top is out of sight here: how far the work is."""
    said = "Being written" if running.kind == "export" else "Another job is running"
    ui.note(f"{said}: {ui.progress_line(session.jobs().status(project, running.id))}", width="stretch")


def _latest(project: Project) -> str:
    """Where the latest folder is; "" for none yet."""
    latest = next((job for job in session.jobs().jobs(project) if job.kind == "export"), None)
    if latest is None or latest.state != "done":
        return "" if latest is None else f"The latest one is not complete. {latest.error}"
    said = f"{latest.params['revision']} is written to {latest.params['out']}, {ui.when(latest.created)}."
    return " ".join((said, *(latest.result or {}).get("notes", ())))


def _usual_folder(project: Project) -> Path:
    """Inside the project, or beside the person's files where nothing can be written there."""
    if project.database.is_read_only():
        return Path.home() / safe_name(f"{project.name} export")
    return project.folder / "export"


def _start(project: Project, revision_id: str) -> None:
    """Begin the job, or write at once where none can be noted; a refusal is shown by the frame."""
    with ui.refusals():
        out = downloads.check_target(session.workspace(), str(session.widget(_OUT) or ""))
        chosen = session.widget(_FORMATS)
        formats = [name for name in WRITTEN if isinstance(chosen, list) and name in chosen]
        params = {
            "out": str(out),
            "formats": formats,
            "revision": revision_id,
            "link": bool(session.widget(_LINK)),
        }
        if project.database.is_read_only():  # a job would be noted in the project
            written = downloads.write_folder(project, params)
            session.notice(" ".join((f"The folder {out} is written.", *written["notes"])))
        else:
            session.jobs().start(project, "export", params)


project = ui.need_project()
with ui.errors():
    revision = ui.need_result(
        project,
        "Export",
        "Nothing to take home yet",
        "Run the stages once; then the result can be exported in many forms.",
    )
    st.title("Export", anchor=False)
    ui.note(
        f"Revision {revision.id} of {project.name}, as it is shown now. To export another one, go to it on the page "
        "History first."
    )
    grid = st.grid(min_column_width=280, border=True)
    for download in DOWNLOADS:
        with grid.cell():
            _file(project, revision, download)
    _folder(project, revision)
