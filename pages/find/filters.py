"""Which photos are looked at: by file name or folder, label, cluster, day, camera, place and confidence."""

from __future__ import annotations

from datetime import date

import streamlit as st

from kec_core.errors import InputError
from kec_core.photos.exif import Place
from pages.shared import cached, markup, session, ui
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.photo_filter import PhotoFilter, parse_place
from state.work.search import Search

_FILE, _LABELS, _CLUSTERS = "find_file", "find_labels", "find_clusters"
DAYS, _SURE = "find_days", "find_sure"
_CAMERAS, _PLACE, _NEAR, _WITHIN = "find_cameras", "find_place", "find_near", "find_within"
_PLACES: dict[str, bool | None] = {"Anywhere": None, "With a place": True, "Without a place": False}
_NEAR_A_PLACE = "Near a place"
UNLABELLED = "no label"


def draw(project: Project, revision: Revision, search: Search) -> PhotoFilter:
    """Draw the filters that make sense for these photos; returns what is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="find_filters"):
        file = st.text_input(
            "File or folder",
            key=_FILE,
            placeholder="IMG_20 or birds/",
            width=190,
            help="Parts of folder and file name, in any order and case; * stands for any characters.",
        )
        clusters = _clusters(project, revision)
        labels = _labels(project, revision)
        since, until = _days(search)
        cameras = _cameras(search)
        has_place, near, within = _place(search)
        least, most = st.slider(
            "Confidence",
            0,
            100,
            (0, 100),
            format="%d%%",
            key=_SURE,
            width=200,
            help="0 % on the border to the nearest other cluster, 100 % at the centre of its own (simplified silhouette).",
        )
    return PhotoFilter(
        file=file or "",
        labels=labels,
        clusters=clusters,
        since=since,
        until=until,
        cameras=cameras,
        has_place=has_place,
        near=near,
        within=within,
        least=least / 100,
        most=most / 100,
    )


def clear() -> None:
    """Choose nothing; a widget's callback."""
    empty: dict[str, object] = {key: [] for key in (_LABELS, _CLUSTERS, _CAMERAS)}
    for key, nothing in {**empty, _FILE: "", DAYS: (), _SURE: (0, 100), _PLACE: next(iter(_PLACES))}.items():
        session.set_widget(key, nothing)


def _clusters(project: Project, revision: Revision) -> frozenset[int]:
    cards = {card.id: card for card in cached.cards(project, revision)}
    chosen = st.multiselect(
        "Cluster",
        list(cards),
        format_func=lambda one: (
            f"{markup.printable(cards[one].name)} · {cards[one].size:,}" if one in cards else str(one)
        ),
        key=_CLUSTERS,
        placeholder="Any",
        width=230,
    )
    return frozenset(chosen)


def _labels(project: Project, revision: Revision) -> frozenset[str]:
    """By label; nothing to choose without labels."""
    counts = cached.label_counts(project, revision.scan)
    if not counts:
        return frozenset()
    without = len(cached.images(project, revision.scan)) - counts.total()
    some = [*([""] if without else []), *sorted(counts)]
    chosen = st.multiselect(
        "Label",
        some,
        format_func=lambda one: (
            f"{markup.printable(one or UNLABELLED)} · {counts[one] if one else without:,}"
        ),
        key=_LABELS,
        placeholder="Any",
        width=200,
    )
    return frozenset(chosen)


def _days(search: Search) -> tuple[date | None, date | None]:
    """First and last day; nothing to choose when no photo tells when it was taken."""
    known = sorted(one.taken[:10] for one in search.exif if one.taken)
    if not known:
        return None, None
    first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    chosen = st.date_input(
        "Taken",
        [],
        min_value=first,
        max_value=last,
        key=DAYS,
        width=220,
        format="YYYY-MM-DD",
        help=f"When the cameras say; photos from {first} to {last}. Photos without a date are left out when days are chosen.",
    )
    days = chosen if isinstance(chosen, tuple) else (chosen,)
    return (days[0] if days else None), (days[-1] if len(days) > 1 else None)


def _cameras(search: Search) -> frozenset[str]:
    """By camera; nothing to choose when no photo tells it."""
    known = sorted({one.camera for one in search.exif})
    if not any(known):
        return frozenset()
    chosen = st.multiselect(
        "Camera",
        known,
        format_func=lambda one: markup.printable(one or "no camera"),
        key=_CAMERAS,
        placeholder="Any",
        width=200,
    )
    return frozenset(chosen)


def _place(search: Search) -> tuple[bool | None, Place | None, float]:
    """Where photos were taken: with a place, near which, and within how many kilometres; nothing when none tells it."""
    if not any(one.place for one in search.exif):
        return None, None, 1.0
    chosen = st.selectbox("Place", [*_PLACES, _NEAR_A_PLACE], key=_PLACE, width=160)
    if chosen != _NEAR_A_PLACE:
        return _PLACES[chosen], None, 1.0
    picked = [search.row_of[image] for image in session.selection().images if image in search.row_of]
    at = next((search.exif[row].place for row in picked if search.exif[row].place), None)
    written = st.text_input(
        "Near",
        placeholder=f"{at.latitude}, {at.longitude}" if at else "52.52, 13.40",
        key=_NEAR,
        width=160,
        help="Latitude and longitude in degrees; while it is empty, the place of the first picked photo counts.",
    )
    within = st.number_input("Kilometres", min_value=0.1, value=1.0, key=_WITHIN, width=120)
    if not written:
        return True, at, float(within)
    try:
        return True, parse_place(written), float(within)
    except InputError as error:
        ui.error(error)
        return True, None, float(within)
