"""Results of notebooks as projects of the app, and projects as results."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import kec_core as kec
from kec_core.api import result as results
from kec_core.encoders import encode_files
from kec_core.errors import InputError, ResourceMissing, StoreError
from kec_core.photos.images import find_images
from kec_core.types import Concept
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_baseline, load_clustering
from state.revisions.overview import cluster_cards, load_overview
from state.work.notebook import open_result, save_result
from state.work.run import run_project
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.test_state_run import CONFIG, resources

NAMES = list(COLOURS)
pytestmark = pytest.mark.usefixtures("hash_encoder")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return colour_photos(tmp_path_factory.mktemp("photos"), 6)


@pytest.fixture(scope="module")
def result(photos):
    return kec.cluster(photos, encoder=HashEncoder(), knowledge=NAMES, progress=False)


def test_a_result_becomes_a_project_and_comes_back(result, photos, tmp_path):
    assert save_result(result, tmp_path / "birds") == "r1"
    project = Project.open(tmp_path / "birds")
    shown = revisions.current(project)
    assert (project.name, project.images_root) == ("birds", photos)
    assert shown.knowledge == result.knowledge
    assert (shown.facts.images, shown.facts.n_clusters) == (24, 4)
    np.testing.assert_array_equal(load_clustering(project, shown).labels, result.labels)
    assert len(load_baseline(project, shown.baseline).labels) == 24
    cards = cluster_cards(load_overview(project, shown), shown.knowledge)
    assert {card.id: card.name for card in cards} == result.names
    opened = open_result(tmp_path / "birds")
    np.testing.assert_array_equal(opened.labels, result.labels)
    assert (opened.names, opened.files, opened.knowledge) == (result.names, result.files, result.knowledge)
    np.testing.assert_allclose(opened.confidence, result.confidence, atol=1e-5)


def test_a_run_after_it_reuses_the_features_and_keeps_the_persons_concepts(result, tmp_path):
    save_result(result, tmp_path / "birds")
    project = Project.open(tmp_path / "birds")
    summary = run_project(project, None, CONFIG, resources=resources)
    assert {report.stage for report in summary.stages if report.reused} >= {"embed"}
    kept = {concept.name for concept in summary.revision.knowledge.concepts if concept.source == "user"}
    assert kept == set(NAMES)


def test_edits_of_an_opened_project_are_its_next_revision(result, tmp_path):
    save_result(result, tmp_path / "birds")
    opened = open_result(tmp_path / "birds")
    assert opened.save(tmp_path / "birds") == "r1", "nothing has changed"
    home = int(opened.labels[opened.files.index("ocean/0.png")])
    edits = [{"op": "move_photos", "images": ["leaf/0.png"], "cluster": home}]
    edited = opened.edit(edits)
    assert save_result(edited, tmp_path / "birds") == "r2"
    project = Project.open(tmp_path / "birds")
    shown = revisions.current(project)
    assert shown.parent == "r1"
    assert [dict(edit)["op"] for edit in shown.edits] == ["move_photos"]
    assert open_result(tmp_path / "birds").labels[opened.files.index("leaf/0.png")] == home
    with pytest.raises(StoreError, match="changed in another window"):
        save_result(edited, tmp_path / "birds")


def test_edits_before_the_first_save_are_kept_in_its_history(result, tmp_path):
    edited = result.edit([{"op": "rename_concept", "concept": "leaf", "name": "foliage"}])
    save_result(edited, tmp_path / "birds")
    shown = revisions.current(Project.open(tmp_path / "birds"))
    assert [dict(edit)["op"] for edit in shown.edits] == ["set_knowledge", "rename_concept"]
    assert isinstance(shown.knowledge.concepts[1], Concept)
    assert shown.knowledge.concepts[1].name == "foliage"


def test_what_cannot_be_saved_or_opened_says_why(result, photos, tmp_path):
    features = encode_files(HashEncoder(), list(find_images(photos))).features
    bare = kec.cluster(features, encoder=HashEncoder(), knowledge=NAMES, progress=False)
    with pytest.raises(InputError, match="features alone"):
        save_result(bare, tmp_path / "bare")
    save_result(result, tmp_path / "birds")
    with pytest.raises(StoreError):
        save_result(result, tmp_path / "birds")
    Project.create(tmp_path / "fresh", "fresh")
    with pytest.raises(InputError, match="no result yet"):
        open_result(tmp_path / "fresh")
    with pytest.raises(StoreError, match="no project"):
        open_result(tmp_path / "nowhere")


def test_the_package_says_who_keeps_projects():
    metadata = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    services = metadata["project"]["entry-points"][results.GROUP]
    found = {}
    for name, place in services.items():
        module, _, attribute = place.partition(":")
        found[name] = getattr(import_module(module), attribute)
    assert found == {"open": open_result, "save": save_result}


def test_without_the_app_projects_are_refused_in_a_sentence(result, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "entry_points", lambda **_: ())
    with pytest.raises(ResourceMissing, match="no app is installed"):
        result.save(tmp_path / "birds")
    with pytest.raises(ResourceMissing, match="no app is installed"):
        kec.open(tmp_path / "birds")
