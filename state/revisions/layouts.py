"""Maps of a project: made as a job, kept by content, found again for any revision of the same photos.

The places of the photos stay while the knowledge is edited: a revision shows the map of its nearest
ancestor that has one. A new map starts from the old one, so that people keep their bearings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.errors import InputError, StoreError
from kec_core.maps.layout import FEWEST, NEIGHBOURS, LayoutMethod, Space, lay_out
from kec_core.maps.neighbours import Neighbours, find_neighbours
from kec_core.store import StageResult
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from state.revisions.revisions import Revision, RevisionInfo

STAGE, GRAPH_STAGE = "layout", "neighbours"
FEW_PHOTOS = 2000
"""Up to so many t-SNE is ready sooner: UMAP compiles itself first, which takes some ten seconds."""
SPACES: tuple[Space, ...] = get_args(Space)
METHODS: tuple[LayoutMethod, ...] = get_args(LayoutMethod)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutInfo:
    """A stored map.

    Attributes:
        key: what it is stored under.
        revision: the one it was made from.
        scan: whose photos its rows are.
        recall: of the graph of neighbours behind it, in [0, 1].
    """

    key: str
    space: Space
    method: LayoutMethod
    revision: str
    scan: int
    recall: float


def layouts(project: Project) -> tuple[LayoutInfo, ...]:
    """All stored maps, newest first."""
    return tuple(_info(project, key) for key in project.store.fingerprints(STAGE))


def find_layout(
    project: Project, revision: RevisionInfo, space: Space, method: LayoutMethod
) -> LayoutInfo | None:
    """The map that a revision shows: its own, else that of its nearest ancestor, else the newest of these photos."""
    fitting = [
        info
        for info in layouts(project)
        if (info.space, info.method, info.scan) == (space, method, revision.scan)
    ]
    if not fitting:
        return None
    newest_of = {info.revision: info for info in reversed(fitting)}
    path = reversed(revisions.lineage(project, revision.id))
    return next((newest_of[step.id] for step in path if step.id in newest_of), fitting[0])


def load_layout(project: Project, key: str) -> FloatMatrix:
    """The places of a stored map, float32 (N, 2), memory-mapped; row i belongs to ``project.images(scan)[i]``.

    Raises:
        StoreError: it is not in the project folder, or damaged.
    """
    stored = project.store.load(STAGE, key)
    if stored is None:
        raise StoreError(
            f"The map {key} is missing from {project.store.root}; make it again on the Map page."
        )
    return stored.arrays["places"]


def make_layout(
    project: Project,
    revision: Revision,
    space: Space,
    method: LayoutMethod,
    *,
    again: bool = False,
    progress: Progress = no_progress,
) -> LayoutInfo:
    """Make the map of a revision, or find it when it was made before.

    Args:
        project: whose.
        revision: its features are laid out.
        space: which of its features.
        method: how.
        again: start from the map that the revision shows now, if there is one.
        progress: may raise Cancelled; the graph of neighbours is kept then.

    Raises:
        InputError: an unknown space or method.
        StoreError: a stored result is missing or damaged, or the disk is full.
    """
    _check(space, method)
    features = load_features(project, revision)
    x = features.of_space(space, revision.facts.weight)
    content = fingerprint("map 2", space, x, revision.config.seed)
    before = find_layout(project, revision, space, method) if again else None
    # A scan of the same photos beside another list of unusable files is another scan: its map is found by its number.
    key = fingerprint(content, method, revision.scan, "" if before is None else before.key)
    if project.store.load(STAGE, key) is None:
        near = _neighbours(project, content, x, revision.config.seed, progress)
        start = None if before is None else np.asarray(load_layout(project, before.key))
        places = lay_out(x, method, near, start=start, seed=revision.config.seed, progress=progress)
        data = {
            "space": space,
            "method": method,
            "revision": revision.id,
            "scan": revision.scan,
            "recall": 1.0 if near is None else near.recall,
        }
        project.store.save(STAGE, key, StageResult(arrays={"places": places}, data=data))
    return _info(project, key)


def usual_method(count: int) -> LayoutMethod:
    """How so many photos are laid out unless somebody chooses."""
    return "tsne" if count <= FEW_PHOTOS else "umap"


def make_first_map(context: JobContext) -> None:
    """Make the map that the page Map opens with, unless the shown revision has it: the last step of a run.

    Raises:
        Cancelled: the person has asked to stop; the result of the run is kept.
        StoreError: a stored result is missing or damaged, or the disk is full.
    """
    project = context.project
    revision = revisions.current(project)
    if revision is None:
        return
    method = usual_method(revision.facts.images)
    if find_layout(project, revision, "combined", method) is None:
        context.progress.stage(STAGE)
        make_layout(project, revision, "combined", method, progress=context.progress)


def layout_job(context: JobContext) -> dict[str, Any]:
    """The job "layout"; params: revision (null for the shown one), spaces, method, again (as ``make_layout``).

    Raises:
        InputError: there is no result to draw yet.
    """
    params, project = context.params, context.project
    wanted = params.get("revision")
    revision = revisions.get(project, wanted) if wanted else revisions.current(project)
    if revision is None:
        raise InputError("A map shows the result of a run, but there is none yet; build one first.")
    context.progress.stage(STAGE)
    made = [
        make_layout(
            project,
            revision,
            space,
            params["method"],
            again=bool(params.get("again", False)),
            progress=context.progress,
        )
        for space in params["spaces"]
    ]
    return {"images": len(load_layout(project, made[0].key)), "layouts": [info.key for info in made]}


def _check(space: str, method: str) -> None:
    if space not in SPACES or method not in METHODS:
        raise InputError(
            f"A map needs a space ({', '.join(SPACES)}) and a method ({', '.join(METHODS)}), but {space!r} and "
            f"{method!r} came; choose from these."
        )


def _neighbours(
    project: Project, content: str, x: FloatMatrix, seed: int, progress: Progress
) -> Neighbours | None:
    """The graph that all maps of the same features share; None for very few photos."""
    if len(x) < FEWEST:
        return None
    key = fingerprint("graph", content, NEIGHBOURS)
    stored = project.store.load(GRAPH_STAGE, key)
    if stored is None:
        made = find_neighbours(x, NEIGHBOURS, seed=seed, progress=progress)
        arrays = {"rows": made.rows, "distances": made.distances}
        stored = project.store.save(
            GRAPH_STAGE, key, StageResult(arrays=arrays, data={"recall": made.recall})
        )
    return Neighbours(
        rows=np.asarray(stored.arrays["rows"]),
        distances=np.asarray(stored.arrays["distances"]),
        recall=float(stored.data["recall"]),
    )


def _info(project: Project, key: str) -> LayoutInfo:
    stored = project.store.load(STAGE, key)
    if stored is None:
        raise StoreError(f"The map {key} vanished from {project.store.root}; make it again on the Map page.")
    data: Mapping[str, Any] = stored.data
    return LayoutInfo(
        key=key,
        space=cast(Space, data["space"]),
        method=cast(LayoutMethod, data["method"]),
        revision=str(data["revision"]),
        scan=int(data["scan"]),
        recall=float(data["recall"]),
    )
