"""One question until it has a usable answer: what the endpoint understands, answers that cannot be used, asking again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.prompts import concept_question
from tests.llm_fakes import FAST, case_number, client_for, questions
from tests.llm_server import LLMServer, Reply, error, good


def test_prose_fences_and_thoughts_around_the_json_cost_no_second_ask():
    wrappings = ("Sure! {} Hope it helps {{}}.", "```json\n{}\n```", "<think>{{not this}}</think>\n{}")

    def script(body, attempt):
        return Reply(content=wrappings[case_number(body)].format(good(body).content))

    with LLMServer(script) as server:
        outcomes = client_for(server).ask(questions(3))
    assert [o.requests for o in outcomes] == [1, 1, 1]
    assert [o.answer["concept"] for o in outcomes] == [f"kind of noun{i}, other" for i in range(3)]


@pytest.mark.parametrize(
    ("understood", "refusals"),
    [("json_schema", 0), ("json_object", 1), ("text", 2)],
)
def test_what_an_endpoint_understands_is_found_once_and_remembered(understood, refusals):
    order = ["json_schema", "json_object", "text"]

    def script(body, attempt):
        mode = body.get("response_format", {"type": "text"})["type"]
        if order.index(mode) < order.index(understood):
            return error(400, f"response_format {mode} is not supported", param="response_format")
        return good(body)

    cache = MemoryCache()
    with LLMServer(script) as server:
        client_for(server, cache).ask(questions(30))
        assert server.requests == 30 + refusals
        client_for(server, cache).ask([concept_question(["fresh noun"])])
        assert server.requests == 31 + refusals
    assert client_for(server, cache).answers.dialect().mode == understood


def test_newer_models_that_refuse_a_temperature_and_max_tokens_are_asked_their_way():
    def script(body, attempt):
        if "max_tokens" in body:
            return error(
                400, "Unsupported parameter: use 'max_completion_tokens' instead.", param="max_tokens"
            )
        if "temperature" in body:
            return error(400, "Only the default (1) value is supported.", param="temperature")
        return good(body)

    with LLMServer(script) as server:
        outcomes = client_for(server).ask(questions(5))
        assert server.requests == 7
    assert [o.status for o in outcomes] == ["done"] * 5
    assert server.bodies[-1]["max_completion_tokens"] == FAST.max_tokens
    assert server.bodies[-1]["response_format"]["type"] == "json_schema"


def test_a_request_the_server_will_not_take_fails_alone_and_is_not_repeated():
    def script(body, attempt):
        return error(400, "context too long") if case_number(body) == 7 else good(body)

    with LLMServer(script) as server:
        outcomes = client_for(server).ask(questions(10))
        assert server.requests == 10
    failed = [o for o in outcomes if o.status == "failed"]
    assert [o.question.label for o in failed] == ["noun7, other"]
    assert "context too long" in failed[0].reason


def test_a_cut_answer_is_asked_once_more_with_a_larger_limit_then_given_up_for_good():
    cache = MemoryCache()
    with LLMServer(lambda body, attempt: Reply(content='{"concept": "a a a', finish="length")) as server:
        (outcome,) = client_for(server, cache).ask(questions(1))
        assert [body["max_tokens"] for body in server.bodies] == [FAST.max_tokens, FAST.long_max_tokens]
        (second,) = client_for(server, cache).ask(questions(1))
        assert server.requests == 2
        (third,) = client_for(server, cache, retry_failed=True).ask(questions(1))
        assert server.requests == 4
    assert [o.status for o in (outcome, second, third)] == ["failed"] * 3
    assert "cut at 1600 tokens" in second.reason


def test_a_failing_line_is_not_remembered_as_the_models_fault():
    cache = MemoryCache()
    with LLMServer(lambda body, attempt: error(500, "disk full")) as server:
        (outcome,) = client_for(server, cache, replace(FAST, retries=2)).ask(questions(1))
        assert server.requests == 4  # and once in plain text
        assert cache.replies == {}
        server.script = good
        (again,) = client_for(server, cache).ask(questions(1))
    assert outcome.status == "failed"
    assert "HTTP 500: disk full" in outcome.reason
    assert again.status == "done"


def test_nonsense_is_asked_again_hotter_with_the_reason_and_given_up():
    with LLMServer(lambda body, attempt: Reply(content="no idea")) as server:
        (outcome,) = client_for(server, config=replace(FAST, reasks=2)).ask(questions(1))
    assert outcome.reason == "asked 3 times, but the answer held no JSON object"
    assert [round(body["temperature"], 2) for body in server.bodies] == [0.1, 0.4, 0.7]
    assert server.bodies[1]["messages"][-2:] == [
        {"role": "assistant", "content": "no idea"},
        {
            "role": "user",
            "content": "That cannot be used: the answer held no JSON object. Answer again in the form asked.",
        },
    ]
