"""The report of a scan: what was found, what cannot be used and why, with the photos themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from kec_core.photos.images import SMALL_SIDE, ImageRecord, ScanReport, passed_over
from pages.shared import cached, gallery, markup, ui
from state.project.near_copies import near_copies
from state.project.project import Project

MOST_LABELS = 200


def draw(project: Project) -> None:
    """Draw the report of the newest scan."""
    scan = project.last_scan
    report, labels = cached.scan_report(project, scan), cached.label_counts(project, scan)
    there = cached.row_of(project, scan)
    groups = [kept for g in near_copies(project) if len(kept := [i for i in g if i in there]) > 1]
    near = _by_id(project, [image_id for group in groups for image_id in group])
    st.html(
        markup.facts(
            [
                ("Photos", f"{len(report.images):,}", "Photos that can be read and are used"),
                (
                    "Cannot be used",
                    f"{len(report.skipped):,}",
                    "Files that are left out, each with its reason",
                ),
                (
                    "Other files",
                    f"{sum(report.others.values()):,}",
                    "Files in the folder that are no photos, hidden ones included",
                ),
                (
                    "Exact copies",
                    f"{sum(len(g) - 1 for g in report.duplicates):,}",
                    "Photos equal byte by byte to another one; kept",
                ),
                (
                    "Near-copies",
                    f"{len(near):,}",
                    "Photos that the latest run found to show the same as another one: cropped, saved again, or taken a "
                    "moment apart; kept",
                ),
                (
                    "Too small",
                    f"{len(report.too_small):,}",
                    f"A side shorter than {SMALL_SIDE} pixels; used all the same",
                ),
                (
                    "With a note",
                    f"{len(report.odd):,}",
                    "Unusual colours or depth, converted for use; misnamed; damaged in places",
                ),
                ("Labels", f"{len(labels):,}", "Different labels, used for scores only"),
                *_camera_facts(report),
            ]
        )
    )
    tabs: dict[str, Callable[[], object]] = {
        "Photos": lambda: gallery.paged(project, report.images, key="page_all", label="Photos"),
        f"Cannot be used ({len(report.skipped):,})": lambda: _skipped(report),
        f"Other files ({sum(report.others.values()):,})": lambda: st.text(passed_over(report.others)),
        f"Exact copies ({len(report.duplicates):,})": lambda: _copies(project, report),
        f"Near-copies ({len(near):,})": lambda: _near_copies(project, groups, near),
        f"Too small ({len(report.too_small):,})": lambda: gallery.paged(
            project, _by_id(project, report.too_small), key="page_small", label="Too small", caption=_size
        ),
        f"With a note ({len(report.odd):,})": lambda: gallery.paged(
            project,
            _by_id(project, report.odd),
            key="page_odd",
            label="With a note",
            caption=lambda image: image.warning,
        ),
        f"Labels ({len(labels):,})": lambda: _labels(labels, len(report.images)),
    }
    ui.tabs({title: tab for title, tab in tabs.items() if not title.endswith("(0)")}, key="data_tabs")


def _camera_facts(report: ScanReport) -> list[tuple[str, str, str]]:
    """What cameras wrote, nothing where no photo tells it."""
    known = report.exif.values()
    days = sorted(one.taken[:10] for one in known if one.taken)
    facts = [
        (
            "Cameras",
            len({one.camera for one in known if one.camera}),
            "Different cameras, by the photos' EXIF",
        ),
        (
            "With a date",
            len(days),
            f"From {days[0]} to {days[-1]}, by the clocks of the cameras" if days else "",
        ),
        (
            "With a place",
            sum(one.place is not None for one in known),
            "Photos that tell where they were taken (GPS)",
        ),
    ]
    return [(name, f"{number:,}", tip) for name, number, tip in facts if number]


def _by_id(project: Project, ids: Sequence[str]) -> list[ImageRecord]:
    scan = project.last_scan
    images, row_of = cached.images(project, scan), cached.row_of(project, scan)
    return [images[row_of[image_id]] for image_id in ids]


def _size(image: ImageRecord) -> str:
    return f"{image.width} × {image.height} pixels"


def _labels(labels: Counter[str], n_photos: int) -> None:
    ui.note(f"{labels.total():,} of {markup.count(n_photos, 'photo')} have a label.")
    st.html(markup.chips(f"{name} · {n:,}" for name, n in labels.most_common(MOST_LABELS)))


@st.fragment
def _skipped(report: ScanReport) -> None:
    shown = report.skipped[gallery.turn("page_skipped", len(report.skipped), gallery.PER_PAGE)]
    st.html(
        markup.gallery(
            [markup.Tile(src="", alt=s.path, caption=f"{s.path}: {s.reason}") for s in shown],
            size="large",
            label="Cannot be used",
        )
    )


def _near_copies(project: Project, groups: Sequence[Sequence[str]], photos: Sequence[ImageRecord]) -> None:
    largest = len(groups[0])
    st.caption(
        f"{len(photos):,} photos in {markup.count(len(groups), 'group')}, the largest of {largest:,}, beside each other. A group that makes "
        "up much of the collection counts as one photo where groups are searched, and is not cut."
    )
    gallery.paged(project, photos, key="page_near", label="Near-copies", caption=lambda image: image.id)


def _copies(project: Project, report: ScanReport) -> None:
    photos = _by_id(project, [image_id for group in report.duplicates for image_id in group])
    gallery.paged(project, photos, key="page_copies", label="Exact copies", caption=lambda image: image.id)
