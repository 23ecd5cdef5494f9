"""A project whose looks come from two spaces: edits, Finalise and new photos use both."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import kec_core as kec
from kec_core.arrays import no_progress
from kec_core.clustering.whitening import beside, unwhitened
from kec_core.config import RunConfig
from kec_core.encoders import load_encoder as real_load_encoder
from kec_core.encoders import load_looks
from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from kec_core.stages import Resources, read_whitening
from state.engine.gathering import Plan
from state.engine.new_photos import assign_photos
from state.engine.run import run_on_cluster
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering, load_features, load_result, save_whitening
from state.transfer.export import export_project
from state.work.assign import assign_folder
from state.work.editing import edit_project
from state.work.growing import grow
from state.work.rebuild import finalise
from state.work.run import run_project
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder
from tests.test_core_second_space import plant, unit


def resources(_project, config):
    return Resources(
        encoder=HashEncoder(),
        vocabulary=VOCABULARY,
        builder=FirstNounBuilder(),
        looks=load_looks(config.looks),
    )


@pytest.fixture
def project(hash_encoder, tmp_path):
    plant(tmp_path, 12, np.random.default_rng(0))
    project = Project.create(tmp_path / "project", "two spaces")
    config = RunConfig(n_clusters=4, looks=str(tmp_path / "second.npz"))
    run_project(project, tmp_path / "photos", config, resources=resources)
    return project


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


def add_row(folder, name, row):
    """Write features of one more photo into the file of the second space."""
    with np.load(folder / "second.npz") as found:
        ids, features = [*found["ids"], name], np.vstack([found["features"], row])
    np.savez(folder / "second.npz", ids=np.array(ids), features=np.float32(features))


def other_kind(folder, name):
    """A photo that only the second space puts among the ocean's second kind, with its row."""
    shutil.copy(folder / "photos/ocean-0-000.png", folder / "photos" / name)
    row = np.eye(24)[1]
    add_row(folder, name, row)
    return row


def test_a_new_photo_joins_the_group_of_its_looks_in_the_second_space(project, tmp_path):
    other_kind(tmp_path, "ocean-1-new.png")
    report = grow(project, tmp_path / "photos")
    assert [one.file for one in report.assigned] == ["ocean-1-new.png"]
    assert groups(project) == APART
    features = load_features(project, revisions.current(project))
    assert features.looks().shape[0] == features.whitening.second.shape[0] == 49
    edit_project(project, parse_script({"edits": [{"op": "set_weight", "knowledge": 0.5}]}))
    finalise(project)
    assert groups(project) == APART


def test_photos_that_leave_take_their_rows_with_them(project, tmp_path):
    (tmp_path / "photos/crimson-0-000.png").unlink()
    grow(project, tmp_path / "photos")
    features = load_features(project, revisions.current(project))
    assert features.whitening.second.shape[0] == 47
    with np.load(tmp_path / "second.npz") as found:
        rows = dict(zip(found["ids"].tolist(), found["features"], strict=True))
    expected = np.array([rows[image_id] for image_id in features.ids])
    np.testing.assert_allclose(features.whitening.second, unit(expected), atol=1e-6)


def test_a_new_photo_that_the_file_lacks_is_named_and_the_groups_stay(project, tmp_path):
    shutil.copy(tmp_path / "photos/ocean-1-000.png", tmp_path / "photos/new.png")
    shown = revisions.current(project).id
    with pytest.raises(InputError, match=r"second.npz lacks 1 of 49, first new.png .*complete it"):
        grow(project, tmp_path / "photos")
    assert revisions.current(project).id == shown


def test_a_file_of_looks_that_is_gone_is_one_sentence(project, tmp_path):
    (tmp_path / "second.npz").unlink()
    with pytest.raises(InputError, match="There should be a file of features at"):
        grow(project, tmp_path / "photos")


@pytest.mark.parametrize("source", ["project", "model"])
def test_assign_asks_both_spaces(project, tmp_path, monkeypatch, source):
    monkeypatch.setattr("kec_core.encoders.load_encoder", readymade_or_hash)
    export_project(project, tmp_path / "out", ["model", "npz"])
    unseen = tmp_path / "unseen"
    unseen.mkdir()
    other_kind(tmp_path, "ocean-1-new.png")
    (tmp_path / "photos/ocean-1-new.png").rename(unseen / "ocean-1-new.png")
    source = {"project": project.folder, "model": tmp_path / "out/model.npz"}[source]
    report = assign_folder(source, unseen)
    by_file = dict(zip(load_features(project, revisions.current(project)).ids, labels(project), strict=True))
    assert [(one.file, one.cluster) for one in report.assigned] == [
        ("ocean-1-new.png", by_file["ocean-1-000.png"])
    ]
    shutil.copy(tmp_path / "photos/ocean-1-000.png", unseen / "unknown.png")
    with pytest.raises(InputError, match=r"second.npz lacks 1 of 2, first unknown.png"):
        assign_folder(source, unseen)
    with np.load(tmp_path / "out/features.npz") as found:
        assert found["looks"].shape[1] > found["x"].shape[1]


def test_a_notebook_that_opens_the_project_sorts_new_photos(project, tmp_path):
    other_kind(tmp_path, "ocean-1-new.png")
    opened = kec.open(project.folder)
    found = opened.assign([tmp_path / "photos/ocean-1-new.png", tmp_path / "photos/crimson-0-000.png"])
    expected = [opened.labels[opened.files.index(f"{kind}-000.png")] for kind in ("ocean-1", "crimson-0")]
    assert found.clusters.tolist() == expected


def labels(project):
    return load_clustering(project, revisions.current(project)).labels.tolist()


def readymade_or_hash(name):
    """The encoder of the photos has no weights; that of the looks is a file."""
    return real_load_encoder(name) if name.startswith("embeddings:") else HashEncoder()


def test_photos_at_an_address_are_one_sentence(project):
    with pytest.raises(InputError, match="copy the photos at memory://new into a folder"):
        assign_photos(project.folder, "memory://new", progress=no_progress)


def test_a_cluster_takes_no_second_space(tmp_path):
    project = Project.create(tmp_path / "project", "on a cluster")
    plan = Plan(photos=str(tmp_path), address="", results="", sample=10)
    with pytest.raises(InputError, match="On a cluster looks come from the encoder alone"):
        run_on_cluster(project, plan, RunConfig(looks="dinov2"))
    assert project.settings() == RunConfig()


def test_two_notebooks_of_one_project_keep_their_own_looks(tmp_path):
    project = Project.create(tmp_path / "project", "looks")
    x = np.eye(4, dtype=np.float32)
    keys = [save_whitening(project, unwhitened(x, rows)) for rows in (x, x[::-1])]
    kept = [read_whitening(load_result(project, "looks", key)).second for key in keys]
    np.testing.assert_array_equal(kept, [x, x[::-1]])
