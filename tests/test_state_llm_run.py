"""Runs with a language model: asked once, resumed, retried, paused, kept within a budget, and the key kept nowhere."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.errors import Cancelled, InputError, LLMBudgetError
from kec_core.knowledge.edits import RenameConcept
from kec_core.knowledge.edits import apply as apply_edit
from kec_core.llm.cost import Budget, Price
from kec_core.llm.endpoint import KEY_VARIABLE
from kec_core.stages import Hooks
from state.jobs.jobs import JobManager, log_tail
from state.jobs.progress import JobContext, JobProgress
from state.llm.items import account, read_items
from state.llm.setup import LLMSetup
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import NewRevision
from state.transfer.export import export_project
from state.work.llm_run import asking, dry_run, estimate_job
from state.work.run import run_project
from tests import patience
from tests.fakes import colour_photos
from tests.llm_fakes import FAST, endpoint
from tests.llm_server import LLMServer, Reply, case_of, error, good
from tests.llm_worker import load_resources

KEY = "sk-test-0123456789"
CONFIG = RunConfig(
    n_clusters=4,
    mapping=MappingConfig(overclusters=8, n_init=5, top_nouns=1),
    knowledge=KnowledgeConfig(
        builder="llm", uni=2, bi=1, beta_mass=1.0, pair_scale=1e-3, merge_same_name=True
    ),
    clustering=ClusteringConfig(n_init=5),
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("state.work.llm_run.load_resources", load_resources)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return colour_photos(tmp_path_factory.mktemp("photos"), 5)


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project", "colours")


def setup(server, **options):
    return LLMSetup(endpoint=endpoint(server.url, KEY), config=FAST, **options)


def run(project, photos, server, *, config=CONFIG, hooks=None, retry_failed=False, **options):
    with asking(project, setup(server, **options), retry_failed=retry_failed) as resources:
        return run_project(project, photos, config, resources=resources, hooks=hooks)


def told_of(summary):
    return summary.to_json()["llm"]


def first_noun(body, attempt=1):
    """Names concepts as the fallback does, so that a dry run knows their names beforehand."""
    case = case_of(body)
    if not case.startswith("Nouns: "):
        return good(body)
    name = case.removeprefix("Nouns: ").split(", ")[0]
    return Reply(content=json.dumps({"concept": name, "description": f"grey stripes beside {name}"}))


def refusing(word):
    return lambda body, attempt: (
        error(400, "I will not", code="content_filter") if word in case_of(body) else first_noun(body)
    )


def test_a_dry_run_tells_what_the_run_then_asks_and_a_second_run_asks_nothing(project, photos):
    with LLMServer(first_noun) as server:
        before = dry_run(project, photos, CONFIG, setup(server, price=Price(prompt=1.0, completion=2.0)))
        assert (server.requests, revisions.current(project), project.last_scan) == (0, None, 0)
        summary = run(project, photos, server)
        asked = server.requests
        told = told_of(summary)
        m = len(summary.revision.knowledge.concepts)
        lists = sum(item.kind == "concept" for item in read_items(project.database))
        assert before["calls"] == told["requests"] == asked == lists + m + m * (m - 1) // 2
        assert told["items"] == {"done": asked}
        assert before["money"] > 0
        again = run(project, photos, server)
        assert (server.requests, told_of(again)["requests"], again.is_new) == (asked, 0, False)
        assert told_of(again)["items"] == {"done": asked}
        assert told_of(summary)["unasked"] == ""
        assert "an earlier run stay, since nothing" in told_of(again)["unasked"]
        assert told_of(again)["unasked"] in again.notes
        assert {i.status for i in read_items(project.database)} <= {"done"}
        fewer = run(
            project, photos, server, config=replace(CONFIG, knowledge=replace(CONFIG.knowledge, bi=0))
        )
        assert told_of(fewer)["unasked"] == (
            f"The language model was asked nothing: what this run needed, {m} answers, was stored already."
        )
        after = dry_run(project, photos, CONFIG, setup(server))
        assert (after["calls"], after["prompt_tokens"], after["money"]) == (0, 0, None)
        assert server.requests == asked
    assert {c.source for c in summary.revision.knowledge.concepts} == {"llm"}
    assert {i.status for i in read_items(project.database)} == {"cached"}


def test_items_that_fail_are_made_by_the_fallback_marked_and_alone_asked_again(project, photos):
    with LLMServer(refusing("leaf")) as server:
        summary = run(project, photos, server)
        told = account(summary.stages)
        names = {concept.name: concept for concept in summary.revision.knowledge.concepts}
        assert (names["leaf"].source, "I will not" in names["leaf"].note) == ("wordnet", True)
        assert {a.source for a in summary.revision.knowledge.uni if "leaf" in a.text} == {"wordnet"}
        assert {item.status for item in told.replaced} == {"fallback"}
        assert all("leaf" in item.label and "HTTP 400: I will not" in item.reason for item in told.replaced)
        assert sum(told.counts.values()) == len(read_items(project.database))
        assert any(
            note.startswith(f"{len(told.replaced)} of {sum(told.counts.values())}") for note in summary.notes
        )
        before = server.asked.copy()
        plain = run(project, photos, server)
        assert server.asked == before
        assert account(plain.stages) == told
        server.script = first_noun
        mended = run(project, photos, server, retry_failed=True)
        assert server.asked - before
        assert all("leaf" in case for case in server.asked - before)
        assert account(mended.stages).replaced == ()
        assert {c.source for c in mended.revision.knowledge.concepts} == {"llm"}
        asked = server.requests
        assert not run(project, photos, server).is_new
        assert server.requests == asked


def test_a_rename_asks_only_what_contains_the_concept(project, photos):
    with LLMServer(first_noun) as server:
        first = run(project, photos, server).revision
        known = first.knowledge
        edit = RenameConcept(concept=known.concepts[0].id, name="scarlet things")
        new = NewRevision(
            knowledge=apply_edit(known, edit),
            config=first.config,
            clustering_fp=first.clustering_fp,
            scan=first.scan,
            note="renamed",
            edits=(edit.to_json(),),
        )
        revisions.commit(project, new, parent=first.id)
        before = server.asked.copy()
        expected = dry_run(project, photos, CONFIG, setup(server))["calls"]
        summary = run(project, photos, server)
        asked = server.asked - before
    m = len(known.concepts)
    assert len(summary.revision.knowledge.concepts) == m
    assert sum(asked.values()) == expected == 1 + (m - 1)
    assert all("scarlet things" in case for case in asked)
    assert summary.revision.knowledge.by_id[known.concepts[0].id].name == "scarlet things"


def test_a_budget_stops_cleanly_and_the_next_run_goes_on(project, photos):
    with LLMServer(first_noun) as server:
        with pytest.raises(LLMBudgetError, match="budget of 1000 tokens is used up"):
            run(project, photos, server, budget=Budget(tokens=1000))
        spent = sum(i.prompt_tokens + i.completion_tokens for i in read_items(project.database))
        assert 0 < spent <= 1000
        statuses = {item.status for item in read_items(project.database)}
        assert statuses == {"done", "waiting"}
        assert next(r for r in project.stage_reports() if r.state == "failed").report.summary["error"]
        summary = run(project, photos, server)
    assert set(server.asked.values()) == {1}
    assert {c.source for c in summary.revision.knowledge.concepts} == {"llm"}


def test_a_cancelled_run_keeps_its_answers(project, photos):
    def stop(done, _total, label):
        if label == "pair attributes" and done >= 2:
            raise Cancelled("stop")

    with LLMServer(first_noun, latency=0.01) as server:
        with pytest.raises(Cancelled):
            run(project, photos, server, hooks=Hooks(progress=stop))
        kept = {item.label for item in read_items(project.database) if item.status == "done"}
        assert kept
        summary = run(project, photos, server)
        again = {label for label in kept if any(n > 1 and label in case for case, n in server.asked.items())}
    assert not again
    assert summary.is_new


def test_an_estimate_needs_a_language_model(project, photos):
    with pytest.raises(InputError, match="options name none"):
        dry_run(project, photos, replace(CONFIG, knowledge=KnowledgeConfig()), None)


def files_with_the_key(folder):
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def leaking(body, attempt):
    """A server that puts the key wherever it can."""
    case = case_of(body)
    if "leaf" in case:
        return error(400, f"the header was Bearer {KEY}", code="content_filter")
    if "ocean" in case:
        return error(500, f"the header was Bearer {KEY}")
    if "lemon" in case:
        return Reply(content=json.dumps({"concept": f"{KEY} lemon", "attributes": [f"{KEY} peel", "rind"]}))
    return first_noun(body)


def test_the_key_reaches_the_server_and_nothing_on_the_disk(project, photos, tmp_path, caplog):
    caplog.set_level("DEBUG")
    with LLMServer(leaking) as server:
        with asking(project, replace(setup(server), config=replace(FAST, retries=1))) as resources:
            summary = run_project(project, photos, CONFIG, resources=resources)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
        export_project(project, tmp_path / "out", ("csv", "json", "npz"))
    assert account(summary.stages).counts["fallback"] > 0
    assert "[key]" in str(summary.to_json()) + str(summary.notes)
    assert files_with_the_key(tmp_path) == []
    assert KEY not in caplog.text + str(summary)


def test_the_estimate_is_a_job_too(project, photos):
    with project.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, params, state, created) VALUES ('estimate', '{}', 'running', '')")
    with LLMServer(first_noun) as server, JobProgress(project.database, 1) as progress:
        asked = JobContext(project=project, params=params(photos, server), progress=progress)
        result = estimate_job(asked)
        assert server.requests == 0
    assert result["calls"] > 8
    assert result["model"] == "tiny"


# --- as a job, in a process of its own


@pytest.fixture
def manager(project):
    manager = JobManager((sys.executable, "-m", "tests.llm_worker"))
    yield manager
    for child in manager._children:
        child.kill()
        child.wait()


def wait(manager, project, wanted):
    until = time.monotonic() + patience.SECONDS
    while not wanted(job := manager.status(project, "j1")):
        assert time.monotonic() < until, (job, log_tail(project, "j1"))
        time.sleep(0.05)
    return job


def statuses(project):
    return {item.status for item in read_items(project.database)}


def params(photos, server, **options):
    llm = setup(server, **options).to_json()
    return {"images": str(photos), "config": CONFIG.to_json(), "labels": "none", "llm": llm}


@pytest.mark.kill
def test_a_job_that_is_refused_says_so_without_the_key(manager, project, photos, tmp_path):
    with LLMServer(lambda body, attempt: error(401, f"no such key: {KEY}")) as server:
        manager.start(project, "run", params(photos, server), secrets={KEY_VARIABLE: KEY})
        job = wait(manager, project, lambda job: not job.is_active)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert job.state == "failed"
    assert "refused the key" in job.error
    assert "no such key: [key]" in job.error
    assert files_with_the_key(tmp_path) == []
    assert b"[key]" in (project.folder / "jobs" / "j1.log").read_bytes()


def command_lines():
    """What every process of this machine was started with, as far as it may be read."""
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += path.read_bytes()
    return found


@pytest.mark.kill
def test_no_file_log_export_or_command_line_of_a_job_holds_the_key(
    manager, project, photos, tmp_path, monkeypatch
):
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    with LLMServer(leaking, latency=0.05) as server:
        asked = params(photos, server)
        asked["llm"]["config"]["retries"] = 1
        manager.start(project, "run", asked, secrets={KEY_VARIABLE: KEY})
        wait(manager, project, lambda _job: server.requests >= 2)
        running = command_lines()
        job = wait(manager, project, lambda job: not job.is_active)
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert job.state == "done"
    assert b"tests.llm_worker" in running
    assert KEY.encode() not in running
    export_project(project, tmp_path / "out", ("csv", "json", "npz"))
    assert "[key]" in str(account(r.report for r in project.stage_reports()).marked)
    assert files_with_the_key(tmp_path) == []


@pytest.mark.kill
def test_a_paused_job_sends_nothing_until_it_may_go_on(manager, project, photos):
    with LLMServer(first_noun, latency=0.1) as server:
        asked = params(photos, server)
        asked["llm"]["config"]["in_flight"] = 1
        manager.start(project, "run", asked)
        wait(manager, project, lambda _job: server.requests >= 2)
        assert manager.pause(project, "j1").paused
        wait(manager, project, lambda job: job.label.endswith("(paused)"))
        before = server.requests
        wait(manager, project, lambda _job: statuses(project) == {"done", "waiting"})
        time.sleep(0.5)
        assert server.requests == before
        assert not manager.pause(project, "j1", paused=False).paused
        job = wait(manager, project, lambda job: not job.is_active)
    assert job.state == "done"
    assert server.requests == job.result["llm"]["requests"] > before
