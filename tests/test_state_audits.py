import multiprocessing

import pytest

from kec_core.errors import InputError
from kec_core.result.audit import Judged, estimate
from state.project.project import Project
from state.revisions.audits import Audit, answer, audits, load_audit, start_audit, take_back
from tests.state_helpers import commit_labels, scan

LABELS = [0] * 30 + [1] * 10


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "project", "Birds")
    project.set_images(scan(*(f"{number:02d}" for number in range(40))))
    commit_labels(project, None, LABELS)
    return project


@pytest.fixture
def revision(project):
    from state.revisions import revisions

    return revisions.current(project)


def test_a_sample_asks_about_photos_where_they_are_and_survives_a_restart(project, revision):
    made = start_audit(project, revision, size=8, seed=3)
    assert sorted(question.cluster for question in made.questions) == [0] * 6 + [1] * 2
    assert all(LABELS[int(question.image)] == question.cluster for question in made.questions)
    assert made.sizes == {0: 30, 1: 10}
    assert load_audit(Project.open(project.folder), "r1") == made
    assert Audit.from_json(made.to_json()) == made
    assert load_audit(project, "r2") is None


def test_answers_are_kept_one_by_one_and_can_be_taken_back(project, revision):
    first, second, *_ = start_audit(project, revision, size=8).questions
    answer(project, "r1", first.image, True)
    after = answer(project, "r1", second.image, None)
    assert after.next == after.questions[2]
    assert after.last == second
    back = take_back(project, "r1", second.image)
    assert (back.next, back.last) == (second, first)
    assert load_audit(project, "r1") == back


def test_the_estimate_weighs_clusters_by_size_and_leaves_out_what_cannot_be_said(project, revision):
    audit = start_audit(project, revision, size=8)
    assert audit.estimate() is None
    large = [q.image for q in audit.questions if q.cluster == 0]
    small = [q.image for q in audit.questions if q.cluster == 1]
    for image, belongs in zip(large, (True, True, True, False, None, None), strict=True):
        answer(project, "r1", image, belongs)
    answer(project, "r1", small[0], False)
    found = load_audit(project, "r1")
    expected = {0: Judged(size=30, judged=4, right=3), 1: Judged(size=10, judged=1, right=0)}
    assert found.estimate() == estimate(expected)
    assert found.estimate().share == pytest.approx(0.75 * 0.75)
    assert {question.image for question in found.wrong()} == {large[3], small[0]}


def test_a_new_sample_replaces_the_old_and_late_answers_to_it_are_refused(project, revision):
    old = start_audit(project, revision, size=4, seed=0)
    new = start_audit(project, revision, size=4, seed=1)
    gone = next(q.image for q in old.questions if q.image not in {n.image for n in new.questions})
    with pytest.raises(InputError, match="is not in the audit of revision r1; it was drawn anew meanwhile"):
        answer(project, "r1", gone, True)
    assert load_audit(project, "r1").answers == {}
    with pytest.raises(InputError, match="drawn anew"):
        answer(project, "r9", gone, True)


def test_audits_of_all_revisions_are_listed_newest_first(project, revision):
    start_audit(project, revision, size=4)
    second = commit_labels(project, "r1", LABELS[::-1])
    start_audit(project, second, size=4)
    assert [audit.revision for audit in audits(project)] == ["r2", "r1"]


def _judge(folder, images, gate):
    gate.wait()
    for image in images:
        answer(Project.open(folder), "r1", image, True)


def test_two_people_who_judge_at_once_lose_no_answer(project, revision):
    images = [question.image for question in start_audit(project, revision, size=20).questions]
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(2)
    people = [
        fork.Process(target=_judge, args=(project.folder, half, gate)) for half in (images[::2], images[1::2])
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert set(load_audit(project, "r1").answers) == set(images)
