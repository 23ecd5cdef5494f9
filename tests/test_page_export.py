"""Export page: every file can be taken home and holds this result; folders are written by a job, only where allowed."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from kec_core.errors import InputError
from kec_core.types import Knowledge
from pages.shared import session
from state.jobs.progress import JobContext
from state.project import database
from state.project.project import Project
from state.revisions import revisions
from state.transfer.downloads import DOWNLOADS, check_target, content_of, export_job, file_name
from state.workspace.workspace import Workspace
from tests.page_helpers import app, make_job, shown


def silent(done, total, label):
    """Progress that nobody looks at."""


def test_before_the_first_run_it_leads_to_build(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("export", project="new")
    assert "Nothing to take home yet" in shown(page)
    assert page.button(key="empty_build").label == "Go to Build"


def test_every_file_is_offered_and_explained(colours):
    page = app("export", project="colours")
    assert page.title[0].value == "Export"
    text = shown(page)
    assert len(page.get("download_button")) == len(DOWNLOADS)
    for download in DOWNLOADS:
        assert download.title in text
    assert "Revision r1 of Colours" in text


def test_files_hold_the_result(colours):
    made = {one.file: content_of(colours, "r1", one) for one in DOWNLOADS}
    rows = list(csv.reader(io.StringIO(made["assignments.csv"].decode())))
    assert len(rows) == 51
    assert Knowledge.from_json(json.loads(made["knowledge.json"])) == revisions.current(colours).knowledge
    assert json.loads(made["edits.json"]) == {"edits": []}
    assert json.loads(made["result.json"])["revision"] == "r1"
    with np.load(io.BytesIO(made["features.npz"]), allow_pickle=False) as found:
        assert len(found["ids"]) == 50
    assert made["report.html"].startswith(b"<!doctype html>")
    assert made["assignments.parquet"].startswith(b"PAR1")


def test_a_file_is_named_after_its_project(empty_home):
    project = Project.create(empty_home / "p", "a/b")
    assert file_name(project, "r3", DOWNLOADS[0]) == "a b r3 report.html"


def test_a_folder_is_written_by_a_job(colours, started, tmp_path):
    page = app("export", project="colours")
    page.text_input(key="export_out").set_value(str(tmp_path / "new" / "place"))
    page.checkbox(key="export_link").check()
    page.button(key="export_write").click().run()
    assert not page.error
    kind, params = started[0]
    assert kind == "export"
    assert params == {
        "out": str(tmp_path / "new" / "place"),
        "formats": ["folders"],
        "revision": "r1",
        "link": True,
    }
    result = export_job(JobContext(project=colours, params={**params, "formats": ["csv"]}, progress=silent))
    assert result["files"] == ("assignments.csv",)
    assert (tmp_path / "new" / "place" / "assignments.csv").is_file()


@pytest.mark.parametrize(
    ("target", "said"), [("", "A whole path"), ("here/there", "A whole path"), ("/etc/kec", "lies outside")]
)
def test_a_folder_outside_is_refused(colours, started, target, said):
    page = app("export", project="colours")
    page.text_input(key="export_out").set_value(target)
    page.button(key="export_write").click().run()
    assert said in page.error[0].value
    assert not started


def test_a_way_out_through_a_link_is_refused(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "out").symlink_to("/etc")
    workspace = Workspace(home=inside, images_roots=[inside])
    assert check_target(workspace, f"{inside}/a/b") == inside / "a" / "b"
    for target in (f"{inside}/out/kec", f"{inside}/../elsewhere"):
        with pytest.raises(InputError, match="lies outside"):
            check_target(workspace, target)


def test_a_new_folder_followed_by_the_way_up_is_no_way_out(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    workspace = Workspace(home=tmp_path / "home", images_roots=[inside])
    assert check_target(workspace, f"{inside}/new/../a") == inside / "a"
    with pytest.raises(InputError, match="outside the folders"):
        check_target(workspace, f"{inside}/new/../../outside/x")


@pytest.mark.parametrize("target", ["~nobody-of-this-name/x", "/tmp/a\0b", f"/tmp/{'a' * 300}"])
def test_a_path_that_no_folder_can_have_is_refused_in_words(tmp_path, target):
    with pytest.raises(InputError, match="check the spelling of the path"):
        check_target(Workspace(home=tmp_path), target)


def test_while_a_job_runs_no_other_begins(colours, monkeypatch):
    monkeypatch.setattr(session.jobs(), "active", lambda project: make_job())
    monkeypatch.setattr(session.jobs(), "status", lambda project, job: make_job())
    page = app("export", project="colours")
    assert page.button(key="export_write").disabled
    assert "Another job is running: Embed" in shown(page)


def test_how_far_the_folder_is_stands_beside_the_button(colours, monkeypatch):
    """The line at the top of the page has scrolled away by then."""
    job = make_job(kind="export", label="Copying photos", done=10, total=50)
    monkeypatch.setattr(session.jobs(), "active", lambda project: job)
    monkeypatch.setattr(session.jobs(), "status", lambda project, _: job)
    assert "Being written: Copying photos · 20%" in shown(app("export", project="colours"))


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"state": "done"}, "r1 is written to /photos/out, just now."),
        (
            {"state": "done", "result": {"notes": ["Of an earlier export 1 file stays: a.csv."]}},
            "just now. Of an earlier export 1 file stays: a.csv.",
        ),
        ({"state": "failed", "error": "The disk is full."}, "not complete. The disk is full."),
    ],
)
def test_where_the_latest_folder_is_stays_on_the_page(colours, monkeypatch, job, said):
    params = {"out": "/photos/out", "revision": "r1"}
    latest = make_job(kind="export", params=params, created=datetime.now(UTC).isoformat(), **job)
    monkeypatch.setattr(session.jobs(), "jobs", lambda _project: (latest,))
    assert said in shown(app("export", project="colours"))


def test_a_read_only_project_is_written_at_once_to_another_folder(colours, monkeypatch, tmp_path):
    monkeypatch.setattr(database, "may_write", lambda _path: False)
    page = app("export", project="colours")
    assert not Path(page.text_input(key="export_out").value).is_relative_to(colours.folder)
    page.text_input(key="export_out").set_value(str(tmp_path / "out")).run()
    page.pills(key="export_formats").set_value(["csv"]).run()
    page.button(key="export_write").click().run()
    assert not page.error
    assert (tmp_path / "out" / "assignments.csv").is_file()
