"""Photos are shown to a language model only by those who agree to it, and only to the model they agreed to."""

from __future__ import annotations

import pytest

from kec_core.llm.cost import Price
from kec_core.llm.endpoint import KEY_VARIABLE
from state.jobs import jobs
from state.llm.settings import LLMSettings, save_llm_settings
from tests.page_helpers import app, shown, visit
from tests.test_page_compare import compare

SETTINGS = LLMSettings(
    url="http://localhost:8080/v1", model="sees", prices={"sees": Price(prompt=10.0, completion=0.0)}
)


@pytest.fixture
def started(monkeypatch):
    """Jobs that would be started, with their secrets."""
    asked = []

    def start(_self, _project, kind, params, *, secrets=None):
        asked.append((kind, params, secrets))

    monkeypatch.setattr(jobs.JobManager, "start", start)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return asked


def consent(page):
    (box,) = (one for one in page.checkbox if one.key and one.key.startswith("send_photos_"))
    return box


def run(page):
    for one in page.checkbox:
        if one.key.startswith("method_") and one.value:
            one.uncheck()
    page.checkbox(key="method_caption").check()
    page.button(key="run_methods").click().run()
    assert not page.exception


def to_methods(page):
    page.session_state["compare_tab"] = "Methods"
    visit(page, "compare")
    assert not page.exception, page.exception


def test_without_a_model_nobody_is_asked_to_agree(colours, started):
    page = compare("Methods")
    assert "It must be one that takes photos" in shown(page)
    assert page.checkbox(key="method_caption").disabled


def test_photos_are_sent_with_consent_alone(colours, started):
    save_llm_settings(colours.folder.parent, SETTINGS)
    page = compare("Methods")
    count = len(colours.images())
    assert f"Sends a copy of each of the {count} photos" in shown(page)
    assert "to http://localhost:8080/v1" in shown(page)
    assert f"At most {count} questions" in shown(page)
    assert "in money" in shown(page)
    assert not consent(page).value
    assert page.checkbox(key="method_caption").disabled
    consent(page).check().run()
    assert not page.checkbox(key="method_caption").disabled
    run(page)
    ((kind, params, secrets),) = started
    assert (kind, params["methods"], params["send_photos"]) == ("methods", ["caption"], True)
    assert (params["llm"]["url"], params["llm"]["model"]) == (SETTINGS.url, "sees")
    assert secrets == {}


def test_other_methods_take_no_model_along(colours, started):
    save_llm_settings(colours.folder.parent, SETTINGS)
    page = compare("Methods")
    consent(page).check().run()
    page.button(key="run_methods").click().run()
    ((_kind, params, _secrets),) = started
    assert "caption" not in params["methods"]
    assert "llm" not in params
    assert "send_photos" not in params


def test_consent_is_to_one_model_and_the_key_goes_as_a_secret(colours, started):
    save_llm_settings(colours.folder.parent, SETTINGS)
    page = app("settings", project="colours")
    page.text_input(key="llm_key").set_value("sesame-open").run()
    to_methods(page)
    consent(page).check().run()
    run(page)
    assert started[0][2] == {KEY_VARIABLE: "sesame-open"}
    assert "sesame" not in str(started[0][1])
    visit(page, "settings")
    page.text_input(key="llm_url").set_value("http://elsewhere.example/v1").run()
    to_methods(page)
    assert not consent(page).value
    assert page.checkbox(key="method_caption").disabled
