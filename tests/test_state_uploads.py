"""Uploads of a project: what is left out of them is listed by every later scan."""

from __future__ import annotations

import io
import zipfile

import pytest

from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from kec_core.stages import Hooks
from state.project.project import Project
from state.project.thumbnails import THUMBNAILS, build_thumbnails
from state.transfer.uploads import UPLOADED, add_uploads, with_left_out
from state.work.scan import StageWatch, scan_photos
from tests import photos


@pytest.fixture
def photo(tmp_path):
    return photos.plain(tmp_path / "source" / "a.png").read_bytes()


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project", "Uploads")


def zipped(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in entries.items():
            target.writestr(name.replace("__", "."), content)
    return io.BytesIO(buffer.getvalue())


def scanned(project):
    return scan_photos(project, project.folder / UPLOADED, StageWatch(project, project.settings(), Hooks()))


def test_all_that_was_not_saved_is_in_the_report_of_every_scan(project, photo):
    uploads = [(f"{n}.txt", io.BytesIO(b"x")) for n in range(12)]
    uploads += [("good.png", io.BytesIO(photo)), ("a.zip", zipped(in__png=photo, b__txt=b"x", c__mp4=b"y"))]
    uploads += [("broken.zip", io.BytesIO(b"no zip"))]
    taken = add_uploads(project, uploads)
    assert set(taken.saved) == {"good.png", "in.png"}
    for _ in range(2):
        report = scanned(project)
        assert {item.path for item in report.skipped} == {*(f"{n}.txt" for n in range(12)), "broken.zip"}
        assert report.others == {".txt": 1, ".mp4": 1}
        assert len(report.images) + len(report.skipped) + sum(report.others.values()) == 12 + 1 + 3 + 1
    assert project.skipped() == report.skipped
    assert project.other_files == report.others


def test_an_upload_tried_again_replaces_what_was_said_of_it(project, photo):
    for _ in range(2):
        add_uploads(project, [("a.zip", zipped(in__png=photo, b__txt=b"x"))])
    assert scanned(project).others == {".txt": 1}
    add_uploads(project, [("a.zip", zipped(in__png=photo))])
    assert scanned(project).others == {}


def test_other_folders_are_reported_as_they_are(project, photo, tmp_path):
    add_uploads(project, [("a.png", io.BytesIO(photo)), ("b.txt", io.BytesIO(b"x"))])
    report = scan_images(tmp_path / "source")
    assert with_left_out(report, project, tmp_path / "source") == report


def test_one_bad_archive_alone_is_refused(project):
    with pytest.raises(InputError, match="A zip archive was expected"):
        add_uploads(project, [("a.zip", io.BytesIO(b"no zip"))])


def test_counts_of_other_files_make_no_scan_another_one(project, photo):
    add_uploads(project, [("a.png", io.BytesIO(photo))])
    scanned(project)
    first = project.last_scan
    (project.folder / UPLOADED / "notes.txt").write_text("x")
    scanned(project)
    assert project.last_scan == first
    assert project.other_files == {".txt": 1}


def test_a_project_in_its_own_photo_folder_finds_the_same_photos_again_and_again(tmp_path):
    for number in range(30):
        photos.plain(tmp_path / "X" / f"{number}.png", (number, 0, 0))
    project = Project.create(tmp_path / "X", "In place")
    (tmp_path / "X" / "export" / "photos").mkdir(parents=True)
    (tmp_path / "X" / "export" / "kec-export.json").write_text("{}")
    photos.plain(tmp_path / "X" / "export" / "photos" / "copy.png")
    for _ in range(3):
        report = scan_photos(project, project.folder, StageWatch(project, project.settings(), Hooks()))
        build_thumbnails(report.images, project.folder, project.folder / THUMBNAILS)
        assert len(report.images) == 30
        assert report.skipped == ()
    assert len(list((project.folder / THUMBNAILS).rglob("*.jpg"))) == 60
