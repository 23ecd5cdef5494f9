"""The language model on the Build page: chosen in the settings, estimated before, watched during, mended after."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from kec_core.config import KnowledgeConfig
from kec_core.knowledge.base import ItemReport
from kec_core.llm.cost import Budget, Estimate, Price
from kec_core.llm.endpoint import KEY_VARIABLE
from kec_core.types import Knowledge, StageReport, UniAttribute
from pages.build.llm_panel import budget_words, estimate_words
from pages.build.step_results import _marked
from state.jobs import jobs
from state.llm.items import ItemLog
from state.llm.settings import LLMSettings, save_llm_settings
from state.project.database import to_text
from state.project.locks import RunLock
from tests.page_helpers import CONFIG, app, shown, visit

SETTINGS = LLMSettings(url="http://localhost:8080/v1", model="tiny", budget=Budget(tokens=9000))
LLM = replace(CONFIG, knowledge=KnowledgeConfig(builder="llm"))
FAILED = ItemReport(key="k2", kind="uni", label="<b>leaf</b>", status="fallback", reason="HTTP 400: *no*")
ESTIMATE = Estimate(calls=12, cached=3, prompt_tokens=4000, completion_tokens=500, money=0.0012)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def project(colours):
    colours.save_settings(LLM)
    save_llm_settings(colours.folder.parent, SETTINGS)
    return colours


@pytest.fixture
def started(monkeypatch):
    """Jobs that would be started, instead of processes."""
    asked = []

    def start(_self, _project, kind, params, *, secrets=None):
        asked.append((kind, params, secrets))

    monkeypatch.setattr(jobs.JobManager, "start", start)
    return asked


def add_job(project, kind, state, params, result=None, **fields):
    row = {"stage": "", "label": "", "done": 0, "total": 0, "eta": None, "paused": 0, "error": "", **fields}
    stored = None if result is None else to_text(result)
    with project.database.writing() as db:
        db.execute(
            f"INSERT INTO jobs (kind, params, state, created, result, {', '.join(row)}) "
            f"VALUES (?, ?, ?, '', ?, {', '.join('?' * len(row))})",
            (kind, to_text(params), state, stored, *row.values()),
        )


def params(**more):
    return {"images": None, "config": LLM.to_json(), "llm": SETTINGS.setup(None).to_json(), **more}


def test_without_a_model_the_page_leads_to_the_settings(colours, started):
    colours.save_settings(LLM)
    page = app("build", project="colours")
    assert "No language model is chosen yet" in page.info[0].value
    page.button(key="run_all").click().run()
    assert started == [("run", {"images": None, "config": LLM.to_json(), "labels": "keep"}, {})]


def test_a_run_takes_the_model_of_the_settings_and_a_key_that_is_not_stored(project, started):
    page = app("settings", project="colours")
    page.text_input(key="llm_key").set_value("sesame-open").run()
    visit(page, "build")
    assert "tiny at http://localhost:8080/v1" in shown(page)
    assert "Stops before more than 9,000 tokens." in shown(page)
    page.button(key="run_all").click().run()
    ((kind, asked, secrets),) = started
    assert (kind, asked) == ("run", params(labels="keep"))
    assert secrets == {KEY_VARIABLE: "sesame-open"}
    assert "sesame" not in str(asked)


def test_the_estimate_is_a_job_and_is_shown_while_nothing_has_changed(project, started):
    page = app("build", project="colours")
    page.button(key="llm_estimate").click().run()
    assert started == [("estimate", params(), None)]
    add_job(project, "estimate", "done", params(), asdict(ESTIMATE))
    text = shown(app("build", project="colours"))
    assert "12 questions · about 4,500 tokens · about 0.0012 in money · 3 answered before" in text
    project.save_settings(replace(LLM, knowledge=KnowledgeConfig(builder="llm", guidance="by colour")))
    assert "12 questions" not in shown(app("build", project="colours"))


def test_estimates_and_caps_in_words():
    assert estimate_words(asdict(replace(ESTIMATE, calls=0))).startswith("Nothing would be asked")
    assert "no price known" in estimate_words(asdict(replace(ESTIMATE, money=None)))
    assert budget_words(Budget(tokens=1000, money=2.5)) == "1,000 tokens or 2.5 in money"
    assert Price(prompt=1, completion=1).of(10**6, 0) == 1


def items_of(project, *items):
    with ItemLog(project.database) as log:
        for item in items:
            log(item)


def test_a_run_that_asks_shows_its_items_and_can_be_paused(project):
    items_of(project, ItemReport(key="k1", kind="concept", label="crimson, leaf", status="waiting"), FAILED)
    fields = {"stage": "concepts", "label": "concepts", "done": 1, "total": 4, "eta": 90.0}
    add_job(project, "run", "running", params(), **fields)
    with RunLock.acquire(project.folder, "the test"):
        page = app("build", project="colours")
        (table,) = [d.value for d in page.dataframe if "State" in d.value]
        assert table[["State", "What", "About", "Reason"]].values.tolist() == [
            ["made by WordNet", "Attributes", "<b>leaf</b>", "HTTP 400: *no*"],
            ["to be asked", "Concept", "crimson, leaf", ""],
        ]
        page.button(key="llm_pause").click().run()
        (job,) = jobs.JobManager().jobs(project)
        assert job.paused
        assert page.button(key="llm_pause").label == "Go on"
        page.button(key="llm_pause").click().run()
        assert not jobs.JobManager().jobs(project)[0].paused


def test_before_the_questions_the_run_says_when_they_begin(project):
    add_job(project, "run", "running", params(), stage="embed")
    with RunLock.acquire(project.folder, "the test"):
        assert "questions begin when the nouns are found" in shown(app("build", project="colours"))


def record(project, *marked, **counts):
    summary = {"concepts": 4, "asked": counts, "marked": [asdict(item) for item in marked]}
    report = StageReport(stage="attributes", fingerprint="f", seconds=1.0, reused=False, summary=summary)
    project.record_stage(report, "fresh", LLM)


def test_items_without_a_usable_answer_are_named_and_alone_asked_again(project, started):
    record(project, FAILED, done=7, fallback=1)
    page = app("build", project="colours")
    assert "1 of 8 items had no usable answer" in page.warning[0].value
    (table,) = [d.value for d in page.dataframe if "Reason" in d.value]
    assert table["About"].tolist() == ["<b>leaf</b>"]
    page.button(key="llm_retry").click().run()
    assert started == [("run", params(labels="keep", retry_failed=True), {})]


def test_a_run_that_asked_nothing_says_why(project):
    add_job(
        project, "run", "done", params(), result={"llm": {"unasked": "It was asked nothing: all is stored."}}
    )
    assert "It was asked nothing: all is stored." in shown(app("build", project="colours"))


def test_when_all_went_well_it_says_so(project):
    record(project, done=7, cached=1)
    assert "All 8 items of the latest result are by the language model" in shown(
        app("build", project="colours")
    )


def test_a_run_that_stopped_shows_how_far_it_came(project):
    items_of(
        project,
        ItemReport(key="k1", kind="concept", label="crimson", status="done", prompt_tokens=90),
        FAILED,
    )
    add_job(project, "run", "failed", params(), error="The budget of 90 tokens is used up.")
    page = app("build", project="colours")
    assert "asks only for the rest" in shown(page)
    assert len(next(d.value for d in page.dataframe if "State" in d.value)) == 2
    assert any("budget of 90 tokens" in e.value for e in page.error)


def test_a_cap_on_money_without_a_price_is_one_sentence(project):
    save_llm_settings(project.folder.parent, replace(SETTINGS, budget=Budget(money=1.0)))
    page = app("build", project="colours")
    assert any("tiny is not in the price table" in e.value for e in page.error)


def test_attributes_that_wordnet_made_in_place_of_the_model_say_so():
    attribute = UniAttribute(id="a001", concept="c001", text="fur", source="wordnet")
    assert _marked(Knowledge(builder="llm:tiny"), attribute) == " · by WordNet"
    assert _marked(Knowledge(builder="llm:tiny"), replace(attribute, source="llm")) == ""
    assert _marked(Knowledge(builder="wordnet"), attribute) == ""
