"""What is picked on the workbench, always in sight: photos and where they belong, or concepts to merge."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.edits import AssignImages
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from kec_core.photos.images import ImageRecord
from kec_core.result.concept_photos import ConceptPhotos
from pages.concepts import actions
from pages.shared import markup, selection, session, ui
from state.project.project import Project
from state.revisions.revisions import Revision

NEIGHBOURS = 9
HINT = "Click photos to pick them (Shift: a range), then say where they belong."


def draw(
    project: Project,
    revision: Revision,
    state: LiveState,
    photos: ConceptPhotos,
    images: Sequence[ImageRecord],
) -> bool:
    """Draw the bar; returns whether anything is picked."""
    known = state.knowledge.by_id  # what was picked may be merged or deleted since
    concepts = [one for one in session.selection().concepts if one in known]
    has_photos = bool(session.selection().images)
    if len(concepts) > 1:
        _concepts(project, state, photos, concepts, images)
    if has_photos:
        _neighbours(project, state, photos)
    selection.draw(project, revision, hint=HINT, place="line")
    return has_photos or len(concepts) > 1


def _concepts(
    project: Project,
    state: LiveState,
    photos: ConceptPhotos,
    picked: Sequence[str],
    images: Sequence[ImageRecord],
) -> None:
    names = unique_names(state.knowledge)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="concept_bar"):
        st.badge(f"{len(picked)} concepts picked", icon=":material/check:", color="green")
        ui.note(", ".join(names[one] for one in picked), width="content")
        if st.button(
            f"Merge {len(picked)}",
            key="concepts_merge",
            icon=":material/merge:",
            type="primary",
            shortcut="G",
        ):
            actions.merge(project, photos, picked, images)
        st.button(
            "Clear", key="concepts_clear", type="tertiary", on_click=session.select, kwargs={"concepts": ()}
        )


def _neighbours(project: Project, state: LiveState, photos: ConceptPhotos) -> None:
    """The concepts similar to the one that is looked at, each a key away."""
    picked, concept = session.selection().images, actions.focus(state, photos)
    names = unique_names(state.knowledge)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="neighbours"):
        st.caption("They belong to", width="content")
        for number, other in enumerate(photos.similar(concept.id, NEIGHBOURS), start=1):
            st.button(
                markup.plain(names[other]),
                key=f"neighbour_{other}",
                type="tertiary",
                shortcut=str(number),
                on_click=session.act,
                args=(project, [AssignImages(images=picked, concept=other)]),
            )
