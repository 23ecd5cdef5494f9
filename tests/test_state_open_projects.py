"""Projects by id: nothing outside what was opened can be named, and nothing but thumbnails of photos is served."""

import pytest

from kec_core.errors import InputError, StoreError
from kec_core.photos.images import scan_images
from state.project.project import Project
from state.project.thumbnails import SIDES
from state.server.photo_server import find_thumbnail
from state.workspace.workspace import OpenProjects, Workspace
from tests.photos import plain


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def projects(home, tmp_path):
    return OpenProjects(Workspace(home, [tmp_path]))


def test_a_project_of_the_workspace_is_named_by_its_folder(projects, home):
    Project.create(home / "cats", "Cats")
    assert projects.add(home / "cats") == "cats"
    assert projects.folder("cats") == home / "cats"
    assert [card.name for card in projects.cards()] == ["Cats"]


def test_a_project_from_elsewhere_is_remembered_and_listed(projects, home, tmp_path):
    Project.create(tmp_path / "else where", "Dogs")
    project_id = projects.add(tmp_path / "else where")
    again = OpenProjects(Workspace(home, [tmp_path]))
    assert again.folder(project_id) == tmp_path / "else where"
    assert again.id_of(tmp_path / "else where") == project_id
    assert [card.name for card in again.cards()] == ["Dogs"]
    assert "/" not in project_id


def test_a_damaged_list_of_opened_projects_is_started_anew(projects, home, tmp_path):
    Project.create(tmp_path / "dogs", "Dogs")
    (home / "opened.json").write_text("{not json")
    assert projects.cards() == ()
    assert projects.folder(projects.add(tmp_path / "dogs")) == tmp_path / "dogs"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../outside", "/etc", "nothing", "at-0123456789abcdef", "a\0b"]
)
def test_an_id_cannot_lead_anywhere_else(projects, home, tmp_path, name):
    Project.create(tmp_path / "outside", "x")
    with pytest.raises(InputError, match="There is no project"):
        projects.folder(name)


def test_folders_outside_the_allowed_ones_are_refused(home, tmp_path):
    Project.create(tmp_path / "outside", "x")
    with pytest.raises(InputError, match="outside the folders this program may read"):
        OpenProjects(Workspace(home, [home])).add(tmp_path / "outside")


def test_a_folder_without_a_project_is_refused(projects, tmp_path):
    with pytest.raises(StoreError, match="no project"):
        projects.add(tmp_path)


# --- thumbnails by address


@pytest.fixture
def photo(projects, home, tmp_path):
    plain(tmp_path / "photos" / "a.png", size=(300, 200))
    project = Project.create(home / "p", "p")
    report = scan_images(tmp_path / "photos")
    project.set_images_root(tmp_path / "photos")
    project.set_images(report)
    return report.images[0]


def test_a_thumbnail_is_made_when_it_is_first_asked_for(projects, photo, home):
    path = find_thumbnail(projects, "p", photo.sha256, SIDES[0])
    assert path is not None
    assert path.is_relative_to(home / "p" / "thumbs")
    assert path.read_bytes()[:3] == b"\xff\xd8\xff"


def test_it_is_served_after_the_photo_is_gone(projects, photo, tmp_path):
    find_thumbnail(projects, "p", photo.sha256, SIDES[0])
    (tmp_path / "photos" / "a.png").unlink()
    assert find_thumbnail(projects, "p", photo.sha256, SIDES[0]) is not None


@pytest.mark.parametrize(
    ("project", "sha", "side"),
    [("p", None, 64), ("q", None, 256), ("p", "0" * 64, 256), ("p", "../../project", 256), ("..", None, 256)],
)
def test_nothing_else_is_served(projects, photo, project, sha, side):
    assert find_thumbnail(projects, project, sha or photo.sha256, side) is None


def test_a_photo_that_became_a_link_out_of_its_folder_is_not_read(projects, photo, tmp_path):
    secret = plain(tmp_path / "secret.png")
    (tmp_path / "photos" / "a.png").unlink()
    (tmp_path / "photos" / "a.png").symlink_to(secret)
    assert find_thumbnail(projects, "p", photo.sha256, SIDES[0]) is None
