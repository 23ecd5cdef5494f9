"""What real servers are known to do: each quirk once per kind, imitated on loopback; requests are counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from kec_core.config import LLMConfig
from kec_core.errors import InputError, LLMAuthError
from kec_core.llm.client import check_endpoint
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.failures import UNREAD
from tests.llm_fakes import FAST, KEY, client_for, endpoint, questions
from tests.llm_runs import answered, stopped
from tests.llm_server import LLMServer, Reply, case_of, error, good, streamed


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("content", ["", None, "  \n"])
def test_an_answer_in_the_reasoning_field_is_used(field, content):
    def script(body, attempt):
        return Reply(content=content, message={field: f"I think so.\n{good(body).content}"})

    assert answered(script)[0] == 8


@pytest.mark.parametrize(
    "reply",
    [
        Reply(content=None, message={"reasoning_content": "let me see, dogs"}),
        Reply(content="<think>dogs</think>"),
        Reply(content="", message={"reasoning": "hm"}),
    ],
)
def test_a_model_that_only_reasons_ends_the_run_with_one_hint(reply):
    told = r"only reasons.*turn its thinking off.*answers received are kept"
    assert stopped(lambda body, attempt: reply, told, config=replace(FAST, in_flight=1)) == 3


@pytest.mark.parametrize("needed", [1500, 2500])
def test_a_reasoner_gets_a_higher_limit_once(needed):
    def script(body, attempt):
        short = body["max_tokens"] < needed
        return Reply(content="<think>well", finish="length") if short else good(body)

    requests, dialect, _ = answered(script)
    assert dialect.max_tokens == (1600 if needed == 1500 else 8000)
    assert requests == 8 + (1 if needed == 1500 else 2)


def test_a_reasoner_without_an_end_stops_the_run():
    reply = Reply(content="", message={"reasoning_content": "and then"}, finish="length")
    stopped(
        lambda body, attempt: reply,
        r"cut at 8,000 tokens while it still reasoned",
        config=replace(FAST, in_flight=1),
        most=5,
    )


# --- what an endpoint understands


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        error(400, "System role not supported"),
        error(500, "System role not supported"),
        error(500, "Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/..."),
        error(400, "Developer instruction is not enabled for models/gemma-3"),
        error(422, "system message is not allowed"),
        error(400, "Bad request"),
    ],
)
def test_a_refused_system_turn_joins_the_first_user_turn(refusal):
    def script(body, attempt):
        return refusal if body["messages"][0]["role"] == "system" else good(body)

    requests, dialect, bodies = answered(script)
    assert requests <= 8 + (3 if "Bad" in str(refusal.raw) else 1)
    assert (dialect.system, dialect.mode) == (False, "json_schema")
    assert [m["role"] for m in bodies[-1]["messages"]] == ["user", "assistant"] * 2 + ["user"]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 501])
@pytest.mark.parametrize("understood", ["json_object", "text"])
@pytest.mark.parametrize("said", ["failed to parse grammar", "response_format is not supported here"])
def test_a_refused_schema_leads_to_the_next_form(status, understood, said):
    allowed = {"json_object": ("json_object", "text"), "text": ("text",)}[understood]

    def script(body, attempt):
        mode = body.get("response_format", {"type": "text"})["type"]
        return good(body) if mode in allowed else error(status, said)

    requests, dialect, _ = answered(script)
    assert requests == 8 + (1 if understood == "json_object" else 2)
    assert dialect.mode == understood


def test_a_schema_that_breaks_the_server_without_a_word_leads_to_plain_text():
    def script(body, attempt):
        return error(500, "Internal Server Error") if "response_format" in body else good(body)

    requests, dialect, _ = answered(script, config=replace(FAST, retries=2))
    assert (requests, dialect.mode) == (8 + 3, "text")


@pytest.mark.parametrize("said", ["Stream must be set to true", "This model only supports streaming."])
def test_a_stream_only_server_is_asked_for_streams(said):
    def script(body, attempt):
        return streamed(good(body)) if body.get("stream") else error(400, said)

    requests, dialect, _ = answered(script)
    assert (requests, dialect.stream) == (9, True)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_a_server_that_always_streams_is_understood(kind):
    def script(body, attempt):
        return replace(streamed(good(body)), headers={"Content-Type": kind})

    requests, dialect, _ = answered(script)
    assert (requests, dialect.stream) == (9, True)


def test_a_thinking_budget_above_the_limit_raises_the_limit():
    def script(body, attempt):
        low = body["max_tokens"] < 1200
        return error(400, "`max_tokens` must be greater than `thinking.budget_tokens`") if low else good(body)

    requests, dialect, _ = answered(script)
    assert (requests, dialect.max_tokens) == (9, 1600)


def test_fields_that_are_refused_as_extra_are_left_out():
    def script(body, attempt):
        extra = {*body} - {"model", "messages", "max_tokens"}
        return error(422, "Extra fields not permitted") if extra else good(body)

    assert answered(script)[0] <= 11


def test_the_settings_and_a_run_say_what_was_found_out():
    def script(body, attempt):
        if body["messages"][0]["role"] == "system":
            return error(400, "System role not supported")
        return error(400, "no grammar") if "response_format" in body else good(body)

    told = []
    with LLMServer(script) as server:
        check = check_endpoint(endpoint(server.url, KEY))
        client = client_for(server)
        client.ask(questions(3), progress=lambda done, total, label: told.append(label), label="concepts")
    words = (
        "plain text only, the system text in the first turn, answers in one piece, at most 400 tokens each"
    )
    assert (check.found_out, client.answers.found_out(client.config.max_tokens)) == (words, words)
    assert told[-1] == f"concepts ({words})"


# --- one and the same refusal


@pytest.mark.parametrize(
    ("refusal", "told", "most"),
    [
        (error(400, "model 'tiny' not found, try pulling it first"), "does not know the model", 1),
        (error(404, "404 page not found"), "does not know the model.*or the address", 5),
        (error(400, "This model's maximum context length is 512 tokens, you sent 700"), "larger context", 3),
        (error(400, "Extra fields not permitted"), "Extra fields not permitted", 9),
        (error(403, "no access to model tiny", code="model_not_found"), "does not know the model", 1),
        (Reply(status=301, headers={"Location": "/login"}), "sends questions on to /login .HTTP 301", 1),
        (
            Reply(status=307, headers={"Location": "/v1/chat/completions"}),
            "not that of the language model",
            1,
        ),
        (
            Reply(status=308, headers={"Location": "/v1/chat/completions?again"}),
            "questions on to /v1.*HTTP 308",
            2,
        ),
        (
            Reply(status=307, headers={"Location": "http://other.example/v1/chat/completions"}),
            "other.example",
            1,
        ),
        (Reply(raw=b"plain", headers={"Content-Encoding": "gzip"}), "cannot be unpacked", 5),
        (Reply(raw=b'{"choices": [{"message": null}]}'), "held no message", 5),
        (Reply(raw=b'{"choices": [{"text": "a dog"}]}'), "held no message.*a dog", 5),
        (Reply(raw=b'{"choices": [{"error": {"message": "GPU gone", "code": 502}}]}'), "GPU gone", 5),
        (error(400, "no"), "met 3 questions in a row with the same: HTTP 400: no", 7),
        (Reply(status=502, raw=b"<html><title>502 Bad Gateway</title>x</html>"), "502 Bad Gateway", 9),
        (Reply(raw=b"<html><head></head><body>Please log in</body></html>"), "Please log in", 5),
        (Reply(raw=b'{"choices": []}'), "held no choice", 5),
        (Reply(raw=b'{"error": {"message": "GPU on fire", "code": "x"}}'), "GPU on fire", 5),
        (Reply(raw=b'{"error": "GPU on fire"}'), "GPU on fire", 5),
        (Reply(raw=b'data: {"error": {"message": "GPU on fire"}}\n\ndata: [DONE]\n\n'), "GPU on fire", 5),
        (Reply(raw=b"OK"), "was not a chat completion", 5),
        (Reply(raw=b""), "was not a chat completion", 5),
    ],
)
def test_the_third_equal_failure_ends_the_run_with_the_servers_words(refusal, told, most):
    def script(body, attempt):
        return refusal

    stopped(script, told, config=replace(FAST, retries=2), most=most)


@pytest.mark.parametrize(("said", "told"), [("", "was empty"), ("I cannot help.", "no JSON.*I cannot help")])
def test_the_same_words_that_are_no_answer_end_the_run_too(said, told):
    stopped(lambda body, attempt: Reply(content=said), f"{told}.*follows instructions", most=12)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_different_words_that_are_no_answer_end_nothing(count):
    """Few questions without an answer must not leave the other workers waiting for one."""
    with LLMServer(lambda body, attempt: Reply(content=f"As for {case_of(body)}: no idea.")) as server:
        outcomes = client_for(server, config=replace(FAST, reasks=0)).ask(questions(count))
        assert server.requests == count
    assert {o.status for o in outcomes} == {"failed"}


def test_different_words_that_are_no_answer_end_a_long_run():
    asked = stopped(
        lambda body, attempt: Reply(content=f"As for {case_of(body)}: no idea."),
        f"no readable answer to {UNREAD} questions in a row.*no JSON.*follows instructions",
        config=replace(FAST, reasks=0),
        most=2 * UNREAD,
    )
    assert asked >= UNREAD


def test_refusals_that_differ_only_in_numbers_are_equal():
    numbers = iter(range(700, 900))

    def script(body, attempt):
        return error(400, f"context length is 512 tokens, you sent {next(numbers)}")

    assert stopped(script, "larger context") == 3


def test_a_content_filter_concerns_its_question_alone():
    def script(body, attempt):
        return good(body) if attempt > 9 else error(400, "blocked", code="content_filter")

    with LLMServer(script) as server:
        outcomes = client_for(server).ask(questions(10))
        assert server.requests == 10
    assert {o.status for o in outcomes} == {"failed"}


def test_a_limit_per_minute_waits_and_missing_credit_ends():
    gemini = {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota, please check your plan and billing details.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}],
        }
    }
    for body_of in (gemini, [gemini]):
        limit = Reply(status=429, raw=json.dumps(body_of).encode())
        with LLMServer(lambda body, attempt, limit=limit: good(body) if attempt > 1 else limit) as server:
            outcomes = client_for(server).ask(questions(5))
            assert server.requests == 10
        assert [o.status for o in outcomes] == ["done"] * 5
    for refusal in (
        error(429, "You exceeded your current quota", code="insufficient_quota"),
        error(402, "This request requires more credits"),
        error(403, "Your credit balance is too low"),
    ):
        assert stopped(lambda body, attempt, r=refusal: r, "refused the credit", kind=LLMAuthError) == 1


# --- addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/v1",
        "http://host:99999/v1",
        "http://host:abc/v1",
        "http://host:-1/v1",
        "http://host:0/v1",
        "http://host:/v1",
        "http://ho st/v1",
        "http://[zz]/v1",
        "http:///v1",
        "https://host/v1?api-version=1&key=2",
        "https://host/v1?api-version=",
        "https://host/v1#part",
    ],
)
def test_an_address_that_cannot_be_is_one_sentence(url):
    with pytest.raises(InputError, match="language model's address should") as caught:
        LLMEndpoint(url=url, model="m")
    assert len(re.findall(r"[.!?](?:\s|$)", str(caught.value))) == 1


def test_azures_version_stays_a_query_and_the_key_takes_azures_header():
    with LLMServer() as server:
        ours = replace(endpoint(server.url, KEY), url=f"{server.url}/deployments/x?api-version=2024-10-21")
        assert ours.url.endswith("/v1/deployments/x?api-version=2024-10-21")
        assert check_endpoint(ours).answer
        assert server.headers[0]["api-key"] == KEY
        assert server.paths[0] == "/v1/deployments/x/chat/completions?api-version=2024-10-21"
    assert LLMEndpoint(url="http://[::1]:8080/v1", model="m").url == "http://[::1]:8080/v1"


def test_options_of_older_versions_are_left_out():
    assert LLMConfig.from_json({**LLMConfig().to_json(), "backoff": 0.5}) == LLMConfig()
    with pytest.raises(InputError, match="Unknown option"):
        LLMConfig.from_json({"colour": 1})
