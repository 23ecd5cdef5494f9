"""Where does a photo belong? The photo, the likely groups on keys 1 to 9, and a new group; for all who ask this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import cached, markup, session, ui
from pages.shared.thumbnails import LARGE, address
from state.project.project import Project
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

EXAMPLES = 6
Answer = TypeVar("Answer")


def photo(project: Project, shown: Revision, image: str) -> None:
    """The photo, large; its name is no caption, since the name of a folder may give the answer away."""
    record = cached.images(project, shown.scan)[cached.row_of(project, shown.scan)[image]]
    if not record.sha256:
        ui.note(f"{image} has no preview.")
        return
    source = address(session.open_projects().id_of(project.folder), record.sha256, LARGE)
    st.html(f'<div class="kec kec-judged"><img src="{markup.text(source)}" alt="{markup.text(image)}"></div>')


def beside_photo(project: Project, shown: Revision, image: str) -> DeltaGenerator:
    """The photo, large, and the place beside it for the question."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        photo(project, shown, image)
    return right


def answers(
    key: str, told: Sequence[tuple[str, Answer, str, str]], on_answer: Callable[[Answer], None]
) -> None:
    """A button per answer; the first is the main one where it is a plain yes.

    Args:
        key: begins the keys of the buttons.
        told: label, answer, end of the button's key, and key on the keyboard of each.
        on_answer: told the answer; a widget's callback.
    """
    for label, answer, name, shortcut in told:
        st.button(
            label,
            key=f"{key}_{name}",
            shortcut=shortcut,
            type="primary" if answer is True else "secondary",
            on_click=on_answer,
            args=(answer,),
        )


def groups(
    project: Project,
    shown: Revision,
    image: str,
    clusters: Sequence[int],
    *,
    key: str,
    on_place: Callable[[int], None],
) -> None:
    """A button per group, with photos of it.

    Args:
        project: whose photo.
        shown: the revision that it is asked about.
        image: the photo that is placed.
        clusters: ids of the groups, the likeliest first; nine at most.
        key: begins the keys of the buttons.
        on_place: told the cluster; a widget's callback.
    """
    name = cached.cluster_names(project, shown)
    overview = load_overview(project, shown)
    images = cached.images(project, shown.scan)
    for number, cluster in enumerate(clusters, start=1):
        button, photos = st.columns([2, 5], vertical_alignment="center")
        button.button(
            markup.plain(name(cluster)),
            key=f"{key}_{number}",
            shortcut=str(number),
            width="stretch",
            on_click=on_place,
            args=(cluster,),
        )
        examples = [images[row] for row in overview.members(cluster)[: EXAMPLES + 1]]
        others = [one for one in examples if one.id != image][:EXAMPLES]
        with photos:
            ui.photos(project, others, size="strip", label=f"Photos of {name(cluster)}")
