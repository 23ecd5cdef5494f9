"""What many reruns read again, kept in the server's memory; keys name content, so nothing shown is ever out of date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import streamlit as st

from kec_core.live import LiveState
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.result.concept_photos import ConceptPhotos
from kec_core.result.concept_photos import concept_photos as compute_concept_photos
from state.project.near_copies import group_of_copy
from state.project.near_copies import near_copies as find_near_copies
from state.project.project import Project
from state.revisions.cluster_marks import cluster_marks
from state.revisions.comparison import Changes, ClassTable, compare_revisions
from state.revisions.comparison import class_table as class_table_of
from state.revisions.comparison import count_moved as count_moved_photos
from state.revisions.overview import ClusterCard, cluster_cards, load_overview
from state.revisions.revisions import Revision, RevisionInfo

ENTRIES = 6


def images(project: Project, scan: int) -> tuple[ImageRecord, ...]:
    """The photos of a scan in row order; a scan never changes once it has a number."""
    return _images(_identity(project), scan, project)


def row_of(project: Project, scan: int) -> dict[str, int]:
    """The row of every photo of a scan by its id."""
    return _row_of(_identity(project), scan, project)


def labels(project: Project, scan: int) -> tuple[str | None, ...]:
    """The label of every photo of a scan."""
    return _labels(_identity(project), scan, project.labels_version, project)


def scan_report(project: Project, scan: int) -> ScanReport:
    """What a scan found; what it derives from the photos is found once."""
    return _scan_report(_identity(project), scan, project.exif_known, project)


def label_counts(project: Project, scan: int) -> Counter[str]:
    """How many photos of a scan carry each label."""
    return _label_counts(_identity(project), scan, project.labels_version, project)


def near_copies(project: Project) -> Mapping[str, int]:
    """The number of its group for every photo that has near-copies."""
    return _near_copies(_identity(project), project.near_copies_key, project)


def cards(project: Project, revision: Revision) -> tuple[ClusterCard, ...]:
    """The clusters of a revision at a glance."""
    marks = cluster_marks(project, revision.id)
    said = (tuple(sorted(marks.names.items())), tuple(sorted(marks.done)))
    return _cards(_identity(project), revision.id, said, project.labels_version, project, revision)


def concept_photos(revision: Revision, state: LiveState) -> ConceptPhotos:
    """Whose the photos are in a state of a revision, with its collected edits."""
    return _concept_photos(revision.id, id(state), state)


def cluster_names(project: Project, revision: Revision) -> Callable[[int], str]:
    """The name of a cluster by its id; clusters that a preview makes have none yet."""
    names = {card.id: card.name for card in cards(project, revision)}
    return lambda cluster: names.get(cluster, "a new cluster")


def changes(project: Project, before: RevisionInfo, after: RevisionInfo) -> Changes:
    """What lies between two revisions."""
    return _changes(
        _identity(project), (before.id, before.clustering_fp), (after.id, after.clustering_fp), project
    )


def class_table(project: Project, revision: RevisionInfo) -> ClassTable | None:
    """The clusters of a revision against the labels of now."""
    return _class_table(_identity(project), revision.id, project.labels_version, project, revision)


def count_moved(project: Project, before: RevisionInfo, after: RevisionInfo) -> int | None:
    """How many photos changed cluster, see ``state.revisions.comparison.count_moved``."""
    key = (before.clustering_fp, after.clustering_fp, before.scan == after.scan)
    return _count_moved(_identity(project), key, project, before, after)


def _identity(project: Project) -> tuple[str, str]:
    """Tells a project from one that was in its folder before; progress of a job, or a tick, changes nothing here."""
    return str(project.folder), project.created


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _images(identity: tuple[str, str], scan: int, _project: Project) -> tuple[ImageRecord, ...]:  # noqa: ARG001 - a key
    return _project.images(scan)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _row_of(identity: tuple[str, str], scan: int, _project: Project) -> dict[str, int]:
    return {image.id: row for row, image in enumerate(_images(identity, scan, _project))}


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _labels(
    identity: tuple[str, str],  # noqa: ARG001 - a key
    scan: int,
    version: int,  # noqa: ARG001 - a key
    _project: Project,
) -> tuple[str | None, ...]:
    return tuple(_project.labels(scan))


@st.cache_resource(max_entries=2, show_spinner=False)
def _scan_report(
    identity: tuple[str, str],
    scan: int,
    known: tuple[int, int, int],  # noqa: ARG001 - a key
    _project: Project,
) -> ScanReport:
    images = _images(identity, scan, _project)
    return ScanReport(
        images=images,
        skipped=_project.skipped(scan),
        warnings=_project.warnings(scan),
        others=_project.other_files,
        exif={image.id: exif for image, exif in zip(images, _project.exif(scan), strict=True) if exif},
    )


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _label_counts(identity: tuple[str, str], scan: int, version: int, _project: Project) -> Counter[str]:
    return Counter(label for label in _labels(identity, scan, version, _project) if label is not None)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _near_copies(identity: tuple[str, str], key: str, _project: Project) -> Mapping[str, int]:  # noqa: ARG001 - keys
    return group_of_copy(find_near_copies(_project))


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _cards(
    identity: tuple[str, str],
    revision_id: str,  # noqa: ARG001 - a key
    marks: tuple[object, ...],  # noqa: ARG001 - a key
    version: int,
    _project: Project,
    _revision: Revision,
) -> tuple[ClusterCard, ...]:
    truth = _labels(identity, _revision.scan, version, _project)
    return cluster_cards(load_overview(_project, _revision), _revision.knowledge, truth)


@st.cache_resource(max_entries=2, show_spinner=False)
def _concept_photos(revision_id: str, made: int, _state: LiveState) -> ConceptPhotos:  # noqa: ARG001 - a key
    return compute_concept_photos(_state)  # holds the state, so its id stays its own while this is remembered


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _changes(
    identity: tuple[str, str],  # noqa: ARG001 - a key
    before: tuple[str, str],
    after: tuple[str, str],
    _project: Project,
) -> Changes:
    return compare_revisions(_project, before[0], after[0])


@st.cache_resource(max_entries=5000, show_spinner=False)
def _count_moved(
    identity: tuple[str, str],  # noqa: ARG001 - a key
    key: tuple[object, ...],  # noqa: ARG001 - a key
    _project: Project,
    _before: RevisionInfo,
    _after: RevisionInfo,
) -> int | None:
    return count_moved_photos(_project, _before, _after)


@st.cache_resource(max_entries=ENTRIES, show_spinner=False)
def _class_table(
    identity: tuple[str, str],
    revision_id: str,  # noqa: ARG001 - a key
    version: int,
    _project: Project,
    _revision: RevisionInfo,
) -> ClassTable | None:
    return class_table_of(_project, _revision, _labels(identity, _revision.scan, version, _project))
