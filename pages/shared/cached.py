"""What many reruns read again, kept in the server's memory; keys name content, so nothing shown is ever out of date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from kec_core.concept_photos import ConceptPhotos
from kec_core.concept_photos import concept_photos as compute_concept_photos
from kec_core.images import ImageRecord
from kec_core.live import LiveState
from state import revisions
from state.comparison import Changes, ClassTable, compare_revisions
from state.comparison import class_table as class_table_of
from state.comparison import count_moved as count_moved_photos
from state.overview import ClusterCard, cluster_cards, load_overview
from state.project import Project
from state.revisions import Revision, RevisionInfo

ENTRIES = 6


def images(project: Project, scan: int) -> tuple[ImageRecord, ...]:
    """The photos of a scan in row order; a scan never changes once it has a number."""
    return _images(str(project.folder), scan)


def row_of(project: Project, scan: int) -> dict[str, int]:
    """The row of every photo of a scan by its id."""
    return _row_of(str(project.folder), scan)


def labels(project: Project, scan: int) -> tuple[str | None, ...]:
    """The label of every photo of a scan."""
    return _labels(str(project.folder), scan, _stamp(project))


def cards(project: Project, revision: Revision) -> tuple[ClusterCard, ...]:
    """The clusters of a revision at a glance."""
    return _cards(str(project.folder), revision.id, _stamp(project))


def concept_photos(revision: Revision, state: LiveState) -> ConceptPhotos:
    """Whose the photos are in a state of a revision, with its collected edits."""
    return _concept_photos(revision.id, id(state), state)


def cluster_names(project: Project, revision: Revision) -> Callable[[int], str]:
    """The name of a cluster by its id; clusters that a preview makes have none yet."""
    names = {card.id: card.name for card in cards(project, revision)}
    return lambda cluster: names.get(cluster, "a new cluster")


def changes(project: Project, before: RevisionInfo, after: RevisionInfo) -> Changes:
    """What lies between two revisions."""
    return _changes(str(project.folder), (before.id, before.clustering_fp), (after.id, after.clustering_fp))


def class_table(project: Project, revision: RevisionInfo) -> ClassTable | None:
    """The clusters of a revision against the labels of now."""
    return _class_table(str(project.folder), revision.id, _stamp(project), revision)


def count_moved(project: Project, before: RevisionInfo, after: RevisionInfo) -> int | None:
    """How many photos changed cluster, see ``state.comparison.count_moved``."""
    key = (before.clustering_fp, after.clustering_fp, before.scan == after.scan)
    return _count_moved(str(project.folder), key, before, after)


def _stamp(project: Project) -> tuple[int, ...]:
    """Changes whenever anything is written into the project's database."""
    files = [project.database.path, project.database.path.with_name(project.database.path.name + "-wal")]
    return tuple(file.stat().st_mtime_ns for file in files if file.exists())


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _images(folder: str, scan: int) -> tuple[ImageRecord, ...]:
    return Project(Path(folder)).images(scan)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _row_of(folder: str, scan: int) -> dict[str, int]:
    return {image.id: row for row, image in enumerate(_images(folder, scan))}


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _labels(folder: str, scan: int, stamp: tuple[int, ...]) -> tuple[str | None, ...]:  # noqa: ARG001 - a key
    return tuple(Project(Path(folder)).labels(scan))


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _cards(folder: str, revision_id: str, stamp: tuple[int, ...]) -> tuple[ClusterCard, ...]:
    project = Project(Path(folder))
    revision = revisions.get(project, revision_id)
    truth = _labels(folder, revision.scan, stamp)
    return cluster_cards(load_overview(project, revision), revision.knowledge, truth)


@st.cache_resource(max_entries=2, show_spinner=False)
def _concept_photos(revision_id: str, made: int, _state: LiveState) -> ConceptPhotos:  # noqa: ARG001 - a key
    return compute_concept_photos(_state)  # holds the state, so its id stays its own while this is remembered


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _changes(folder: str, before: tuple[str, str], after: tuple[str, str]) -> Changes:
    return compare_revisions(Project(Path(folder)), before[0], after[0])


@st.cache_resource(max_entries=5000, show_spinner=False)
def _count_moved(
    folder: str,
    key: tuple[object, ...],  # noqa: ARG001 - a key
    _before: RevisionInfo,
    _after: RevisionInfo,
) -> int | None:
    return count_moved_photos(Project(Path(folder)), _before, _after)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _class_table(
    folder: str,
    revision_id: str,  # noqa: ARG001 - a key
    stamp: tuple[int, ...],
    _revision: RevisionInfo,
) -> ClassTable | None:
    return class_table_of(Project(Path(folder)), _revision, _labels(folder, _revision.scan, stamp))
