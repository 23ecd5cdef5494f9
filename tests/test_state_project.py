import os
import resource
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kec_core.config import RunConfig
from kec_core.errors import InputError, StoreError
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.types import SkippedImage, StageReport
from state.llm.items import read_items
from state.project import database
from state.project.database import SCHEMA_VERSION, connect, create
from state.project.locks import RunLock
from state.project.project import Project, Relinked
from state.revisions import revisions
from tests.state_helpers import as_ordinary_user, commit_simple, image, scan


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project", "Birds")


def test_create_then_open_keeps_the_name(project):
    assert Project.is_project(project.folder)
    again = Project.open(project.folder)
    assert again.name == "Birds"
    again.rename("  Big birds ")
    assert project.name == "Big birds"


def test_a_project_is_one_file_when_nobody_is_at_work(project):
    project.rename("x")
    assert [path.name for path in project.folder.iterdir()] == ["project.db"]


def test_create_refuses_an_empty_name_and_a_folder_that_has_a_project(project, tmp_path):
    with pytest.raises(InputError, match="needs a name"):
        Project.create(tmp_path / "other", "  ")
    with pytest.raises(StoreError, match="exists already"):
        Project.create(project.folder, "again")


def test_open_names_the_folder_without_a_project(tmp_path):
    assert not Project.is_project(tmp_path)
    with pytest.raises(StoreError, match=r"no project in .*make one with .kec run PHOTOS"):
        Project.open(tmp_path)


def test_open_refuses_a_newer_version_and_changes_nothing(project):
    with sqlite3.connect(project.folder / "project.db") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    before = (project.folder / "project.db").read_bytes()
    with pytest.raises(
        StoreError, match=rf"newer version of KEC\+ Studio \(format {SCHEMA_VERSION + 1}, .*update"
    ):
        Project.open(project.folder)
    assert (project.folder / "project.db").read_bytes() == before


def test_a_database_that_is_no_project_is_refused(tmp_path):
    sqlite3.connect(tmp_path / "project.db").execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(StoreError, match="not a finished KEC"):
        Project.open(tmp_path)


def test_create_leaves_nothing_behind_when_it_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("state.project.database._SCHEMA", "CREATE TABLE broken (")
    with pytest.raises(StoreError):
        create(tmp_path / "project.db", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")
def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with as_ordinary_user() as open_folder:
        closed = open_folder / "closed"
        closed.mkdir(mode=0o555)
        with pytest.raises(StoreError, match=r"could not be made .*choose one that you can write to"):
            Project.create(closed / "project", "Birds")


@contextmanager
def without_write_permission(project):
    """The project's folder and file may be read only."""
    (project.folder / "project.db").chmod(0o444)
    project.folder.chmod(0o555)
    yield
    project.folder.chmod(0o755)
    (project.folder / "project.db").chmod(0o644)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")


@contextmanager
def disk_without_room(monkeypatch):
    """No file may grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(database, "is_full", lambda folder: True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_project_on_a_full_disk_is_shown_and_says_why_nothing_can_be_kept(tmp_path, monkeypatch, caplog):
    project = Project.create(tmp_path / "project", "Birds")
    project.set_images(scan("a", "b"))
    with disk_without_room(monkeypatch):
        opened = Project.open(project.folder)
        assert [image.id for image in opened.images()] == ["a", "b"]
        with pytest.raises(StoreError, match=r"The disk of .* is full; free some space.*nothing was lost"):
            opened.rename("Others")
    assert "is full: the project can be shown, but nothing can be kept" in caplog.text
    opened.rename("Others")
    assert project.name == "Others"


@needs_root
def test_a_read_only_project_is_shown_and_says_that_it_cannot_be_changed(tmp_path):
    with as_ordinary_user() as open_folder:
        project = Project.create(open_folder / "project", "Birds")
        project.set_images(scan("a", "b"))
        commit_simple(project, None, "wren")
        with without_write_permission(project):
            before = sorted(path.name for path in project.folder.iterdir())
            opened = Project.open(project.folder)
            assert opened.name == "Birds"
            assert [image.id for image in opened.images()] == ["a", "b"]
            assert revisions.current(opened).note == "wren"
            for change in (
                lambda: opened.rename("Others"),
                lambda: RunLock.acquire(project.folder, "kec edit"),
            ):
                with pytest.raises(
                    StoreError, match=r"project .* is read-only here: it can be shown, and exported"
                ):
                    change()
            assert not RunLock.is_held(project.folder)
            assert sorted(path.name for path in project.folder.iterdir()) == before
        opened.rename("Others")
        assert project.name == "Others"


@needs_root
def test_a_read_only_project_of_an_earlier_format_is_shown_but_not_changed(tmp_path):
    with as_ordinary_user() as open_folder:
        project = Project.create(open_folder / "project", "Birds")
        file = project.folder / "project.db"
        make_first_format(file)
        before = file.read_bytes()
        with without_write_permission(project):
            assert Project.open(project.folder).name == "Birds"
            assert read_items(project.database) == ()
        assert file.read_bytes() == before


@needs_root
def test_what_a_kill_left_in_the_log_of_a_read_only_project_is_shown(tmp_path):
    with as_ordinary_user() as open_folder:
        made = Project.create(open_folder / "made", "Birds")
        killed = open_folder / "killed"
        killed.mkdir()
        with closing(
            connect(made.database.path)
        ) as held:  # while a connection is open, the log is not folded in
            held.execute("SELECT count(*) FROM meta").fetchone()
            made.rename("Big birds")
            for name in ("project.db", "project.db-wal"):
                shutil.copy(made.folder / name, killed / name)
        project = Project(killed)
        with without_write_permission(project):
            assert Project.open(killed).name == "Big birds"


@needs_root
def test_damage_of_a_read_only_project_is_said_and_nothing_is_moved(tmp_path):
    with as_ordinary_user() as open_folder:
        project = Project.create(open_folder / "project", "Birds")
        (project.folder / "project.db").write_bytes(b"no database at all" * 100)
        with (
            without_write_permission(project),
            pytest.raises(StoreError, match=r"damaged .*read-only here: copy the project"),
        ):
            Project.open(project.folder)
        assert [path.name for path in project.folder.iterdir()] == ["project.db"]


def test_a_damaged_file_without_backup_is_kept_aside(project):
    file = project.folder / "project.db"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(
        StoreError, match=r"damaged .*kept aside as project.db.damaged1 and there is no backup"
    ):
        Project.open(project.folder)
    assert not file.exists()
    assert (project.folder / "project.db.damaged1").read_bytes() == b"no database at all" * 100
    with pytest.raises(StoreError, match=r"is kept aside as project.db.damaged1, without a backup: 'kec run"):
        Project.open(project.folder)


def test_settings_round_trip_and_default(project):
    assert project.settings() == RunConfig()
    config = RunConfig(encoder="compact", n_clusters=7, seed=3)
    project.save_settings(config)
    assert Project.open(project.folder).settings() == config


def test_images_keep_their_row_order_and_every_field(project):
    records = (
        ImageRecord(
            id="b/ü 'x'\n.png", width=3, height=4, sha256="aa", mode="CMYK", warning="turned upright"
        ),
        image("a.png"),
    )
    report = ScanReport(
        images=records, skipped=(SkippedImage(path="c", reason="cut"),), warnings=("slow disk",)
    )
    number = project.set_images(report)
    assert project.images() == records
    assert project.skipped() == report.skipped
    assert project.warnings() == ("slow disk",)
    assert project.last_scan == number == 1


def test_the_same_scan_is_the_same_number(project):
    assert project.set_images(scan("a", "b")) == 1
    assert project.set_images(scan("a", "b")) == 1
    assert project.set_images(scan("a")) == 2
    assert [i.id for i in project.images()] == ["a"]


def test_images_of_a_revision_stay_while_a_new_scan_waits_for_its_run(project):
    project.set_images(scan("a", "b"))
    revision = commit_simple(project, None)
    newer = project.set_images(scan("a", "b", "c"))
    assert [i.id for i in project.images()] == ["a", "b"]
    assert [i.id for i in project.images(newer)] == ["a", "b", "c"]
    assert [i.id for i in project.images(revision.scan)] == ["a", "b"]


def test_scans_that_nobody_refers_to_are_dropped(project):
    first = project.set_images(scan("a"))
    project.set_images(scan("b"))
    assert project.images(first) == ()
    assert project.set_images(scan("a")) == 3


def test_labels_follow_the_rows_and_survive_a_new_scan(project):
    project.set_images(scan("a", "b", "c"))
    assert project.labels() == [None, None, None]
    assert project.set_labels({"c": "cat", "a": "ant"})
    assert project.labels() == ["ant", None, "cat"]
    assert not project.set_labels({"a": "ant", "c": "cat"})
    project.set_images(scan("c", "d"))
    assert project.labels() == ["cat", None]
    assert project.set_labels({})
    assert project.labels() == [None, None]


def test_labels_follow_photos_that_were_renamed_or_moved(project):
    def found(**contents):
        images = (replace(image(photo), sha256=content) for photo, content in contents.items())
        return ScanReport(images=tuple(images))

    project.set_images(found(a="1", b="2", c="2", d="3"))
    project.set_labels({"a": "ant", "b": "bee", "c": "cat", "d": "dog"})
    version = project.labels_version
    project.set_images(found(d="3", e="3", n="2", o="1"))
    assert project.labels() == ["dog", None, None, "ant"]  # d is there still, and content 2 had two labels
    assert project.labels_version > version
    project.set_images(found(a="3", o="1"))
    assert project.labels() == ["ant", "ant"]  # a is known: it keeps what was said of it


def test_photo_folder_inside_the_project_moves_with_it(project, tmp_path):
    photos = project.folder / "photos"
    photos.mkdir()
    (photos / "a.png").write_bytes(b"x")
    project.set_images_root(photos)
    project.set_images(scan("a.png"))
    shutil.copytree(project.folder, tmp_path / "copy")
    assert Project.open(tmp_path / "copy").photo_path("a.png") == (tmp_path / "copy/photos/a.png").resolve()


def test_photo_folder_outside_is_kept_absolute(project, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    project.set_images_root(Path("photos"))
    monkeypatch.chdir("/")
    assert project.images_root == tmp_path / "photos"


def test_a_photo_folder_may_have_a_name_that_is_no_unicode_text(project, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9 'x' \n")
    folder.mkdir()
    project.set_images_root(folder)
    assert Project.open(project.folder).images_root == folder


def test_photo_path_serves_known_photos_below_the_root_only(project, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    project.set_images_root(photos)
    project.set_images(scan("a.png", "../secret.png", "link.png"))
    assert project.photo_path("a.png") == photos.resolve() / "a.png"
    for bad in ("../secret.png", "link.png"):
        with pytest.raises(InputError, match="leads out of the photo folder"):
            project.photo_path(bad)
    with pytest.raises(InputError, match="not a photo of this project"):
        project.photo_path("b.png")


def test_relink_wants_at_least_one_photo_and_counts(project, tmp_path):
    project.set_images(scan("a.png", "sub/b.png"))
    project.set_images_root(tmp_path / "gone")
    moved = tmp_path / "moved"
    (moved / "sub").mkdir(parents=True)
    with pytest.raises(
        InputError, match=r"Of the project's 2 photos none is in .*moved \(looked for 'a.png'\)"
    ):
        project.relink(moved)
    assert project.images_root == tmp_path / "gone"
    (moved / "sub/b.png").write_bytes(b"x")
    assert project.relink(moved) == Relinked(found=1, missing=1)
    assert project.images_root == moved


def test_stage_records_keep_their_order_and_latest_state(project):
    config = RunConfig(seed=4)
    embed = StageReport(stage="embed", fingerprint="f1", seconds=1.5, reused=False, summary={"images": 3})
    ground = StageReport(stage="ground", fingerprint="", seconds=0, reused=False)
    project.record_stage(embed, "running", config)
    project.record_stage(ground, "running", config)
    project.record_stage(embed, "fresh", config)
    first, second = project.stage_reports()
    assert (first.report, first.state, first.config) == (embed, "fresh", config.to_json())
    assert (second.report, second.state) == (ground, "running")
    project.clear_stages()
    assert project.stage_reports() == ()


def test_answers_are_remembered_and_replaced(project):
    cache = project.answers
    assert cache.get_all(["k"]) == {}
    cache.put("k", "one", {"model": "m", "prompt": "p", "prompt_version": "3", "tokens": 12, "seconds": 0.5})
    cache.put("k", "two", {})
    cache.put("l", "three", {})
    assert Project.open(project.folder).answers.get_all(["l", "k", "?"]) == {"k": "two", "l": "three"}


def make_first_format(file):
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE llm_items")
        db.execute("DROP TABLE checksums")
        db.execute("DROP TABLE exif")
        db.execute("DROP INDEX images_by_content")
        db.execute("ALTER TABLE jobs DROP COLUMN paused")
        db.execute("PRAGMA user_version = 1")
    db.close()


def test_a_project_of_the_first_format_is_brought_up_to_date(project):
    project.answers.put("k", "kept", {})
    make_first_format(project.folder / "project.db")
    opened = Project.open(project.folder)
    assert read_items(opened.database) == ()
    assert opened.answers.get_all(["k"]) == {"k": "kept"}
    with opened.database.reading() as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        plan = db.execute("EXPLAIN QUERY PLAN SELECT id FROM images WHERE sha256 = 'x'").fetchone()
    assert "images_by_content" in plan["detail"]
