"""Data: are my photos in, and sound?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kec_core.errors import InputError
from kec_core.paths import is_file, is_folder, real_path
from kec_core.store import write_atomically
from pages.data import scan_report
from pages.shared import markup, navigation, session, ui
from state.engine.collection import collection_of
from state.project.project import Project
from state.revisions import revisions
from state.transfer.formats.names import safe_name
from state.transfer.uploads import UPLOADED, add_uploads, unpacked

FOLDER, UPLOAD = "A folder on this computer", "Upload photos or an archive"
CSV = "csv"
LABELS = {
    "keep": "Keep those known",
    "folders": "Names of sub-folders",
    CSV: "A file or folder",
    "none": "None",
}
LABEL_FILES = ("csv", "tsv", "txt", "json", "jsonl", "xlsx", "parquet")
"""Kinds of label files that are uploaded; folders are named by their path."""
MOST_NOTICES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where the photos are: a folder as typed, or files as uploaded; and where their labels are."""

    folder: str
    files: Sequence[UploadedFile]
    labels: str
    csv: str | UploadedFile = ""

    @property
    def is_complete(self) -> bool:
        """Whether a scan can start."""
        return bool(self.files or self.folder.strip()) and (self.labels != CSV or self._has_csv)

    @property
    def _has_csv(self) -> bool:
        return bool(self.csv.strip()) if isinstance(self.csv, str) else True


def _source(project: Project) -> tuple[str, Sequence[UploadedFile]]:
    st.subheader("Where are your photos?", anchor=False)
    kind = ui.choose("Where are your photos?", {FOLDER: FOLDER, UPLOAD: UPLOAD}, key="data_source")
    if kind == UPLOAD:
        files = st.file_uploader(
            "Photos, or a zip or tar of photos",
            accept_multiple_files=True,
            key="data_files",
            help="They are saved inside the project. For many thousands of photos a folder is faster.",
        )
        return "", files
    folder = st.text_input(
        "Folder",
        value=str(project.images_root or ""),
        key=f"data_root_{project.folder.name}",
        placeholder="/home/me/Pictures",
        help="Photos are read where they lie, nothing is copied. All sub-folders are included.",
        persist_state="session",
    )
    return folder, ()


def _labels(project: Project) -> tuple[str, str | UploadedFile]:
    st.subheader("Labels, only for scores", anchor=False)
    has_labels = any(project.labels())
    labels = ui.choose(
        "Labels",
        {value: name for value, name in LABELS.items() if has_labels or value != "keep"},
        key="data_labels_again" if has_labels else "data_labels",
        default="keep" if has_labels else "none",
    )
    csv: str | UploadedFile = ""
    if labels == CSV:
        csv = st.text_input(
            "Labels on this computer, or upload a file",
            key="data_csv",
            placeholder="/home/me/labels.csv",
            help="A table (CSV, Excel, Parquet) with columns file and label, where file is a name or a path below the photo "
            "folder; JSON of FiftyOne, Label Studio or COCO; a folder with a sub-folder per class; a Hugging Face dataset.",
            persist_state="session",
        )
        csv = (
            st.file_uploader(
                "Label file", type=LABEL_FILES, key="data_csv_file", label_visibility="collapsed"
            )
            or csv
        )
    ui.note(
        "If you know where some photos belong, the result can be scored. The method itself never sees labels."
    )
    return labels, csv


def _start_scan(project: Project, choice: Choice) -> None:
    labels = str(_csv(project, choice.csv)) if choice.labels == CSV else choice.labels
    root = _folder(project, choice)
    session.jobs().start(project, "scan", {"images": str(root), "labels": labels})
    st.rerun()


def _start_adding(project: Project, choice: Choice) -> None:
    collection = collection_of(project)
    if collection is not None:  # its photos lie at one address, whatever was typed here
        place: str | Path = collection.address
    else:
        place = _folder(project, choice)
    session.jobs().start(project, "add", {"images": str(place)})
    st.rerun()


def _folder(project: Project, choice: Choice) -> Path:
    """The folder of the photos; uploads and shards are saved or unpacked inside the project first."""
    if not choice.folder:
        return _save(project, choice.files)
    with st.spinner("Reading the folder…"):
        return unpacked(project, _allowed(choice.folder))


def _allowed(typed: str) -> Path:
    return session.workspace().check_allowed(Path(typed.strip()))


def _csv(project: Project, given: str | UploadedFile) -> Path:
    if isinstance(given, str):
        return _allowed(given)
    path = _kept(project, given)
    write_atomically(path, given.getvalue())
    return path


def _kept(project: Project, given: UploadedFile) -> Path:
    """Where the project keeps a label file that was uploaded: under its own name, by which notes call it."""
    return project.folder / "labels" / safe_name(given.name)


def _save(project: Project, files: Sequence[UploadedFile]) -> Path:
    with st.spinner("Saving…"):
        taken = add_uploads(project, [(file.name, file) for file in files])
    for item in taken.skipped[:MOST_NOTICES]:
        session.notice(f"Not saved: {item.path}: {item.reason}")
    if (more := len(taken.skipped) - MOST_NOTICES) > 0:
        session.notice(
            f"{markup.count(more, 'other file')} not saved: the report of the scan lists them all."
        )
    for note in taken.notes:
        session.notice(note)
    return project.folder / UPLOADED


def _moved(project: Project) -> None:
    """When the photo folder is gone: the project still opens from what it has kept; ask where the photos are."""
    root = project.images_root
    if root is None or is_folder(root):
        return
    st.warning(
        f"The photo folder {markup.plain(root)} is not there any more. Results and small pictures are kept; "
        "to work on, say where the photos are now.",
        icon=":material/link_off:",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Where are the photos now?", key="relink_root", placeholder="/media/disk/photos"
        )
        if st.button("Re-link", key="relink", type="primary", disabled=not typed.strip()):
            found = project.relink(_allowed(typed))
            session.notice(f"{markup.count(found.found, 'photo')} found again, {found.missing:,} missing.")
            st.rerun()


def _is_unread(project: Project, choice: Choice) -> bool:
    """Whether labels are chosen that the newest scan was not asked for; going on would leave them out."""
    scans = (job for job in session.jobs().jobs(project) if job.kind == "scan" and job.state == "done")
    seen = next((job.params.get("labels") for job in scans), None)
    labels = choice.labels
    if isinstance(choice.csv, str):
        with suppress(InputError):  # a path that leads nowhere was not read
            labels = str(_allowed(choice.csv)) if labels == CSV else labels
    elif is_file(kept := _kept(project, choice.csv)) and kept.read_bytes() == choice.csv.getvalue():
        labels = str(kept)
    return choice.is_complete and labels not in ("keep" if any(project.labels()) else "none", seen)


def _is_elsewhere(project: Project, choice: Choice) -> bool:
    """Whether there are groups, of photos in another folder than the one chosen: a scan takes its photos instead."""
    root = project.images_root
    if root is None or revisions.current(project) is None or collection_of(project) is not None:
        return False
    if choice.files:
        return real_path(project.folder / UPLOADED) != real_path(root)
    with suppress(InputError):  # a path that leads nowhere is refused when it is asked for
        return bool(choice.folder.strip()) and _allowed(choice.folder) != real_path(root)
    return False


def _actions(project: Project, choice: Choice) -> None:
    running = session.jobs().active(project)
    unread = bool(project.last_scan) and running is None and _is_unread(project, choice)
    is_elsewhere = _is_elsewhere(project, choice)
    with st.container(horizontal=True, vertical_alignment="center"):
        # Under another key Enter in the field of the folder does not press it: whoever adds a folder must not lose the others.
        if st.button(
            "Scan these instead" if is_elsewhere else "Scan the photos",
            type="primary" if unread or not project.last_scan else "secondary",
            key="data_scan_instead" if is_elsewhere else "data_scan",
            icon=":material/search:",
            disabled=running is not None or not choice.is_complete,
            help="Looks at every file once. Nothing is changed in your folder.",
            shortcut="Alt+S",
        ):
            _start_scan(project, choice)
        if revisions.current(project) is not None and st.button(
            "Add what is new",
            key="data_add",
            icon=":material/add_photo_alternate:",
            disabled=running is not None or not (choice.files or choice.folder.strip()),
            help="New photos join the groups as they are, photos that are gone leave; you can undo it. Photos that lie elsewhere "
            "are copied into the photo folder first.",
        ):
            _start_adding(project, choice)
        if project.last_scan and st.button(
            "Next: build the clusters",
            key="data_next",
            icon=":material/arrow_forward:",
            type="secondary" if unread else "primary",
        ):
            navigation.go_to("build")
        if unread:
            st.html(markup.note("These labels are not read yet: scan the photos."))
    if is_elsewhere and running is None:
        ui.note(
            f"The photo folder is {project.images_root}. Add what is new keeps its photos and copies these to them; Scan these "
            "instead takes these in their place."
        )


def _said(project: Project) -> None:
    """Why the latest work that was begun here failed, or what it noted: rows of a label file that fit no photo."""
    jobs = session.jobs().jobs(project)
    latest = next((job for job in jobs if job.kind in ("scan", "add")), None)
    if latest is not None and latest.state == "failed" and latest == jobs[0]:
        ui.error(latest.error)
    if latest is not None and latest.result is not None:
        for said in latest.result["notes"]:
            ui.note(said)


project = ui.need_project()
st.title("Data", anchor=False)
with ui.errors():
    _moved(project)
    left, right = st.columns(2, gap="large")
    with left:
        folder, files = _source(project)
    with right:
        labels, csv = _labels(project)
    _actions(project, Choice(folder=folder, files=files, labels=labels, csv=csv))
    _said(project)
with ui.errors():
    if project.last_scan:
        st.divider()
        scan_report.draw(project)
    elif session.jobs().active(project) is None:
        st.html(markup.empty("No photos yet", "Choose a folder, or upload some, then scan them."))
