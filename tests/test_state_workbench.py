"""Trying, keeping, stepping back and forth, on a project made by the real pipeline."""

import gc
import shutil
import threading
import weakref
from dataclasses import replace

import numpy as np
import psutil
import pytest

from kec_core.errors import InputError, StoreError
from kec_core.knowledge.edits import (
    AddAttribute,
    DeleteConcept,
    MuteConcept,
    RenameConcept,
    SetClusters,
    apply_script,
)
from pages.shared.picked import Selection
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.overview import load_overview
from state.work import workbench
from state.work.workbench import LiveStates, Workbench


@pytest.fixture
def project(hash_encoder, made_project, tmp_path):
    shutil.copytree(made_project, tmp_path / "copy")
    return Project.open(tmp_path / "copy")


@pytest.fixture
def other(project, made_project, tmp_path):
    """A second project, while the first is there."""
    return Project.open(shutil.copytree(made_project, tmp_path / "other"))


def test_a_preview_keeps_nothing_and_a_commit_keeps_what_was_seen(project):
    bench = Workbench(project, LiveStates())
    first = bench.shown()
    edit = RenameConcept(concept=first.knowledge.concepts[0].id, name="something else")
    tried = bench.preview([edit])
    assert [r.id for r in revisions.history(project)] == [first.id]
    kept = bench.commit(tried)
    assert kept.parent == first.id
    assert kept.knowledge == tried.after.knowledge
    assert np.array_equal(load_clustering(project, kept).labels, tried.after.clustering.labels)
    assert bench.live() is tried.after


def test_the_latest_preview_is_not_made_twice(project):
    bench = Workbench(project, LiveStates())
    edit = MuteConcept(concept=bench.shown().knowledge.concepts[0].id)
    assert bench.preview([edit]) is bench.preview([edit])
    assert bench.preview([]) is not bench.preview([edit])


def test_a_restored_state_equals_one_opened_from_the_disk(project):
    states = LiveStates()
    bench = Workbench(project, states)
    concept = bench.shown().knowledge.concepts[0].id
    for edit in (AddAttribute(concept=concept, text="round"), MuteConcept(concept=concept)):
        bench.commit(bench.preview([edit]))
    bench.undo()
    restored = bench.live()
    opened = Workbench(project, LiveStates()).live()
    assert restored.knowledge == opened.knowledge
    assert np.array_equal(restored.clustering.labels, opened.clustering.labels)
    np.testing.assert_allclose(restored.grounding.kappa, opened.grounding.kappa, atol=1e-5)
    assert restored.scores == opened.scores


def test_only_the_last_states_of_a_project_stay_in_memory(project):
    states = LiveStates(per_project=2)
    bench = Workbench(project, states)
    kept = []
    for k in (2, 3, 4):
        kept.append(weakref.ref(bench.preview([SetClusters(k=k)]).after.clustering.labels))
        bench.commit(bench.preview([SetClusters(k=k)]))
    gc.collect()
    assert [one() is not None for one in kept] == [False, True, True]


def test_edits_of_one_project_do_not_push_out_the_states_of_another(project, other):
    states = LiveStates(per_project=2)
    known = Workbench(other, states).live()
    bench = Workbench(project, states)
    for k in (2, 3, 4):
        bench.commit(bench.preview([SetClusters(k=k)]))
    assert Workbench(other, states).live() is known


def test_the_states_of_all_projects_are_bounded_by_their_memory(project, other):
    states = LiveStates(most_bytes=1)
    known = Workbench(other, states).live()
    bench = Workbench(project, states)
    mine = bench.live()
    assert bench.live() is mine  # the one in use always stays
    assert not states.knows(other, revisions.current(other))
    assert Workbench(other, states).live() is not known


def test_previews_of_two_projects_do_not_push_each_other_out(project, other):
    states = LiveStates()
    benches = [Workbench(one, states) for one in (project, other)]
    tried = [bench.preview([SetClusters(k=2)]) for bench in benches]
    assert [bench.preview([SetClusters(k=2)]) for bench in benches] == tried


def test_a_bench_that_is_behind_cannot_keep_its_edit(project):
    mine, theirs = Workbench(project, LiveStates()), Workbench(project, LiveStates())
    concepts = mine.shown().knowledge.concepts
    tried = mine.preview([DeleteConcept(concept=concepts[0].id)])
    theirs.commit(theirs.preview([DeleteConcept(concept=concepts[1].id)]))
    with pytest.raises(StoreError, match="changed in another window"):
        mine.commit(tried)
    assert [r.id for r in revisions.history(project)] == ["r1", "r2"]
    with pytest.raises(StoreError, match="changed in another window"):
        mine.undo(expected="r1")


def test_new_labels_are_seen_at_once(project):
    bench = Workbench(project, LiveStates())
    before = bench.live().scores
    everything_alike = {image.id: "one" for image in project.images()}
    project.set_labels(everything_alike)
    assert bench.live().scores != before


def test_a_project_made_anew_in_the_folder_is_another_one(project):
    states = LiveStates()
    shown = revisions.current(project)
    renamed = apply_script(
        shown.knowledge, [RenameConcept(concept=shown.knowledge.concepts[0].id, name="no")]
    )
    states.of(project, shown)
    anew = replace(shown, knowledge=renamed, created="2000-01-01T00:00:00.000+00:00")
    assert states.of(project, anew).knowledge == renamed


def test_other_projects_do_not_wait_for_a_long_preview(project, other):
    states = LiveStates()
    tried = Workbench(project, LiveStates()).preview([])
    begun, may_end = threading.Event(), threading.Event()

    def long_work():
        begun.set()
        may_end.wait(30)
        return tried

    worker = threading.Thread(target=states.latest, args=(project, ("key",), long_work))
    worker.start()
    assert begun.wait(30)
    opened = threading.Thread(target=states.of, args=(other, revisions.current(other)))
    opened.start()
    opened.join(20)
    waits = opened.is_alive()
    may_end.set()
    worker.join()
    opened.join()
    assert not waits


def test_what_the_run_chose_is_known_after_edits(project):
    bench = Workbench(project, LiveStates())
    chosen = bench.shown().facts.automatic
    bench.commit(bench.preview([SetClusters(k=2)]))
    assert bench.shown().facts.n_clusters == 2
    assert bench.shown().facts.automatic == chosen


def test_a_project_without_a_result_says_so(tmp_path):
    with pytest.raises(InputError, match="has no result to edit yet"):
        Workbench(Project.create(tmp_path / "p", "P"), LiveStates()).shown()


def test_a_selection_is_replaced_extended_reduced_inverted():
    picked = Selection().with_images("ab").with_images("bc", "add")
    assert picked.images == ("a", "b", "c")
    assert picked.with_images("b", "subtract").images == ("a", "c")
    assert picked.inverted("abcde").images == ("d", "e")
    assert picked.with_concepts(["c1"]).images == picked.images
    assert not Selection()
    assert picked


def test_open_files_do_not_grow_with_the_revisions(project):
    bench = Workbench(project, LiveStates())
    concept = bench.shown().knowledge.concepts[0].id

    def edit(number):
        bench.commit(bench.preview([AddAttribute(concept=concept, text=f"thing {number}")]))
        parent = revisions.get(project, bench.shown().parent)
        kept.append((load_overview(project, parent), load_clustering(project, parent), bench.live(parent)))

    kept = []  # as pages, explanations and windows keep what they were drawn from
    edit(0)
    before = psutil.Process().num_fds()
    for number in range(1, 30):
        edit(number)
    assert psutil.Process().num_fds() == before


def test_edits_of_two_projects_are_computed_at_the_same_time(project, other, monkeypatch):
    states, both = LiveStates(), threading.Barrier(2, timeout=30)
    real = workbench.try_edits

    def meeting(*args):
        both.wait()  # goes on only when the other edit has come as far as this
        return real(*args)

    for one in (project, other):
        Workbench(one, states).live()
    monkeypatch.setattr(workbench, "try_edits", meeting)

    def edit(one):
        bench = Workbench(one, states)
        kept.append(bench.commit(bench.preview([SetClusters(k=2)])).id)

    kept = []
    threads = [threading.Thread(target=edit, args=(one,)) for one in (project, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept == ["r2", "r2"]
