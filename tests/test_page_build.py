"""Build page: the rail, options that stay with the project, runs, failures, results of every step."""

from dataclasses import replace

import pytest

from kec_core.config import OPTIONS, KnowledgeConfig, RunConfig, paper_defaults, studio_defaults
from kec_core.config.option import changed, value_of
from kec_core.encoders import available_encoders
from kec_core.errors import InputError
from kec_core.stages.table import STEPS, shown_at
from kec_core.types import StageReport
from pages.build import option_widgets
from pages.shared import session
from state.jobs import jobs
from state.project.project import Project
from tests.page_helpers import CONFIG, app, make_job, shown


def open_step(page, name):
    page.selectbox(key="build_step").set_value(name).run()
    assert not page.exception
    return shown(page)


def test_without_photos_it_leads_to_data(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("build", project="new")
    page.button(key="empty_data").click().run()
    assert page.title[0].value == "Data"


def test_while_photos_are_looked_at_it_says_so_instead_of_asking_for_some(empty_home, monkeypatch):
    Project.create(empty_home / "new", "New")
    job = make_job(kind="scan")
    monkeypatch.setattr(session.jobs(), "active", lambda project: job)
    monkeypatch.setattr(session.jobs(), "status", lambda project, _: job)
    text = shown(app("build", project="new"))
    assert "The photos are being looked at" in text
    assert "No photos yet" not in text


def test_the_rail_names_all_stages_in_order(colours):
    text = shown(app("build", project="colours"))
    places = [text.index(f"<b>{step.name}</b>") for step in STEPS]
    assert places == sorted(places)
    assert text.count('class="kec-fresh"') == 8


def test_a_changed_option_is_stored_and_makes_later_stages_out_of_date(colours):
    page = app("build", project="colours")
    page.number_input(key="colours.n_clusters").set_value(3).run()
    assert colours.settings() == replace(CONFIG, n_clusters=3)
    text = shown(page)
    assert text.count('class="kec-fresh"') == 2
    assert "Out of date: Over-cluster, Nouns, Concepts, Attributes, Ground, Cluster." in text


def test_an_emptied_number_means_automatic(colours):
    page = app("build", project="colours")
    page.number_input(key="colours.n_clusters").set_value(None).run()
    assert colours.settings().n_clusters is None


def test_a_choice_may_stand_for_none_and_a_number_may_be_typed(colours):
    page = app("build", project="colours")
    open_step(page, "Concepts")
    page.selectbox(key="colours.mapping.similarity").set_value("centred").run()
    assert colours.settings().mapping.similarity == "centred"
    open_step(page, "Concepts")
    page.selectbox(key="colours.mapping.similarity").set_value("").run()
    assert colours.settings().mapping.similarity is None
    open_step(page, "Over-cluster")
    assert page.selectbox(key="colours.mapping.overclusters").value == "8"


@pytest.mark.parametrize(("typed", "stored"), [("ksem", "ksem"), ("40", 40)])
def test_what_is_typed_becomes_a_number(typed, stored):
    option = OPTIONS["mapping.overclusters"]
    assert option_widgets._from_choice(option, typed) == stored


def test_what_is_typed_and_is_no_number_is_refused():
    option = OPTIONS["mapping.overclusters"]
    with pytest.raises(InputError, match="whole number above 0, but is 'many'"):
        option_widgets._from_choice(option, "many")


def test_encoders_can_be_compared_before_one_is_chosen(colours):
    (table,) = [one.value for one in app("build", project="colours").dataframe if "Licence" in one.value]
    assert table["Encoder"].tolist() == [choice.caption for choice in available_encoders()]
    clip, compact = table.iloc[0], table.iloc[-1]
    assert (clip["Time"], clip["Licence"], clip["Known by words"]) == (1, "MIT", "63.3 %")
    assert compact["Time"] < 1
    assert (compact["Here"], compact["Known by words"]) == ("yes", "not measured")


def test_a_second_space_of_looks_is_chosen_and_any_other_is_shown(colours):
    page = app("build", project="colours")
    page.selectbox(key="colours.looks").set_value("dinov2").run()
    assert colours.settings().looks == "dinov2"
    colours.save_settings(replace(colours.settings(), looks="second.npz"))
    page.run()
    assert page.selectbox(key="colours.looks").value == "second.npz"
    page.selectbox(key="colours.looks").set_value("").run()
    assert colours.settings().looks == ""
    assert not page.exception


def test_guidance_is_kept_with_the_project(colours):
    page = app("build", project="colours")
    page.text_area(key="colours.knowledge.guidance").set_value("by kind of animal").run()
    assert colours.settings().knowledge.guidance == "by kind of animal"
    assert (
        app("build", project="colours").text_area(key="colours.knowledge.guidance").value
        == "by kind of animal"
    )


def test_the_papers_defaults_are_one_click_away_and_one_click_back(colours):
    page = app("build", project="colours")
    page.button(key="preset").click().run()
    assert colours.settings() == paper_defaults(CONFIG)
    assert page.button(key="preset").label == "Studio defaults"
    assert "Out of date: " in shown(page)
    page.button(key="preset").click().run()
    assert colours.settings() == studio_defaults(CONFIG)
    assert page.button(key="preset").label == "Paper defaults"


def test_run_all_starts_a_job_with_the_options_of_the_project(colours, started):
    page = app("build", project="colours")
    page.button(key="run_all").click().run()
    assert started == [("run", {"images": None, "config": CONFIG.to_json(), "labels": "keep"})]


def test_a_step_that_is_out_of_date_can_be_run_from_there(colours, started):
    colours.save_settings(replace(CONFIG, knowledge=KnowledgeConfig(uni=4)))
    page = app("build", project="colours")
    open_step(page, "Attributes")
    page.button(key="run_from_here").click().run()
    assert started[0][1]["config"]["knowledge"]["uni"] == 4


def test_an_interrupted_run_can_be_resumed(colours, monkeypatch):
    with colours.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, params, state, created) VALUES ('run', '{}', 'interrupted', '')")
    resumed = []
    monkeypatch.setattr(
        jobs.JobManager, "resume", lambda _self, _project, job_id, **_: resumed.append(job_id)
    )
    page = app("build", project="colours")
    assert "was interrupted" in page.info[0].value
    page.button(key="resume").click().run()
    assert resumed == ["j1"]


def test_a_failed_run_says_why_and_shows_its_log(colours):
    with colours.database.writing() as db:
        db.execute(
            "INSERT INTO jobs (kind, params, state, created, error) VALUES ('run', '{}', 'failed', '', 'No *weights*.')"
        )
    (colours.folder / "jobs").mkdir()
    (colours.folder / "jobs" / "j1.log").write_text("line <b>one</b>")
    page = app("build", project="colours")
    assert page.error[0].value == "No \\*weights\\*\\."
    assert page.code[0].value == "line <b>one</b>"


def test_a_failed_stage_says_why_as_text(colours):
    failed = StageReport(
        stage="embed", fingerprint="", seconds=0, reused=False, summary={"error": "*No* weights <b>here</b>."}
    )
    colours.record_stage(failed, "failed", CONFIG)
    page = app("build", project="colours")
    assert page.selectbox(key="build_step").value == "Embed"  # shown without a click
    assert [error.value for error in page.error] == ["\\*No\\* weights \\<b\\>here\\<\\/b\\>\\."]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Scan", ["Cannot be used", "50"]),
        ("Over-cluster", ["<dd>4</dd>"]),
        ("Nouns", ["<li>crimson</li>", "/thumb/colours/"]),
        ("Concepts", ["something leaf", "/thumb/colours/"]),
        ("Attributes", ["leaf part 0", "unlike"]),
        ("Ground", ["strongest in", "/thumb/colours/"]),
        ("Cluster", ["<dd>4</dd>"]),
    ],
)
def test_each_step_shows_its_results(colours, step, expected):
    text = open_step(app("build", project="colours"), step)
    assert [word for word in expected if word not in text] == []


@pytest.mark.parametrize("option", [one for one in OPTIONS.values() if one.label], ids=lambda one: one.name)
def test_every_option_on_the_page_has_a_default_that_its_widget_can_show(option):
    value = value_of(RunConfig(), option.name)
    assert value_of(changed(RunConfig(), option.name, value), option.name) == value
    if option.kind == "choice":
        assert (value or "") in option.choices
    elif option.kind != "switch":
        assert bool(option.automatic) == (value is None)
    assert option.help


def test_every_option_with_a_label_is_offered_once():
    at_steps = [option.name for step in STEPS for option in shown_at(step)]
    essential = [option.name for option in OPTIONS.values() if option.label and option.essential]
    assert sorted(at_steps + essential) == sorted(name for name, option in OPTIONS.items() if option.label)
