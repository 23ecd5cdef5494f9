"""Settings page: server, key, model list, test, prices and caps, and the exact messages."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from pydantic import SecretStr

from kec_core.llm.cost import DEFAULT_PRICES, Budget, Price
from kec_core.llm.endpoint import KEY_VARIABLE, PRESETS
from pages.settings.llm_widgets import _edited
from state.llm.settings import FILE, LLMSettings, load_llm_settings, save_llm_settings
from tests.llm_server import LLMServer, Reply, error, good
from tests.page_helpers import app, shown

KEY = "sk-sesame-0123456789"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def kept(home):
    return load_llm_settings(home)


def test_a_server_is_chosen_by_name_and_kept_for_all_projects(empty_home):
    page = app("settings")
    page.selectbox(key="llm_preset").set_value("Ollama").run()
    assert kept(empty_home).url == PRESETS["Ollama"]
    assert page.text_input(key="llm_url").value == PRESETS["Ollama"]
    save_llm_settings(empty_home, replace(kept(empty_home), model="qwen3"))
    again = app("settings")
    assert (again.selectbox(key="llm_preset").value, again.selectbox(key="llm_model").value) == (
        "Ollama",
        "qwen3",
    )
    again.selectbox(key="llm_preset").set_value("vLLM").run()
    assert (kept(empty_home).url, kept(empty_home).model) == (PRESETS["vLLM"], "")


def test_an_address_gets_its_one_form_and_one_that_is_none_is_refused(empty_home):
    page = app("settings")
    page.text_input(key="llm_url").set_value("http://somewhere:9/").run()
    assert kept(empty_home).url == "http://somewhere:9/v1"
    assert page.selectbox(key="llm_preset").value == "Another server"
    page.text_input(key="llm_url").set_value("ftp://x").run()
    assert kept(empty_home).url == "http://somewhere:9/v1"
    assert "should look like http" in shown(page).replace("\\", "")
    assert page.columns[1].error  # beneath the field
    page.text_input(key="llm_url").set_value("http://elsewhere:9/").run()
    assert not page.error


def test_models_are_listed_with_the_key_and_a_test_tells_latency_and_form(empty_home):
    with LLMServer(models=("small", "large")) as server:
        save_llm_settings(empty_home, LLMSettings(url=server.url))
        page = app("settings")
        page.text_input(key="llm_key").set_value(KEY).run()
        page.button(key="llm_list").click().run()
        assert page.selectbox(key="llm_model").options == ["large", "small"]
        page.selectbox(key="llm_model").set_value("small").run()
        page.button(key="llm_test").click().run()
        assert server.headers[-1]["authorization"] == f"Bearer {KEY}"
        assert server.bodies[-1]["model"] == "small"
    said = page.success[0].value.replace("\\", "")
    assert re.search(r"Answered in \d+\.\d\d s\. It takes a JSON schema", said)
    assert (
        "at most 400 tokens each. It named tabby, Siamese cat and kitten “kind of tabby, Siamese cat”."
        in said
    )
    assert [KEY in path.read_text() for path in empty_home.rglob("*") if path.is_file()] == [False]


def test_an_answer_of_no_use_is_no_success(empty_home):
    with LLMServer(lambda body, attempt: Reply(content="no idea")) as server:
        save_llm_settings(empty_home, LLMSettings(url=server.url, model="small"))
        page = app("settings")
        page.button(key="llm_test").click().run()
    assert not page.success
    assert "of no use (asked 1 time, but the answer held no JSON object)" in page.warning[0].value.replace(
        "\\", ""
    )


def test_a_refusal_shows_the_servers_words_without_the_key(empty_home):
    with LLMServer(lambda body, attempt: error(401, f"wrong key {KEY}")) as server:
        save_llm_settings(empty_home, LLMSettings(url=server.url, model="small"))
        page = app("settings")
        page.text_input(key="llm_key").set_value(KEY).run()
        page.button(key="llm_test").click().run()
        said = page.error[0].value.replace("\\", "")
        assert "wrong key [key]" in said
        assert KEY not in said
        server.script = good
        page.button(key="llm_test").click().run()
        assert page.success
        assert not page.error


def test_the_page_says_where_the_key_comes_from(empty_home, monkeypatch):
    save_llm_settings(empty_home, LLMSettings(url="http://localhost/v1"))
    page = app("settings")
    assert "No key is set" in shown(page)
    page.text_input(key="llm_key").set_value(KEY).run()
    assert "in this window" in shown(page)
    monkeypatch.setenv(KEY_VARIABLE, "from-environment")
    assert "OPENAI_API_KEY in the environment" in shown(app("settings"))


def test_caps_and_patience_are_kept(empty_home):
    page = app("settings")
    page.number_input(key="llm_tokens").set_value(5000).run()
    page.number_input(key="llm_money").set_value(1.5).run()
    page.number_input(key="llm_in_flight").set_value(3).run()
    page.number_input(key="llm_timeout").set_value(40.0).run()
    page.toggle(key="llm_pair_values").set_value(True).run()
    assert not page.exception
    settings = kept(empty_home)
    assert settings.budget == Budget(tokens=5000, money=1.5)
    assert (settings.in_flight, settings.timeout, settings.pair_values) == (3, 40.0, True)
    assert "needs the price of this model" in page.warning[0].value
    page.number_input(key="llm_money").set_value(None).run()
    assert kept(empty_home).budget == Budget(tokens=5000)
    assert not page.warning


def test_the_price_of_the_model_is_shown(empty_home):
    save_llm_settings(empty_home, LLMSettings(url="http://h/v1", model="gpt-4o-mini"))
    assert "<dt>Price of the model</dt><dd>0.15 / 0.6</dd>" in shown(app("settings"))
    save_llm_settings(empty_home, LLMSettings(url="http://h/v1", model="tiny"))
    assert "<dt>Price of the model</dt><dd>not known</dd>" in shown(app("settings"))


def test_the_price_table_can_be_edited():
    rows = [
        {"Model": "a", "Prompt": 1.0, "Answer": 2.0},
        {"Model": "b", "Prompt": 3.0, "Answer": 4.0},
        {"Model": "new", "Prompt": None, "Answer": None},
    ]
    assert set(_edited(rows, {})) == {"a", "b"}
    edits = {"edited_rows": {1: {"Prompt": None, "Answer": None}, 2: {"Answer": 0.5}}}
    assert _edited(rows, edits) == {
        "a": Price(prompt=1.0, completion=2.0),
        "new": Price(prompt=0.0, completion=0.5),
    }
    assert set(DEFAULT_PRICES) >= {"gpt-4o-mini"}


def test_without_a_project_an_example_shows_what_is_sent(empty_home):
    page = app("settings")
    assert "this is an example" in shown(page)
    body = json.loads(page.code[0].value)
    assert body["messages"][-1]["content"] == "Nouns: tabby, Siamese cat, kitten"


def test_the_exact_messages_about_the_open_project_are_shown(colours):
    save_llm_settings(colours.folder.parent, LLMSettings(url="http://h/v1", model="tiny", pair_values=True))
    page = app("settings", project="colours")
    assert "this is an example" not in shown(page)
    assert "Sent to http://h/v1/chat/completions" in shown(page)
    body = json.loads(page.code[0].value)
    assert body["model"] == "tiny"
    assert body["messages"][-1]["content"].startswith("Nouns: ")
    text = page.code[0].value
    assert ".png" not in text
    assert SecretStr(KEY).get_secret_value() not in text


def test_settings_changed_by_hand_into_nonsense_are_one_sentence(empty_home):
    empty_home.mkdir(parents=True, exist_ok=True)
    (empty_home / FILE).write_text("{")
    page = app("settings")
    assert "delete it to start anew" in page.error[0].value
