"""The header of every page: project, revision, encoder, running job; the frame starts the app's own pages only."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

import app as server
from pages.frame import header, shell
from pages.shared import navigation, ui
from pages.shared.thumbnails import address
from state.jobs.jobs import JobManager
from state.project import database
from state.revisions import revisions
from state.work import warm_up
from tests.page_helpers import app, make_job, shown, visit
from tests.state_helpers import commit_simple

RUNNING = make_job(label="Encoding photos", done=27, total=50, eta=85.0)


@pytest.fixture
def job(monkeypatch):
    """A job that is running; ``job[0]`` is what is known of it."""
    known = [RUNNING]
    monkeypatch.setattr(JobManager, "active", lambda *_: known[0] if known[0].is_active else None)
    monkeypatch.setattr(JobManager, "status", lambda *_: known[0])
    monkeypatch.setattr(
        JobManager, "cancel", lambda *_: known.__setitem__(0, replace(known[0], state="cancelling"))
    )
    return known


def test_a_page_that_fails_says_so_in_plain_words_and_the_log_has_the_rest(caplog):
    def broken():
        from pages.frame import shell

        assert shell.failed(ZeroDivisionError("/secret/place"))

    page = AppTest.from_function(broken).run()
    assert "Something in the program failed" in page.error[0].value
    assert "ZeroDivisionError" in page.error[0].value
    assert "/secret" not in page.error[0].value
    assert "/secret/place" in caplog.text
    assert server.app._on_script_error is shell.failed


def test_the_header_names_project_revision_and_encoder(colours):
    revision = commit_simple(colours, "r1", "dog", name="tidy *up*", summary={"encoder": "compact"})
    text = shown(app("data", project="colours"))
    assert "**Colours**" in text
    assert f"{revision.id} “tidy \\*up\\*”" in text
    assert "compact (offline), not CLIP" in text


def test_without_a_project_there_is_no_header(empty_home):
    assert "**" not in shown(app())


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(colours, job):
    page = app("clusters", project="colours")
    assert "Encoding photos · 54% · about 1 min 25 s left" in _said(page)
    page.button(key="job_cancel").click().run()
    assert job[0].state == "cancelling"
    assert "Stopping…" in _said(page)
    assert page.button(key="job_cancel").disabled


def _said(page):
    return page.get("progress")[0].text.replace("\\", "")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ({"state": "done", "result": {"images": 1000}}, "Done: 1,000 photos clustered."),
        ({"state": "done", "kind": "scan", "result": {"images": 1}}, "1 photo checked."),
        (
            {
                "state": "done",
                "kind": "add",
                "result": {
                    "added": ["a"] * 3,
                    "removed": ["b"],
                    "changed": [],
                    "renamed": {},
                    "unlike": ["a"],
                },
            },
            "Photos: 3 added, 1 removed. 1 photo unlike all groups, kept as a selection.",
        ),
        (
            {
                "state": "done",
                "kind": "add",
                "result": {"added": [], "removed": [], "changed": [], "renamed": {}, "unlike": []},
            },
            "No photo is new, and none is gone.",
        ),
        (
            {"state": "done", "kind": "apply", "result": {"photos": 2000}},
            "The groups are given to all 2,000 photos.",
        ),
        ({"state": "cancelled"}, "Cancelled; finished stages are kept."),
        ({"state": "interrupted"}, "The work was interrupted; resume it on the Build page."),
        ({"state": "failed", "error": "No space."}, "It stopped: No space."),
    ],
)
def test_the_end_of_a_job_is_said(ending, said):
    assert header._ending(replace(RUNNING, **ending)) == said


def test_the_end_of_a_job_waits_for_an_open_dialog_and_what_is_typed_in_it(job):
    def opened():
        from pages.frame import header
        from pages.shared import session, ui

        @ui.dialog("Sort into my list")
        def typing():
            assert session.has_dialog()

        typing()
        header._watch(None, "job")

    job[0] = replace(RUNNING, state="done", result={"images": 1000})
    page = AppTest.from_function(opened).run()  # drawn anew it would be for ever
    assert "Done: 1,000 photos clustered." in shown(page)
    assert page.session_state["kec_notices"] == ["Done: 1,000 photos clustered."]


@pytest.mark.parametrize(
    ("known", "line"),
    [
        ({"state": "queued"}, "Starting…"),
        ({"stage": ""}, "Starting…"),
        ({"label": "", "total": 0, "eta": None}, "Embed"),
        ({"eta": 0.2}, "Encoding photos · 54%"),
        ({"done": 0, "total": 1, "eta": None, "label": "Loading models"}, "Loading models"),
    ],
)
def test_progress_is_said_in_words(known, line):
    assert ui.progress_line(replace(RUNNING, **known)) == line


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=61), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_times_are_said_as_people_say_them(ago, words):
    assert ui.when((datetime.now(UTC) - ago).isoformat()) == words


def test_long_ago_is_a_date():
    assert ui.when("2020-03-01T10:00:00+00:00") == "1 March 2020"


def test_addresses_of_thumbnails_hold_nothing_but_ids():
    assert address("a/b?c#d", "f" * 64, 256) == f"/thumb/a%2Fb%3Fc%23d/{'f' * 64}/256.jpg"


def test_the_server_loads_in_advance_what_importing_it_does_not(monkeypatch):
    started = threading.Event()
    monkeypatch.setattr(warm_up, "serve", started.set)

    async def serve():
        async with server.serving(server.app):
            assert await asyncio.to_thread(started.wait, 60)

    asyncio.run(serve())


def test_the_server_runs_a_script_apart_from_the_pages_so_that_no_file_becomes_a_page():
    assert server.app.script_path == shell.SCRIPT
    assert not (shell.SCRIPT.parent / "pages").exists()


def test_the_page_of_an_older_revision_shows_that_revision(colours):
    commit_simple(colours, "r1", "dog", clustering_fp=revisions.get(colours, "r1").clustering_fp)
    revisions.undo(colours)
    assert "r1" in shown(app("clusters", project="colours"))


def test_the_name_of_the_first_page_leads_to_it_too(monkeypatch):
    monkeypatch.setattr(navigation.st, "Page", lambda source, **said: {"source": source, **said})
    first, *others, alias = navigation.all_pages()
    assert first["default"]
    assert (alias["url_path"], alias["visibility"]) == ("projects", "hidden")
    addresses = [one["url_path"] for one in (first, *others, alias)]
    assert len(set(addresses)) == len(addresses)
    gone_to = []
    monkeypatch.setattr(navigation.st, "switch_page", gone_to.append)
    alias["source"]()
    assert gone_to == [first]


def test_a_read_only_project_is_said_shown_and_every_change_refused(colours, monkeypatch):
    monkeypatch.setattr(database, "may_write", lambda _path: False)
    page = app("clusters", project="colours")
    assert "read\\-only here" in page.info[0].value
    assert "Open" in [button.label for button in page.button]
    for where, key in (
        ("build", "preset"),
        ("build", "run_all"),
        ("map", "map_make"),
    ):
        visit(page, where)
        page.button(key=key).click().run()
        assert not page.exception, (where, key)
        assert "read\\-only here" in page.error[0].value, (where, key)
    visit(page, "history")
    page.toggle(key="pin_r1").set_value(True).run()
    assert "read\\-only here" in page.error[0].value
    assert not revisions.current(colours).pinned


def test_an_error_of_ours_that_no_page_caught_is_said_as_it_is():
    def broken():
        from kec_core.errors import StoreError
        from pages.frame import shell

        assert shell.failed(StoreError("The disk is full; free some space."))

    assert "The disk is full" in AppTest.from_function(broken).run().error[0].value
