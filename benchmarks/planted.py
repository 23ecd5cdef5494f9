"""Made-up projects for the benchmarks of pages: photos without files (their thumbnails are grey), planted groups."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.metrics import internal_scores, score
from kec_core.config import GroundingConfig, RunConfig
from kec_core.encoders.base import visual_features
from kec_core.knowledge.edits import AddConcept, Edit, MergeConcepts, RenameConcept, apply_script
from kec_core.live import LiveCollection, LiveState, start
from kec_core.photos.images import ImageRecord, ScanReport, thumbnail
from kec_core.store import StageResult
from kec_core.types import Clustering, Knowledge
from kec_core.wordnet.synsets import CLASSES, read_synsets
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS
from state.revisions import revisions
from state.revisions.clusterings import save_clustering
from state.revisions.layouts import STAGE, usual_method
from state.revisions.overview import compute_overview, save_overview
from state.revisions.revisions import Baseline, NewRevision, Revision
from state.work.editing import loaded_encoder, text_encoder
from state.work.workbench import LiveStates, Workbench

_KEY = "planted"
_NOISE = 1.5
"""Length of what a photo has of its own beside its group's unit vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a made-up project is."""

    photos: int
    concepts: int
    clusters: int


def planted_places(n_points: int, n_clusters: int) -> tuple[FloatMatrix, IntVector]:
    """Points around one centre per cluster, and the cluster of each."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-10, 10, size=(n_clusters, 2))
    labels = rng.integers(n_clusters, size=n_points, dtype=np.int32)
    return (centres[labels] + rng.normal(scale=0.5, size=(n_points, 2))).astype(np.float32), labels


def plant_photos(folder: Path, count: int) -> tuple[Project, int]:
    """A new project with a scan of so many photos; returns it and the scan's number."""
    project = Project.create(folder, "Planted")
    _plant_thumbnails(folder / THUMBNAILS, count)
    images = tuple(
        ImageRecord(id=f"{row:07d}.jpg", width=64, height=64, sha256=f"{row:064x}", mode="RGB")
        for row in range(count)
    )
    return project, project.set_images(ScanReport(images=images))


def _plant_thumbnails(folder: Path, count: int) -> None:
    """The same grey square for every photo, under as many names: a run makes thumbnails before anybody looks."""
    folder.mkdir()
    grey = folder / "grey.jpg"
    grey.write_bytes(thumbnail(Image.new("RGB", (SIDES[0], SIDES[0]), "grey"), SIDES[0]))
    for row in range(count):
        name = f"{row:064x}"
        place = folder / name[:2]
        place.mkdir(exist_ok=True)
        os.link(grey, place / f"{name}-{SIDES[0]}.jpg")


def plant_map(project: Project, revision: Revision, places: FloatMatrix) -> None:
    """The map of a revision that its page opens with."""
    data = {
        "space": "combined",
        "method": usual_method(len(places)),
        "revision": revision.id,
        "scan": revision.scan,
        "recall": 1.0,
    }
    project.store.save(STAGE, "0" * 32, StageResult(arrays={"places": places}, data=data))


def plant_project(folder: Path, size: Size, *, encoder: str) -> Project:
    """A project that every page can show: features, knowledge, labels, a map, k-means beside it, three edits.

    Args:
        folder: a new one.
        size: at most as many clusters as concepts; photos of a cluster lie around the concept of its number.
        encoder: for the words; the photos get made-up features in its space.

    Raises:
        ResourceMissing: the encoder's weights are not on this machine.
    """
    places, truth = planted_places(size.photos, size.clusters)
    project, scan = plant_photos(folder, size.photos)
    project.set_labels({f"{row:07d}.jpg": f"label {label}" for row, label in enumerate(truth.tolist())})
    state = _first_state(project, scan, truth, size, encoder)
    plant_map(project, _keep(project, scan, state, encoder), places)
    bench = Workbench(project, LiveStates())
    for edit in _edits(state.knowledge):
        bench.commit(bench.preview([edit]))
    return project


def _first_state(project: Project, scan: int, truth: IntVector, size: Size, encoder: str) -> LiveState:
    names = _names(size.concepts)
    named = [
        AddConcept(name=name, attributes=(f"the colour of {name}", f"the shape of {name}")) for name in names
    ]
    encode, defaults = text_encoder(encoder), loaded_encoder(encoder).info.defaults
    raw = _photos_near(l2_normalize(encode(names))[: size.clusters], truth)
    ids = [image.id for image in project.images(scan)]
    project.store.save("embed", _KEY, StageResult(arrays={"features": raw}, data={"ids": ids}))
    x = visual_features(raw, defaults)
    collection = LiveCollection(
        image_ids=tuple(ids),
        x=x,
        grounded=x,
        encode=encode,
        defaults=defaults,
        config=GroundingConfig(),
        n_clusters=size.clusters,
        weight=defaults.weight,
        truth=truth,
    )
    found = spherical_kmeans(x, size.clusters, n_init=1, max_iter=5)
    state = start(collection, apply_script(Knowledge(), named), found)
    _store_grounding(project, state)
    return state


def _names(count: int) -> list[str]:
    """Names of things, far apart in ImageNet's list."""
    known = list(dict.fromkeys(synset.words.split(",")[0] for synset in read_synsets(CLASSES)))
    return known[:: max(1, len(known) // count)][:count]


def _photos_near(centres: FloatMatrix, truth: IntVector) -> FloatMatrix:
    """float32 (N, d): the centre of each photo's group, and noise of its own."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((len(truth), centres.shape[1]), dtype=np.float32)
    features *= _NOISE / np.sqrt(centres.shape[1])
    features += centres[truth]
    return features


def _store_grounding(project: Project, state: LiveState) -> None:
    made = state.grounding
    data = {
        "concept_ids": list(made.concept_ids),
        "embed": _KEY,
        "defaults": state.collection.defaults.to_json(),
    }
    project.store.save(
        "ground", _KEY, StageResult(arrays={"omega": made.omega, "kappa": made.kappa}, data=data)
    )


def _keep(project: Project, scan: int, state: LiveState, encoder: str) -> Revision:
    """The first revision; plain k-means beside it is the clustering it starts from."""
    collection = state.collection
    assert collection.truth is not None
    key = save_clustering(project, state.clustering, ground=_KEY)
    overview = compute_overview(collection.x, state.fused(), state.grounding, state.clustering)
    save_overview(project, key, overview)
    internal = internal_scores(collection.x, state.clustering.labels)
    _store_baseline(project, state.clustering)
    new = NewRevision(
        knowledge=state.knowledge,
        config=RunConfig(encoder=encoder, n_clusters=collection.n_clusters),
        clustering_fp=key,
        scan=scan,
        note="Planted",
        scores=state.scores,
        baseline=Baseline(
            method="kmeans",
            clustering_fp=_KEY,
            scores=score(state.clustering.labels, collection.truth),
            internal=internal,
        ),
        internal=internal,
        summary={"encoder": encoder, "clusters": collection.n_clusters, "weight": collection.weight},
    )
    return revisions.commit(project, new, parent=None)


def _store_baseline(project: Project, clustering: Clustering) -> None:
    data = {
        "objective": clustering.objective,
        "method": clustering.method,
        "seed": clustering.seed,
        "note": clustering.note,
    }
    arrays = {"labels": clustering.labels, "centroids": clustering.centroids}
    project.store.save("baseline", _KEY, StageResult(arrays=arrays, data=data))


def _edits(knowledge: Knowledge) -> Sequence[Edit]:
    """Three edits; the merges move photos."""
    a, b, c, d, e = (concept.id for concept in knowledge.concepts[:5])
    return (
        RenameConcept(concept=a, description="the first of all"),
        MergeConcepts(concepts=(b, c)),
        MergeConcepts(concepts=(d, e)),
    )
