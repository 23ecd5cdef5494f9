"""Replies of real servers in odd forms: each kind is read, or refused in one sentence."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from kec_core.errors import LLMAuthError, LLMReplyError
from kec_core.llm.fields import ConceptAnswer
from kec_core.llm.prompts import concept_question, uni_question
from kec_core.llm.reading import read_answer
from kec_core.types import Concept
from tests.llm_fakes import FAST, client_for, questions
from tests.llm_runs import DRAFT, answered, stopped
from tests.llm_server import LLMServer, Reply, good


def plain(body):
    content = good(body).content
    return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d | {"usage": None},
        lambda d: d | {"usage": {"prompt_tokens": 10.0, "completion_tokens": None, "total_tokens": "x"}},
        lambda d: d | {"usage": {}},
        lambda d: d | {"usage": {"prompt_tokens": float("inf"), "completion_tokens": float("nan")}},
        lambda d: d | {"usage": {"prompt_tokens": 10**400, "completion_tokens": -5}},
        lambda d: {**d, "choices": [{"message": {"content": d["choices"][0]["message"]["content"]}}]},
        lambda d: {
            "choices": [
                {"message": {"content": [{"type": "text", "text": d["choices"][0]["message"]["content"]}]}}
            ]
        },
    ],
)
def test_odd_but_whole_replies_are_read(change):
    def script(body, attempt):
        return Reply(raw=json.dumps(change(plain(body))).encode())

    assert answered(script)[0] == 8


def test_an_answer_in_the_details_of_the_reasoning_is_used():
    def script(body, attempt):
        thoughts = [{"type": "reasoning.summary", "summary": "So: "}, {"type": "reasoning.text"}]
        thoughts[1]["text"] = good(body).content
        return Reply(content="", message={"reasoning_details": thoughts})

    assert answered(script)[0] == 8


def test_a_byte_order_mark_and_compression_are_no_trouble():
    def marked(body, attempt):
        return Reply(raw=b"\xef\xbb\xbf" + json.dumps(plain(body)).encode())

    def packed(body, attempt):
        return Reply(
            raw=gzip.compress(json.dumps(plain(body)).encode()), headers={"Content-Encoding": "gzip"}
        )

    assert answered(marked)[0] == answered(packed)[0] == 8


@pytest.mark.parametrize(
    "behind",
    [
        "\ndata: [DONE]\n\n",
        "\n{}\n",
        '{"usage": {"total_tokens": 3}}',
        "\n[DONE]",
        "\x00\x00",
        "\n<!-- served in 3 ms -->",
        "}",
        "the same",
    ],
)
def test_what_a_server_writes_behind_its_reply_is_left_out(behind):
    def script(body, attempt):
        whole = json.dumps(plain(body))
        return Reply(raw=(whole + (whole if behind == "the same" else behind)).encode())

    assert answered(script)[0] == 8


def test_an_error_with_rubbish_behind_it_is_told_in_its_words():
    refusal = Reply(status=401, raw=b'{"error": {"message": "no such key", "code": 401}}\ndata: [DONE]\n')
    stopped(lambda body, attempt: refusal, "no such key", kind=LLMAuthError)


def test_megabytes_behind_a_reply_are_not_searched(monkeypatch):
    def script(body, attempt):
        return Reply(raw=json.dumps(plain(body)).encode() + b"{" * 900_000)

    searched = []
    monkeypatch.setattr(
        "kec_core.llm.transport.valid_json", lambda text, opening: searched.append(text) or []
    )
    stopped(script, "was not a chat completion", config=replace(FAST, in_flight=1, retries=0))
    assert not searched


@pytest.mark.parametrize(
    "other", [{"choices": [{"message": {"content": DRAFT}}]}, {"error": {"message": "lost"}}]
)
def test_of_two_replies_none_is_taken(other):
    def script(body, attempt):
        return Reply(raw=f"{json.dumps(plain(body))}\n{json.dumps(other)}".encode())

    stopped(script, "was not a chat completion", config=replace(FAST, in_flight=1, retries=0))


def test_a_bare_list_is_an_answer_where_phrases_were_asked_for():
    phrases = ["grey stripes", "long white whiskers", "pointed ears"]
    with LLMServer(lambda body, attempt: Reply(content="\n".join(f"- {p}" for p in phrases))) as server:
        (outcome,) = client_for(server).ask([uni_question(Concept(id="c1", name="cat"), 3)])
        assert server.requests == 1
    assert outcome.answer == {"attributes": phrases}


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "cp1252"])
def test_a_reply_in_another_coding_is_read(coding):
    def script(body, attempt):
        content = good(body).content.replace("grey", "gréy")
        whole = {**plain(body), "choices": [{"message": {"content": content}}]}
        return Reply(raw=json.dumps(whole, ensure_ascii=False).encode(coding))

    with LLMServer(script) as server:
        (outcome,) = client_for(server).ask(questions(1))
        assert server.requests == 1
    assert outcome.answer["description"].startswith("gréy stripes")


def test_what_unpacks_to_too_much_is_refused():
    bomb = Reply(raw=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})
    with LLMServer(lambda body, attempt: bomb) as server:
        (outcome,) = client_for(server, config=replace(FAST, reasks=0)).ask(questions(1))
    assert "larger than 1,000,000 bytes" in outcome.reason


# --- answers that lack something


def test_a_whole_answer_is_taken_though_it_was_cut_and_a_torn_one_is_not():
    def script(body, attempt):
        whole = good(body).content
        return Reply(content=whole if body["max_tokens"] > 400 else f"{whole} and {{", finish="length")

    assert answered(script)[0] == 8
    with pytest.raises(LLMReplyError):
        read_answer('{"concept": "dog", "descr', ConceptAnswer, repair=False)


def test_a_missing_description_is_asked_for_alone():
    def script(body, attempt):
        name = json.loads(good(body).content)["concept"]
        if attempt == 1:
            return Reply(content=json.dumps({"concept": name}))
        assert "is missing; the name is kept" in body["messages"][-1]["content"]
        return Reply(content='{"description": "soft grey fur"}')

    with LLMServer(script) as server:
        (outcome,) = client_for(server).ask(questions(1))
        assert server.requests == 2
    assert outcome.answer == {"concept": "kind of noun0, other", "description": "soft grey fur"}
    assert outcome.reason == ""


def test_an_answer_in_another_language_is_asked_for_again():
    def script(body, attempt):
        return good(body) if attempt > 1 else Reply(content='{"concept": "狗", "description": "毛茸茸的"}')

    requests, *_ = answered(lambda body, attempt: good(body))
    with LLMServer(script) as server:
        (outcome,) = client_for(server).ask(questions(1))
        assert server.requests == 2
        wished = [concept_question(["husky"], guidance="按毛色分类")]
        server.script = lambda body, attempt: Reply(content='{"concept": "狗", "description": "毛茸茸的"}')
        (own,) = client_for(server).ask(wished)
        assert server.requests == 3
        assert "in the language of the wish" in server.bodies[-1]["messages"][0]["content"]
    assert requests == 8
    assert outcome.answer["concept"] == "kind of noun0, other"
    assert own.answer["concept"] == "狗"
