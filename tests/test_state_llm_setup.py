"""What is chosen about a language model: read from a command line, kept by the app, and never with its key."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from kec_core.config import LLMConfig
from kec_core.errors import InputError
from kec_core.llm.cost import DEFAULT_PRICES, Budget, Price
from state.llm.settings import FILE, LLMSettings, load_llm_settings, save_llm_settings
from state.llm.setup import LLMSetup, named_setup, parse_budget, parse_price

URL = "http://localhost:11434/v1"
KEY = SecretStr("sk-0123456789")


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("200000", Budget(tokens=200_000)),
        ("200k", Budget(tokens=200_000)),
        ("1.5 M", Budget(tokens=1_500_000)),
        ("2.50USD", Budget(money=2.5)),
        ("$3", Budget(money=3.0)),
        ("0.4 EUR", Budget(money=0.4)),
    ],
)
def test_a_budget_is_tokens_or_money(text, budget):
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "0", "0USD", "-5", "a lot", "5 tokens each"])
def test_a_budget_that_is_neither_is_refused(text):
    with pytest.raises(InputError, match=r"should be tokens such as 200000 or 2M, or money"):
        parse_budget(text)


def test_a_price_is_two_numbers():
    assert parse_price("0.15, 0.60") == Price(prompt=0.15, completion=0.6)
    with pytest.raises(InputError, match=r'two numbers.*but is "0.15"'):
        parse_price("0.15")


def test_a_command_line_names_address_and_model_or_none():
    assert named_setup(None, "") is None
    with pytest.raises(InputError, match="but the address is missing"):
        named_setup(None, "tiny")
    with pytest.raises(InputError, match="but the name is missing"):
        named_setup("http://localhost", None)
    known = named_setup("https://api.openai.com", "gpt-4o-mini", budget="2.50USD")
    assert (known.price, known.budget) == (DEFAULT_PRICES["gpt-4o-mini"], Budget(money=2.5))
    assert known.endpoint.url == "https://api.openai.com/v1"
    assert named_setup(URL, "tiny").price is None
    assert named_setup(URL, "tiny", price="1,2").price == Price(prompt=1.0, completion=2.0)


def test_a_setup_is_written_without_its_key_and_read_back():
    settings = LLMSettings(url=URL, model="tiny", prices={"tiny": Price(prompt=1, completion=2)}, in_flight=3)
    setup = settings.setup(KEY)
    assert setup.endpoint.secret() == "sk-0123456789"
    text = json.dumps(setup.to_json())
    assert "0123456789" not in text + repr(setup)
    read = LLMSetup.from_json(json.loads(text))
    assert read.to_json() == setup.to_json()
    assert (read.config.in_flight, read.price) == (3, Price(prompt=1, completion=2))
    assert LLMSetup.from_json(None) is None
    assert LLMSetup.from_json({"url": URL, "model": "m"}).config == LLMConfig()


def test_settings_are_kept_in_one_file_beside_the_projects(tmp_path):
    assert load_llm_settings(tmp_path) == LLMSettings()
    chosen = LLMSettings(
        url=URL,
        model="tiny",
        prices={"tiny": Price(prompt=0.5, completion=1.5)},
        budget=Budget(tokens=1000),
        in_flight=4,
        timeout=30.0,
        pair_values=True,
    )
    save_llm_settings(tmp_path / "new", chosen)
    assert load_llm_settings(tmp_path / "new") == chosen
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE]


def test_what_a_newer_version_added_is_left_out(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"url": URL, "colour": "red"}))
    assert load_llm_settings(tmp_path) == LLMSettings(url=URL)


@pytest.mark.parametrize(
    "content", ["{", "[1]", '{"budget": 3}', '{"timeout": "long"}', '{"prices": {"m": {"in": 1}}}']
)
def test_a_file_changed_by_hand_is_refused_and_named(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(InputError, match=rf"settings in .*{FILE} cannot be read.*delete it"):
        load_llm_settings(tmp_path)


def test_without_address_or_model_there_is_no_language_model():
    assert LLMSettings().setup(KEY) is None
    assert LLMSettings(url=URL).setup(KEY) is None
    assert LLMSettings(url=URL).endpoint(KEY).url == URL


def test_a_cap_on_money_needs_a_price():
    settings = LLMSettings(url=URL, model="tiny", budget=Budget(money=1.0))
    with pytest.raises(InputError, match="tiny is not in the price table; add its price"):
        settings.setup(KEY)
