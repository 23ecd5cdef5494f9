"""The groups of a project given to all photos of its collection: ``kec apply``, and the end of a run on a cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from kec_core.arrays import Progress, fingerprint
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError
from state.engine.cluster import cluster
from state.engine.collection import Collection, LatestApplied, collection_of, save_applied
from state.engine.gathering import FEATURES
from state.engine.labelling import Labelled, label_all, refined
from state.engine.stores import store_at
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.revisions.group_models import model_of
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder

_LABELS: Final = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The groups of a revision given to all photos of its collection.

    Attributes:
        labels: address of the files of labels.
        names: of the groups, by id.
    """

    revision: str
    labels: str
    photos: int
    names: dict[int, str]
    labelled: Labelled

    def to_json(self) -> dict[str, Any]:
        """As ``kec apply --json`` prints it."""
        sizes = self.labelled.sizes
        return {
            "revision": self.revision,
            "photos": self.photos,
            "labels": self.labels,
            "clusters": [
                {"cluster": cluster, "name": name, "images": sizes[cluster]}
                for cluster, name in self.names.items()
            ],
            "unlike": self.labelled.unlike,
        }


def apply_job(context: JobContext) -> dict[str, Any]:
    """The job "apply": ``apply_to_all`` on the cluster of the latest run."""
    return apply_to_all(context.project, progress=context.progress).to_json()


def apply_to_all(project: Project, *, address: str = "", progress: Progress) -> Applied:
    """Give the groups of the shown revision, as the person left them, to all photos of the collection.

    Args:
        project: the caller holds its ``RunLock``.
        address: of the cluster; "" for that of the latest run.
        progress: told during the work; may raise Cancelled, what is labelled stays.

    Raises:
        InputError: no result yet, or the project stands for no collection.
        ResourceMissing: Ray, a driver or weights are not installed.
        StoreError: features cannot be read, or labels not be written.
        EngineError: the cluster failed; what is labelled is kept.
    """
    shown, collection = revisions.current(project), collection_of(project)
    if shown is None or collection is None:
        raise InputError(
            f"The project {project.name!r} was not made from a collection on a cluster, so it holds all its photos "
            f"itself; run 'kec run ADDRESS --engine ray --project {project.folder}' for one."
        )
    with cluster(address or collection.cluster):
        encoder = loaded_encoder(shown.facts.encoder)
        return apply_groups(project, collection, shown, encoder, refine=False, progress=progress)


def apply_groups(
    project: Project,
    collection: Collection,
    revision: Revision,
    encoder: Encoder,
    *,
    refine: bool,
    progress: Progress,
) -> Applied:
    """Give the groups of a revision to all photos, inside a ``cluster`` block.

    Args:
        project: whose revision it is.
        collection: all photos, encoded.
        revision: whose groups.
        encoder: that the features came from.
        refine: go on with k-means over all photos first.
        progress: told during the work; may raise Cancelled, what is labelled stays.

    Raises:
        StoreError: features cannot be read, or labels not be written.
    """
    results = store_at(collection.results)
    shards = results.below(FEATURES)
    files = json.loads(results.needed(collection.files))
    model = model_of(project, revision, encoder)
    if refine:
        model = refined(shards, files, model, progress=progress)
    key = fingerprint(revision.clustering_fp, list(model.groups.names), refine)[:12]
    labels = results.below(f"{_LABELS}/{revision.id}-{key}")
    found = label_all(shards, files, model, labels, progress=progress)
    save_applied(project, LatestApplied(revision=revision.id, labels=labels.address, unlike=found.unlike))
    return Applied(
        revision=revision.id,
        labels=labels.address,
        photos=collection.photos,
        names=dict(zip(model.groups.clusters.tolist(), model.groups.names, strict=True)),
        labelled=found,
    )
