"""Two revisions beside each other: which photos moved, from which cluster to which; clusters against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector
from kec_core.clustering.labels import match_ids, rename
from kec_core.clustering.metrics import Confusion, confusion
from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from kec_core.result.impact import Flow, moves
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import cluster_cards, load_overview
from state.revisions.revisions import Revision, RevisionInfo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """What lies between two revisions; row i of ``old`` and ``new`` belongs to ``images[i]``.

    Attributes:
        before, after: the two.
        images: the photos that both have, in the row order of ``after``.
        old, new: int32, cluster of each photo, under the ids of its own revision.
        moved: int64, rows of the photos that changed cluster, ascending. Edits keep the ids of clusters; where more than
            edits lies between the two, clusters are matched one to one by the photos they share, so one that only has
            another number has not moved.
        flows: of the moved photos, ``source`` a cluster of ``before``, ``target`` one of ``after``; largest first.
        only_before, only_after: number of photos that the other one does not have.
    """

    before: Revision
    after: Revision
    images: tuple[ImageRecord, ...]
    old: IntVector
    new: IntVector
    moved: NDArray[np.int64]
    flows: tuple[Flow, ...]
    only_before: int
    only_after: int

    def photos(self, flow: Flow | None = None) -> list[ImageRecord]:
        """The moved photos, of one flow or of all."""
        rows = self.moved
        if flow is not None:
            rows = rows[(self.old[rows] == flow.source) & (self.new[rows] == flow.target)]
        return [self.images[row] for row in rows]


def compare_revisions(project: Project, before: str, after: str) -> Changes:
    """What lies between two revisions.

    Raises:
        InputError: no such revision, or the two have no photo in common.
        StoreError: a clustering is missing or damaged.
    """
    one, two = revisions.get(project, before), revisions.get(project, after)
    earlier, later = load_overview(project, one), load_overview(project, two)
    images, old_rows, new_rows = _common(project, one, two)
    old, new = np.asarray(earlier.labels)[old_rows], np.asarray(later.labels)[new_rows]
    steps = {step.id: step for step in revisions.history(project)}
    ids = _same_clusters(steps, one, two, old, new)
    moved, flows = moves(old, rename(new, ids))
    own = {matched: cluster for cluster, matched in ids.items()}
    return Changes(
        before=one,
        after=two,
        images=images,
        old=old,
        new=new,
        moved=moved,
        flows=tuple(Flow(source=f.source, target=own[f.target], photos=f.photos) for f in flows),
        only_before=len(earlier.labels) - len(images),
        only_after=len(later.labels) - len(images),
    )


def count_moved(project: Project, before: RevisionInfo, after: RevisionInfo) -> int | None:
    """How many photos change cluster between two revisions of the same photos; None when the photos differ.

    Raises:
        StoreError: a clustering is missing or damaged.
    """
    if before.scan != after.scan:
        return None
    old, new = (np.asarray(load_overview(project, one).labels) for one in (before, after))
    ids = _same_clusters({before.id: before, after.id: after}, before, after, old, new)
    return len(moves(old, rename(new, ids))[0])


def _same_clusters(
    steps: Mapping[str, RevisionInfo],
    before: RevisionInfo,
    after: RevisionInfo,
    old: IntVector,
    new: IntVector,
) -> dict[int, int]:
    """For every cluster of ``after`` the id that it has in ``before``."""
    if _by_edits(steps, before, after) or _by_edits(steps, after, before):
        return {cluster: cluster for cluster in np.unique(new).tolist()}
    return match_ids(new, old)


def _by_edits(steps: Mapping[str, RevisionInfo], before: RevisionInfo, after: RevisionInfo) -> bool:
    """Whether edits alone led from one revision to the other, as far as the steps are known."""
    step: RevisionInfo | None = after
    while step is not None and step.id != before.id and step.edits and step.scan == before.scan:
        step = steps.get(step.parent or "")
    return step is not None and step.id == before.id


LOOKED_BACK = 100
"""Revisions that are asked for a cluster that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneCluster:
    """A cluster that a revision does not have, as the last one that had it showed it.

    Attributes:
        name: of the cluster there.
        photos: how many it had.
        now: clusters of the revision that have its photos, and how many, most photos first.
    """

    name: str
    photos: int
    now: tuple[tuple[int, int], ...]


def gone_cluster(project: Project, revision: Revision, cluster: int) -> GoneCluster | None:
    """What became of a cluster that a revision does not have; None when no revision had it.

    The revisions that led here are asked first, the latest of them before the others.

    Raises:
        StoreError: a clustering is missing or damaged.
    """
    history = revisions.history(project)
    path = branch(history, revision)[::-1]
    led = {step.id for step in path}
    for step in [*path, *(one for one in history if one.id not in led)][:LOOKED_BACK]:
        overview = load_overview(project, step)
        if cluster not in overview.labels:
            continue
        changes = compare_revisions(project, step.id, revision.id)
        places, counts = np.unique(changes.new[changes.old == cluster], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        cards = {card.id: card for card in cluster_cards(overview, changes.before.knowledge)}
        return GoneCluster(
            name=cards[cluster].name,
            photos=cards[cluster].size,
            now=tuple((int(places[at]), int(counts[at])) for at in order),
        )
    return None


def _common(
    project: Project, one: RevisionInfo, two: RevisionInfo
) -> tuple[tuple[ImageRecord, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Photos of both revisions, and their rows in each."""
    after = project.images(two.scan)
    if one.scan == two.scan:
        every = np.arange(len(after))
        return after, every, every
    place = {image.id: row for row, image in enumerate(project.images(one.scan))}
    pairs = [(place[image.id], row) for row, image in enumerate(after) if image.id in place]
    if not pairs:
        raise InputError(f"Revisions {one.id} and {two.id} have no photo in common; compare two others.")
    rows = np.array(pairs, dtype=np.int64).T
    return tuple(after[row] for row in rows[1]), rows[0], rows[1]


def automatic_result(history: Sequence[RevisionInfo], revision: RevisionInfo) -> RevisionInfo:
    """What the program found by itself on the branch of a revision: a pinned run, the nearest one, else the first run.

    Args:
        history: all revisions.
        revision: any of them.
    """
    runs = [step for step in branch(history, revision) if not step.edits]
    return next((run for run in reversed(runs) if run.pinned), runs[0])


def branch(history: Sequence[RevisionInfo], revision: RevisionInfo) -> list[RevisionInfo]:
    """The revisions that lead to one, from the first to itself."""
    by_id = {step.id: step for step in history}
    path = [revision]
    while path[-1].parent is not None:
        path.append(by_id[path[-1].parent])
    return path[::-1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassTable:
    """Clusters against labels, over the photos that have one.

    Attributes:
        table: see ``Confusion``.
        rows: int64, row of every photo with a label; ``clusters`` and ``labels`` are those of these photos.
    """

    table: Confusion
    rows: NDArray[np.int64]
    clusters: IntVector
    labels: tuple[str, ...]

    def mistakes(self) -> list[tuple[int, str, int]]:
        """Cluster, label and number of photos of every pair off the diagonal, largest first."""
        counts = self.table.counts.copy()
        matched = np.arange(self.table.matched)
        counts[matched, matched] = 0
        order = np.argsort(-counts, axis=None, kind="stable")[: np.count_nonzero(counts)]
        places = zip(*np.unravel_index(order, counts.shape), strict=True)
        return [(self.table.clusters[r], self.table.labels[c], int(counts[r, c])) for r, c in places]

    def photos(self, cluster: int, label: str) -> list[int]:
        """Rows of the photos of a cluster that carry a label."""
        own = np.flatnonzero(self.clusters == cluster).tolist()
        return [int(self.rows[place]) for place in own if self.labels[place] == label]


def class_table(project: Project, revision: RevisionInfo, truth: Sequence[str | None]) -> ClassTable | None:
    """Clusters of a revision against labels; None when no photo has a label.

    Args:
        project: whose.
        revision: which.
        truth: label of each photo, None where unknown.

    Raises:
        StoreError: the clustering is missing or damaged.
    """
    known = [(row, label) for row, label in enumerate(truth) if label is not None]
    if not known:
        return None
    rows = np.array([row for row, _ in known], dtype=np.int64)
    labels = tuple(label for _, label in known)
    clusters = np.asarray(load_overview(project, revision).labels)[rows]
    return ClassTable(table=confusion(clusters, labels), rows=rows, clusters=clusters, labels=labels)
