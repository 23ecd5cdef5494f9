import multiprocessing

import pytest

from kec_core.config import RunConfig
from kec_core.errors import InputError, StoreError
from kec_core.types import InternalScores, Scores
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Baseline, Steps
from tests import patience
from tests.state_helpers import commit_simple, knowledge, new_revision, scan

RENAME = {"op": "rename_concept", "concept": "c001", "name": "x"}


@pytest.fixture
def project(tmp_path):
    project = Project.create(tmp_path / "project", "Birds")
    project.set_images(scan("a", "b"))
    return project


def ids(project):
    return [info.id for info in revisions.history(project)]


def tree(project):
    return {info.id: info.parent for info in revisions.history(project)}


def test_an_empty_project_has_no_revision(project):
    assert revisions.current(project) is None
    assert revisions.history(project) == ()
    assert revisions.steps(project) == Steps(undo=None, redo=None)
    with pytest.raises(InputError, match="nothing to undo"):
        revisions.undo(project)
    with pytest.raises(InputError, match="There is no revision 'r1'; there is none yet"):
        revisions.get(project, "r1")


def test_a_revision_comes_back_with_every_field(project):
    scores = Scores(acc=0.5, nmi=0.25, ari=-0.125)
    baseline = Baseline(
        method="kmeans", clustering_fp="fp0", scores=scores, internal=InternalScores(silhouette=0.5)
    )
    new = new_revision(
        project,
        "wren",
        "owl",
        edits=[RENAME],
        config=RunConfig(seed=9, n_clusters=2),
        clustering_fp="fp1",
        name="first",
        scores=scores,
        baseline=baseline,
        internal=InternalScores(),
        summary={"clusters": 2, "notes": ["<b>"]},
    )
    made = revisions.commit(project, new, parent=None)
    assert made == revisions.current(Project.open(project.folder)) == revisions.get(project, "first")
    assert (made.id, made.parent, made.pinned, made.scan) == ("r1", None, False, 1)
    assert made.knowledge == knowledge("wren", "owl")
    assert (made.scores, made.baseline, made.internal) == (scores, baseline, InternalScores())
    assert (made.edits, made.config, made.clustering_fp) == ((RENAME,), new.config, "fp1")
    assert (made.note, made.name, made.summary) == ("wren owl", "first", {"clusters": 2, "notes": ["<b>"]})
    (info,) = revisions.history(project)
    assert (info.scores, info.edits, info.created) == (scores, (RENAME,), made.created)


def test_undo_and_redo_walk_the_branch_and_stop_at_its_ends(project):
    for parent, name in ((None, "one"), ("r1", "two"), ("r2", "three")):
        commit_simple(project, parent, name)
    assert revisions.undo(project).knowledge == knowledge("two")
    assert revisions.steps(project) == Steps(undo="r1", redo="r3")
    assert revisions.undo(project).id == "r1"
    with pytest.raises(InputError, match="nothing to undo"):
        revisions.undo(project)
    assert revisions.redo(project).id == "r2"
    assert revisions.redo(project).id == "r3"
    with pytest.raises(InputError, match="nothing to redo"):
        revisions.redo(project)
    assert revisions.current(project).id == "r3"


def test_a_commit_after_undo_is_a_branch_and_nothing_is_lost(project):
    commit_simple(project, None, "one")
    commit_simple(project, "r1", "two")
    revisions.undo(project)
    commit_simple(project, "r1", "other")
    assert tree(project) == {"r1": None, "r2": "r1", "r3": "r1"}
    assert revisions.steps(project) == Steps(undo="r1", redo=None)
    revisions.undo(project)
    assert revisions.redo(project).id == "r3"
    assert revisions.go_to(project, "r2").knowledge == knowledge("two")
    assert revisions.steps(project) == Steps(undo="r1", redo=None)


def test_going_back_on_the_same_branch_keeps_redo(project):
    for parent in (None, "r1", "r2"):
        commit_simple(project, parent, "x")
    revisions.go_to(project, "r1")
    assert revisions.redo(project).id == "r2"
    assert revisions.redo(project).id == "r3"


def test_a_commit_from_an_old_revision_is_refused_and_stores_nothing(project):
    commit_simple(project, None, "one")
    commit_simple(project, "r1", "two")
    with pytest.raises(
        StoreError, match="changed in another window: it is at r2 now, but the change started from r1; load"
    ):
        commit_simple(project, "r1", "late")
    with pytest.raises(StoreError, match="started from no revision"):
        commit_simple(project, None, "late")
    assert ids(project) == ["r1", "r2"]


def test_moving_the_pointer_is_refused_when_another_window_moved_it(project):
    commit_simple(project, None, "one")
    commit_simple(project, "r1", "two")
    for move in (revisions.undo, revisions.redo):
        with pytest.raises(StoreError, match="changed in another window"):
            move(project, expected="r1")
    with pytest.raises(StoreError, match="changed in another window"):
        revisions.go_to(project, "r1", expected="r1")
    assert revisions.undo(project, expected="r2").id == "r1"


def test_names_are_unique_and_pins_stay(project):
    commit_simple(project, None, "one")
    commit_simple(project, "r1", "two")
    revisions.set_name(project, "r1", " start ")
    revisions.set_pinned(project, "start", True)
    with pytest.raises(InputError, match="Another revision is named 'start' already"):
        revisions.set_name(project, "r2", "start")
    revisions.set_name(project, "r1", "start")
    first, second = revisions.history(project)
    assert (first.name, first.pinned, second.name, second.pinned) == ("start", True, "", False)
    revisions.set_name(project, "r1", "")
    with pytest.raises(InputError, match="no revision 'start'; the newest is r2"):
        revisions.get(project, "start")


def test_the_journal_follows_the_branch(project):
    def edit(n):
        return {**RENAME, "name": str(n)}

    commit_simple(project, None, "one")
    commit_simple(project, "r1", "two", edits=[edit(1), edit(2)])
    revisions.undo(project)
    commit_simple(project, "r1", "three", edits=[edit(3)])
    commit_simple(project, "r3", "four", edits=[edit(4)])
    assert revisions.journal(project, "r4") == (edit(3), edit(4))
    assert revisions.journal(project, "r2") == (edit(1), edit(2))
    assert revisions.journal(project, "r1") == ()


def test_new_scores_change_scores_alone(project):
    before = commit_simple(project, None, "one", scores=Scores(acc=1, nmi=1, ari=1))
    revisions.set_scores(project, "r1", None, Baseline(method="kmeans", clustering_fp="b"))
    after = revisions.current(project)
    assert (after.scores, after.baseline.clustering_fp) == (None, "b")
    assert (after.knowledge, after.created, after.clustering_fp) == (
        before.knowledge,
        before.created,
        before.clustering_fp,
    )


def _commit_from_r1(folder, name, gate, answers):
    project = Project.open(folder)
    gate.wait()
    try:
        answers.put((name, commit_simple(project, "r1", name).id))
    except StoreError as error:
        answers.put((name, str(error)))


def test_of_two_processes_that_commit_at_once_one_is_told_and_nothing_is_lost(project):
    commit_simple(project, None, "one")
    spawn = multiprocessing.get_context("fork")
    gate, answers = spawn.Barrier(2), spawn.Queue()
    writers = [
        spawn.Process(target=_commit_from_r1, args=(project.folder, name, gate, answers)) for name in "ab"
    ]
    for writer in writers:
        writer.start()
    told = dict(answers.get(timeout=patience.SECONDS) for _ in writers)
    for writer in writers:
        writer.join()
    winner = next(name for name, answer in told.items() if answer == "r2")
    (loser,) = set(told) - {winner}
    assert "changed in another window: it is at r2 now" in told[loser]
    assert ids(project) == ["r1", "r2"]
    assert revisions.current(project).knowledge == knowledge(winner)
    assert commit_simple(project, "r2", loser).knowledge == knowledge(loser)
