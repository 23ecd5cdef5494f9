"""Reading and weighing answers, and the wording that asks for them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.errors import InputError, LLMReplyError
from kec_core.llm import prompts
from kec_core.llm.answers import ATTRIBUTE_LETTERS, alike, clean
from kec_core.llm.fields import AttributesAnswer, ConceptAnswer, schema_of
from kec_core.llm.prompts import (
    approximate_tokens,
    concept_question,
    pair_question,
    split_question,
    uni_question,
)
from kec_core.llm.reading import read_answer
from tests.llm_fakes import concept

DOG = concept(1, "dog", "furry pet")
CAT = concept(2, "cat")


def judged(question, **answer):
    return question.judge(json.dumps(answer))


def uni(*attributes, count=2):
    return judged(uni_question(DOG, count), attributes=list(attributes))


@pytest.mark.parametrize(
    "text",
    [
        '{"attributes": ["a b"]}',
        'Of course: {"attributes": ["a b"]} and {"more": 1}',
        '```json\n{"attributes": ["a b"]}\n```',
        '<think>{"attributes": ["wrong"]}</think>{"attributes": ["a b"]}',
        'first {"note": {"x": 1}} then {"attributes": ["a b"], "sure": true}',
        '{broken {"attributes": ["a b"]}',
        '{"wrapped": 1, "attributes": ["a b"]}',
    ],
)
def test_the_object_asked_for_is_found(text):
    assert read_answer(text, AttributesAnswer).attributes == ["a b"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("a dog, I think", "no JSON object"),
        ('{"attributes": [1]}', 'field "attributes.0" was not as asked'),
        ('{"name": "a b"}', "Field required"),
        ('{"a":' * 50_000, "no JSON object"),
        ("<think>{" + '"attributes": ["a b"]}', "no JSON object"),
    ],
)
def test_what_is_not_the_object_says_why_and_keeps_the_text(text, problem):
    with pytest.raises(LLMReplyError, match=problem) as caught:
        read_answer(text, AttributesAnswer)
    assert caught.value.reply == text


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_or_refused_never_a_crash(text):
    for reply in (text, "{" + text, json.dumps({"attributes": [text]})):
        verdict = None
        with suppress(LLMReplyError):
            verdict = uni_question(DOG, 1).judge(reply)
        assert verdict is None or verdict.answer or verdict.complaint


@given(st.text(max_size=400), st.integers(1, 60))
@settings(max_examples=80, deadline=None)
def test_cleaning_gives_one_short_line_and_is_stable(text, letters):
    line = clean(text, letters)
    assert len(line) <= letters
    assert line.isprintable()
    assert clean(line, letters) == line


def test_cleaning_takes_bullets_quotes_and_breaks_away_and_cuts_at_a_word():
    assert clean(' - "red\n stripes".', 50) == "red stripes"
    assert clean("long floppy ears", 12) == "long floppy"
    assert clean("a\u202eb\x00c\ud800", 9) == "a b c"


def test_alike_means_nearly_the_same_words_in_any_order():
    assert alike("black and white stripes over the body", "White, black stripes over body")
    assert not alike("black stripes", "white stripes")
    assert not alike("", "")


def test_two_good_attributes_are_taken_trimmed():
    verdict = uni("- wet black nose.", ' "floppy ears" ', "third one")
    assert verdict.answer == {"attributes": ["wet black nose", "floppy ears"]}
    assert verdict.complaint == ""


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("Dog", '"Dog" only repeats the name'),
        ("the dog", "only repeats the name"),
        ("tall, ribbed green column", "repeats an example"),
        ("used for hunting", "cannot be seen"),
        ("smells of wet fur", "cannot be seen"),
        ("Floppy EARS", "2 different attributes were asked for"),
        ("  ", "only repeats the name"),
    ],
)
def test_echoes_and_what_no_camera_sees_are_left_out_and_complained_about(bad, complaint):
    verdict = uni("floppy ears", bad)
    assert verdict.answer == {"attributes": ["floppy ears"]}
    assert complaint in verdict.complaint


def test_an_answer_of_echoes_alone_is_worth_nothing():
    assert uni("dog", "tall ribbed green column").answer is None


def test_a_run_on_attribute_is_cut_at_a_word():
    (text,) = uni("very " * 100, "x", count=1).answer["attributes"]
    assert len(text) <= ATTRIBUTE_LETTERS
    assert text.endswith("very")


def test_a_concept_copied_from_an_example_is_refused_unless_the_nouns_say_so():
    copied = {"concept": "Brass instrument", "description": "yellow tube"}
    verdict = judged(concept_question(["rose", "tulip"]), **copied)
    assert verdict.answer is None
    assert "repeats an example" in verdict.complaint
    assert judged(concept_question(["wind instrument"]), **copied).answer["concept"] == "Brass instrument"


@pytest.mark.parametrize("description", ["a flower", "", "long snake-like body with one fin along the back"])
def test_a_poor_description_is_dropped_but_the_name_stays(description):
    verdict = judged(concept_question(["rose"]), concept="flower", description=description)
    assert verdict.answer == {"concept": "flower", "description": ""}
    assert verdict.complaint


@pytest.mark.parametrize(
    "name", ["", "...", "these are photos of many kinds of flowers that grow in gardens and parks"]
)
def test_no_name_or_a_sentence_is_not_a_concept(name):
    with pytest.raises(LLMReplyError, match="should be a name"):
        judged(concept_question(["rose"]), concept=name, description="red petals")


def test_a_list_in_the_place_of_a_name_is_asked_for_again():
    listed = "flea market, street cart, garbage truck, lawn cart"
    verdict = judged(concept_question(["cart"]), concept=listed, description="wheels")
    assert verdict.answer is None
    assert "is a list or a sentence instead of one name" in verdict.complaint
    named = judged(concept_question(["cart"]), concept="small two-wheeled cart for a garden", description="x")
    assert named.answer["concept"] == "small two-wheeled cart for a garden"


def test_pairs_give_dimensions_and_echoing_both_names_is_no_difference():
    question = pair_question(DOG, CAT, 1)
    assert judged(question, attributes=["shape of the muzzle"]).answer == {
        "attributes": ["shape of the muzzle"]
    }
    assert judged(question, attributes=["dog versus cat"]).answer is None


def test_pairs_with_values_need_two_different_sides():
    question = pair_question(DOG, CAT, 1, values=True)
    sides = {"first": "long muzzle", "second": "short muzzle"}
    assert judged(question, contrasts=[sides]).answer == {"contrasts": [sides]}
    same = judged(question, contrasts=[{"first": "fur", "second": "fur"}])
    assert same.answer is None
    assert "two different sides" in same.complaint


def test_a_split_shares_nouns_out_once_and_ignores_inventions():
    question = split_question(DOG, ["husky", "poodle", "Akita"])
    parts = [
        {"name": "sled dog", "nouns": ["Husky", "akita", "wolf"]},
        {"name": "curly dog", "nouns": ["poodle", "husky"]},
        {"name": "dog", "nouns": ["Akita"]},
    ]
    assert judged(question, parts=parts).answer == {
        "parts": [
            {"name": "sled dog", "nouns": ["husky", "Akita"]},
            {"name": "curly dog", "nouns": ["poodle"]},
        ]
    }
    assert judged(question, parts=[parts[0], parts[2]]).answer is None


def test_an_attribute_that_only_says_the_question_again_is_left_out():
    bison = concept(1, "bison", "large wild animal with hooves")
    answer = {"attributes": ["Bison (large wild animal with hooves)", "high hump over the shoulders"]}
    verdict = uni_question(bison, 1).judge(json.dumps(answer))
    assert verdict.answer == {"attributes": ["high hump over the shoulders"]}
    verdict = pair_question(bison, concept(2, "yak"), 1).judge(
        json.dumps({"attributes": answer["attributes"][:1]})
    )
    assert verdict.answer is None
    assert verdict.complaint.endswith("repeats an example or the question")


def test_schemas_are_strict_and_count():
    schema = schema_of(AttributesAnswer, 2)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["attributes"]
    assert (
        schema["properties"]["attributes"]["minItems"],
        schema["properties"]["attributes"]["maxItems"],
    ) == (2, 2)
    assert schema_of(ConceptAnswer)["required"] == ["concept", "description"]


def test_the_case_comes_last_and_the_persons_wish_with_it():
    question = uni_question(DOG, 2, guidance="look at the\nears", instruction="no colours")
    assert [m["role"] for m in question.messages] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert question.messages[-1]["content"] == (
        "Concept: dog (furry pet)\n"
        "The person's wish for the whole collection: look at the ears\n"
        "The wish here: no colours"
    )
    assert prompts.WISH_FIRST in question.messages[0]["content"]
    assert prompts.WISH_FIRST not in uni_question(DOG, 2).messages[0]["content"]


@pytest.mark.parametrize(
    "question",
    [
        concept_question(["x"]),
        uni_question(DOG, 3),
        pair_question(DOG, CAT, 2),
        pair_question(DOG, CAT, 3, values=True),
    ],
)
def test_every_example_is_in_the_form_that_is_asked_and_long_enough(question):
    answers = [json.loads(m["content"]) for m in question.messages if m["role"] == "assistant"]
    assert answers
    for answer in answers:
        assert sorted(answer) == sorted(question.schema["required"])
        for name, entries in answer.items():
            assert len(entries) == question.schema["properties"][name].get("minItems", len(entries))
        if question.kind != "concept":  # a copied example is noticed
            assert question.judge(json.dumps(answer)).answer is None


def test_equal_input_is_an_equal_question_and_any_difference_another():
    same = [concept_question(["a", "b", "a"]), concept_question(["b", "a"])]
    assert same[0].content == same[1].content
    contents = [
        concept_question(["a"]).content,
        concept_question(["a"], guidance="g").content,
        concept_question(["a"], instruction="g").content,
        uni_question(DOG, 1).content,
        uni_question(DOG, 2).content,
        uni_question(concept(9, "dog", "other"), 2).content,
        pair_question(DOG, CAT, 1).content,
        pair_question(DOG, CAT, 1, values=True).content,
        split_question(DOG, ["a"]).content,
    ]
    assert len({json.dumps(content) for content in contents}) == len(contents)


def test_guidance_that_is_too_long_is_refused():
    with pytest.raises(InputError, match="at most 2000 letters, but has 2001"):
        concept_question(["a"], guidance="x" * 2001)


def test_tokens_are_counted_by_bytes():
    assert (
        approximate_tokens([{"role": "user", "content": "12345678"}, {"role": "user", "content": "äö"}]) == 11
    )
