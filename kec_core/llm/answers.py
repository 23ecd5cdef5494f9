"""Reading what a language model answered: JSON out of prose, the expected fields, clean and useful texts."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from kec_core.errors import LLMReplyError

NAME_LETTERS = 60
NAME_WORDS = 6  # three are asked for; a few more still name one thing
DESCRIPTION_LETTERS = 200
ATTRIBUTE_LETTERS = 100
CAPTION_WORDS = 40
LONGEST_ANSWER = 20_000
"""Letters of an answer that are searched for JSON; the longest sensible answer has about 2,000."""

_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_EDGES = " \t\"'`*•–—-.,;:"
_FILLER = frozenset(("a", "an", "and", "of", "or", "the", "versus", "vs", "with"))
_NOT_VISIBLE = re.compile(
    r"\b(used (for|to|as|in)|smell\w*|tast(e|es|y|ing)|flavou?r\w*|sounds like|expensive|cheap|price\w*|"
    r"known (for|as)|famous|popular|invented|nutriti\w*|delicious)\b",
    re.IGNORECASE,
)
_ALIKE = 0.75
"""Two phrases repeat each other from this share of common words on (their union counts 1)."""


class Answer(BaseModel):
    """An answer's fields; the schema sent to the endpoint allows no others."""

    model_config = ConfigDict(extra="forbid")


SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


class ConceptAnswer(Answer):
    """Reply to prompt A."""

    concept: str
    description: str


class AttributesAnswer(Answer):
    """Reply to prompts B and C."""

    attributes: list[str]


class Contrast(Answer):
    """One feature, as it looks on either side of a pair."""

    first: str
    second: str


class ContrastsAnswer(Answer):
    """Reply to prompt C when values are wanted."""

    contrasts: list[Contrast]


class Part(Answer):
    """One sub-concept."""

    name: str
    nouns: list[str]


class PartsAnswer(Answer):
    """Reply to the split prompt."""

    parts: Annotated[list[Part], Field(min_length=2, max_length=4)]


class CaptionAnswer(Answer):
    """Reply to the question about one photo."""

    caption: str


def schema_of(model: type[Answer], count: int | None = None) -> dict[str, Any]:
    """JSON schema of an answer; with ``count`` its one list has exactly that many entries."""
    if count is not None:
        (name, info) = next(iter(model.model_fields.items()))
        exact = (Annotated[info.annotation, Field(min_length=count, max_length=count)], ...)
        model = create_model(model.__name__, __base__=Answer, **{name: exact})  # type: ignore[call-overload]
    schema = model.model_json_schema()
    schema.pop("description", None)  # our docstring, of no use to a model
    return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer is worth.

    Attributes:
        answer: the usable part as plain JSON, or None.
        complaint: why asking again could help, as said to the model and the person; "" when all is well.
    """

    answer: dict[str, Any] | None
    complaint: str = ""


def read_answer(text: str, model: type[SomeAnswer]) -> SomeAnswer:
    """Find the JSON object asked for, also between prose, in a code fence or after a model's thoughts.

    Raises:
        LLMReplyError: nothing in the text has the expected fields; the text is attached.
    """
    if not text.strip():
        raise LLMReplyError("the answer was empty", text)
    visible = _THOUGHTS.sub(" ", text[:LONGEST_ANSWER])
    problem = "the answer held no JSON object"
    for found in _objects(visible):
        known = {key: value for key, value in found.items() if key in model.model_fields}
        try:
            return model.model_validate(known)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problem = f'the answer\'s field "{place}" was not as asked: {first["msg"]}'
    raise LLMReplyError(problem, text)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that starts at some "{", outermost first."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except ValueError:
            end = start + 1
        except RecursionError:  # nested so deeply that no honest object follows
            return
        else:
            yield found
        start = text.find("{", end)


def clean(text: str, letters: int) -> str:
    """One line without control characters, quotes or bullets around it, cut after ``letters`` at a word."""
    spaced = "".join(
        " " if unicodedata.category(c)[0] in "CZ" else c for c in unicodedata.normalize("NFC", text)
    )
    line = " ".join(spaced.split()).strip(_EDGES)
    if len(line) <= letters:
        return line
    return line[: letters + 1].rpartition(" ")[0].strip(_EDGES) or line[:letters]


@lru_cache(maxsize=1024)  # the examples' phrases are compared with every answer
def words(text: str) -> frozenset[str]:
    """The words that carry meaning, without regard to case and order."""
    return frozenset(_WORD.findall(text.casefold())) - _FILLER


def alike(a: str, b: str) -> bool:
    """Whether two phrases say the same in nearly the same words."""
    left, right = words(a), words(b)
    return bool(left) and len(left & right) >= _ALIKE * len(left | right)


def check_concept(answer: ConceptAnswer, nouns: Sequence[str], examples: Collection[str]) -> Verdict:
    """Accept a concept that is a name and not copied from an example; a poor description is dropped.

    Raises:
        LLMReplyError: there is no name, or a whole sentence in its place.
    """
    name = clean(answer.concept, 10 * NAME_LETTERS)
    if not words(name) or len(name) > NAME_LETTERS:
        raise LLMReplyError(
            f'"concept" should be a name of one to three words, not "{name[:80]}"', answer.concept
        )
    if len(name.split()) > NAME_WORDS:
        return Verdict(answer=None, complaint=f'"{name}" is a list or a sentence instead of one name')
    seen = frozenset[str]().union(*map(words, nouns))
    if any(alike(name, example) for example in examples) and not words(name) & seen:
        return Verdict(answer=None, complaint=f'"{name}" repeats an example instead of naming these nouns')
    description = clean(answer.description, DESCRIPTION_LETTERS)
    complaint = _poor_description(description, name, examples)
    return Verdict(
        answer={"concept": name, "description": "" if complaint else description}, complaint=complaint
    )


def _poor_description(description: str, name: str, examples: Collection[str]) -> str:
    if words(description) <= words(name):
        return "the description says no more than the name"
    if any(alike(description, example) for example in examples):
        return "the description repeats an example"
    return ""


def check_attributes(
    answer: AttributesAnswer, count: int, names: Sequence[str], examples: Collection[str]
) -> Verdict:
    """Keep at most ``count`` attributes that are visible, new, and no echo of an example or a name."""
    kept, complaint = _kept(answer.attributes, names, examples)
    if len(kept) >= count:
        return Verdict(answer={"attributes": kept[:count]})
    complaint = complaint or f"{count} different attributes were asked for"
    return Verdict(answer={"attributes": kept} if kept else None, complaint=complaint)


def check_contrasts(
    answer: ContrastsAnswer, count: int, names: Sequence[str], examples: Collection[str]
) -> Verdict:
    """Keep at most ``count`` contrasts whose two sides are both fit to be attributes."""
    kept: list[dict[str, str]] = []
    complaint = ""
    for contrast in answer.contrasts:
        sides, problem = _kept([contrast.first, contrast.second], names, examples)
        complaint = complaint or problem
        if len(sides) == 2:
            kept.append({"first": sides[0], "second": sides[1]})
    if len(kept) >= count:
        return Verdict(answer={"contrasts": kept[:count]})
    complaint = complaint or f"{count} contrasts with two different sides were asked for"
    return Verdict(answer={"contrasts": kept} if kept else None, complaint=complaint)


def check_caption(answer: CaptionAnswer) -> Verdict:
    """Accept a sentence of some words; what goes beyond ``CAPTION_WORDS`` is cut, as text encoders would."""
    said = clean(answer.caption, 20 * CAPTION_WORDS).split()
    if len(said) < 3:
        return Verdict(answer=None, complaint="a sentence about the photo was asked for")
    return Verdict(answer={"caption": " ".join(said[:CAPTION_WORDS])})


def check_parts(answer: PartsAnswer, name: str, nouns: Sequence[str]) -> Verdict:
    """Keep two to four sub-concepts with new names; a noun belongs to the first part that claims it."""
    free = {noun.casefold(): noun for noun in nouns}
    parts: list[dict[str, Any]] = []
    for part in answer.parts:
        title = clean(part.name, NAME_LETTERS)
        if not words(title) or alike(title, name) or any(alike(title, p["name"]) for p in parts):
            continue
        claimed = [free.pop(n) for noun in part.nouns if (n := clean(noun, NAME_LETTERS).casefold()) in free]
        if claimed or not nouns:
            parts.append({"name": title, "nouns": claimed})
    if len(parts) < 2:
        return Verdict(
            answer=None, complaint="at least two sub-concepts with nouns of their own were asked for"
        )
    return Verdict(answer={"parts": parts})


def _kept(texts: Sequence[str], names: Sequence[str], examples: Collection[str]) -> tuple[list[str], str]:
    """The fit texts in order, and the first reason why one was not fit."""
    kept: list[str] = []
    complaint = ""
    own = frozenset[str]().union(*map(words, names))
    for text in texts:
        phrase = clean(text, ATTRIBUTE_LETTERS)
        problem = _problem(phrase, own, examples)
        complaint = complaint or problem
        if not problem and not any(alike(phrase, other) for other in kept):
            kept.append(phrase)
    return kept, complaint


def _problem(phrase: str, own: frozenset[str], examples: Collection[str]) -> str:
    if words(phrase) <= own:
        return f'"{phrase}" only repeats the name'
    if any(alike(phrase, example) for example in examples):
        return f'"{phrase}" repeats an example or the question'
    if _NOT_VISIBLE.search(phrase):
        return f'"{phrase}" cannot be seen in a photo'
    return ""
