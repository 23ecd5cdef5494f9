"""Small makers shared by the tests of state."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kec_core.arrays import fingerprint
from kec_core.config import RunConfig
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.store import StageResult
from kec_core.types import Concept, Knowledge
from state.revisions import revisions
from state.revisions.revisions import NewRevision
from state.work.editing import open_live, try_edits

NOBODY = 65534


def image(image_id):
    return ImageRecord(id=image_id, width=8, height=8, sha256=f"hash of {image_id}", mode="RGB")


def scan(*ids):
    return ScanReport(images=tuple(image(i) for i in ids))


def knowledge(*names):
    concepts = tuple(Concept(id=f"c{i:03d}", name=name) for i, name in enumerate(names, 1))
    return Knowledge(concepts=concepts, last_id=len(names))


def new_revision(project, *names, edits=(), **fields):
    known = {
        "clustering_fp": "fp",
        "scan": project.last_scan,
        "note": " ".join(names) or "run",
        "config": RunConfig(),
    }
    return NewRevision(knowledge=knowledge(*names), edits=tuple(edits), **{**known, **fields})


def commit_simple(project, parent, *names, **fields):
    return revisions.commit(project, new_revision(project, *names, **fields), parent=parent)


@contextmanager
def as_ordinary_user():
    """A folder of its own, and the rights of nobody: root ignores file modes."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)


def commit_labels(project, parent, labels, **fields):
    """A revision with just this grouping: no features behind it, clusters without concepts."""
    labels = np.asarray(labels, dtype=np.int32)
    n_clusters = int(labels.max()) + 1
    key = fingerprint(labels)
    ones = np.ones(len(labels), dtype=np.float32)
    overview = {
        "labels": labels,
        "own": ones,
        "rival": -ones,
        "coherence": np.ones(n_clusters, dtype=np.float32),
        "concepts": np.empty((n_clusters, 0), dtype=np.float32),
    }
    project.store.save("overview", key, StageResult(arrays=overview, data={"concept_ids": []}))
    arrays = {"labels": labels, "centroids": np.eye(n_clusters, dtype=np.float32)}
    data = {"objective": 0.0, "method": "kmeans", "seed": 0, "note": ""}
    project.store.save("cluster", key, StageResult(arrays=arrays, data=data))
    return commit_simple(project, parent, "wren", clustering_fp=key, **fields)


def replayed(project, script):
    """The knowledge after the edits of a script, one by one from the first revision."""
    first = revisions.get(project, "r1")
    state = open_live(project, first)
    for edit in script:
        state = try_edits(project, first, state, [edit]).state
    return state.knowledge
