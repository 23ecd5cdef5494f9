"""Data page: choose photos and labels, scan them as a job, read the report."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import pytest

from kec_core.photos.images import scan_images
from pages.shared import keyboard
from state.jobs import worker
from state.jobs.progress import JobContext
from state.project.near_copies import near_copies
from state.project.project import Project
from state.work.run import scan_job
from tests.page_helpers import HOSTILE, app, make_photos, shown
from tests.photos import gradient


@pytest.fixture
def new(empty_home):
    return Project.create(empty_home / "new", "New")


def test_without_a_project_it_leads_to_the_list(empty_home):
    page = app("data")
    assert "No project is open" in shown(page)
    page.button(key="empty_projects").click().run()
    assert page.title[0].value == "Your photo projects"


def test_a_new_project_asks_for_photos(new):
    page = app("data", project="new")
    assert "No photos yet" in shown(page)
    assert page.button(key="data_scan").disabled


def test_a_scan_is_started_with_folder_and_labels(new, tmp_path, started):
    page = app("data", project="new")
    page.text_input(key="data_root_new").set_value(str(tmp_path)).run()
    labels = page.segmented_control(key="data_labels")
    assert "Keep those known" not in [option.content for option in labels.proto.options]  # none are known yet
    labels.set_value("folders").run()
    page.button(key="data_scan").click().run()
    assert not page.exception
    assert started == [("scan", {"images": str(tmp_path.resolve()), "labels": "folders"})]


def test_why_a_scan_failed_stays_on_the_page(new):
    with new.database.writing() as db:
        db.execute(
            "INSERT INTO jobs (kind, params, state, created, error) VALUES ('scan', '{}', 'failed', '', 'No photos in it.')"
        )
    assert [error.value for error in app("data", project="new").error] == ["No photos in it\\."]


def test_what_is_new_is_added_to_a_project_with_groups(colours, started, tmp_path):
    colours.set_images_root(tmp_path)
    page = app("data", project="colours")
    page.button(key="data_add").click().run()
    assert not page.exception
    assert started == [("add", {"images": str(tmp_path.resolve())})]


def test_another_folder_is_added_unless_it_is_to_come_in_place_of_the_photos_there_are(
    colours, started, tmp_path
):
    here, other = tmp_path / "here", tmp_path / "other"
    here.mkdir()
    other.mkdir()
    colours.set_images_root(here)
    page = app("data", project="colours")
    assert "in their place" not in shown(page)
    page.text_input(key="data_root_colours").set_value(str(other)).run()
    assert "in their place" in shown(page)
    keys = [button.key for button in page.button]
    assert not set(keys) & set(keyboard.ENTERS.values())  # Enter in the field decides nothing
    page.button(key="data_scan_instead").click().run()
    page.text_input(key="data_root_colours").set_value(str(here)).run()
    page.button(key="data_scan").click().run()
    assert [(kind, params["images"]) for kind, params in started] == [
        ("scan", str(other.resolve())),
        ("scan", str(here.resolve())),
    ]


def test_without_groups_there_is_nothing_to_add_to(new):
    assert not [button for button in app("data", project="new").button if button.key == "data_add"]


@pytest.mark.parametrize(
    ("folder", "sentence"), [("/etc", "lies outside"), ("/nowhere/at/all", "does not exist")]
)
def test_a_folder_that_cannot_be_read_is_refused(new, started, folder, sentence):
    page = app("data", project="new")
    page.text_input(key="data_root_new").set_value(folder).run()
    page.button(key="data_scan").click().run()
    assert sentence in page.error[0].value
    assert started == []


def test_uploads_are_saved_inside_the_project(new, started):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        photo = io.BytesIO()
        gradient().save(photo, "PNG")
        archive.writestr("birds/one.png", photo.getvalue())
        archive.writestr("../two.png", photo.getvalue())
    page = app("data", project="new")
    page.segmented_control(key="data_source").set_value("Upload photos or an archive").run()
    page.file_uploader(key="data_files").upload("some.zip", content.getvalue(), "application/zip").run()
    page.button(key="data_scan").click().run()
    assert not page.exception
    assert (new.folder / "photos" / "birds" / "one.png").is_file()
    assert not (new.folder / "two.png").exists()
    assert started[0][1]["images"] == str(new.folder / "photos")


def test_the_report_lists_what_is_odd_and_shows_names_as_text(colours):
    page = app("data", project="colours")
    text = shown(page)
    assert [tab.label for tab in page.tabs] == [
        "Photos",
        "Cannot be used (1)",
        "Exact copies (1)",
        "Near-copies (50)",
        "Too small (1)",
        "Labels (4)",
    ]
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "<img src=x" not in text
    assert HOSTILE not in text


def test_every_refusal_and_every_other_file_is_in_the_report(new, tmp_path):
    photos = make_photos(tmp_path / "photos", per_class=2)
    for number in range(120):
        (photos / f"bad {number:03d}.jpg").write_bytes(b"")
    for name in ("a.txt", "b.txt", "c.mp4", ".DS_Store"):
        (photos / name).write_bytes(b"x")
    progress = type("Progress", (), {"stage": lambda *_: None, "__call__": lambda *_: None})()
    result = scan_job(JobContext(project=new, params={"images": str(photos)}, progress=progress))
    assert result["skipped"] == 121
    assert sum(result["others"].values()) == 4
    page = app("data", project="new")
    labels = [tab.label for tab in page.tabs]
    assert {"Cannot be used (121)", "Other files (4)"} <= set(labels)
    page.session_state["data_tabs"] = "Other files (4)"
    page.run()
    assert not page.exception
    assert "4 other files are no photos: 2 .txt, 1 .DS_Store (how macOS shows a folder), 1 .mp4." in [
        t.value for t in page.text
    ]


def test_near_copies_are_counted_and_shown_with_those_that_are_still_there(colours):
    page = app("data", project="colours")
    page.session_state["data_tabs"] = "Near-copies (50)"
    page.run()
    assert not page.exception
    assert "50 photos in " in shown(page)
    gone = set(near_copies(colours)[0][:2])
    report = scan_images(colours.images_root)
    colours.set_images(replace(report, images=tuple(i for i in report.images if i.id not in gone)))
    page = app("data", project="colours")
    assert "Near-copies (48)" in [tab.label for tab in page.tabs]


def test_scan_job_keeps_the_list_labels_and_thumbnails(new, tmp_path):
    photos = make_photos(tmp_path / "photos", per_class=2)
    progress = type("Progress", (), {"stage": lambda *_: None, "__call__": lambda *_: None})()
    params = {"images": str(photos), "labels": "folders"}
    result = scan_job(JobContext(project=new, params=params, progress=progress))
    assert result["images"] == len(scan_images(photos).images) == 10
    assert set(new.labels()) == {"crimson", "leaf", "ocean", "lemon"}
    assert [(r.report.stage, r.state) for r in new.stage_reports()] == [("scan", "fresh")]
    assert len(list((new.folder / "thumbs").rglob("*-256.jpg"))) == 9  # a copy shares its thumbnail
    assert worker.KINDS["scan"] == "state.work.run:scan_job"


def test_labels_may_be_uploaded(new, tmp_path, started):
    page = app("data", project="new")
    page.text_input(key="data_root_new").set_value(str(tmp_path)).run()
    page.segmented_control(key="data_labels").set_value("csv").run()
    assert page.button(key="data_scan").disabled
    page.file_uploader(key="data_csv_file").upload("some.csv", b"file,label\na.png,a\n", "text/csv").run()
    page.button(key="data_scan").click().run()
    assert not page.exception
    assert started[0][1]["labels"] == str(new.folder / "labels" / "some.csv")
    assert (new.folder / "labels" / "some.csv").read_bytes() == b"file,label\na.png,a\n"


def test_a_label_file_that_was_uploaded_and_read_is_no_longer_called_unread(colours, started, tmp_path):
    colours.set_images_root(tmp_path)
    page = app("data", project="colours")
    page.segmented_control(key="data_labels_again").set_value("csv").run()
    page.file_uploader(key="data_csv_file").upload("some.csv", b"file,label\n", "text/csv").run()
    assert "not read yet" in shown(page)
    page.button(key="data_scan").click().run()
    keep_scan(colours, labels=started[0][1]["labels"])
    assert "not read yet" not in shown(page.run())
    page.file_uploader(key="data_csv_file").upload("some.csv", b"file,label\na,b\n", "text/csv").run()
    assert "not read yet" in shown(page)  # another file of the same name


def test_what_a_scan_noted_of_a_label_file_stays_on_the_page(colours):
    keep_scan(colours, notes=["7 of 9 rows of labels.csv name no photo."])
    keep_scan(colours, kind="map")  # a later job of another kind
    page = app("data", project="colours")
    assert not page.exception
    assert "7 of 9 rows of labels.csv name no photo." in shown(page)
    page.session_state["data_tabs"] = "Labels (4)"
    assert f"{sum(map(bool, colours.labels()))} of 50 photos have a label." in shown(page.run())


def keep_scan(project, kind="scan", labels="keep", notes=()):
    """A job that has ended well."""
    with project.database.writing() as db:
        db.execute(
            "INSERT INTO jobs (kind, params, state, created, result) VALUES (?, ?, 'done', '', ?)",
            (kind, json.dumps({"labels": labels}), json.dumps({"images": 4, "notes": list(notes)})),
        )


def test_labels_that_no_scan_has_read_are_said_before_one_goes_on(colours, started):
    colours.set_labels({})
    unread = "not read yet"
    page = app("data", project="colours")
    assert unread not in shown(page)
    page.segmented_control(key="data_labels").set_value("csv").run()
    assert unread not in shown(page)  # there is nothing to read before a file is named
    page.segmented_control(key="data_labels").set_value("folders").run()
    assert unread in shown(page)
    with colours.database.writing() as db:
        db.execute(
            """INSERT INTO jobs (kind, params, state, created) VALUES ('scan', '{"labels": "folders"}', 'done', '')"""
        )
    assert unread not in shown(page.run())  # read, though there were none


def test_a_label_file_that_was_read_is_known_by_any_path_to_it(colours, started, tmp_path):
    colours.set_images_root(tmp_path)
    (tmp_path / "some.csv").write_text("file,label\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "some.csv")
    page = app("data", project="colours")
    page.segmented_control(key="data_labels_again").set_value("csv").run()
    page.text_input(key="data_csv").set_value(str(tmp_path / "link.csv")).run()
    assert "not read yet" in shown(page)
    page.button(key="data_scan").click().run()
    keep_scan(colours, labels=started[0][1]["labels"])
    for other in (tmp_path / "link.csv", tmp_path / "." / "some.csv"):
        assert "not read yet" not in shown(page.text_input(key="data_csv").set_value(str(other)).run())
    assert "not read yet" in shown(
        page.text_input(key="data_csv").set_value(str(tmp_path / "gone.csv")).run()
    )


def test_a_moved_photo_folder_is_linked_again(colours, made_project, tmp_path):
    shutil.copytree(made_project.parents[1] / "photos", tmp_path / "new place")
    colours.set_images_root(tmp_path / "gone")
    page = app("data", project="colours")
    assert "is not there any more" in page.warning[0].value
    page.text_input(key="relink_root").set_value(str(tmp_path)).run()
    page.button(key="relink").click().run()
    assert "Of the project" in page.error[0].value
    page.text_input(key="relink_root").set_value(str(tmp_path / "new place")).run()
    page.button(key="relink").click().run()
    assert not page.warning
    assert colours.images_root == tmp_path / "new place"
