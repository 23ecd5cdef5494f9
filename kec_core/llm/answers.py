"""What an answer of a language model is worth: clean and useful texts."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kec_core.errors import LLMReplyError
from kec_core.llm.fields import (
    AttributesAnswer,
    CaptionAnswer,
    ConceptAnswer,
    ContrastsAnswer,
    PartsAnswer,
    texts_in,
)
from kec_core.wording import counted

NAME_LETTERS = 60
NAME_WORDS = 6  # three are asked for; a few more still name one thing
DESCRIPTION_LETTERS = 200
ATTRIBUTE_LETTERS = 100
CAPTION_WORDS = 40
_WORD = re.compile(r"[^\W_]+")
_EDGES = " \t\"'`*•–—-.,;:"
_FORM = re.compile(r"[{}]|\bdescription\W*[:=]|[\"']\s*:", re.IGNORECASE)
"""What belongs to the form of an answer, not to a name."""
_FILLER = frozenset(("a", "an", "and", "of", "or", "the", "versus", "vs", "with"))
_NOT_VISIBLE = re.compile(
    r"\b(used (for|to|as|in)|smell\w*|tast(e|es|y|ing)|flavou?r\w*|sounds like|expensive|cheap|price\w*|"
    r"known (for|as)|famous|popular|invented|nutriti\w*|delicious)\b",
    re.IGNORECASE,
)
_ALIKE = 0.75
"""Two phrases repeat each other from this share of common words on (their union counts 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer is worth.

    Attributes:
        answer: the usable part as plain JSON, or None.
        complaint: why asking again could help, as said to the model and the person; "" when all is well.
    """

    answer: dict[str, Any] | None
    complaint: str = ""


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


def other_script(answer: Mapping[str, Any], asked: str) -> str:
    """A complaint when most letters of an answer are of a script that nothing it was asked with is written in."""
    found = _scripts("".join(texts_in(answer)))
    most = found.most_common(1)[0][0] if found else ""
    if not most or most in _scripts(asked):
        return ""
    return "it is written in another language; answer in that of the person's wish, in English without one"


def _scripts(text: str) -> Counter[str]:
    """How many letters of each script a text has, by the first word of their Unicode names."""
    return Counter(unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha())


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
    if _FORM.search(name):
        return Verdict(answer=None, complaint=f'"{name}" holds more than the name')
    seen = frozenset[str]().union(*map(words, nouns))
    if any(alike(name, example) for example in examples) and not words(name) & seen:
        return Verdict(answer=None, complaint=f'"{name}" repeats an example instead of naming these nouns')
    description = clean(answer.description, DESCRIPTION_LETTERS)
    complaint = _poor_description(description, name, examples)
    return Verdict(
        answer={"concept": name, "description": "" if complaint else description}, complaint=complaint
    )


def _poor_description(description: str, name: str, examples: Collection[str]) -> str:
    if not words(description):
        return f'the description of "{name}" is missing; the name is kept, so give {{"description": "..."}} alone'
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
    complaint = (
        complaint or f"{counted(count, 'different attribute was', 'different attributes were')} asked for"
    )
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
