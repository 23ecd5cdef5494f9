"""Sorting all photos into a list of names: one group per name, and one for what is none of them."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from kec_core.knowledge.edit_sorting import NONE, SortInto
from kec_core.live import LiveState
from kec_core.types import Knowledge
from pages.clusters import dialogs
from pages.shared import cached, groups, markup, session, ui
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.workbench import Preview

MAX_MEGABYTES = 2
SHOWN = 30
"""Groups whose photos are shown before they are made."""
STRIP = 6
_NAMES, _FILE, _KNOWN, _NONE = "sort_names", "sort_file", "sort_known", "sort_none"


@ui.dialog("Sort into my list", width="large")
def sort(project: Project, revision: Revision) -> None:
    """Names in, and what would become of them; then the button that does it."""
    dialogs.close_when_done()
    listed = _names(revision.knowledge)
    names = [name for name in listed if name.casefold() != NONE]
    none = len(names) < len(
        listed
    )  # who writes it on the list means that group, not photos which these words fit
    none |= st.checkbox(
        "And “none of these” for photos that no name fits",
        value=True,
        key=_NONE,
        help="Otherwise every photo goes to one of the names.",
    )
    edit = groups.written(partial(SortInto, names=tuple(names), none=none)) if names else None
    found = None if edit is None else groups.tried(project, edit)
    if found is not None:
        _preview(project, revision, found)
    elif not names:
        ui.note("Any names: the photos are compared with the words themselves, known to a dictionary or not.")
    dialogs.buttons(project, edit if found is not None else None, "Sort the photos")


def _names(knowledge: Knowledge) -> tuple[str, ...]:
    """The names that were typed, loaded and chosen, each once."""
    typed = st.text_area("Names, one per line", key=_NAMES, placeholder="dog\ncat\nbird of prey", height=120)
    left, right = st.columns(2)
    with left:
        known = st.multiselect(
            "From your concepts and their groups",
            _known(knowledge),
            format_func=markup.printable,
            key=_KNOWN,
            placeholder="Choose",
        )
    with right:
        file = st.file_uploader(
            "From a text file",
            type=["txt", "csv"],
            key=_FILE,
            max_upload_size=MAX_MEGABYTES,
            help="One name per line.",
        )
    loaded = "" if file is None else file.getvalue().decode("utf-8-sig", "replace")
    return listed_names(typed or "", loaded, *known)


def _known(knowledge: Knowledge) -> list[str]:
    return list(
        dict.fromkeys(
            [*(group.name for group in knowledge.groups), *(one.name for one in knowledge.concepts)]
        )
    )


def listed_names(*texts: str) -> tuple[str, ...]:
    """The names in texts, one per line, or divided by commas where a text has a single line; each once, in any case."""
    names: dict[str, str] = {}
    for text in texts:
        lines = text.strip().splitlines()
        for line in lines if len(lines) != 1 else lines[0].split(","):
            name = " ".join(line.split())
            if name:
                names.setdefault(name.casefold(), name)
    return tuple(names.values())


def _preview(project: Project, revision: Revision, found: Preview) -> None:
    """How many photos every group would have, with a few of them, the largest first."""
    labels = np.asarray(found.after.clustering.labels)
    images = cached.images(project, revision.scan)
    sizes = np.bincount(labels)
    kept = {one.id: one.name for one in found.after.knowledge.kept}
    order = sorted(kept, key=lambda one: -_size(sizes, one))
    ui.note(" ".join((f"{markup.count(len(found.impact.moved), 'photo')} would move.", *found.remarks)))
    with st.container(height=300, key="sort_preview"):
        for cluster in order[:SHOWN]:
            left, right = st.columns([1, 2], vertical_alignment="center")
            with left:
                ui.card(kept[cluster], [markup.count(_size(sizes, cluster), "photo")])
            with right:
                shown = [images[row] for row in _typical(found.after, cluster)]
                ui.photos(project, shown, size="strip", label=f"Photos of {kept[cluster]}")


def _typical(state: LiveState, cluster: int) -> list[int]:
    """Rows of the photos that are most like their group, by looks."""
    rows = np.flatnonzero(np.asarray(state.clustering.labels) == cluster)
    looks = np.asarray(state.collection.x[rows])
    found: list[int] = rows[np.argsort(-looks @ looks.sum(axis=0), kind="stable")[:STRIP]].tolist()
    return found


def _size(sizes: np.ndarray, cluster: int) -> int:
    return int(sizes[cluster]) if cluster < len(sizes) else 0


def start() -> None:
    """Forget the names of the last time; a widget's callback."""
    for key in (_NAMES, _KNOWN):
        session.set_widget(key, "" if key == _NAMES else [])
