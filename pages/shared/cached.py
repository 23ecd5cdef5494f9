"""What many reruns read again, kept in the server's memory; keys name content, so nothing shown is ever out of date."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from kec_core.knowledge.edit_base import with_cluster_names
from kec_core.live import LiveState
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.result.concept_photos import ConceptPhotos
from kec_core.result.concept_photos import concept_photos as compute_concept_photos
from kec_core.types import Knowledge
from state.project.near_copies import group_of_copy
from state.project.near_copies import near_copies as find_near_copies
from state.project.project import Project
from state.revisions.cluster_marks import cluster_marks
from state.revisions.comparison import Changes, ClassTable, GoneCluster, compare_revisions
from state.revisions.comparison import class_table as class_table_of
from state.revisions.comparison import count_moved as count_moved_photos
from state.revisions.comparison import gone_cluster as find_gone_cluster
from state.revisions.overview import ClusterCard, cluster_cards, load_overview
from state.revisions.revisions import Revision, RevisionInfo

ENTRIES = 6
P = ParamSpec("P")
T = TypeVar("T")


def remembered(
    key: Callable[..., object], *, entries: int = ENTRIES, spinner: str | bool = False
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep what a function returns in the server's memory.

    Args:
        key: of the same arguments, the plain values that its result depends on.
        entries: results that are kept, the latest ones.
        spinner: what the page says meanwhile.
    """

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        def held(found_by: object, _args: Any, _kwargs: Any) -> T:  # noqa: ANN401, ARG001 - those of make; a key
            return make(*_args, **_kwargs)

        # Streamlit tells caches apart by these; every page is a module of the same name.
        held.__module__, held.__qualname__ = inspect.getfile(make), make.__qualname__
        kept = st.cache_resource(max_entries=entries, show_spinner=spinner)(held)

        @wraps(make)
        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            return kept(key(*args, **kwargs), args, kwargs)

        return ask

    return decorate


def identity(project: Project) -> tuple[str, str]:
    """Tells a project from one that was in its folder before; progress of a job, or a tick, changes nothing here."""
    return str(project.folder), project.created


@remembered(lambda project, scan: (identity(project), scan))
def images(project: Project, scan: int) -> tuple[ImageRecord, ...]:
    """The photos of a scan in row order; a scan never changes once it has a number."""
    return project.images(scan)


@remembered(lambda project, scan: (identity(project), scan))
def row_of(project: Project, scan: int) -> dict[str, int]:
    """The row of every photo of a scan by its id."""
    return {image.id: row for row, image in enumerate(images(project, scan))}


@remembered(lambda project, scan: (identity(project), scan, project.labels_version))
def labels(project: Project, scan: int) -> tuple[str | None, ...]:
    """The label of every photo of a scan."""
    return tuple(project.labels(scan))


@remembered(lambda project, scan: (identity(project), scan, project.exif_known), entries=2)
def scan_report(project: Project, scan: int) -> ScanReport:
    """What a scan found; what it derives from the photos is found once."""
    photos = images(project, scan)
    return ScanReport(
        images=photos,
        skipped=project.skipped(scan),
        warnings=project.warnings(scan),
        others=project.other_files,
        exif={image.id: exif for image, exif in zip(photos, project.exif(scan), strict=True) if exif},
    )


@remembered(lambda project, scan: (identity(project), scan, project.labels_version))
def label_counts(project: Project, scan: int) -> Counter[str]:
    """How many photos of a scan carry each label."""
    return Counter(label for label in labels(project, scan) if label is not None)


@remembered(lambda project: (identity(project), project.near_copies_key))
def near_copies(project: Project) -> Mapping[str, int]:
    """The number of its group for every photo that has near-copies."""
    return group_of_copy(find_near_copies(project))


def _key_of_cards(project: Project, revision: Revision) -> tuple[object, ...]:
    marks = cluster_marks(project, revision.id)
    said = (tuple(sorted(marks.names.items())), tuple(sorted(marks.done)))
    return identity(project), revision.id, said, project.labels_version


@remembered(_key_of_cards)
def cards(project: Project, revision: Revision) -> tuple[ClusterCard, ...]:
    """The clusters of a revision at a glance."""
    truth = labels(project, revision.scan)
    return cluster_cards(load_overview(project, revision), revision.knowledge, truth)


@remembered(lambda revision, state: (revision.id, id(state)), entries=2)
def concept_photos(_revision: Revision, state: LiveState) -> ConceptPhotos:
    """Whose the photos are in a state of a revision, with its collected edits."""
    return compute_concept_photos(state)  # holds the state, so its id stays its own while this is remembered


def cluster_names(project: Project, revision: Revision) -> Callable[[int], str]:
    """The name of a cluster by its id; clusters that a preview makes have none yet."""
    names = {card.id: card.name for card in cards(project, revision)}
    return lambda cluster: names.get(cluster, "a new cluster")


def knowledge_in_words(project: Project, revision: Revision) -> Knowledge:
    """A revision's knowledge for sentences, with the names that its clusters are shown with."""
    return with_cluster_names(revision.knowledge, {card.id: card.name for card in cards(project, revision)})


def _key_of_two(project: Project, before: RevisionInfo, after: RevisionInfo) -> tuple[object, ...]:
    return identity(project), before.id, before.clustering_fp, after.id, after.clustering_fp


@remembered(
    lambda project, revision, cluster: (identity(project), revision.id, revision.clustering_fp, cluster)
)
def gone_cluster(project: Project, revision: Revision, cluster: int) -> GoneCluster | None:
    """What became of a cluster that a revision does not have, see ``state.revisions.comparison.gone_cluster``."""
    return find_gone_cluster(project, revision, cluster)


@remembered(_key_of_two)
def changes(project: Project, before: RevisionInfo, after: RevisionInfo) -> Changes:
    """What lies between two revisions."""
    return compare_revisions(project, before.id, after.id)


@remembered(lambda project, revision: (identity(project), revision.id, project.labels_version))
def class_table(project: Project, revision: RevisionInfo) -> ClassTable | None:
    """The clusters of a revision against the labels of now."""
    return class_table_of(project, revision, labels(project, revision.scan))


@remembered(_key_of_two, entries=5000)
def count_moved(project: Project, before: RevisionInfo, after: RevisionInfo) -> int | None:
    """How many photos changed cluster, see ``state.revisions.comparison.count_moved``."""
    return count_moved_photos(project, before, after)
