"""A project whose looks come from two spaces: edits and Finalise use both, new photos are refused in one sentence."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from kec_core.clustering.whitening import beside
from kec_core.config import RunConfig
from kec_core.encoders import load_looks
from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from kec_core.stages import Resources
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.features import load_features
from state.transfer.export import export_project
from state.work import editing
from state.work.editing import edit_project
from state.work.finalise import finalise
from state.work.growing import grow
from state.work.run import run_project
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder
from tests.test_core_second_space import plant


def resources(_project, config):
    return Resources(
        encoder=HashEncoder(),
        vocabulary=VOCABULARY,
        builder=FirstNounBuilder(),
        looks=load_looks(config.looks),
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    editing.loaded_encoder.cache_clear()
    editing.text_encoder.cache_clear()
    monkeypatch.setattr(editing, "load_encoder", lambda name: HashEncoder())
    plant(tmp_path, 12, np.random.default_rng(0))
    project = Project.create(tmp_path / "project", "two spaces")
    config = RunConfig(n_clusters=4, looks=str(tmp_path / "second.npz"))
    run_project(project, tmp_path / "photos", config, resources=resources)
    yield project
    editing.loaded_encoder.cache_clear()
    editing.text_encoder.cache_clear()


def groups(project):
    """Which photos are together, whatever the groups are called."""
    shown = revisions.current(project)
    found = {}
    pairs = zip(project.images(shown.scan), load_clustering(project, shown).labels.tolist(), strict=True)
    for image, cluster in pairs:
        found.setdefault(cluster, set()).add(image.id[: image.id.rindex("-")])
    return sorted(sorted(members) for members in found.values())


APART = [["crimson-0"], ["crimson-1"], ["ocean-0"], ["ocean-1"]]


def test_edits_and_finalise_use_both_spaces_after_the_file_is_gone(project, tmp_path):
    assert groups(project) == APART
    (tmp_path / "second.npz").unlink()
    first = load_features(project, revisions.current(project))
    np.testing.assert_allclose(first.looks(), beside(first.visual(), first.whitening.second), atol=1e-5)
    edit_project(project, parse_script({"edits": [{"op": "set_weight", "knowledge": 0.5}]}))
    assert groups(project) == APART
    np.testing.assert_array_equal(load_features(project, revisions.current(project)).looks(), first.looks())
    finalise(project)
    assert groups(project) == APART
    assert revisions.current(project).config.looks == str(tmp_path / "second.npz")


def test_new_photos_are_refused_before_anything_is_done(project, tmp_path):
    shutil.copy(tmp_path / "photos/ocean-1-000.png", tmp_path / "photos/new.png")
    scan = project.last_scan
    with pytest.raises(InputError, match=r"New photos can be sorted .* come from a second space too"):
        grow(project, tmp_path / "photos")
    assert project.last_scan == scan


def test_there_is_no_model_file_and_the_rest_is_exported(project, tmp_path, monkeypatch):
    monkeypatch.setattr("kec_core.encoders.load_encoder", lambda name: HashEncoder())
    report = export_project(project, tmp_path / "out", ["csv", "npz", "model"])
    assert [item.path for item in report.skipped] == ["model.npz"]
    assert "second space" in report.skipped[0].reason
    with np.load(tmp_path / "out/features.npz") as found:
        assert found["looks"].shape[1] > found["x"].shape[1]
