from functools import partial
from pathlib import Path

import pytest

from kec_core.arrays import no_progress
from kec_core.errors import InputError
from kec_core.types import StageReport
from state.revisions import revisions
from state.revisions.layouts import find_layout, usual_method
from state.work import demo, run
from state.workspace.workspace import HOME_VARIABLE, Workspace, default_home, slug
from tests.page_helpers import make_photos, resources
from tests.state_helpers import commit_simple, scan


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "projects", images_roots=[tmp_path / "allowed"])


def test_the_home_is_the_environment_s_or_the_user_s(monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, "/somewhere")
    assert default_home() == Workspace().home == Path("/somewhere")
    monkeypatch.delenv(HOME_VARIABLE)
    assert default_home().parts[-2:] == ("kec-studio", "projects")


def test_a_new_project_gets_a_folder_of_its_own(workspace):
    first = workspace.create_project("Kamera-Fällen 2026!")
    second = workspace.create_project("kamera fallen 2026")
    assert first.folder == workspace.home / "kamera-fallen-2026"
    assert second.folder == workspace.home / "kamera-fallen-2026-2"
    assert (first.name, second.name) == ("Kamera-Fällen 2026!", "kamera fallen 2026")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Birds", "birds"),
        ("../../etc", "etc"),
        ("鳥", "project"),
        ("a" * 99, "a" * 60),
        ("<b>x</b>\n", "b-x-b"),
    ],
)
def test_any_name_gives_a_safe_folder_name(name, folder):
    assert slug(name) == folder


def test_an_empty_name_is_refused(workspace):
    with pytest.raises(InputError, match="needs a name"):
        workspace.create_project(" ")
    assert workspace.list_projects() == ()


def test_cards_tell_what_a_project_holds(workspace):
    project = workspace.create_project("Birds")
    project.set_images(scan(*"abcdefgh"))
    commit_simple(project, None, "one", summary={"clusters": 5})
    project.record_stage(
        StageReport(stage="embed", fingerprint="f", seconds=1, reused=False), "fresh", project.settings()
    )
    workspace.create_project("Empty")
    card, empty = sorted(workspace.list_projects(), key=lambda card: card.name)
    assert (card.name, card.n_images, card.n_clusters, card.revision, card.problem) == (
        "Birds",
        8,
        5,
        "r1",
        "",
    )
    assert [photo.id for photo in card.photos] == ["a", "c", "e", "g"]
    assert card.stages == (("embed", "fresh"),)
    assert (empty.n_images, empty.n_clusters, empty.revision, empty.photos) == (0, None, None, ())


def test_a_damaged_project_is_a_card_with_its_problem(workspace):
    workspace.create_project("Birds")
    bad = workspace.create_project("Fish")
    (bad.folder / "project.db").write_bytes(b"rubbish" * 1000)
    (workspace.home / "no-project").mkdir()
    problems = {card.name: card.problem for card in workspace.list_projects()}
    assert problems["Birds"] == ""
    assert "damaged" in problems["fish"]


def test_only_allowed_folders_are_read(workspace, tmp_path):
    inside = tmp_path / "allowed/sub"
    inside.mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (inside / "link").symlink_to(tmp_path / "other")
    assert workspace.check_allowed(inside / ".." / "sub") == inside
    assert workspace.check_allowed(workspace.create_project("x").folder).is_relative_to(workspace.home)
    for bad in (
        tmp_path / "other",
        inside / "link",
        inside / "../../other",
        Path("/"),
        tmp_path / "allowedX",
    ):
        bad.mkdir(exist_ok=True)
        with pytest.raises(
            InputError, match=r"lies outside the folders this program may read \(.*allowed\); choose"
        ):
            workspace.check_allowed(bad)


@pytest.mark.parametrize("name", ["missing", "loop", "nul\0byte"])
def test_a_path_that_does_not_exist_is_said(workspace, tmp_path, name):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed/loop").symlink_to("loop")
    with pytest.raises(InputError, match="does not exist or cannot be opened"):
        workspace.check_allowed(tmp_path / "allowed" / name)


def test_the_home_folder_is_allowed_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Workspace(tmp_path / "p").check_allowed(Path("~")) == tmp_path.resolve()


def test_the_demo_project_is_made_once_with_its_map(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "run_project", partial(run.run_project, resources=resources))
    workspace, photos, said = Workspace(tmp_path / "home"), make_photos(tmp_path / "photos"), []
    project = demo.ensure_demo_project(workspace, photos, said.append, no_progress)
    revision = revisions.current(project)
    assert find_layout(project, revision, "combined", usual_method(revision.facts.images)) is not None
    assert demo.ensure_demo_project(workspace, photos, said.append, no_progress).folder == project.folder
    assert [line.split(":")[1].split()[0] for line in said] == ["clustering", "made", "ready"]
    assert len(revisions.history(project)) == 1
