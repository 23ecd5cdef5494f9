"""The engine for many machines, on a cluster of two nodes: same result as here, and what breaks costs nothing twice."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score as adjusted_rand

from commands.describe import describe_project
from kec_core.errors import Cancelled
from kec_core.stages import Hooks
from state.engine import listing
from state.engine.run import Plan, run_on_cluster
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.features import load_features
from state.work.run import run_project
from tests.fakes import HashEncoder
from tests.page_helpers import CONFIG, make_photos, resources
from tests.ray_helpers import Dying, fill_memory, two_nodes


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module", autouse=True)
def nodes(tmp_path_factory, photos):
    with two_nodes(tmp_path_factory.getbasetemp() / "r", photos) as cluster:
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


@pytest.fixture
def small_parts(monkeypatch):
    """Photos in about ten parts instead of one."""
    monkeypatch.setattr(listing, "MEAN_PART", 4)


def test_a_worker_that_is_killed_costs_no_photo(tmp_path, photos, here, small_parts):
    mark = tmp_path / "killed"
    there, done = run(tmp_path, photos, make=Dying(str(mark)))
    assert mark.exists()
    assert there.images() == here.images()
    assert done.encoded == len(here.images())
    shards = list((there.folder / "collection/features").iterdir())
    assert sum(pq.read_metadata(shard).num_rows for shard in shards) == len(here.images())


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
