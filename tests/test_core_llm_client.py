"""What the client keeps and counts: answers stored once, budgets, what tells questions apart, the preview."""

from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest

from kec_core.config import LLMConfig
from kec_core.errors import LLMBudgetError
from kec_core.llm import failures, transport
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Budget, Meter, Price
from kec_core.llm.prompts import concept_question
from tests.llm_fakes import FAST, KEY, CountingCache, client_for, endpoint, questions
from tests.llm_server import LLMServer, Reply, good


def test_equal_questions_are_asked_once():
    with LLMServer() as server:
        outcomes = client_for(server).ask([*questions(5), *questions(5)])
        assert server.requests == 5
    assert [o.answer for o in outcomes[:5]] == [o.answer for o in outcomes[5:]]


def test_a_fresh_ask_goes_around_the_stored_answer_and_leaves_it():
    cache = MemoryCache()
    with LLMServer() as server:
        (first,) = client_for(server, cache).ask(questions(1))
        server.script = lambda body, attempt: Reply(
            content='{"concept": "newer", "description": "red stripe"}'
        )
        (outcome,) = client_for(server, cache).ask(questions(1), fresh=True)
        (stored,) = client_for(server, cache).ask(questions(1))
    assert outcome.answer == {"concept": "newer", "description": "red stripe"}
    assert stored.answer == first.answer != outcome.answer
    assert server.bodies[1]["temperature"] == pytest.approx(0.7)


def test_a_fresh_answer_takes_the_place_of_none():
    cache = MemoryCache()
    with LLMServer(lambda body, attempt: Reply(content="no JSON at all")) as server:
        (first,) = client_for(server, cache).ask(questions(1))
        server.script = lambda body, attempt: good(body)
        (fresh,) = client_for(server, cache).ask(questions(1), fresh=True)
        (stored,) = client_for(server, cache).ask(questions(1))
    assert first.answer is None
    assert stored.answer == fresh.answer
    assert fresh.answer is not None
    assert stored.status == "cached"


def test_a_token_budget_is_never_exceeded_and_keeps_what_was_answered():
    cache = CountingCache()
    with LLMServer(lambda body, attempt: replace(good(body), usage=(300, 50))) as server:
        meter = Meter(Budget(tokens=10_000))
        with pytest.raises(LLMBudgetError, match=r"budget of 10000 tokens is used up.*raise the budget"):
            client_for(server, cache, meter=meter).ask(questions(100))
        spent = meter.prompt_tokens + meter.completion_tokens
        assert spent == 350 * len(cache.puts)
        assert 8_000 < spent <= 10_000
        rest = client_for(server, cache).ask(questions(100))
    assert sum(o.status == "done" for o in rest) == 100 - len(cache.puts[: spent // 350])
    assert server.requests == 100


def test_a_money_budget_stops_by_the_price():
    meter = Meter(Budget(money=0.01), Price(prompt=1.0, completion=10.0))
    script = LLMServer(lambda body, attempt: replace(good(body), usage=(300, 50)))
    with script as server, pytest.raises(LLMBudgetError, match=r"budget of 0\.01 in money"):
        client_for(server, meter=meter).ask(questions(100))
    assert meter.money == pytest.approx(0.0008 * meter.requests)
    assert meter.money <= 0.01
    assert meter.requests >= 5


def test_stored_answers_tell_where_they_come_from_and_hold_no_key():
    cache = MemoryCache()
    leaky = LLMServer(lambda body, attempt: Reply(content=good(body).content.replace("grey", KEY)))
    with leaky as server:
        client_for(server, cache).ask(questions(1))
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    (meta,) = cache.meta.values()
    assert (meta["model"], meta["prompt_version"], meta["tokens"], meta["kind"]) == (
        "tiny",
        "1",
        110,
        "concept",
    )
    assert "noun0, other" in meta["prompt"]
    assert KEY not in repr((cache.replies, cache.meta))
    assert "[key] stripes" in next(iter(cache.replies.values()))


def test_another_guidance_or_model_or_address_is_another_question():
    cache = MemoryCache()
    with LLMServer() as server:
        client_for(server, cache).ask([concept_question(["a b", "c d"])])
        client_for(server, cache).ask([concept_question(["c d", "a b"])])  # order does not matter
        assert server.requests == 1
        client_for(server, cache).ask([concept_question(["a b", "c d"], guidance="by make")])
        other = LLMClient(replace(endpoint(server.url), model="larger"), cache, FAST)
        other.ask([concept_question(["a b", "c d"])])
        assert server.requests == 3


def test_a_stored_text_that_no_longer_reads_is_asked_for_again():
    cache = MemoryCache()
    with LLMServer() as server:
        client_for(server, cache).ask(questions(1))
        (key,) = cache.replies
        cache.replies[key] = '{"concept": '
        (outcome,) = client_for(server, cache).ask(questions(1))
    assert outcome.status == "done"
    assert server.requests == 2


def test_the_preview_is_exactly_what_is_sent():
    with LLMServer() as server:
        client = client_for(server)
        asked = concept_question(["tabby"], guidance="by coat")
        preview = client.preview(asked)
        assert server.requests == 0
        client.ask([asked])
    assert server.bodies == [preview]


def test_options_come_from_one_place_and_unknown_ones_are_refused():
    assert LLMConfig.from_json(LLMConfig(in_flight=7).to_json()).in_flight == 7
    assert (LLMConfig().temperature, LLMConfig().in_flight) == (0.1, 20)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wait_that_a_server_asks_for_is_passed_on_whatever_the_status(status):
    request = httpx2.Request("POST", "http://127.0.0.1/v1/chat/completions")
    busy = httpx2.Response(status, headers={"retry-after": "7"}, json={"error": "busy"}, request=request)
    told = transport._retried(busy, failures.failure_of(busy, endpoint("http://127.0.0.1/v1")), request)
    assert told.headers["retry-after-ms"] == "7000"
