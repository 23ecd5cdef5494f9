"""Data: are my photos in, and sound?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kec_core.images import SMALL_SIDE, ImageRecord, ScanReport
from pages import _cached, _gallery, _html, _navigation, _ui
from state import session
from state.ingest import save_uploads
from state.project import Project

FOLDER, UPLOAD = "A folder on this computer", "Upload photos or a zip"
CSV = "csv"
LABELS = {"keep": "As they are", "folders": "Names of sub-folders", CSV: "A CSV file", "none": "None"}
UPLOADED = "photos"
MOST_NOTICES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where the photos are: a folder as typed, or files as uploaded; and where their labels are."""

    folder: str
    files: Sequence[UploadedFile]
    labels: str
    csv: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether a scan can start."""
        return bool(self.files or self.folder.strip()) and (self.labels != CSV or bool(self.csv.strip()))


def _source(project: Project) -> tuple[str, Sequence[UploadedFile]]:
    st.subheader("Where are your photos?", anchor=False)
    kind = st.segmented_control(
        "Where are your photos?",
        [FOLDER, UPLOAD],
        default=FOLDER,
        required=True,
        key="data_source",
        label_visibility="collapsed",
        persist_state="session",
    )
    if kind == UPLOAD:
        files = st.file_uploader(
            "Photos, or a zip of photos",
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


def _labels() -> tuple[str, str]:
    st.subheader("Labels, only for scores", anchor=False)
    labels = st.segmented_control(
        "Labels",
        list(LABELS),
        format_func=lambda value: LABELS[value],
        default="keep",
        required=True,
        key="data_labels",
        label_visibility="collapsed",
        persist_state="session",
    )
    csv = ""
    if labels == CSV:
        csv = st.text_input(
            "CSV file",
            key="data_csv",
            placeholder="/home/me/labels.csv",
            help="Two columns, file and label; file is a name, or a path relative to the photo folder.",
            persist_state="session",
        )
    st.html(
        _html.note(
            "If you know where some photos belong, the result can be scored. The method itself never sees labels."
        )
    )
    return labels, csv


def _start_scan(project: Project, choice: Choice) -> None:
    workspace = session.workspace()
    labels = str(workspace.check_allowed(Path(choice.csv.strip()))) if choice.labels == CSV else choice.labels
    root = (
        workspace.check_allowed(Path(choice.folder.strip()))
        if choice.folder
        else _save(project, choice.files)
    )
    session.jobs().start(project, "scan", {"images": str(root), "labels": labels})
    st.rerun()


def _save(project: Project, files: Sequence[UploadedFile]) -> Path:
    folder = project.folder / UPLOADED
    with st.spinner("Saving…"):
        saved = save_uploads([(file.name, file) for file in files], folder)
    for item in saved.skipped[:MOST_NOTICES]:
        session.notice(f"Not saved: {item.path}: {item.reason}")
    return folder


def _actions(project: Project, choice: Choice) -> None:
    running = session.jobs().active(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Scan the photos",
            type="secondary" if project.last_scan else "primary",
            key="data_scan",
            icon=":material/search:",
            disabled=running is not None or not choice.is_complete,
            help="Looks at every file once. Nothing is changed in your folder.",
            shortcut="Alt+S",
        ):
            _start_scan(project, choice)
        if project.last_scan and st.button(
            "Next: build the clusters", key="data_next", icon=":material/arrow_forward:", type="primary"
        ):
            _navigation.go_to("build")


def _report(project: Project) -> None:
    scan = project.last_scan
    report = ScanReport(
        images=_cached.images(project, scan), skipped=project.skipped(scan), warnings=project.warnings(scan)
    )
    labels = Counter(label for label in _cached.labels(project, scan) if label is not None)
    st.html(
        _html.facts(
            [
                ("Photos", f"{len(report.images):,}", "Photos that can be read and are used"),
                (
                    "Cannot be used",
                    f"{len(report.skipped):,}",
                    "Files that are left out, each with its reason",
                ),
                (
                    "Exact copies",
                    f"{sum(len(g) - 1 for g in report.duplicates):,}",
                    "Photos equal byte by byte to another one; kept",
                ),
                (
                    "Too small",
                    f"{len(report.too_small):,}",
                    f"A side shorter than {SMALL_SIDE} pixels; used all the same",
                ),
                (
                    "Converted",
                    f"{len(report.odd):,}",
                    "Unusual colours, depth or orientation, converted for use",
                ),
                ("Labels", f"{len(labels):,}", "Different labels, used for scores only"),
            ]
        )
    )
    by_id = {image.id: image for image in report.images}
    tabs = {
        "Photos": lambda: _gallery.paged(project, report.images, key="page_all", label="Photos"),
        f"Cannot be used ({len(report.skipped):,})": lambda: _skipped(report),
        f"Exact copies ({len(report.duplicates):,})": lambda: _copies(project, report, by_id),
        f"Too small ({len(report.too_small):,})": lambda: _gallery.paged(
            project, [by_id[i] for i in report.too_small], key="page_small", label="Too small", caption=_size
        ),
        f"Converted ({len(report.odd):,})": lambda: _gallery.paged(
            project,
            [by_id[i] for i in report.odd],
            key="page_odd",
            label="Converted",
            caption=lambda image: image.warning,
        ),
        f"Labels ({len(labels):,})": lambda: st.html(
            _html.chips(f"{name} · {n:,}" for name, n in labels.most_common(200))
        ),
    }
    shown = [title for title in tabs if not title.endswith("(0)")]
    for title, tab in zip(shown, st.tabs(shown, key="data_tabs", on_change="rerun"), strict=True):
        if tab.open:
            with tab:
                tabs[title]()


def _size(image: ImageRecord) -> str:
    return f"{image.width} × {image.height} pixels"


def _skipped(report: ScanReport) -> None:
    shown = report.skipped[_gallery.turn("page_skipped", len(report.skipped), _gallery.PER_PAGE)]
    st.html(
        _html.gallery(
            [_html.Tile(src="", alt=s.path, caption=f"{s.path}: {s.reason}") for s in shown],
            label="Cannot be used",
        )
    )


def _copies(project: Project, report: ScanReport, by_id: dict[str, ImageRecord]) -> None:
    photos = [by_id[image_id] for group in report.duplicates for image_id in group]
    _gallery.paged(project, photos, key="page_copies", label="Exact copies", caption=lambda image: image.id)


project = _ui.need_project()
st.title("Data", anchor=False)
with _ui.errors():
    left, right = st.columns(2, gap="large")
    with left:
        folder, files = _source(project)
    with right:
        labels, csv = _labels()
    _actions(project, Choice(folder=folder, files=files, labels=labels, csv=csv))
with _ui.errors():
    if project.last_scan:
        st.divider()
        _report(project)
    elif session.jobs().active(project) is None:
        st.html(_html.empty("No photos yet", "Choose a folder, or upload some, then scan them."))
