"""A project is copied whole, goes into the trash and comes back; nothing is touched while something runs on it."""

import pytest

from kec_core.errors import InputError, StoreError
from state.project.locks import RunLock
from state.project.project import Project
from state.revisions import revisions
from state.workspace.project_files import TRASH, delete, deleted, duplicate, restore
from state.workspace.workspace import Workspace
from tests.state_helpers import commit_simple, scan


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "projects")


@pytest.fixture
def project(workspace):
    made = workspace.create_project("Birds")
    made.set_images(scan("a", "b"))
    commit_simple(made, None, "one")
    (made.folder / "artifacts" / "x").mkdir(parents=True)
    (made.folder / "artifacts" / "x" / "y.npy").write_bytes(b"array")
    (made.folder / "jobs").mkdir(exist_ok=True)
    (made.folder / "jobs" / "j1.log").write_text("log")
    return made


def test_a_copy_has_all_results_and_goes_its_own_way(workspace, project):
    copy = duplicate(workspace, project, "Birds copy")
    assert copy.folder == workspace.home / "birds-copy"
    assert (copy.name, project.name) == ("Birds copy", "Birds")
    assert revisions.current(copy) == revisions.current(project)
    assert (copy.folder / "artifacts" / "x" / "y.npy").read_bytes() == b"array"
    assert not (copy.folder / "jobs").exists()
    assert Project.open(copy.folder).created != project.created
    commit_simple(copy, "r1", "two")
    assert revisions.current(project).id == "r1"
    assert duplicate(workspace, project, "Birds copy").folder == workspace.home / "birds-copy-2"


def test_what_is_deleted_comes_back_as_it_was(workspace, project):
    before = revisions.current(project)
    gone = delete(workspace, project)
    assert not project.folder.exists()
    assert workspace.list_projects() == ()
    assert [(one.name, one.folder) for one in deleted(workspace)] == [("Birds", gone.folder)]
    back = restore(workspace, gone.folder)
    assert (back.folder, revisions.current(back)) == (project.folder, before)
    assert deleted(workspace) == ()


def test_two_of_a_name_lie_in_the_trash_beside_each_other_and_both_come_back(workspace, project):
    delete(workspace, project)
    second = workspace.create_project("Birds")
    delete(workspace, second)
    third = workspace.create_project("Birds")
    names = [restore(workspace, one.folder).folder.name for one in deleted(workspace)]
    assert names == ["birds-2", "birds-3"]
    assert Project.is_project(third.folder)


def test_nothing_is_copied_or_deleted_while_something_runs(workspace, project):
    with RunLock.acquire(project.folder, "kec run"):
        for verb in (lambda: duplicate(workspace, project, "copy"), lambda: delete(workspace, project)):
            with pytest.raises(StoreError, match="kec run is running on this project"):
                verb()
    assert [card.name for card in workspace.list_projects()] == ["Birds"]
    assert not (workspace.home / "copy").exists()


def test_what_cannot_be_done_is_refused_in_one_sentence(workspace, project, tmp_path):
    elsewhere = Project.create(tmp_path / "elsewhere", "Elsewhere")
    with pytest.raises(InputError, match=r"Only projects in .* are deleted here"):
        delete(workspace, elsewhere)
    with pytest.raises(InputError, match="needs a name"):
        duplicate(workspace, project, " ")
    for wrong in (project.folder, workspace.home / TRASH / "nothing", tmp_path):
        with pytest.raises(InputError, match="There is no deleted project"):
            restore(workspace, wrong)
    assert Project.is_project(project.folder)
