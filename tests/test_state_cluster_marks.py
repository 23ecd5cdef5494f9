"""Names and ticks of clusters follow the cluster along its branch, and stop where a run makes new ones."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.types import Clustering
from state.project.project import Project
from state.revisions import revisions
from state.revisions.cluster_marks import cluster_marks, mark_cluster
from state.revisions.clusterings import save_clustering
from tests.state_helpers import commit_simple, scan

EDIT = ({"op": "set_clusters", "k": 2},)
FIRST = [0, 0, 0, 1, 1, 1]


@pytest.fixture
def project(tmp_path):
    made = Project.create(tmp_path / "p", "P")
    made.set_images(scan(*"abcdef"))
    commit(made, None, FIRST)
    return made


def commit(project, parent, labels, edits=()):
    clustering = Clustering(
        labels=np.int32(labels), centroids=np.eye(9, 4, dtype=np.float32), objective=1.0, method="x", seed=0
    )
    key = save_clustering(project, clustering, ground="g")
    return commit_simple(project, parent, "dog", clustering_fp=key, edits=edits).id


def test_a_name_holds_before_and_after_on_the_branch(project):
    commit(project, "r1", [0, 0, 1, 1, 1, 1], EDIT)
    commit(project, "r2", [0, 0, 1, 1, 1, 1], EDIT)
    mark_cluster(project, "r2", 1, name="My dogs")
    for revision in ("r1", "r2", "r3"):
        assert cluster_marks(project, revision).names == {1: "My dogs"}
    assert cluster_marks(project, "r2").done == frozenset()


def test_another_branch_has_its_own_names(project):
    commit(project, "r1", [0, 0, 2, 1, 1, 1], EDIT)
    mark_cluster(project, "r2", 2, name="new here")
    revisions.go_to(project, "r1")
    commit(project, "r1", [0, 0, 0, 1, 2, 2], EDIT)
    assert cluster_marks(project, "r3").names == {}
    assert cluster_marks(project, "r2").names == {2: "new here"}


def test_the_latest_word_holds_and_an_empty_name_takes_it_away(project):
    commit(project, "r1", FIRST, EDIT)
    mark_cluster(project, "r1", 0, name="first")
    mark_cluster(project, "r2", 0, name="second")
    assert cluster_marks(project, "r1").names == {0: "second"}
    mark_cluster(project, "r1", 0, name="")
    assert cluster_marks(project, "r2").names == {}


def test_done_is_a_tick_that_can_be_taken_back(project):
    mark_cluster(project, "r1", 0, done=True)
    mark_cluster(project, "r1", 1, done=True)
    mark_cluster(project, "r1", 0, done=False)
    mark_cluster(project, "r1", 1, name="kept beside the tick")
    marks = cluster_marks(project, "r1")
    assert marks.done == {1}
    assert marks.names == {1: "kept beside the tick"}


def test_a_run_keeps_the_marks_of_clusters_that_are_still_the_same(project):
    for cluster in (0, 1):
        mark_cluster(project, "r1", cluster, name=f"name {cluster}")
    commit(project, "r1", [0, 0, 0, 0, 2, 2])
    assert cluster_marks(project, "r2").names == {0: "name 0"}
    assert cluster_marks(project, "r1").names == {0: "name 0", 1: "name 1"}


def test_photos_of_another_scan_are_known_by_their_names(project):
    mark_cluster(project, "r1", 1, name="d to f")
    project.set_images(scan(*"bdef"))
    commit(project, "r1", [0, 1, 1, 1])
    assert cluster_marks(project, "r2").names == {1: "d to f"}
    commit(project, "r2", [1, 0, 0, 0])
    assert cluster_marks(project, "r3").names == {}
