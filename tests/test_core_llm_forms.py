"""Forms in which servers and models put what they say: parts, tool calls, streams, ends, packing, waits, lists of models."""

from __future__ import annotations

import gzip
import json
import time

import httpx2
import pytest

from kec_core.errors import InputError, LLMError, LLMReplyError
from kec_core.llm.client import list_models
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.failures import failure_of
from kec_core.llm.fields import AttributesAnswer, ConceptAnswer, ContrastsAnswer, PartsAnswer
from kec_core.llm.prompts import concept_question
from kec_core.llm.reading import read_answer
from tests.llm_fakes import KEY, client_for, endpoint, questions
from tests.llm_server import LLMServer, Reply, error, good

ANSWER = '{"concept": "dog", "description": "soft fur"}'
DRAFT = '{"concept": "cat", "description": "pointed ears"}'


def requests_of(script, count=3):
    """Requests of a run in which every question gets its own answer."""
    with LLMServer(script) as server:
        outcomes = client_for(server).ask(questions(count))
        assert [(o.status, o.answer["concept"]) for o in outcomes] == [
            ("done", f"kind of noun{i}, other") for i in range(count)
        ], outcomes[0].reason
        return server.requests


def said_as(form):
    """A script whose messages are made of the answer's text."""
    return lambda body, attempt: Reply(**{"content": None, **form(good(body).content)})


# --- where the answer stands in a message


@pytest.mark.parametrize(
    "form",
    [
        lambda text: {"content": json.loads(text)},
        lambda text: {"content": {"type": "text", "text": text}},
        lambda text: {"content": [{"type": "text", "text": {"value": text, "annotations": []}}]},
        lambda text: {"content": [{"type": "text", "content": text}, None]},
        lambda text: {"content": [{"type": "json", "json": json.loads(text)}]},
        lambda text: {"content": [{"type": "text", "text": text}, {"type": "reasoning", "text": DRAFT}]},
        lambda text: {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]},
        lambda text: {"message": {"tool_calls": [{"function": {"arguments": json.loads(text)}}]}},
        lambda text: {"message": {"tool_calls": [{"function": {}}, {"function": {"arguments": text}}]}},
        lambda text: {"message": {"tool_calls": [{"type": "custom"}, {"function": {"arguments": text}}]}},
        lambda text: {
            "content": "Here it is.",
            "message": {"tool_calls": [{"function": {"arguments": text}}]},
        },
        lambda text: {"message": {"function_call": {"name": "json", "arguments": text}}},
    ],
)
def test_an_answer_is_found_wherever_a_message_holds_it(form):
    assert requests_of(said_as(form)) == 3


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "max_output_tokens", "LENGTH", "model_length"])
def test_a_cut_answer_is_asked_for_with_more_room_however_the_cut_is_called(finish):
    def script(body, attempt):
        text = good(body).content
        return good(body) if body["max_tokens"] > 400 else Reply(content=text[:30], finish=finish)

    assert requests_of(script) == 6


@pytest.mark.parametrize("finish", ["error", "stop", None, "eos"])
def test_a_name_that_is_torn_off_is_never_taken(finish):
    def script(body, attempt):
        return good(body) if attempt > 1 else Reply(content=good(body).content[:30], finish=finish)

    assert requests_of(script) == 6


def test_safety_by_any_name_is_a_refusal():
    with LLMServer(lambda body, attempt: Reply(content=None, finish="SAFETY")) as server:
        (outcome,) = client_for(server).ask(questions(1))
        assert server.requests == 1
    assert "would not answer: its content filter" in outcome.reason


# --- streams


def events(deltas, end="\n\n"):
    chunks = [{"choices": [{"index": 0, **part}]} for part in deltas]
    return "".join(f"data: {json.dumps(chunk)}{end}" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def streams(form):
    """A server that only streams, in the form given."""

    def script(body, attempt):
        if not body.get("stream"):
            return error(400, "this server only supports streaming")
        return Reply(raw=form(good(body).content), headers={"Content-Type": "text/event-stream"})

    return script


@pytest.mark.parametrize(
    "form",
    [
        lambda text: events([{"delta": {"content": text}}, {"delta": None, "finish_reason": "stop"}]),
        lambda text: events([{"delta": {"content": text}}, {"finish_reason": "stop"}]),
        lambda text: events([{"delta": {"content": text[:9]}}, {"delta": {"content": text[9:]}}], end="\n"),
        lambda text: events(
            [
                {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}
                for part in (text[:9], text[9:])
            ]
        ),
    ],
)
def test_streams_of_other_forms_are_read(form):
    assert requests_of(streams(form)) == 4


def test_a_refusal_in_a_stream_is_told():
    with LLMServer(streams(lambda text: events([{"delta": {"refusal": "I will not."}}]))) as server:
        (outcome,) = client_for(server).ask(questions(1))
    assert outcome.reason == "the model would not answer: I will not."


def test_what_fails_after_the_form_was_found_is_told_as_itself():
    broken = b'data: {"error": {"message": "GPU on fire"}}\n\n'
    with LLMServer(streams(lambda text: broken)) as server, pytest.raises(LLMError, match="GPU on fire"):
        client_for(server).ask(questions(9))


# --- packing and waits


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "x-gzip"}])
def test_what_is_packed_without_being_called_so_is_unpacked(headers):
    def script(body, attempt):
        whole = {"choices": [{"message": {"content": good(body).content}, "finish_reason": "stop"}]}
        return Reply(raw=gzip.compress(json.dumps(whole).encode()), headers=headers)

    assert requests_of(script) == 3
    bomb = Reply(raw=gzip.compress(b" " * 50_000_000), headers=headers)
    with LLMServer(lambda body, attempt: bomb) as server:
        (outcome,) = client_for(server).ask(questions(1))
    assert "larger than 1,000,000 bytes" in outcome.reason


@pytest.mark.parametrize(
    ("headers", "words", "wait"),
    [
        ({"retry-after": "2m3s"}, "", 123),
        ({"retry-after": "500ms"}, "", 0.5),
        ({"retry-after": "7"}, "try again in 9s", 7),
        ({}, "Please try again in 2h13m0.5s.", 7980.5),
        ({}, "Please try again in 5 minutes", 300),
        ({}, "wait 3 seconds", 3),
        ({}, '"retryDelay": "1m36.5s"', 96.5),
        ({}, "wait 4 messages", None),
        ({"x-ratelimit-reset": "9"}, "", 9),
        ({"ratelimit-reset": "9"}, "", 9),
        ({"x-ratelimit-reset-requests": "1m2.5s", "x-ratelimit-remaining-requests": "0"}, "", 62.5),
        ({"x-ratelimit-reset-requests": "24h", "x-ratelimit-remaining-requests": "80"}, "", None),
        ({"x-ratelimit-reset": "soon"}, "", None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read(headers, words, wait):
    reply = httpx2.Response(429, headers=headers, content=words.encode())
    assert failure_of(reply, endpoint("http://127.0.0.1:9/v1")).wait == wait


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_limit_may_end_at_a_moment(unit):
    moment = str(int((time.time() + 100) * unit))
    reply = httpx2.Response(429, headers={"X-RateLimit-Reset": moment}, content=b"")
    assert 60 < failure_of(reply, endpoint("http://127.0.0.1:9/v1")).wait <= 100


def test_an_error_of_status_200_has_the_status_that_it_names_in_words_too():
    def script(body, attempt):
        limit = Reply(raw=b'{"error": {"code": "429", "message": "slow down, retry in 20ms"}}')
        return good(body) if attempt > 1 else limit

    assert requests_of(script) == 6


@pytest.mark.parametrize("status", [405, 410])
def test_an_address_that_takes_no_questions_is_told(status):
    refusal = error(status, "Not Allowed")
    told = f"or the address .HTTP {status}: Not Allowed"
    with LLMServer(lambda body, attempt: refusal) as server, pytest.raises(LLMError, match=told):
        client_for(server).ask(questions(9))


# --- lists of models, names, addresses


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ([{"id": None}, {"id": "b"}, {"id": 5}, {"id": "a"}], ("a", "b")),
        ([{"name": "a"}, None, "b", {"id": ""}, {"id": "x\ny"}], ("a", "b")),
    ],
)
def test_odd_entries_in_a_list_of_models_do_not_hide_the_others(entries, names, monkeypatch):
    reply = Reply(raw=json.dumps({"data": entries}).encode())
    monkeypatch.setattr("tests.llm_server._Handler.do_GET", lambda handler: handler._send(reply))
    with LLMServer() as server:
        assert list_models(endpoint(server.url, KEY)) == names


def test_a_server_without_a_list_says_what_can_be_done(monkeypatch):
    reply = error(404, "no such page")
    monkeypatch.setattr("tests.llm_server._Handler.do_GET", lambda handler: handler._send(reply))
    with (
        LLMServer() as server,
        pytest.raises(LLMError, match=r"no list of models .HTTP 404.*type the model's"),
    ):
        list_models(endpoint(server.url, KEY))


@pytest.mark.parametrize(
    "url",
    [
        "http://999.1.1.1/v1",
        "http://\uff11\uff12\uff17.0.0.1:9/v1",
        "http://\u2488.example/v1",
        "http://host/\ud800",
        f"http://host/{'v' * 70_000}",
    ],
)
def test_an_address_that_the_client_cannot_use_is_one_sentence(url):
    with pytest.raises(InputError, match="language model's address should"):
        LLMEndpoint(url=url, model="m")


@pytest.mark.parametrize("name", ["a\nb", "a\ud800", "a\x00"])
def test_a_name_of_a_model_that_cannot_be_sent_is_one_sentence(name):
    with pytest.raises(InputError, match="name should be one line of letters"):
        LLMEndpoint(url="http://localhost/v1", model=name)


# --- what a model wrote


@pytest.mark.parametrize(
    "text",
    [
        f"{ANSWER}\n\nFormat: {{'concept': 'name', 'description': 'description'}}",
        f'{ANSWER} Form: {{"concept": "<concept>", "description": "<string>"}}',
        f"~~~json\n{ANSWER}\n~~~",
        f"<s>{ANSWER}</s>",
        f"{ANSWER}<details><summary>Drafts</summary>{DRAFT}</details>",
        f"### Answer\n{ANSWER}\n### Scratch\n{DRAFT}",
        '{"concept": "dog<|im_end|>", "description": "soft fur</s>"}',
        ANSWER.replace('"', "&quot;"),
        '\uff5b"concept"\uff1a"dog"\uff0c"description"\uff1a"soft fur"\uff5d',
        "{«concept»: «dog», «description»: «soft fur»}",
        "Concept\uff1adog\nDescription\uff1a soft fur",
        "concept: dog<br>description: soft fur",
        "concept: dog | description: soft fur",
    ],
)
def test_other_marks_around_an_answer_are_understood(text):
    answer = read_answer(text, ConceptAnswer)
    assert (answer.concept, answer.description) == ("dog", "soft fur")


def test_html_in_a_text_is_read_as_its_letters():
    assert read_answer('{"concept": "cats &amp; dogs"}', ConceptAnswer).concept == "cats & dogs"


@pytest.mark.parametrize(
    "text", ['{"concept": "dog", "descr', '{"concept": "do', "{“concept”: “dog”, “description”: “so"]
)
def test_a_torn_text_is_no_answer(text):
    with pytest.raises(LLMReplyError):
        read_answer(text, ConceptAnswer)


@pytest.mark.parametrize(
    "name", ['dog" description: soft', "dog, description: soft", "{dog}", 'concept": dog']
)
def test_signs_of_the_form_are_no_name(name):
    verdict = concept_question(["husky"]).judge(json.dumps({"concept": name, "description": "soft fur"}))
    assert verdict.answer is None
    assert "holds more than the name" in verdict.complaint


@pytest.mark.parametrize(
    ("entries", "attributes"),
    [
        (["wet nose", None, 4, "long ears"], ["wet nose", "long ears"]),
        ([["wet nose"], ["long ears"]], ["wet nose", "long ears"]),
        ('["wet nose", "long ears"]', ["wet nose", "long ears"]),
        (["1. wet nose", "2) long ears"], ["wet nose", "long ears"]),
        ({"wet nose": True, "wings": False, "fins": None}, ["wet nose"]),
        ({"nose": {"value": "wet"}, "ears": {"value": "long"}}, ["nose: wet", "ears: long"]),
        ([{"name": "nose", "description": "wet"}], ["nose: wet"]),
        ([{"id": "1", "text": "wet nose"}], ["wet nose"]),
    ],
)
def test_attributes_in_other_forms_are_listed(entries, attributes):
    assert read_answer(json.dumps({"attributes": entries}), AttributesAnswer).attributes == attributes


def test_bare_lists_of_records_are_read_without_those_that_lack_a_field():
    parts = [{"name": "hound", "nouns": ["beagle"]}, {"name": "toy dog", "nouns": ["pug"]}]
    assert len(read_answer(json.dumps(parts), PartsAnswer).parts) == 2
    sides = {"first": "long legs", "second": "short legs"}
    for form in ([sides], {"contrasts": [sides, {"first": "fur"}, {"first": "fur", "second": None}]}):
        (contrast,) = read_answer(json.dumps(form), ContrastsAnswer).contrasts
        assert contrast.model_dump() == sides
