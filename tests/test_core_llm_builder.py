"""The builder: drafts, marks, estimates, proposals, and what leaves the machine."""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
from dataclasses import replace

import pytest
from pydantic import SecretStr

from kec_core.arrays import no_progress
from kec_core.errors import Cancelled, InputError, LLMAuthError, LLMBudgetError, LLMError
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, KnowledgeBuilder, PairDraft
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import check_endpoint, list_models
from kec_core.llm.cost import DEFAULT_PRICES, Budget, Estimate, Meter, Price
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import PROMPT_VERSION, concept_question
from kec_core.llm.proposals import (
    Wish,
    propose_attributes,
    propose_concept,
    propose_pair_attributes,
    propose_split,
)
from tests.llm_fakes import FAST, KEY, OtherBuilder, client_for, concept, endpoint, nouns
from tests.llm_server import LLMServer, Reply, case_of, error, good

LISTS = [nouns("husky", "poodle"), nouns("tabby"), nouns("rose", "tulip", "lily")]
DOG, CAT, ROSE = concept(1, "dog"), concept(2, "cat"), concept(3, "rose", "red petals")
HOW = {"guidance": "", "progress": no_progress}


def builder_for(server, cache=None, *, config=FAST, meter=None, retry_failed=False, **options):
    client = client_for(server, cache, config, meter=meter, retry_failed=retry_failed)
    return LLMBuilder(client, OtherBuilder(), **options)


def said(*texts):
    return tuple(AttributeDraft(text=text, source="llm") for text in texts)


def counted(builder, noun_lists):
    counting = builder.counting()
    counting.concepts(noun_lists, **HOW)
    return counting.client.counted


def only(word, otherwise):
    """A script that answers as ``otherwise`` when the case names a word."""
    return lambda body, attempt: otherwise if word in case_of(body) else good(body)


def test_concepts_come_in_order_with_source_and_synset():
    with LLMServer() as server:
        builder: KnowledgeBuilder = builder_for(server)
        drafts = builder.concepts(LISTS, **HOW)
    assert builder.name == "llm:tiny"
    assert [d.name for d in drafts] == ["kind of husky, poodle", "kind of tabby", "kind of rose, tulip, lily"]
    assert {(d.source, d.synset, d.note) for d in drafts} == {("llm", "", "")}
    assert drafts[1].description == "grey stripes beside tabby"


def test_a_concept_named_like_one_of_its_nouns_keeps_that_synset():
    reply = Reply(content='{"concept": "Poodle", "description": "curly coat"}')
    with LLMServer(lambda body, attempt: reply) as server:
        (draft,) = builder_for(server).concepts(LISTS[:1], **HOW)
    assert (draft.name, draft.synset) == ("Poodle", "n00000002")


def test_a_failed_concept_is_made_by_the_other_builder_and_says_so():
    with LLMServer(only("tabby", error(400, "content filtered"))) as server:
        builder = builder_for(server)
        drafts = builder.concepts(LISTS, **HOW)
    assert [d.source for d in drafts] == ["llm", "wordnet", "llm"]
    assert drafts[1].name == "tabby"
    assert drafts[1].note == (
        "plain Made by wordnet, since llm:tiny gave no usable answer: HTTP 400: content filtered (requests made: 1)."
    )
    assert builder.fallback.asked == [("tabby",)]
    report = builder.report()
    assert {item.label: item.status for item in report.items} == {
        "husky, poodle": "done",
        "tabby": "fallback",
        "rose, tulip, lily": "done",
    }
    assert (report.count("done"), report.count("fallback"), report.count("failed")) == (2, 1, 0)
    assert (report.prompt_tokens, report.completion_tokens, report.money) == (200, 20, None)


def test_an_answer_that_keeps_repeating_the_name_is_asked_again_once_and_then_replaced():
    echo = Reply(content='{"attributes": ["dog", "the dog"]}')
    cache = MemoryCache()
    with LLMServer(only("dog", echo)) as server:
        builder = builder_for(server, cache)
        uni = builder.uni_attributes([DOG, CAT], 2, **HOW)
        assert server.asked == {"Concept: dog": 2, "Concept: cat": 1}
        again = builder_for(server, cache)
        assert again.uni_attributes([DOG, CAT], 2, **HOW) == uni
        assert server.requests == 3
        server.script = good
        retried = builder_for(server, cache, retry_failed=True)
        assert retried.uni_attributes([DOG, CAT], 2, **HOW)[0] == said("mark0 near dog", "mark1 near dog")
        assert server.requests == 4
    assert uni == [(AttributeDraft(text="other attribute"),), said("mark0 near cat", "mark1 near cat")]
    (item,) = [item for item in again.report().items if item.status == "fallback"]
    assert item.reason == 'asked twice, but "dog" only repeats the name'


def test_nobody_is_asked_about_what_no_word_fits_and_the_estimate_leaves_it_out():
    unclear = replace(CAT, id="c9", name="unclear 2 (14 photos)")
    with LLMServer(good) as server:
        builder = builder_for(server)
        uni = builder.uni_attributes([unclear, DOG], 2, **HOW)
        assert uni == [(), said("mark0 near dog", "mark1 near dog")]
        pairs = [(DOG, unclear), (DOG, CAT)]
        first, second = builder.bi_attributes(pairs, 2, **HOW)
        assert first == ()
        assert second
        assert server.requests == 2
        assert builder.uni_attributes([unclear], 2, **HOW) == [()]
        counting = builder_for(server).counting()
        counting.uni_attributes([unclear, DOG], 2, **HOW)
        counting.bi_attributes(pairs, 2, **HOW)
    assert counting.client.counted.calls == 2
    assert builder.fallback.asked == []


def test_half_an_answer_is_taken_after_the_second_ask():
    half = Reply(content='{"attributes": ["wet nose", "dog"]}')
    with LLMServer(only("dog", half)) as server:
        builder = builder_for(server)
        assert builder.uni_attributes([DOG], 2, **HOW) == [said("wet nose")]
    (item,) = builder.report().items
    assert (item.status, item.requests) == ("done", 2)


def test_pairs_are_dimensions_for_both_or_values_per_side():
    with LLMServer() as server:
        assert builder_for(server).bi_attributes([(DOG, CAT)], 1, **HOW) == [
            (PairDraft(text="mark0 near dog Second: cat", side="both", source="llm"),)
        ]
        values = builder_for(server, config=replace(FAST, pair_values=True))
        assert values.bi_attributes([(DOG, CAT)], 1, **HOW) == [
            (
                PairDraft(text="left0 edge", side="first", source="llm"),
                PairDraft(text="right0 edge", side="second", source="llm"),
            )
        ]


def test_failed_pairs_fall_back_and_none_asked_is_none_made():
    with LLMServer(lambda body, attempt: error(400, "no")) as server:
        builder = builder_for(server)
        assert builder.bi_attributes([(DOG, CAT)], 1, **HOW) == [(PairDraft(text="other contrast"),)]
        asked = server.requests
        assert builder.bi_attributes([(DOG, CAT)], 0, **HOW) == [()]
        assert builder.uni_attributes([DOG, CAT], 0, **HOW) == [(), ()]
        assert builder.concepts([], **HOW) == []
        assert server.requests == asked


def test_a_rename_asks_only_what_contains_the_concept():
    cache = MemoryCache()
    concepts = [concept(i, f"thing{i}") for i in range(6)]
    pairs = [(a, b) for i, a in enumerate(concepts) for b in concepts[i + 1 :]]
    with LLMServer() as server:
        builder = builder_for(server, cache)
        builder.uni_attributes(concepts, 2, **HOW)
        builder.bi_attributes(pairs, 1, **HOW)
        assert server.requests == 6 + 15
        renamed = replace(concepts[2], name="better")
        concepts = [renamed if c.id == renamed.id else c for c in concepts]
        pairs = [(a, b) for i, a in enumerate(concepts) for b in concepts[i + 1 :]]
        counting = builder.counting()
        counting.uni_attributes(concepts, 2, **HOW)
        counting.bi_attributes(pairs, 1, **HOW)
        builder.uni_attributes(concepts, 2, **HOW)
        builder.bi_attributes(pairs, 1, **HOW)
        assert server.requests == 6 + 15 + 1 + 5
    assert (counting.client.counted.calls, counting.client.counted.cached) == (6, 15)


def test_nouns_over_the_cap_are_cut_by_frequency_and_said():
    many = nouns(*(f"word{i}" for i in range(8)))
    with LLMServer() as server:
        (draft, short) = builder_for(server, max_nouns=3).concepts([many, many[:3]], **HOW)
    assert case_of(server.bodies[0]) == "Nouns: word0, word1, word2"
    assert draft.note == "The model saw the 3 most frequent of 8 nouns."
    assert short.note == ""
    assert server.requests == 1


def test_guidance_is_in_every_prompt():
    with LLMServer() as server:
        builder = builder_for(server)
        builder.concepts(LISTS, guidance="by coat", progress=no_progress)
        builder.uni_attributes([DOG], 2, guidance="by coat", progress=no_progress)
        builder.bi_attributes([(DOG, CAT)], 1, guidance="by coat", progress=no_progress)
    assert all("wish for the whole collection: by coat" in case_of(body) for body in server.bodies)
    assert server.requests == 5


def test_the_estimate_counts_calls_tokens_and_money_and_stored_answers_are_free():
    cache = MemoryCache()
    price = Price(prompt=1.0, completion=2.0)
    with LLMServer() as server:
        builder = builder_for(server, cache, meter=Meter(price=price))
        before = counted(builder, LISTS)
        assert (before.calls, before.cached, before.completion_tokens) == (3, 0, 105)
        sent = [builder.client.preview(concept_question([noun.word for noun in nouns])) for nouns in LISTS]
        letters = sum(-(-len(m["content"].encode()) // 4) + 4 for body in sent for m in body["messages"])
        assert before.prompt_tokens == letters
        assert before.money == pytest.approx((letters + 2 * 105) / 1e6)
        builder.concepts(LISTS[:2], **HOW)
        after = counted(builder, LISTS)
        assert (after.calls, after.cached) == (1, 2)
    assert server.requests == 2


def test_a_rehearsal_counts_what_a_run_would_ask_and_asks_nothing():
    cache = MemoryCache()
    with LLMServer(only("tabby", error(400, "no"))) as server:
        builder = builder_for(server, cache, meter=Meter(price=Price(prompt=1.0, completion=2.0)))
        trial = builder.counting()
        counted = trial.client
        drafts = trial.concepts(LISTS, **HOW)
        assert [d.name for d in drafts] == ["husky", "tabby", "rose"]  # the other builder's
        concepts = [concept(i, d.name) for i, d in enumerate(drafts)]
        trial.uni_attributes(concepts, 2, **HOW)
        trial.bi_attributes([(concepts[0], concepts[1])], 1, **HOW)
        assert (counted.counted.calls, counted.counted.cached, server.requests) == (3 + 3 + 1, 0, 0)
        assert counted.counted.completion_tokens == 3 * 35 + 3 * 30 + 18
        assert counted.counted.money > 0
        builder.concepts(LISTS, **HOW)
        asked = server.requests
        trial = builder.counting()
        counted = trial.client
        names = [d.name for d in trial.concepts(LISTS, **HOW)]
        assert names == ["kind of husky, poodle", "tabby", "kind of rose, tulip, lily"]
        # the refused one is not remembered: it was the line's fault, not the model's, and is asked for again
        assert (counted.counted.calls, counted.counted.cached) == (1, 2)
        assert (trial.name, trial.revision) == (builder.name, builder.revision)
        assert {item.status for item in trial.items()} == {"cached", "fallback"}
    assert server.requests == asked


def test_the_revision_tells_what_shapes_the_answers():
    with LLMServer() as server:
        plain, values = builder_for(server), builder_for(server, config=replace(FAST, pair_values=True))
    assert plain.revision == f"llm:tiny prompts-{PROMPT_VERSION} dimensions else wordnet"
    assert values.revision != plain.revision
    assert values.name == plain.name


def test_an_unknown_model_has_tokens_only_and_no_money_cap():
    assert DEFAULT_PRICES.get("tiny") is None
    with LLMServer() as server:
        assert counted(builder_for(server), LISTS).money is None
    with pytest.raises(InputError, match="needs the model's price"):
        Meter(Budget(money=1.0))
    known = Estimate(calls=1, cached=0, prompt_tokens=1, completion_tokens=1, money=1.0)
    assert (known + known).money == 2.0
    assert (known + replace(known, money=None)).money is None


def test_a_spent_budget_keeps_answers_and_the_report():
    cache = MemoryCache()
    with LLMServer() as server:
        builder = builder_for(server, cache, meter=Meter(Budget(tokens=1000)))
        with pytest.raises(LLMBudgetError):
            builder.uni_attributes([concept(i, f"thing{i}") for i in range(40)], 2, **HOW)
        kept = builder.report().count("done")
        assert 0 < kept < 40
        assert kept == server.requests


def test_every_item_is_told_as_it_settles():
    told = []
    with LLMServer(only("tabby", error(400, "no"))) as server:
        builder_for(server, on_item=told.append).concepts(LISTS, **HOW)
    statuses = [(i.label, i.status) for i in told]
    assert statuses[:3] == [(", ".join(n.word for n in group), "waiting") for group in LISTS]
    assert [status for label, status in statuses if label == "tabby"] == ["waiting", "failed", "fallback"]
    assert len(told) == 7
    assert len({item.key for item in told}) == 3


def test_proposals_are_values_and_follow_the_instruction():
    husky = concept(7, "dog", nouns=nouns("husky", "poodle", "Akita"))
    with LLMServer() as server:
        client = builder_for(server).client
        assert propose_concept(client, husky, Wish(instruction="shorter")) == ConceptDraft(
            name="kind of husky, poodle, Akita",
            description="grey stripes beside husky, poodle, Akita",
            source="llm",
        )
        assert case_of(server.bodies[0]).endswith("The wish here: shorter")
        assert propose_concept(client, CAT).name == "kind of cat"
        assert propose_attributes(client, CAT, 1) == ("mark0 near cat",)
        assert propose_pair_attributes(client, DOG, CAT, 1)[0].side == "both"
        split = propose_split(client, husky, Wish(guidance="by coat"))
    assert [(p.name, [n.word for n in p.nouns]) for p in split.parts] == [
        ("early", ["husky"]),
        ("late", ["poodle", "Akita"]),
    ]
    assert split.parts[0].nouns[0].synset == "n00000001"
    assert split.rest == ()


def test_a_proposal_that_fails_says_why_and_a_locked_concept_is_not_asked_about():
    with LLMServer(lambda body, attempt: error(400, "too long for me")) as server:
        builder = builder_for(server)
        with pytest.raises(LLMError, match=r"no usable answer about 'cat'.*too long for me"):
            propose_attributes(builder.client, CAT, 1)
        asked = server.requests
        with pytest.raises(InputError, match="'dog' is locked"):
            propose_pair_attributes(builder.client, replace(DOG, locked=True), CAT, 1)
        assert server.requests == asked
    assert builder.fallback.asked == []


def test_nouns_no_part_claims_are_the_rest():
    parts = {"parts": [{"name": "sled dog", "nouns": ["husky"]}, {"name": "curly dog", "nouns": ["poodle"]}]}
    with LLMServer(lambda body, attempt: Reply(content=json.dumps(parts))) as server:
        split = propose_split(
            builder_for(server).client, concept(1, "dog", nouns=nouns("husky", "poodle", "wolf"))
        )
    assert [n.word for n in split.rest] == ["wolf"]


def test_a_single_noun_is_not_shared_out_and_a_question_can_be_taken_back():
    def stop(_done, _total, _label):
        raise Cancelled("enough")

    parts = {"parts": [{"name": "sled dog", "nouns": []}, {"name": "curly dog", "nouns": []}]}
    with LLMServer(lambda body, attempt: Reply(content=json.dumps(parts))) as server:
        client = builder_for(server).client
        split = propose_split(client, concept(1, "dog", nouns=nouns("husky")))
        with pytest.raises(Cancelled, match="enough"):
            propose_concept(client, DOG, Wish(progress=stop))
    assert [part.name for part in split.parts] == ["sled dog", "curly dog"]
    assert [n.word for n in split.rest] == ["husky"]


def test_the_settings_page_can_list_models_and_try_one():
    with LLMServer(models=("b", "a", "b")) as server:
        assert list_models(endpoint(server.url, KEY)) == ("a", "b")
        check = check_endpoint(endpoint(server.url, KEY))
        assert (check.answer, check.complaint, check.dialect.mode) == (
            "kind of tabby, Siamese cat",
            "",
            "json_schema",
        )
        assert check.seconds > 0
        server.script = lambda body, attempt: error(401, f"bad key {KEY}")
        with pytest.raises(LLMAuthError, match=r"bad key \[key\]"):
            check_endpoint(endpoint(server.url, KEY))
        server.script = lambda body, attempt: error(500, "out of memory")
        with pytest.raises(LLMError, match="did not answer: HTTP 500: out of memory"):
            check_endpoint(endpoint(server.url, KEY))


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        (" https://api.openai.com/v1/ ", "https://api.openai.com/v1"),
        ("http://host/v1/chat/completions", "http://host/v1"),
        ("http://host/proxy", "http://host/proxy"),
    ],
)
def test_addresses_get_one_form(url, kept):
    assert LLMEndpoint(url=url, model=" m ").url == kept


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://host/v1", "http://me:pw@host/v1", "http://host/v1?key=1"]
)
def test_addresses_that_cannot_be_used_are_refused_without_repeating_them(url):
    with pytest.raises(InputError, match="language model's address should") as caught:
        LLMEndpoint(url=url, model="m")
    assert "pw" not in str(caught.value)


def test_the_key_shows_nowhere(monkeypatch, caplog):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert LLMEndpoint(url="http://h", model="m").key_source == "none"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    bare = LLMEndpoint(url="http://h", model="m")
    assert (bare.key_source, bare.secret()) == ("environment", "sk-from-environment")
    ours = endpoint("http://127.0.0.1:9/v1", KEY)
    assert ours.key_source == "memory"
    assert ours.scrub(f"a {KEY} b") == "a [key] b"
    caplog.set_level(logging.DEBUG)
    with LLMServer(only("tabby", error(500, f"header was Bearer {KEY}"))) as server:
        builder = builder_for(server, config=replace(FAST, retries=1))
        builder.concepts(LISTS, **HOW)
        told = [
            repr(builder.report()),
            repr(builder.client.answers.cache.meta),
            repr(builder.client.preview(concept_question(["tabby"]))),
        ]
    shown = [repr(ours), str(ours), repr(dataclasses.asdict(ours)), caplog.text, *told]
    assert not any(KEY in text for text in shown)
    assert "[key]" in told[0]


def test_a_key_with_a_line_break_is_refused_before_it_is_sent():
    with LLMServer() as server:
        broken = LLMEndpoint(url=server.url, model="m", key=SecretStr("sk-one\ntwo"))
        with pytest.raises(InputError, match="letters that no key has") as caught:
            list_models(broken)
    assert "sk-one" not in str(caught.value)
    assert pickle.loads(pickle.dumps(broken)) == broken
