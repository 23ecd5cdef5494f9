"""The engine for many machines, on a cluster of two nodes: same result as here, and what breaks costs nothing twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score as adjusted_rand

import cli
from commands.describe import describe_project
from kec_core.arrays import no_progress
from kec_core.errors import Cancelled, EngineError
from kec_core.knowledge.edits import parse_script
from kec_core.stages import Hooks
from state.engine import encoding, listing
from state.engine.applying import apply_job
from state.engine.cluster import ATTEMPTS
from state.engine.collection import collection_of, latest_applied
from state.engine.gathering import Plan
from state.engine.run import run_on_cluster
from state.jobs.progress import JobContext
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS, thumbnail_path
from state.revisions import revisions
from state.revisions.clusterings import load_clustering, load_features
from state.work import editing
from state.work.editing import edit_project
from state.work.run import run_project
from tests.fakes import COLOURS, HashEncoder
from tests.page_helpers import CONFIG, make_photos, resources
from tests.ray_helpers import BUSY, CLOSED, HEALED, NODE, POISON, Dying, Poisoned, fill_memory, started_nodes


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module", autouse=True)
def nodes(tmp_path_factory, photos):
    with started_nodes(tmp_path_factory.getbasetemp() / "r", photos) as cluster:
        fill_memory()
        yield cluster


@pytest.fixture(scope="module")
def here(tmp_path_factory, photos):
    """The same photos, clustered by this process."""
    project = Project.create(tmp_path_factory.mktemp("here"), "here")
    run_project(project, photos, CONFIG, labels="folders", resources=resources)
    return project


def run(folder, photos, **plan):
    project = Project.create(folder / "project", "there")
    plan = Plan(**{"photos": str(photos), "make": HashEncoder, **plan})
    return project, run_on_cluster(project, plan, CONFIG, labels="folders", resources=resources)


def shown(project):
    return revisions.current(project)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_cluster_gives_what_this_machine_gives(tmp_path, photos, here, kind):
    address = {"file": f"file://{photos}", "memory": "memory://photos"}[kind]
    there, done = run(tmp_path, address)
    ours, theirs = load_features(here, shown(here)), load_features(there, shown(there))
    assert theirs.ids == ours.ids
    np.testing.assert_allclose(theirs.raw, ours.raw, atol=1e-5)
    labels = [load_clustering(project, shown(project)).labels for project in (here, there)]
    assert adjusted_rand(*labels) >= 0.99
    assert there.images() == here.images()
    assert there.skipped() == here.skipped()
    assert there.labels() == here.labels()
    assert done.applied is None
    assert done.encoded == len(ours.ids)
    assert describe_project(there, "clusters")["images"] == len(ours.ids)


def labels_of(address):
    """Every row of the files of labels, by photo; a photo that has two labels fails."""
    files = sorted(Path(address.removeprefix("file://")).glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    found = {row["file"]: row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture
def small_parts(monkeypatch):
    """Photos in about ten parts instead of one."""
    monkeypatch.setattr(listing, "MEAN_PART", 4)


def test_a_sample_is_a_project_and_its_groups_are_those_of_all_photos(
    tmp_path, photos, here, small_parts, monkeypatch, capsys
):
    there, done = run(tmp_path, photos, sample=24)
    everything = {image.id for image in here.images()}
    assert describe_project(there, "clusters")["images"] == 24
    assert describe_project(there, "clusters")["of"] == done.applied.photos == len(everything)
    assert {image.id.partition("/")[0] for image in there.images()} == set(COLOURS)
    labels = labels_of(done.applied.labels)
    assert set(labels) == everything
    assert done.applied.to_json()["clusters"][0]["images"] > 0
    assert sum(done.applied.labelled.sizes.values()) == len(everything)
    local = load_clustering(here, shown(here)).labels
    assert adjusted_rand(local, [labels[image.id]["cluster"] for image in here.images()]) >= 0.99

    monkeypatch.setattr(editing, "load_encoder", lambda name: HashEncoder())
    editing.loaded_encoder.cache_clear()
    first = int(load_clustering(there, shown(there)).labels[0])
    edit_project(
        there, parse_script({"edits": [{"op": "rename_cluster", "cluster": first, "name": "Autumn"}]})
    )
    assert cli.main(["apply", str(there.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["revision"] == shown(there).id
    again = labels_of(told["labels"])
    assert {row["cluster"] for row in again.values() if row["name"] == "Autumn"} == {first}
    assert set(again) == everything

    def cancelled(*_):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        apply_job(JobContext(project=there, params={}, progress=cancelled))
    edit_project(
        there, parse_script({"edits": [{"op": "rename_cluster", "cluster": first, "name": "Winter"}]})
    )
    result = apply_job(JobContext(project=there, params={}, progress=no_progress))
    assert latest_applied(there).revision == result["revision"] == shown(there).id
    assert "Winter" in {row["name"] for row in labels_of(result["labels"]).values()}
    editing.loaded_encoder.cache_clear()


def test_a_worker_that_is_killed_costs_no_photo(tmp_path, photos, here, small_parts):
    mark = tmp_path / "killed"
    there, done = run(tmp_path, photos, make=Dying(str(mark)))
    assert mark.exists()
    assert there.images() == here.images()
    assert done.encoded == len(here.images())
    shards = list((there.folder / "collection/features").iterdir())
    assert sum(pq.read_metadata(shard).num_rows for shard in shards) == len(here.images())


@pytest.mark.parametrize("step", ["preprocess", "encode_images"])
def test_a_photo_that_ends_every_process_is_listed_and_the_others_are_encoded(
    tmp_path, here, small_parts, step
):
    photos = make_photos(tmp_path / "photos")
    Image.new("RGB", (64, 64), POISON).save(photos / "ocean" / "poison.png")
    (deaths := tmp_path / "deaths").mkdir()
    there, _ = run(tmp_path, photos, make=Poisoned(str(deaths), step))
    reasons = {item.path: item.reason for item in there.skipped()}
    assert "ended the process" in reasons.pop("ocean/poison.png")
    assert reasons == {item.path: item.reason for item in here.skipped()}
    assert there.images() == here.images()
    assert len(list(deaths.iterdir())) == 2 * ATTEMPTS  # with its part, and alone

    again = run_on_cluster(there, Plan(photos=str(photos), make=HashEncoder), CONFIG, resources=resources)
    assert again.collection.photos == len(here.images()) + 1


def test_where_every_photo_ends_its_process_the_run_says_so(tmp_path):
    for number in range(2):
        Image.new("RGB", (64, 64 + number), POISON).save(tmp_path / f"poison {number}.png")
    (deaths := tmp_path / "deaths").mkdir()
    with pytest.raises(EngineError, match="Every photo") as failed:
        run(tmp_path, tmp_path, make=Poisoned(str(deaths), "preprocess"))
    assert "poison 0.png" in str(failed.value)


def test_a_run_that_was_stopped_goes_on_behind_its_shards(tmp_path, photos, here, small_parts):
    project = Project.create(tmp_path / "project", "there")
    plan = Plan(photos=str(photos), make=HashEncoder)
    parts = []

    def stop(done, total, label):
        if label.startswith("Encoding parts"):
            parts.append((done, total))
            if done == 2:
                raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run_on_cluster(project, plan, CONFIG, resources=resources, hooks=Hooks(progress=stop))
    before = {file: file.stat().st_mtime_ns for file in (project.folder / "collection/features").iterdir()}
    assert 2 <= len(before) < parts[0][1]
    done = run_on_cluster(project, plan, CONFIG, labels="folders", resources=resources)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert done.encoded < len(here.images())
    assert project.images() == here.images()
    assert run_on_cluster(project, plan, CONFIG, resources=resources).encoded == 0


def test_a_bucket_that_is_busy_is_asked_again_and_what_it_keeps_is_listed(tmp_path, photos, here):
    healed = photos.parent / HEALED
    there, _ = run(tmp_path, "flaky://photos")
    missing = {item.path: item.reason for item in there.skipped()}
    assert missing[f"crimson/{BUSY}"] == "503 Slow Down"
    assert missing[f"ocean/{CLOSED}"] == "Forbidden"
    assert len(there.images()) == len(here.images()) - 2
    assert thumbnail_path(there.folder / THUMBNAILS, there.images()[0].sha256, SIDES[0]) is not None
    try:
        healed.touch()
        done = run_on_cluster(
            there, Plan(photos="flaky://photos", make=HashEncoder), CONFIG, resources=resources
        )
    finally:
        healed.unlink()
    assert done.collection.photos == len(here.images())
    assert there.skipped() == here.skipped()


def test_the_compact_encoder_gives_the_same_features_and_groups(tmp_path, photos):
    config = replace(CONFIG, encoder="compact")
    projects = [Project.create(tmp_path / name, name) for name in ("here", "there")]
    run_project(projects[0], photos, config)
    run_on_cluster(projects[1], Plan(photos=str(photos)), config)
    ours, theirs = [load_features(project, shown(project)) for project in projects]
    assert theirs.ids == ours.ids
    scale = np.abs(ours.raw).max()
    np.testing.assert_allclose(theirs.raw, ours.raw, atol=1e-5 * max(1, scale))
    assert adjusted_rand(*(load_clustering(p, shown(p)).labels for p in projects)) >= 0.99


def test_new_photos_join_the_groups_of_a_sample_and_only_they_are_encoded(tmp_path, small_parts, capsys):
    photos = make_photos(tmp_path / "photos")
    there = Project.create(tmp_path / "project", "there")
    config = replace(CONFIG, encoder="compact")
    before = run_on_cluster(there, Plan(photos=str(photos), sample=24), config, labels="folders")
    sample = {image.id for image in there.images()}
    first = int(load_clustering(there, shown(there)).labels[0])
    edit_project(
        there, parse_script({"edits": [{"op": "rename_cluster", "cluster": first, "name": "Autumn"}]})
    )
    make_photos(tmp_path / "more", per_class=2)
    shutil.move(tmp_path / "more/ocean", photos / "new")
    (photos / "leaf/leaf 03.png").unlink()
    assert cli.main(["add", str(there.folder), str(photos), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["removed"]) == sample & {"leaf/leaf 03.png"}
    assert sample - set(told["removed"]) <= {image.id for image in there.images()}
    assert 2 <= told["encoded"] < before.collection.photos / 2
    now = collection_of(there)
    assert now.photos == before.collection.photos + 2 - 1
    applied = latest_applied(there)
    assert applied.revision == told["revision"] == shown(there).id
    labels = labels_of(applied.labels)
    assert len(labels) == now.photos
    assert {"new/ocean 00.png", "new/ocean 01.png"} <= set(labels)
    assert {row["cluster"] for row in labels.values() if row["name"] == "Autumn"} == {first}
    assert applied.labels in told["notes"][-1]


@pytest.mark.parametrize("attempts", [ATTEMPTS, 1])
def test_a_node_that_leaves_is_done_without(
    tmp_path, photos, here, nodes, small_parts, monkeypatch, attempts
):
    """The last test: the cluster has one node after it. With one attempt a part fails with the node and is taken up alone."""
    monkeypatch.setattr(encoding, "ATTEMPTS", attempts)
    if not nodes.worker_nodes:
        nodes.add_node(**NODE)
    left = []

    def leave(done, _total, label):
        if label.startswith("Encoding parts") and done >= 1 and not left:
            left.append(nodes.worker_nodes.copy().pop())
            nodes.remove_node(left[0], allow_graceful=False)

    project = Project.create(tmp_path / "project", "there")
    run_on_cluster(
        project,
        Plan(photos=str(photos), make=HashEncoder),
        CONFIG,
        resources=resources,
        hooks=Hooks(progress=leave),
    )
    assert left
    assert project.images() == here.images()
