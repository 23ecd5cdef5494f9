"""Data: are my photos in, and sound?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import streamlit as st

from kec_core.images import SMALL_SIDE, ImageRecord, ScanReport
from pages import _gallery, _html, _ui
from state import session
from state.ingest import save_uploads
from state.project import Project

FOLDER, UPLOAD = "A folder on this computer", "Upload photos or a zip"
LABELS = {
    "keep": "As they are",
    "folders": "Names of the sub-folders",
    "csv": "A CSV file",
    "none": "No labels",
}
UPLOADED = "photos"


def _start_scan(project: Project, root: Path, labels: str) -> None:
    session.jobs().start(project, "scan", {"images": str(root), "labels": labels})
    st.rerun()


def _source(project: Project) -> None:
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
    key = f"data_root_{project.folder.name}"
    if session.widget(key) is None:
        session.set_widget(key, str(project.images_root or ""))
    if kind == FOLDER:
        st.text_input(
            "Folder",
            key=key,
            placeholder="/home/me/Pictures",
            help="Photos are read where they lie, nothing is copied. All sub-folders are included.",
        )
    else:
        st.file_uploader(
            "Photos, or a zip of photos",
            accept_multiple_files=True,
            key="data_files",
            help="They are saved inside the project. For many thousands of photos a folder is faster.",
        )


def _labels() -> None:
    st.subheader("Labels, only for scores", anchor=False)
    st.segmented_control(
        "Labels",
        list(LABELS),
        format_func=lambda value: LABELS[value],
        default="keep",
        required=True,
        key="data_labels",
        label_visibility="collapsed",
        persist_state="session",
    )
    if session.widget("data_labels") == "csv":
        st.text_input(
            "CSV file",
            key="data_csv",
            placeholder="/home/me/labels.csv",
            help="Two columns, file and label; file is a name or a path relative to the photo folder.",
            persist_state="session",
        )
    st.html(
        _html.note(
            "If you know the right group of some photos, the result can be scored. The method itself never sees labels."
        )
    )


def _chosen_labels() -> str:
    choice = str(session.widget("data_labels"))
    if choice != "csv":
        return choice
    return str(session.workspace().check_allowed(Path(str(session.widget("data_csv")).strip())))


def _chosen_root(project: Project) -> Path:
    if session.widget("data_source") == UPLOAD:
        folder = project.folder / UPLOADED
        with st.spinner("Saving…"):
            saved = save_uploads([(file.name, file) for file in session.widget("data_files") or []], folder)
        for item in saved.skipped[:5]:
            session.notice(f"{item.path}: {item.reason}")
        return folder
    return session.workspace().check_allowed(
        Path(str(session.widget(f"data_root_{project.folder.name}")).strip())
    )


def _is_chosen(project: Project) -> bool:
    if session.widget("data_source") == UPLOAD:
        return bool(session.widget("data_files"))
    return bool(str(session.widget(f"data_root_{project.folder.name}")).strip())


def _report(project: Project) -> None:
    scan = project.last_scan
    report = ScanReport(
        images=project.images(scan), skipped=project.skipped(scan), warnings=project.warnings(scan)
    )
    labels = Counter(label for label in project.labels(scan) if label is not None)
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
    running = session.jobs().active(project)
    _source(project)
    _labels()
    if st.button(
        "Scan the photos",
        type="primary",
        key="data_scan",
        icon=":material/search:",
        disabled=running is not None or not _is_chosen(project),
        help="Looks at every file once. Nothing is changed in your folder.",
        shortcut="Alt+S",
    ):
        _start_scan(project, _chosen_root(project), _chosen_labels())
    st.divider()
    if project.last_scan:
        _report(project)
        if st.button(
            "Next: build the groups", key="data_next", icon=":material/arrow_forward:", type="primary"
        ):
            st.switch_page("pages/build.py")
    elif running is None:
        st.html(_html.empty("No photos yet", "Choose a folder, or upload some, then scan them."))
