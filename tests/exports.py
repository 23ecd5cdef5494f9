"""A project of four photos with a result that no run made, for tests of what is exported and read back."""

from __future__ import annotations

import json

import numpy as np

from kec_core.clustering import fuse
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.photos.images import scan_images
from kec_core.store import StageResult
from kec_core.types import Clustering, Concept, Grounding, Knowledge, Scores
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import compute_overview, save_overview
from state.revisions.revisions import NewRevision
from tests import photos

IDS = ("=cmd().png", "b/x.png", "c/X.png", "d.png")
RAW = np.float32([[3, 0], [4, 0.3], [0, 2], [0.2, 5]])
OMEGA = np.float32([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
KAPPA = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
LABELS = np.int32([0, 0, 1, 1])


def two_concepts(names):
    """The knowledge with a concept for each of the two clusters."""
    first, second = names
    return Knowledge(concepts=(Concept(id="c001", name=first), Concept(id="c002", name=second)), last_id=2)


def keep_results(project, labels=LABELS, ids=IDS):
    """What a run on four photos leaves in the store, without a run; returns the clustering's key."""
    store = project.store
    clustering = Clustering(
        labels=labels, centroids=np.eye(2, 4, dtype=np.float32), objective=1.0, method="kmeans", seed=0
    )
    grounding = Grounding(omega=OMEGA, kappa=KAPPA, concept_ids=("c001", "c002"))
    key = "cluster" + "".join(map(str, labels))
    store.save("embed", "embed1", StageResult(arrays={"features": RAW}, data={"ids": list(ids)}))
    defaults = EncoderDefaults().to_json()
    store.save(
        "ground",
        "ground1",
        StageResult(
            arrays={"omega": OMEGA, "kappa": KAPPA},
            data={"concept_ids": ["c001", "c002"], "embed": "embed1", "defaults": defaults},
        ),
    )
    data = {"objective": 1.0, "method": "kmeans", "seed": 0, "note": "", "ground": "ground1"}
    arrays = {"labels": clustering.labels, "centroids": clustering.centroids}
    store.save("cluster", key, StageResult(arrays=arrays, data=data))
    x = RAW / np.linalg.norm(RAW, axis=1, keepdims=True)
    save_overview(project, key, compute_overview(x, fuse(x, grounding.kappa, 1.0), grounding, clustering))
    return key


KNOWLEDGE = two_concepts(("=Dogs/cats", "Birds"))


def commit(project, key, parent=None, knowledge=KNOWLEDGE, **fields):
    """A revision of this clustering, as a run makes it."""
    new = NewRevision(
        knowledge=knowledge,
        config=RunConfig(),
        clustering_fp=key,
        scan=project.last_scan,
        note="run",
        **fields,
    )
    return revisions.commit(project, new, parent=parent)


def make_zoo(folder, knowledge=KNOWLEDGE, ids=IDS):
    """The project, its photos inside: two clusters called as the concepts are."""
    for number, name in enumerate(ids):
        photos.plain(folder / "photos" / name, (number, 0, 0), size=(40 + number, 30))
    made = Project.create(folder, "Zoo")
    made.set_images_root(folder / "photos")
    made.set_images(scan_images(folder / "photos"))
    commit(made, keep_results(made, ids=ids), knowledge=knowledge, scores=Scores(acc=1.0, nmi=0.5, ari=0.25))


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))
