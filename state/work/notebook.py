"""Results of notebooks as projects: behind ``Result.save`` and ``kec.open`` (entry points of ``kec_core.projects``)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from kec_core.api.input import EmbeddedPhotos
from kec_core.api.result import Result
from kec_core.clustering.geometry import centroids_of, row_cosines
from kec_core.clustering.metrics import internal_scores
from kec_core.errors import InputError
from kec_core.knowledge.edit_concepts import ConceptText, SetKnowledge
from kec_core.knowledge.edits import Edit, script_to_json
from kec_core.photos.images import ScanReport
from kec_core.stages import Stored
from kec_core.store import StageResult
from kec_core.types import Clustering, Knowledge
from state.project.facts import Automatic, Facts
from state.project.locks import RunLock
from state.project.project import Project
from state.revisions import results, revisions
from state.revisions.cluster_marks import cluster_marks
from state.revisions.clusterings import (
    load_features,
    load_result,
    save_baseline,
    save_whitening,
)
from state.revisions.revisions import Baseline
from state.work.editing import Photos, keep, loaded_encoder, open_live, result_of

BASELINE_METHOD = "kmeans"


def open_result(folder: Path) -> Result:
    """The result that a project shows.

    Raises:
        InputError: it has none yet.
        ResourceMissing: the weights of its encoder are not on this machine.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    project = Project.open(folder)
    shown = revisions.need_current(project, "result yet")
    features = load_features(project, shown)
    embedded = load_result(project, "embed", features.embed_key)
    return Result(
        state=open_live(project, shown),
        photos=EmbeddedPhotos(
            stored=Stored(key=features.embed_key, arrays=dict(embedded.arrays), data=dict(embedded.data)),
            root=project.images_root,
            records=project.images(shown.scan),
            skipped=project.skipped(shown.scan),
        ),
        encoder=loaded_encoder(shown.facts.encoder),
        config=shown.config,
        made=shown.knowledge,
        notes=shown.facts.notes,
        given_names=cluster_marks(project, shown.id).names,
        origin=(folder.resolve(), shown.id),
    )


def save_result(result: Result, folder: Path) -> str:
    """Keep a result: as the next revision of the project it was opened from, else as a new project.

    Returns:
        The id of the revision.

    Raises:
        InputError: the result was not made from photos.
        StoreError: the folder cannot be written, holds another project, or the project has moved on meanwhile.
    """
    if result.origin is not None and result.origin[0] == folder.resolve():
        return _next_revision(result, Project.open(folder), result.origin[1])
    if result.photos.root is None:
        raise InputError(
            "A project shows photos, but this result was made from features alone; give kec.cluster the photos."
        )
    project = Project.create(folder, folder.resolve().name)
    with RunLock.acquire(folder, "Result.save"):
        return _first_revision(result, project, result.photos.root)


def _next_revision(result: Result, project: Project, parent: str) -> str:
    if not result.edits:
        return parent
    with RunLock.acquire(project.folder, "Result.save"):
        return keep(project, revisions.get(project, parent), result.state, result.edits).id


def _first_revision(result: Result, project: Project, root: Path) -> str:
    photos, state = result.photos, result.state
    project.save_settings(result.config)
    project.set_images_root(root)
    scan = project.set_images(ScanReport(images=photos.records, skipped=photos.skipped))
    project.store.save(
        "embed", photos.stored.key, StageResult(arrays=photos.stored.arrays, data=photos.stored.data)
    )
    as_kept = Photos(
        scan=scan,
        embed=photos.stored.key,
        looks=save_whitening(project, state.collection.whitening),
        facts=_facts(result),
        baseline=_baseline(result, project),
    )
    kept = replace(result_of(project, state, as_kept, result.config), scores=None)
    edits = (*_as_edit(result.made), *result.edits)
    return results.keep(
        project, kept, None, note="Made in a notebook", edits=script_to_json(edits)["edits"]
    ).id


def _as_edit(made: Knowledge) -> tuple[Edit, ...]:
    """Knowledge that was given as the edit that says so: a rebuild keeps what edits have made."""
    if not all(concept.source == "user" for concept in made.concepts):
        return ()
    texts = (
        ConceptText(name=one.name, description=one.description, attributes=made.attributes_of(one.id))
        for one in made.concepts
    )
    return (SetKnowledge(concepts=tuple(texts)),)


def _facts(result: Result) -> Facts:
    state = result.state
    return Facts(
        images=len(result.files),
        encoder=result.encoder.info.name,
        knowledge=state.knowledge.builder,
        concepts=len(state.knowledge.concepts),
        uni_attributes=len(state.knowledge.uni),
        bi_attributes=len(state.knowledge.bi),
        n_clusters=state.clustering.n_clusters,
        weight=state.weight,
        notes=result.notes,
        automatic=Automatic(n_clusters=state.collection.n_clusters, weight=state.collection.weight),
    )


def _baseline(result: Result, project: Project) -> Baseline | None:
    """The groups by looks alone that were made beside the result."""
    collection = result.state.collection
    if collection.baseline is None:
        return None
    labels = np.asarray(collection.baseline)
    centroids = centroids_of(collection.x, labels, int(labels.max()) + 1)
    objective = float(row_cosines(collection.x, centroids, labels).sum(dtype=np.float64))
    made = Clustering(
        labels=labels, centroids=centroids, objective=objective, method=BASELINE_METHOD, seed=collection.seed
    )
    return Baseline(
        method=BASELINE_METHOD,
        clustering_fp=save_baseline(project, made),
        scores=None,
        internal=internal_scores(collection.x, labels, seed=collection.seed),
    )
