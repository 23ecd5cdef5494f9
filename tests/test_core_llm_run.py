"""Many questions at once to a server that behaves as badly as servers do: retries, pace, pause, cancel, giving up."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from email.utils import formatdate

import pytest

from kec_core.errors import Cancelled, LLMAuthError, LLMError
from tests.llm_fakes import FAST, KEY, CountingCache, case_number, client_for, questions
from tests.llm_server import LLMServer, Reply, error, good

TROUBLES = (
    lambda body: error(429, "slow down", retry_after="0"),
    lambda body: error(429, "slow down", retry_after_ms="50"),
    lambda body: error(429, "slow down", Retry_After=formatdate(usegmt=True)),
    lambda body: error(500, "broken"),
    lambda body: error(503, "busy"),
    lambda body: replace(good(body), drop=True),
    lambda body: Reply(raw=b'{"choices": [{"message": {"content": "{\\"conc'),
    lambda body: Reply(content=good(body).content[:20]),
    lambda body: Reply(content='{"name": "x"}'),
    lambda body: Reply(content=""),
    lambda body: Reply(content="I would call this group animals."),
    lambda body: Reply(content="x" * 2_000_000),
    lambda body: Reply(content=good(body).content[:-3], finish="length"),
)


def test_a_question_whose_answer_does_not_come_is_asked_again():
    def script(body, attempt):
        return Reply(stall=True) if case_number(body) == 3 and attempt == 1 else good(body)

    with LLMServer(script) as server:
        outcomes = client_for(server, CountingCache(), replace(FAST, timeout=2.0)).ask(questions(6))
    assert [outcome.status for outcome in outcomes] == ["done"] * 6
    assert next(times for case, times in server.asked.items() if case.startswith("Nouns: noun3,")) > 1


def test_five_hundred_questions_survive_every_trouble_and_none_is_asked_more_than_needed():
    def script(body, attempt):
        number = case_number(body)
        failing = number % 10 < 3  # three in ten fail at first
        kind = number // 10 * 3 + number % 10
        return TROUBLES[kind % len(TROUBLES)](body) if failing and attempt == 1 else good(body)

    cache = CountingCache()
    with LLMServer(script) as server:
        outcomes = client_for(server, cache, replace(FAST, timeout=60.0)).ask(questions(500))
        again = client_for(server, cache).ask(questions(500))
        asked = {int(case.removeprefix("Nouns: noun").split(",")[0]): n for case, n in server.asked.items()}
        assert asked == {i: 2 if i % 10 < 3 else 1 for i in range(500)}
    assert server.most_in_flight <= 20
    assert [o.status for o in outcomes] == ["done"] * 500
    assert [o.answer["concept"] for o in outcomes] == [f"kind of noun{i}, other" for i in range(500)]
    assert [o.status for o in again] == ["cached"] * 500
    assert len(cache.puts) == len(set(cache.puts)) == 500


def test_never_more_under_way_than_allowed():
    with LLMServer(latency=0.2) as server:
        client_for(server, config=replace(FAST, in_flight=3)).ask(questions(30))
    assert server.most_in_flight == 3


@pytest.mark.parametrize(
    ("refusal", "what"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "the key"),
        (error(403, "Country not supported"), "the key"),
        (
            error(429, "You exceeded your current quota", code="insufficient_quota", retry_after="1"),
            "the credit",
        ),
        (error(402, "Add credits"), "the credit"),
    ],
)
def test_a_refused_key_or_quota_stops_at_once_with_the_servers_words(refusal, what):
    with LLMServer(lambda body, attempt: refusal) as server:
        with pytest.raises(LLMAuthError, match=f"refused {what}") as caught:
            client_for(server).ask(questions(50))
        assert server.requests == 1
    said = str(caught.value)
    assert any(
        words in said for words in ("Incorrect API key", "Country not", "exceeded your", "Add credits")
    )
    assert KEY not in said
    assert caught.value.__context__ is None


def test_a_key_refused_in_the_middle_keeps_what_was_answered():
    cache = CountingCache()

    replies = []

    def script(body, attempt):
        replies.append(good(body) if len(cache.puts) < 20 else error(401, "revoked"))
        return replies[-1]

    with LLMServer(script) as server:
        with pytest.raises(LLMAuthError, match="revoked"):
            client_for(server, cache, replace(FAST, in_flight=4)).ask(questions(100))
        answered = sum(reply.status == 200 for reply in replies)
        assert 20 <= len(cache.puts) <= answered
        assert answered - len(cache.puts) <= 4  # under way when the key was refused


def test_an_unknown_model_stops_at_once():
    with LLMServer(lambda body, attempt: error(404, "model 'tiny' not found")) as server:
        with pytest.raises(LLMError, match=r"does not know the model 'tiny'.*model 'tiny' not found"):
            client_for(server).ask(questions(50))
        assert server.requests == 1


def test_an_endpoint_that_is_gone_ends_the_run_instead_of_trying_everything():
    with LLMServer() as server:
        pass
    with pytest.raises(LLMError, match=r"has not answered: 3 questions failed.*connection failed.*runs"):
        client_for(server, config=replace(FAST, retries=1)).ask(questions(200))


def test_resuming_after_a_cancel_asks_each_of_the_rest_exactly_once():
    cache = CountingCache()

    def stop_at_fifty(done, total, label):
        if done >= 50:
            raise Cancelled("stopped by the person")

    with LLMServer(latency=0.05) as server:
        with pytest.raises(Cancelled):
            client_for(server, cache).ask(questions(200), progress=stop_at_fifty)
        kept = len(cache.puts)
        assert 50 <= kept < 200
        before = server.asked.copy()
        outcomes = client_for(server, cache).ask(questions(200))
        asked_again = server.asked - before
    assert sorted(asked_again.values()) == [1] * (200 - kept)
    assert sum(o.status == "cached" for o in outcomes) == kept
    assert len(cache.puts) == len(set(cache.puts)) == 200


def test_a_cancel_is_felt_while_every_request_hangs():
    calls = []

    def stop_at_third(done, total, label):
        calls.append(label)
        if len(calls) == 3:
            raise Cancelled("stop")

    with LLMServer(lambda body, attempt: Reply(stall=True)) as server:
        with pytest.raises(Cancelled):
            client_for(server, config=replace(FAST, timeout=300.0)).ask(questions(40), progress=stop_at_third)
        assert server.requests == 1  # the others wait to learn what the endpoint understands


def test_a_pause_sends_nothing_and_a_resume_goes_on():
    paused = threading.Event()
    paused.set()
    seen = []

    def progress(done, total, label):
        seen.append((server.requests, label))
        if len(seen) == 4:
            paused.clear()

    with LLMServer() as server:
        client_for(server, paused=paused.is_set).ask(questions(10), progress=progress, label="concepts")
    assert seen[1:3] == [(0, "concepts (paused)")] * 2
    assert seen[-1][0] == 10
    assert seen[-1][1].startswith("concepts (a JSON schema, a system turn, answers in one piece")


def test_too_many_requests_is_no_failure_while_others_get_answers():
    seen = itertools.count(1)

    def every_fourth_only(body, attempt):
        return good(body) if next(seen) % 4 == 0 else error(429, "one at a time")

    config = replace(FAST, retries=5, in_flight=8)
    with LLMServer(every_fourth_only) as server:
        outcomes = client_for(server, config=config).ask(questions(40))
    assert [o.status for o in outcomes] == ["done"] * 40
    assert server.requests == 160


def test_a_server_that_wants_an_hour_is_left_alone():
    with LLMServer(lambda body, attempt: error(429, "come back later", retry_after="3600")) as server:
        with pytest.raises(LLMError, match=r"asks to wait 3600 seconds.*come back later"):
            client_for(server).ask(questions(50))
        assert server.requests == 1
