import pytest

from kec_core.errors import InputError
from kec_core.result.impact import Flow
from state.project.project import Project
from state.revisions import revisions
from state.revisions.comparison import automatic_result, branch, class_table, compare_revisions, count_moved
from tests.state_helpers import commit_labels, scan

EDIT = {"op": "set_weight", "knowledge": 1.0}


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "project", "Birds")
    project.set_images(scan(*"abcdefgh"))
    return project


def names(images):
    return "".join(image.id for image in images)


def test_moved_photos_and_flows_of_a_hand_made_case(project):
    commit_labels(project, None, [0, 0, 0, 0, 1, 1, 2, 2])
    commit_labels(project, "r1", [0, 0, 1, 1, 1, 1, 2, 0])
    changes = compare_revisions(project, "r1", "r2")
    assert names(changes.photos()) == "cdh"
    assert changes.flows == (Flow(source=0, target=1, photos=2), Flow(source=2, target=0, photos=1))
    assert names(changes.photos(changes.flows[0])) == "cd"
    assert (changes.only_before, changes.only_after) == (0, 0)


def test_other_numbers_for_the_same_groups_move_nothing(project):
    commit_labels(project, None, [0, 0, 0, 0, 1, 1, 2, 2])
    commit_labels(project, "r1", [2, 2, 2, 2, 0, 0, 1, 0])
    changes = compare_revisions(project, "r1", "r2")
    assert names(changes.photos()) == "h"
    assert changes.flows == (Flow(source=2, target=0, photos=1),)  # target is the id in r2


def test_a_cluster_that_is_split_keeps_its_larger_part(project):
    commit_labels(project, None, [0, 0, 0, 0, 0, 1, 1, 1])
    commit_labels(project, "r1", [0, 0, 0, 2, 2, 1, 1, 1])
    changes = compare_revisions(project, "r1", "r2")
    assert changes.flows == (Flow(source=0, target=2, photos=2),)


def test_after_edits_those_photos_moved_that_were_moved_however_many(project):
    commit_labels(project, None, [0, 0, 0, 0, 0, 1, 1, 1])
    first = commit_labels(
        project, "r1", [2, 2, 2, 0, 0, 1, 1, 1], edits=[EDIT]
    )  # more than half into a new one
    second = commit_labels(project, "r2", [2, 2, 2, 0, 1, 1, 1, 1], edits=[EDIT])
    assert count_moved(project, revisions.get(project, "r1"), first) == 3
    assert count_moved(project, first, second) == 1
    changes = compare_revisions(project, "r1", "r3")
    assert names(changes.photos()) == "abce"
    assert changes.flows == (Flow(source=0, target=2, photos=3), Flow(source=0, target=1, photos=1))
    assert names(compare_revisions(project, "r3", "r1").photos()) == "abce"


def test_branches_of_edits_and_runs_are_matched_by_the_photos_they_share(project):
    commit_labels(project, None, [0, 0, 0, 0, 0, 1, 1, 1])
    commit_labels(project, "r1", [2, 2, 2, 2, 2, 1, 1, 1], edits=[EDIT])
    revisions.go_to(project, "r1")
    commit_labels(project, "r1", [0, 0, 0, 0, 0, 2, 2, 2], edits=[EDIT])
    commit_labels(project, "r3", [1, 1, 1, 1, 1, 0, 0, 0])
    assert names(compare_revisions(project, "r2", "r3").photos()) == ""
    assert names(compare_revisions(project, "r3", "r4").photos()) == ""


def test_moved_photos_can_be_counted_alone(project):
    first = commit_labels(project, None, [0, 0, 0, 0, 1, 1, 2, 2])
    second = commit_labels(project, "r1", [1, 1, 0, 1, 0, 0, 2, 2])
    assert count_moved(project, first, second) == 1
    project.set_images(scan(*"xy"))
    assert count_moved(project, first, commit_labels(project, "r2", [0, 0], scan=project.last_scan)) is None


def test_of_two_scans_the_common_photos_are_compared_by_name(project):
    commit_labels(project, None, [0, 0, 0, 0, 1, 1, 1, 1])
    project.set_images(scan(*"bcdfgxy"))
    commit_labels(project, "r1", [1, 1, 0, 0, 0, 1, 1], scan=project.last_scan)
    changes = compare_revisions(project, "r1", "r2")
    assert names(changes.images) == "bcdfg"
    assert names(changes.photos()) == "d"
    assert (changes.only_before, changes.only_after) == (3, 2)
    back = compare_revisions(project, "r2", "r1")
    assert (names(back.photos()), back.only_before, back.only_after) == ("d", 2, 3)


def test_revisions_without_a_common_photo_are_refused(project):
    commit_labels(project, None, [0] * 8)
    project.set_images(scan("x", "y"))
    commit_labels(project, "r1", [0, 0], scan=project.last_scan)
    with pytest.raises(InputError, match="r1 and r2 have no photo in common; compare two others"):
        compare_revisions(project, "r1", "r2")


def test_the_automatic_result_is_the_first_run_or_a_pinned_one_of_the_branch(project):
    labels = [0] * 4 + [1] * 4
    commit_labels(project, None, labels)
    commit_labels(project, "r1", labels, edits=[EDIT])
    commit_labels(project, "r2", labels)
    commit_labels(project, "r3", labels, edits=[EDIT])
    revisions.go_to(project, "r2")
    commit_labels(project, "r2", labels, edits=[EDIT])

    def automatic(revision_id):
        history = revisions.history(project)
        return automatic_result(history, next(step for step in history if step.id == revision_id)).id

    assert [automatic(one) for one in ("r1", "r2", "r4", "r5")] == ["r1"] * 4
    revisions.set_pinned(project, "r3", True)
    revisions.set_pinned(project, "r4", True)  # made by a person, so not automatic
    assert [automatic(one) for one in ("r2", "r4", "r5")] == ["r1", "r3", "r1"]
    history = revisions.history(project)
    assert [step.id for step in branch(history, history[4])] == ["r1", "r2", "r5"]


def test_clusters_against_labels_and_the_photos_of_each_mistake(project):
    made = commit_labels(project, None, [0, 0, 0, 1, 1, 1, 1, 0])
    truth = ["owl", "owl", "wren", "wren", "wren", "owl", "wren", None]
    found = class_table(project, made, truth)
    assert found.table.clusters == (1, 0)
    assert found.table.labels == ("wren", "owl")
    assert found.table.counts.tolist() == [[3, 1], [1, 2]]
    assert found.mistakes() == [(1, "owl", 1), (0, "wren", 1)]
    assert (found.photos(1, "owl"), found.photos(0, "owl")) == ([5], [0, 1])
    assert class_table(project, made, [None] * 8) is None
