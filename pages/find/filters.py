"""Which photos are looked at: by file name or folder, label, cluster, day and confidence."""

from __future__ import annotations

from datetime import date

import streamlit as st

from pages.shared import cached, markup, session
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.photo_filter import PhotoFilter
from state.work.search import Search

_FILE, _LABELS, _CLUSTERS = "find_file", "find_labels", "find_clusters"
_DAYS, _SURE = "find_days", "find_sure"
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
        least=least / 100,
        most=most / 100,
    )


def clear() -> None:
    """Choose nothing; a widget's callback."""
    for key, nothing in ((_FILE, ""), (_LABELS, []), (_CLUSTERS, []), (_DAYS, ()), (_SURE, (0, 100))):
        session.set_widget(key, nothing)


def _clusters(project: Project, revision: Revision) -> frozenset[int]:
    cards = {card.id: card for card in cached.cards(project, revision)}
    chosen = st.multiselect(
        "Cluster",
        list(cards),
        format_func=lambda one: markup.printable(cards[one].name if one in cards else one),
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
    some = (
        ["", *sorted(counts)]
        if counts.total() < len(cached.images(project, revision.scan))
        else sorted(counts)
    )
    chosen = st.multiselect(
        "Label",
        some,
        format_func=lambda one: markup.printable(one or UNLABELLED),
        key=_LABELS,
        placeholder="Any",
        width=200,
    )
    return frozenset(chosen)


def _days(search: Search) -> tuple[date | None, date | None]:
    """First and last day; nothing to choose when no photo tells when it was taken."""
    known = sorted(moment[:10] for moment in search.taken if moment)
    if not known:
        return None, None
    first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    chosen = st.date_input(
        "Taken",
        [],
        min_value=first,
        max_value=last,
        key=_DAYS,
        width=220,
        format="YYYY-MM-DD",
        help=f"When the cameras say; photos from {first} to {last}. Photos without a date are left out when days are chosen.",
    )
    days = chosen if isinstance(chosen, tuple) else (chosen,)
    return (days[0] if days else None), (days[-1] if len(days) > 1 else None)
