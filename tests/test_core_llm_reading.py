"""The answer in what a model wrote: after its reasoning, among other words, broken, nested, in any form."""

from __future__ import annotations

import json

import pytest

from kec_core.errors import LLMReplyError
from kec_core.llm.fields import AttributesAnswer, ConceptAnswer, ContrastsAnswer, PartsAnswer
from kec_core.llm.reading import read_answer

ANSWER = '{"concept": "dog", "description": "soft fur"}'


DRAFT = '{"concept": "cat", "description": "pointed ears"}'


@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>{}</think>",
        "<thinking>{}</thinking>",
        "<thought>{}</thought>",
        "<THINK>\n{}\n</THINK>",
        '<think budget="high">{}</think>',
        "<seed:think>{}</seed:think>",
        "<reasoning>{}</reasoning>",
        "<reflection >{}</reflection >",
        "{}</think>",
        "{} </Thinking>",
        "◁think▷{}◁/think▷",
        "[THINK]{}[/THINK]",
        "<|begin_of_thought|>{}<|end_of_thought|>",
        "<|START_THINKING|>{}<|END_THINKING|>",
        "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
        "<think>{}</think><think>{}</think>",
        "First draft: {} That is too narrow. Better: ",
        "```json\n{}\n```\nOn second thoughts:\n",
    ],
)
def test_the_last_answer_after_the_reasoning_counts(thoughts):
    text = thoughts.replace("{}", f"perhaps {DRAFT}, so") + ANSWER
    assert read_answer(text, ConceptAnswer).concept == "dog"
    assert read_answer(f"{text} Form: {{}}", ConceptAnswer).concept == "dog"


@pytest.mark.parametrize("marks", ["<think>{}", "<thought>{}</thought>", "{}</think>", "◁think▷{}◁/think▷"])
def test_a_draft_in_reasoning_is_no_answer(marks):
    with pytest.raises(LLMReplyError):
        read_answer(marks.format(DRAFT), ConceptAnswer)


@pytest.mark.parametrize("chatter", ["Tell me if {you} need more.", "See [1] and [you].", "{ } [] :-}"])
def test_words_in_brackets_after_an_answer_are_not_taken_for_one(chatter):
    answer = '{"attributes": ["wet nose", "long ears"]}'
    assert read_answer(f"{answer}\n\n{chatter}", AttributesAnswer).attributes == ["wet nose", "long ears"]
    assert read_answer(f"{ANSWER}\n\n{chatter}", ConceptAnswer).concept == "dog"


@pytest.mark.parametrize(
    "text",
    [
        "{good}\n\nRejected draft: {bad}",
        "{good}\nI rejected the draft {bad} because it is too narrow.",
        "{good}\n\nI considered this first:\n```json\n{bad}\n```\nbut no.",
        "```json\n{good}\n```\nThis is closer than the earlier draft:\n```json\n{bad}\n```",
        "{good} rather than {bad}",
        "{good}, not {bad}",
        "Answer: {good}\n{bad} was my first idea but too broad.",
        "{good}\nDiscarded alternatives: {bad}, {bad}",
        "Draft: {bad}. That is too narrow. Final draft: {good}",
        "Wait, the earlier draft {bad} was wrong; corrected: {good}",
        "{bad} Here is the corrected version of my previous draft: {good}",
        "{bad}\nThat was wrong. {good}",
        "{good}\nNote: I did not use {bad} because it is too narrow.",
        "{good}\nIncorrect: {bad}",
        "{good} ~~{bad}~~",
        "{good}. Could it also be {bad}? No.",
        "{good}<!-- {bad} -->",
        "<del>{bad}</del>{good}<del>{bad}</del>",
        "{good}\nA bad example would be {bad}.",
    ],
)
def test_a_rejected_draft_is_no_answer_wherever_it_stands(text):
    said = text.replace("{good}", ANSWER).replace("{bad}", DRAFT)
    assert read_answer(said, ConceptAnswer).concept == "dog"
    said = text.replace("{good}", '["wet nose"]').replace("{bad}", '["long ears"]')
    assert read_answer(said, AttributesAnswer).attributes == ["wet nose"]


@pytest.mark.parametrize(
    "text",
    [
        "concept: dog\ndescription: soft fur",
        "```yaml\nconcept: dog\ndescription: soft fur\n```\nTell me if you need more.",
        "Sure, here it is:\n\nconcept: 'dog'\ndescription: \"soft fur\"\n\nNote: a dog is a pet.",
        "---\nConcept: dog\nDescription: >\n  soft\n  fur\n...",
        "**Concept:** dog\n**Description:** soft fur",
        "**Concept**: dog\n\n**Description**: soft fur",
        "- concept: dog\n  description: soft fur",
        "concept: cat\ndescription: pointed ears\n\nOn second thoughts:\n\nconcept: dog\ndescription: soft fur",
        "answer:\n  concept: dog\n  description: soft fur",
        "concept:\tdog\ndescription:\tsoft fur",
        "* Concept: dog\n* Description: soft fur",
        "1. Concept: dog\n2. Description: soft fur",
        "> concept: dog\n> description: soft fur",
        "**Concept: dog**\n**Description: soft fur**",
        "- concept: dog\n- description: soft fur",
        "Concept: dog. Description: soft fur",
        'concept = "dog"\ndescription = "soft fur"',
        "concept: |\n  dog\ndescription: |\n  soft fur",
        "concept: &a dog\ndescription: soft fur",
        "<answer><concept>dog</concept>\n<description>soft fur</description></answer>",
        "| Field | Value |\n|---|---|\n| concept | dog |\n| **Description** | soft fur |",
        "| concept | dog |\n|:--|--:|\n| description | soft fur |\n\nShall I go on?",
        "Here:\n\n| # | Concept | Description |\n|---|---|---|\n| 1 | cat | pointed ears |\n| 2 | `dog` | soft fur |",
        "| concept | description |\n| cat | ears |\n\nBetter:\n\n| concept | description |\n|---|---|\n| dog | soft fur |",
    ],
)
def test_an_answer_in_yaml_lines_of_keys_or_tables_is_read(text):
    answer = read_answer(text, ConceptAnswer)
    assert (answer.concept.strip(" .\n"), answer.description.strip()) == ("dog", "soft fur")


def test_lists_and_records_in_yaml_are_read():
    for text in (
        "attributes:\n- wet nose\n- long ears",
        "**Attributes:**\n  - wet nose\n  - long ears\n\nDone.",
        "| No. | Attribute |\n|---|---|\n| 1 | wet nose |\n| 2 | long ears |",
    ):
        assert read_answer(text, AttributesAnswer).attributes == ["wet nose", "long ears"]
    parts = "parts:\n- name: hound\n  nouns: [beagle]\n- name: toy dog\n  nouns:\n  - pug"
    assert [(p.name, p.nouns) for p in read_answer(parts, PartsAnswer).parts] == [
        ("hound", ["beagle"]),
        ("toy dog", ["pug"]),
    ]
    with_colon = read_answer("concept: dog\ndescription: soft: it has fur", ConceptAnswer)
    assert with_colon.description.strip() == "soft: it has fur"
    for prose in ("My concept: none fits here", "The description: unclear"):
        with pytest.raises(LLMReplyError):
            read_answer(prose, ConceptAnswer)
    for table in ("|", "||\n|-|", "| concept |\n|---|", "| breed | size |\n|---|---|\n| pug | small |"):
        with pytest.raises(LLMReplyError):
            read_answer(table, ConceptAnswer)
    with pytest.raises(LLMReplyError):
        read_answer("concept: dog\ndescr", ConceptAnswer, repair=False)


@pytest.mark.parametrize(
    "text",
    [
        "- wet nose\n- long ears",
        "1. wet nose\n2. long ears",
        "(1) wet nose\n\n(2) long ears",
        "• wet nose\n• long ears\n\nLet me know if you need more.",
        "Sure! Here are two attributes:\n\n* **wet nose**\n* long `ears`",
        "```\n+ wet nose\n+ long ears\n```",
        "**Features**\n 1) wet\n    nose\n 2) long ears",
        " - wet nose\n - long ears",
        "<think>- soft fur\n- claws</think>\n- wet nose\n- long ears",
    ],
)
def test_a_bare_list_is_read_where_one_was_asked_for(text):
    assert read_answer(text, AttributesAnswer).attributes == ["wet nose", "long ears"]
    with pytest.raises(LLMReplyError):
        read_answer(text, AttributesAnswer, repair=False)
    with pytest.raises(LLMReplyError):
        read_answer(text, ConceptAnswer)


def test_phrases_of_a_list_keep_what_stands_behind_their_colon():
    told = read_answer("**Attributes:**\n1. **Nose**: wet\n2. **Ears**: long", AttributesAnswer)
    assert told.attributes == ["Nose: wet", "Ears: long"]


def test_a_bare_list_of_records_is_read():
    for text in (
        "- hound: beagle, basset\n- toy dog: pug",
        "Parts:\n1. **hound**: beagle, basset\n2. **toy dog**: pug",
        "- name: hound\n  nouns: [beagle, basset]\n- name: toy dog\n  nouns:\n  - pug",
    ):
        parts = read_answer(text, PartsAnswer).parts
        assert [(part.name, part.nouns) for part in parts] == [
            ("hound", ["beagle", "basset"]),
            ("toy dog", ["pug"]),
        ]
    (contrast,) = read_answer("- first: long legs\n  second: short legs", ContrastsAnswer).contrasts
    assert (contrast.first, contrast.second) == ("long legs", "short legs")


@pytest.mark.parametrize(
    "text",
    [
        "I cannot see a photo. Please provide:\n- the nouns\n- the wish",
        "What I need for these attributes:\n- the nouns\n- the wish",
        "Draft of a list:\n- wet nose\n- long ears",
        "- wet nose\n- long ears\n\nThese would not set it apart.",
        "- wet nose\n- long ears\n\nCannot be seen:\n- good smell\n- loyal mind",
        "- The nouns are dogs. They share much.\n- Their fur is soft.",
        "- hound\n  - beagle\n- toy dog\n  - pug",
        "- attribute 1\n- attribute 2",
        "- wet nose",
    ],
)
def test_a_list_that_may_be_something_else_is_no_answer(text):
    with pytest.raises(LLMReplyError):
        read_answer(text, AttributesAnswer)


def test_references_in_yaml_do_not_unfold():
    lines = ["attributes:", "- &a0", "  - wet nose"]
    lines += [f"- &a{n}\n  - *a{n - 1}\n  - *a{n - 1}" for n in range(1, 200)]
    with pytest.raises(LLMReplyError):
        read_answer("\n".join(lines), AttributesAnswer)


def test_a_broken_answer_wins_over_a_valid_draft():
    assert read_answer(f"Draft: {DRAFT}. Final: {{'concept': 'dog',}}", ConceptAnswer).concept == "dog"


@pytest.mark.parametrize(
    "text",
    [
        "{'concept': 'dog', 'description': 'soft fur'}",
        '{"concept": "dog", "description": "soft fur",}',
        '{"concept": "dog", // the name\n "description": "soft fur"}',
        "{“concept”: “dog”, “description”: “soft fur”}",
        '{"concept": "dog", "description": "soft fur"',
        '```json\n{"concept": "dog",\n"description": "soft fur",\n```',
        '{"answer": {"concept": "dog", "description": "soft fur"}}',
        '{"result": [{"data": {"concept": "dog", "description": "soft fur"}}]}',
        '{"Concept": "dog", "DESCRIPTION": "soft fur"}',
        '"{\\"concept\\": \\"dog\\", \\"description\\": \\"soft fur\\"}"',
        '{"output": "{\\"concept\\": \\"dog\\", \\"description\\": \\"soft fur\\"}"}',
        '{"concept": "dog", "description": "soft\nfur"}',
        '{"concept": ["dog"], "description": {"text": "soft fur"}}',
        '[{"concept": "dog", "description": "soft fur"}]',
        '{"properties": {"concept": {"type": "string", "value": "dog"},'
        ' "description": {"title": "Fur", "type": "string", "const": "soft fur"}}}',
    ],
)
def test_broken_and_nested_json_is_mended(text):
    answer = read_answer(text, ConceptAnswer)
    assert (answer.concept, " ".join(answer.description.split())) == ("dog", "soft fur")


def test_attributes_told_as_in_a_schema_are_read():
    wrapped = (
        '{"attributes": {"type": "array", "items": [{"type": "string", "value": "wet nose"}, "long ears"]}}'
    )
    assert read_answer(wrapped, AttributesAnswer).attributes == ["wet nose", "long ears"]


@pytest.mark.parametrize("model", [ConceptAnswer, AttributesAnswer])
def test_the_schema_said_again_is_no_answer(model):
    with pytest.raises(LLMReplyError):
        read_answer(json.dumps(model.model_json_schema()), model)


@pytest.mark.parametrize(
    "text",
    [
        '{"attributes": {"1": "wet nose", "2": "long ears"}}',
        '{"attributes": {"wet nose": true, "long ears": true}}',
        '{"attributes": "wet nose; long ears"}',
        '{"attributes": "wet nose\\nlong ears"}',
        '{"attributes": "wet nose, long ears"}',
        '{"attributes": [{"text": "wet nose"}, {"text": "long ears"}]}',
        '{"Attribute": ["wet nose", "long ears"]}',
        '["wet nose", "long ears"]',
    ],
)
def test_attributes_in_any_form_are_listed(text):
    assert read_answer(text, AttributesAnswer).attributes == ["wet nose", "long ears"]


def test_records_in_any_form_are_listed():
    parts = '{"parts": {"hound": ["beagle"], "toy dog": ["pug"]}}'
    assert [(p.name, p.nouns) for p in read_answer(parts, PartsAnswer).parts] == [
        ("hound", ["beagle"]),
        ("toy dog", ["pug"]),
    ]
    contrasts = '{"contrasts": {"First": "long legs", "Second": "short legs"}}'
    assert read_answer(contrasts, ContrastsAnswer).contrasts[0].second == "short legs"
