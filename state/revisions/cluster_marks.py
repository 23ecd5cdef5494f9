"""What the person said about clusters before that was an edit: a name of their own, and "done"; kept with the project.

A mark is made on a cluster of a revision and follows that cluster id to the revisions before and after it on the same
branch. A run makes its clusters anew, so a mark crosses it only where the cluster under that id is still the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from state.project.meta import read_meta, write_meta
from state.project.project import Project
from state.project.revision_rows import as_number
from state.revisions.clusterings import load_clustering
from state.revisions.revisions import RevisionInfo, history

_KEY = "cluster_marks"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMarks:
    """Names by cluster id, and the ids of the clusters that are done."""

    names: Mapping[int, str] = field(default_factory=dict)
    done: frozenset[int] = frozenset()


def cluster_marks(project: Project, revision_id: str) -> ClusterMarks:
    """What the person says about the clusters of a revision; the latest word on a cluster holds."""
    marks = project.meta(_KEY, [])
    if not marks:
        return ClusterMarks()
    known = {info.id: info for info in history(project)}
    names: dict[int, str] = {}
    done: dict[int, bool] = {}
    for mark in marks:
        cluster = int(mark["cluster"])
        if _is_same_cluster(project, known, mark["revision"], revision_id, cluster):
            if "name" in mark:
                names[cluster] = mark["name"]
            else:
                done[cluster] = mark["done"]
    return ClusterMarks(
        names={cluster: name for cluster, name in names.items() if name},
        done=frozenset(cluster for cluster, is_done in done.items() if is_done),
    )


def mark_cluster(project: Project, revision_id: str, cluster: int, **said: str | bool) -> None:
    """Keep a ``name`` of a cluster, or whether it is ``done``; "" and False take back what was said.

    An earlier mark of its kind on the same cluster of the same revision is forgotten.
    """
    mark = {"revision": revision_id, "cluster": cluster, **said}
    with project.database.writing() as db:
        kept = [
            old
            for old in read_meta(db, _KEY, [])
            if set(old) != set(mark) or any(old[key] != mark[key] for key in ("revision", "cluster"))
        ]
        write_meta(db, _KEY, [*kept, mark])


def _is_same_cluster(
    project: Project, known: Mapping[str, RevisionInfo], one: str, other: str, cluster: int
) -> bool:
    """Whether a cluster id means the same cluster in two revisions: on one line, and unbroken by runs."""
    if one == other:
        return True
    earlier, later = sorted((one, other), key=as_number)
    steps = _steps(known, earlier, later)
    if steps is None:
        return False
    return all(step.edits or _is_kept(project, known, step, cluster) for step in steps)


def _steps(known: Mapping[str, RevisionInfo], earlier: str, later: str) -> list[RevisionInfo] | None:
    """The revisions after ``earlier`` up to ``later``; None when one does not descend from the other."""
    steps = []
    step = known.get(later)
    while step is not None and step.id != earlier:
        steps.append(step)
        step = known.get(step.parent) if step.parent else None
    return None if step is None else steps


def _is_kept(project: Project, known: Mapping[str, RevisionInfo], step: RevisionInfo, cluster: int) -> bool:
    """Whether at least half of the photos of a cluster, before and after a run, are the same."""
    parent = known[str(step.parent)]
    before, after = (_members(project, revision, cluster) for revision in (parent, step))
    return 2 * len(before & after) >= max(len(before), len(after), 1)


def _members(project: Project, revision: RevisionInfo, cluster: int) -> set[str]:
    images = project.images(revision.scan)
    rows = np.flatnonzero(load_clustering(project, revision).labels == cluster)
    return {images[row].id for row in rows.tolist()}
