"""The engine for many machines where nodes declare GPUs: tasks get them, keep their encoder, and do without when they leave.

There is no GPU: Ray hands out what a node declares, and an encoder that finds none computes on processors.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kec_core.stages import Hooks
from state.engine import cluster, listing
from state.engine.gathering import Plan
from state.engine.run import run_on_cluster
from state.project.project import Project
from state.work.run import run_project
from tests.page_helpers import CONFIG, make_photos, resources
from tests.ray_helpers import NODE, Told, started_nodes

GPU_NODE = {**NODE, "num_gpus": 1}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module", autouse=True)
def nodes(tmp_path_factory, photos):
    with started_nodes(tmp_path_factory.getbasetemp() / "g", photos, GPU_NODE, GPU_NODE) as started:
        yield started


@pytest.fixture(scope="module")
def here(tmp_path_factory, photos):
    project = Project.create(tmp_path_factory.mktemp("here"), "here")
    run_project(project, photos, CONFIG, resources=resources)
    return project


@pytest.fixture
def run(tmp_path, photos, here, monkeypatch):
    """A function that runs on the cluster, tells ``on_part`` of every part, and returns what each process was given."""
    monkeypatch.setattr(listing, "MEAN_PART", 4)

    def ran(on_part=lambda done: None):
        (loads := tmp_path / "loads").mkdir()
        project = Project.create(tmp_path / "project", "there")

        def progress(done, _total, label):
            if label.startswith("Encoding parts"):
                on_part(done)

        plan = Plan(photos=str(photos), make=Told(str(loads)))
        run_on_cluster(project, plan, CONFIG, resources=resources, hooks=Hooks(progress=progress))
        assert project.images() == here.images()
        shards = list((project.folder / "collection/features").iterdir())
        assert sum(pq.read_metadata(shard).num_rows for shard in shards) == len(here.images())
        return [Path(file).read_text() for file in sorted(loads.iterdir())], len(shards)

    return ran


def test_a_process_with_a_gpu_keeps_its_encoder_and_the_others_see_none(run):
    given, parts = run()
    on_gpus = [ids for ids in given if ids]
    assert set(on_gpus) == {"0"}
    assert len(on_gpus) < parts / 2
    assert "" in given


def test_a_node_with_a_gpu_that_leaves_is_done_without(run, nodes):
    left = []

    def leave(done):
        if done >= 1 and not left:
            left.append(nodes.worker_nodes.copy().pop())
            nodes.remove_node(left[0], allow_graceful=False)

    run(leave)
    assert left


def test_when_the_last_gpu_leaves_processors_do_the_work(run, nodes, monkeypatch):
    """The last test: the cluster has one node after it."""
    monkeypatch.setattr(cluster, "GPU_SECONDS", 3.0)

    def leave(done):
        if done >= 1:
            for node in list(nodes.worker_nodes):
                nodes.remove_node(node, allow_graceful=False)

    given, _ = run(leave)
    assert "" in given
    assert not nodes.worker_nodes
