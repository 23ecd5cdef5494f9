"""The questions put to a language model: prompts A (concept), B (uni), C (pair) of methods.md 6.4, and splits.

Each question is a task in the system turn, worked examples as chat turns, and the case at hand. File names and image
ids never enter a prompt: a model sees nouns, concept names, descriptions and the person's words. Photos enter the
prompts of ``captions.py`` alone. The wording is our own, with the content of methods.md 6.4; every example comes from a
corner that few collections hold, so that a copy of it gives itself away.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol

from kec_core.errors import InputError
from kec_core.llm.answers import (
    CAPTION_WORDS,
    Verdict,
    check_attributes,
    check_caption,
    check_concept,
    check_contrasts,
    check_parts,
    clean,
    other_script,
)
from kec_core.llm.fields import (
    AttributesAnswer,
    CaptionAnswer,
    ConceptAnswer,
    ContrastsAnswer,
    PartsAnswer,
    schema_of,
    texts_in,
)
from kec_core.llm.reading import SomeAnswer, read_answer
from kec_core.types import Concept

PROMPT_VERSION = "1"
"""Stored answers are found by it: change it when answers to the old wording should not be taken any more."""

Example = tuple[str, dict[str, Any]]

INTRODUCTION = "You help to sort photos by what they show. Reply with one JSON object and nothing else."
VISIBLE = (
    "Name only what a camera records: shape, parts, colour, pattern, texture, posture, surroundings. "
    "Leave out use, sound, smell, taste, price, fame and history."
)
OWN_WORDS = "Do not copy the earlier examples; think about the case at hand."

CONCEPT_TASK = (
    "You are given nouns that a program matched with one group of photos, the most frequent first; a few may be "
    "wrong. Name the one concept that covers as many of them as possible, in one to three words, singular, and no "
    "wider than needed. Do not drift to a related thing of another class, such as its place, its part, its owner or "
    "an activity with it. Then describe its looks in at most twelve words, without the name. "
    'Form: {"concept": "...", "description": "..."}'
)
UNI_TASK = (
    "You are given a concept. List exactly {count} attributes that nearly every photo of it shows and that similar "
    "things lack. Each is a phrase of two to eight words without the concept's name. "
    + VISIBLE
    + ' Form: {{"attributes": ["..."]}}'
)
PAIR_TASK = (
    "You are given two concepts that are easily confused. List exactly {count} visible features that tell them apart. "
    "Name the feature that is to be compared, in one to five words, not what it looks like on either side. "
    + VISIBLE
    + ' Form: {{"attributes": ["..."]}}'
)
CONTRAST_TASK = (
    "You are given two concepts that are easily confused. List exactly {count} visible features that tell them apart, "
    "and say for each how it looks on the first and on the second, in two to eight words each. "
    + VISIBLE
    + ' Form: {{"contrasts": [{{"first": "...", "second": "..."}}]}}'
)
SPLIT_TASK = (
    "You are given a concept and the nouns found in its photos. Divide it into two to four sub-concepts that look "
    "different from each other. Give each a name of one to three words and its nouns, copied from the list; a noun "
    'belongs to one sub-concept only. Form: {"parts": [{"name": "...", "nouns": ["..."]}]}'
)

CAPTION_TASK = (
    "You are given a photo. Describe it in one sentence of at most {words} words: the main object or scene, as exactly "
    "as it can be named, and what is distinctive in its looks. Leave out moods and guesses. "
    'Form: {{"caption": "..."}}'
)

CONCEPT_EXAMPLES: tuple[Example, ...] = (
    (
        "Nouns: sousaphone, bugle, cornet, flugelhorn",
        {"concept": "brass instrument", "description": "coiled shiny metal tube that ends in a wide bell"},
    ),
    (
        "Nouns: moray, conger, electric eel, seaweed, elver",
        {"concept": "eel", "description": "long snake-like body with one fin along the back"},
    ),
)
UNI_EXAMPLES: tuple[Example, ...] = (
    (
        "Concept: accordion (hand-held squeezebox)",
        {
            "attributes": [
                "pleated bellows between two boxes",
                "piano keys along one side",
                "rows of small round studs",
                "wide straps over both shoulders",
            ]
        },
    ),
    (
        "Concept: saguaro (giant desert cactus)",
        {
            "attributes": [
                "tall ribbed green column",
                "thick arms that bend upwards",
                "rows of pale spines",
                "stony ground with sparse shrubs",
            ]
        },
    ),
)
PAIR_EXAMPLES: tuple[Example, ...] = (
    (
        "First: accordion\nSecond: concertina",
        {"attributes": ["outline of the end panels", "presence of piano keys", "width across the chest"]},
    ),
    (
        "First: saguaro\nSecond: organ pipe cactus",
        {
            "attributes": [
                "number of stems at the ground",
                "height of the first fork",
                "thickness of the stems",
            ]
        },
    ),
)
CONTRAST_EXAMPLES: tuple[Example, ...] = (
    (
        "First: accordion\nSecond: concertina",
        {
            "contrasts": [
                {"first": "large oblong end panels", "second": "small six-sided end panels"},
                {"first": "white and black piano keys", "second": "a few studs per hand"},
                {"first": "hangs on shoulder straps", "second": "held by hand straps alone"},
            ]
        },
    ),
)
SPLIT_EXAMPLES: tuple[Example, ...] = (
    (
        "Concept: musical instrument\nNouns: bugle, viola, cornet, cello, sousaphone",
        {
            "parts": [
                {"name": "brass instrument", "nouns": ["bugle", "cornet", "sousaphone"]},
                {"name": "string instrument", "nouns": ["viola", "cello"]},
            ]
        },
    ),
)

WISH_FIRST = (
    "The person's wish stands above these rules: say only what serves it. Answer in the language of the wish."
)


LONGEST_GUIDANCE = 2000
"""Letters; longer wishes crowd out the nouns in small models."""
PHOTO_TOKENS = 1000
"""What a photo counts in an estimate; models differ between about 100 and 3,000."""

Kind = Literal["concept", "uni", "pair", "split", "caption"]
Message = dict[str, Any]
"""One chat turn; its content is a text, or a list of parts of which one is a photo."""


class Judge(Protocol):
    """Reads and weighs a reply; see ``read_answer`` for the options."""

    def __call__(self, text: str, *, repair: bool = True, known: Mapping[str, Any] | None = None) -> Verdict:
        """The verdict on a reply."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One thing to ask.

    Attributes:
        label: what it is about, for the person.
        messages: the chat turns, exactly as they are sent.
        schema: JSON schema of the answer.
        content: the input that the answer depends on, besides endpoint and prompt version.
        expected_tokens: length of a usual answer, for estimates.
        judge: reads and weighs a reply; raises LLMReplyError when it does not hold the answer asked for.
    """

    kind: Kind
    label: str
    messages: tuple[Message, ...]
    schema: dict[str, Any]
    content: dict[str, Any]
    expected_tokens: int
    judge: Judge


def concept_question(nouns: Sequence[str], *, guidance: str = "", instruction: str = "") -> Question:
    """Prompt A: the concept behind a merged noun set, most frequent noun first."""
    shown = _clean_all(nouns)
    weigh = partial(check_concept, nouns=shown, examples=_texts(CONCEPT_EXAMPLES))
    return Question(
        kind="concept",
        label=", ".join(shown[:4]),
        messages=_turns(CONCEPT_TASK, CONCEPT_EXAMPLES, f"Nouns: {', '.join(shown)}", guidance, instruction),
        schema=schema_of(ConceptAnswer),
        content=_content("concept", guidance, instruction, nouns=sorted(shown)),
        expected_tokens=35,
        judge=_judge(ConceptAnswer, weigh, f"{guidance}{instruction}" or " ".join(shown)),
    )


def uni_question(concept: Concept, count: int, *, guidance: str = "", instruction: str = "") -> Question:
    """Prompt B: ``count`` visible attributes of one concept (lambda_1)."""
    examples = _shortened(UNI_EXAMPLES, count)
    echoes = {*_texts(UNI_EXAMPLES), _told(concept)}
    weigh = partial(check_attributes, count=count, names=[concept.name], examples=echoes)
    return Question(
        kind="uni",
        label=concept.name,
        messages=_turns(
            UNI_TASK.format(count=count), examples, f"Concept: {_told(concept)}", guidance, instruction
        ),
        schema=schema_of(AttributesAnswer, count),
        content=_content("uni", guidance, instruction, count=count, concept=_told(concept)),
        expected_tokens=10 + 10 * count,
        judge=_judge(AttributesAnswer, weigh, f"{guidance}{instruction}" or _told(concept)),
    )


def pair_question(
    first: Concept,
    second: Concept,
    count: int,
    *,
    guidance: str = "",
    instruction: str = "",
    values: bool = False,
) -> Question:
    """Prompt C: ``count`` visible features that tell two concepts apart (lambda_2).

    The paper's examples name dimensions ("number of wheels"); ``values`` asks how each side looks instead.
    """
    names = [first.name, second.name]
    case = f"First: {_told(first)}\nSecond: {_told(second)}"
    task, examples, tokens = (
        (CONTRAST_TASK, CONTRAST_EXAMPLES, 25) if values else (PAIR_TASK, PAIR_EXAMPLES, 8)
    )
    asked = f"{guidance}{instruction}" or case
    echoes = {*_texts(examples), _told(first), _told(second)}
    attributes = partial(check_attributes, count=count, names=names, examples=echoes)
    contrasts = partial(check_contrasts, count=count, names=names, examples=echoes)
    return Question(
        kind="pair",
        label=" | ".join(names),
        messages=_turns(task.format(count=count), _shortened(examples, count), case, guidance, instruction),
        schema=schema_of(ContrastsAnswer if values else AttributesAnswer, count),
        content=_content("pair", guidance, instruction, count=count, pair=case, values=values),
        expected_tokens=10 + tokens * count,
        judge=_judge(ContrastsAnswer, contrasts, asked)
        if values
        else _judge(AttributesAnswer, attributes, asked),
    )


def split_question(
    concept: Concept, nouns: Sequence[str], *, guidance: str = "", instruction: str = ""
) -> Question:
    """Two to four sub-concepts of one concept, from its nouns."""
    shown = _clean_all(nouns)
    case = f"Concept: {_told(concept)}" + (f"\nNouns: {', '.join(shown)}" if shown else "")
    weigh = partial(check_parts, name=concept.name, nouns=shown)
    return Question(
        kind="split",
        label=concept.name,
        messages=_turns(SPLIT_TASK, SPLIT_EXAMPLES, case, guidance, instruction),
        schema=schema_of(PartsAnswer),
        content=_content("split", guidance, instruction, concept=_told(concept), nouns=sorted(shown)),
        expected_tokens=40 + 5 * len(shown),
        judge=_judge(PartsAnswer, weigh, f"{guidance}{instruction}" or case),
    )


def caption_question(photo: str, url: str) -> Question:
    """One sentence about one photo (methods.md 7.3).

    Args:
        photo: its content hash.
        url: the photo itself as a data address.
    """
    system, case = _turns(CAPTION_TASK.format(words=CAPTION_WORDS), (), "The photo:", "", "")
    parts = [{"type": "text", "text": case["content"]}, {"type": "image_url", "image_url": {"url": url}}]
    return Question(
        kind="caption",
        label=photo,
        messages=(system, {"role": "user", "content": parts}),
        schema=schema_of(CaptionAnswer),
        content=_content("caption", "", "", photo=photo),
        expected_tokens=45,
        judge=_judge(CaptionAnswer, check_caption, "Latin"),
    )


def _judge(model: type[SomeAnswer], weigh: Callable[[SomeAnswer], Verdict], asked: str) -> Judge:
    """How replies to a question are judged.

    Args:
        model: the fields asked for.
        weigh: what an answer is worth.
        asked: a text in the language that is wanted.
    """

    def judge(text: str, *, repair: bool = True, known: Mapping[str, Any] | None = None) -> Verdict:
        verdict = weigh(read_answer(text, model, repair=repair, known=known))
        foreign = other_script(verdict.answer, asked) if verdict.answer else ""
        return replace(verdict, complaint=foreign) if foreign and not verdict.complaint else verdict

    return judge


def without_photos(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Chat turns with a word in place of every photo: for counting and for keeping."""
    return [{**message, "content": " ".join(_texts_in(message["content"]))} for message in messages]


def _texts_in(content: str | list[dict[str, Any]]) -> list[str]:
    return [content] if isinstance(content, str) else [part.get("text", "[photo]") for part in content]


def approximate_tokens(messages: Sequence[Message]) -> int:
    """About how many tokens a prompt has: one per four bytes of UTF-8, four around each turn, 1,000 for a photo."""
    photos = sum(len(m["content"]) - 1 for m in messages if not isinstance(m["content"], str))
    texts = sum(math.ceil(len(m["content"].encode()) / 4) + 4 for m in without_photos(messages))
    return texts + PHOTO_TOKENS * photos


def _turns(
    task: str, examples: Sequence[Example], case: str, guidance: str, instruction: str
) -> tuple[Message, ...]:
    wish, extra = _wish(guidance), _wish(instruction)
    system = [INTRODUCTION, task, OWN_WORDS]
    if wish or extra:
        system.append(WISH_FIRST)
    turns = [{"role": "system", "content": " ".join(system)}]
    for asked, answered in examples:
        turns.append({"role": "user", "content": asked})
        turns.append({"role": "assistant", "content": json.dumps(answered)})
    lines = [
        case,
        wish and f"The person's wish for the whole collection: {wish}",
        extra and f"The wish here: {extra}",
    ]
    turns.append({"role": "user", "content": "\n".join(filter(None, lines))})
    return tuple(turns)


def _wish(text: str) -> str:
    if len(text) > LONGEST_GUIDANCE:
        raise InputError(
            f"Guidance should have at most {LONGEST_GUIDANCE} letters, but has {len(text)}; keep what matters most."
        )
    return clean(text, LONGEST_GUIDANCE)


def _content(kind: Kind, guidance: str, instruction: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"kind": kind, "guidance": _wish(guidance), "instruction": _wish(instruction), **asked}


def _told(concept: Concept) -> str:
    name, description = clean(concept.name, 100), clean(concept.description, 200)
    return f"{name} ({description})" if description else name


def _clean_all(nouns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, (clean(noun, 100) for noun in nouns))))


def _shortened(examples: Sequence[Example], count: int) -> list[Example]:
    """Examples with as many entries as are asked for, so that weak models see the right length."""
    return [
        (asked, {key: entries[:count] for key, entries in answered.items()}) for asked, answered in examples
    ]


def _texts(examples: Sequence[Example]) -> Collection[str]:
    """Every phrase that an answer could copy from the examples."""
    return {text for _, answered in examples for text in texts_in(answered)}
