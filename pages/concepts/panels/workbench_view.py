"""What the panels of the workbench draw from: the shown revision, with the edits that are collected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.live import LiveState
from kec_core.photos.images import ImageRecord
from kec_core.result.concept_photos import ConceptPhotos
from kec_core.wordnet.wordnet import WordNet, load_wordnet
from pages.shared import cached, editing, ui
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What is looked at.

    Attributes:
        state: of the revision, or with the collected edits.
        images: the photos in row order.
        photos: which of them belong to which concept.
    """

    project: Project
    revision: Revision
    state: LiveState
    images: Sequence[ImageRecord]
    photos: ConceptPhotos

    def count(self, concept: str) -> int:
        """Photos of a concept; 0 when it is muted."""
        column = self.photos.columns.get(concept)
        return 0 if column is None else int(self.photos.counts[column])

    def gallery(self, rows: Iterable[int], *, label: str, size: str = "trio") -> None:
        """Draw some photos, in order."""
        ui.photos(self.project, [self.images[row] for row in rows], size=size, label=label)


def look(project: Project, bench: Workbench) -> View:
    """The view of a project; quick when its live state is in memory.

    Raises:
        InputError: there is no result yet, or the collected edits do not fit any more.
        ResourceMissing: the weights of its encoder are not on this machine.
    """
    revision = bench.shown()
    staged = editing.staged()
    state = bench.preview(staged, revision=revision).after if staged else bench.live(revision)
    return view_of(project, revision, state)


def view_of(project: Project, revision: Revision, state: LiveState) -> View:
    """The view of a revision in a state of it."""
    return View(
        project=project,
        revision=revision,
        state=state,
        images=cached.images(project, revision.scan),
        photos=cached.concept_photos(revision, state),
    )


def key(project: Project, name: str) -> str:
    """What a window remembers under this name, of one project."""
    return f"{project.folder.name}.{name}"


@st.cache_resource(show_spinner="Reading WordNet…")
def wordnet() -> WordNet:
    """The dictionary, read once per server.

    Raises:
        ResourceMissing: it is not on this machine.
    """
    return load_wordnet()
