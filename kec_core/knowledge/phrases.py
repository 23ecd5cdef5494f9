"""Visual phrases out of dictionary definitions.

"a small dog having long drooping ears; used for hunting" gives "long drooping ears" and "small dog".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kec_core.knowledge.cues import ADVERBS, CUES, DANGLING, DETERMINERS, KEPT_CUES, KINDS_OF, LINKS, STOPS
from kec_core.knowledge.visual_words import VisualWords

LONGEST = 9  # words of one phrase
SPLIT_FROM = 7  # stretches of so many words are taken as lists
LEAST_SCORE = 0.45  # of a phrase better than none
LONE_WORD_SCORE = 1.2  # a word alone has to name a part of a body or plant, or a colour
WORD_DECAY = 0.85  # each further visible word counts less, so that long lists do not win
UNSEEN_COST = 0.25  # per word that carries meaning but cannot be seen
HEAD_SHARE = 0.85  # a definition's first words name the kind more than the looks

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CLAUSES = re.compile(r"\s*[;:]\s*|\s+--?\s+")
_OPENING = re.compile(rf"^(?:(?:{DETERMINERS}|{LINKS}|{ADVERBS}|{KINDS_OF}|of)\b[\s,]*)+", re.IGNORECASE)
_FILLERS = re.compile(rf"\b(?:{KINDS_OF}|{ADVERBS})\s+", re.IGNORECASE)
_ENDING = re.compile(rf"(?:[\s,]+(?:{DANGLING}|{ADVERBS}|{LINKS}))+$", re.IGNORECASE)
_CUT = re.compile(rf"\b(?:(?P<kept>{KEPT_CUES})|(?P<cue>{CUES})|(?P<stop>{STOPS}))\b", re.IGNORECASE)
_AND = re.compile(r",?\s+and\s+|,\s+|\s+or\s+(?=(?:an?|the)\s)", re.IGNORECASE)
_TRIM = " ,.`'\""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A visual phrase with its score (about 1 for one visible word) and the base forms of its visible words."""

    text: str
    score: float
    visible: frozenset[str]


def clean_gloss(gloss: str) -> str:
    """A definition without brackets, in one line."""
    while (shorter := _BRACKETS.sub("", gloss)) != gloss:
        gloss = shorter
    return re.sub(r"\s+([,;:.])", r"\1", " ".join(gloss.split())).strip(" ;,:")


def visual_phrases(gloss: str, words: VisualWords) -> list[Phrase]:
    """The visual phrases of a definition, best first; ties keep the order of the text.

    Args:
        gloss: a definition, with or without brackets.
        words: tells what can be seen.
    """
    found: dict[str, Phrase] = {}
    for text, is_head in _chunks(clean_gloss(gloss)):
        for phrase in _phrases_of(_tidy(text), words, is_head=is_head):
            if phrase.score >= LEAST_SCORE:
                found.setdefault(phrase.text.lower(), phrase)
    return sorted(found.values(), key=lambda phrase: -phrase.score)


def _chunks(gloss: str) -> Iterator[tuple[str, bool]]:
    """Stretches of a definition that may describe, each with whether it opens the definition."""
    for number, clause in enumerate(_CLAUSES.split(gloss)):
        for position, text in enumerate(_cut(clause)):
            yield text, number == 0 and position == 0


def _phrases_of(text: str, words: VisualWords, *, is_head: bool) -> list[Phrase]:
    """The stretch as a whole when it is short and sound, else what is sound among its listed parts."""
    if len(text.split()) < SPLIT_FROM and (whole := _scored(text, words, is_head=is_head)):
        return [whole]
    parts = (_scored(part, words, is_head=is_head) for part in _listed(text, words))
    return [part for part in parts if part is not None]


def _cut(clause: str) -> Iterator[str]:
    """The opening of a clause, then what follows each word that announces a feature; the first may be empty."""
    start, wanted = 0, True
    for match in _CUT.finditer(clause):
        if match.start() < start:
            continue
        yield clause[start : match.start()] if wanted else ""
        wanted = match["stop"] is None
        start = match.start() if match["kept"] else match.end()
    yield clause[start:] if wanted else ""


def _listed(text: str, words: VisualWords) -> list[str]:
    """The parts of a list, cut at commas and "and"; a visible single word stays with the part before it."""
    parts: list[str] = []
    for part in map(_tidy, _AND.split(text)):
        if " " in part or not parts:
            parts.append(part)
        elif words.weight(part.lower()) > 0:
            parts[-1] = f"{parts[-1]} and {part}"
    return [part for part in parts if part]


def _tidy(text: str) -> str:
    """Without determiners, fillers and words left dangling by a cut."""
    return _ENDING.sub("", _OPENING.sub("", _FILLERS.sub("", text.strip(_TRIM)))).strip(_TRIM)


def _scored(text: str, words: VisualWords, *, is_head: bool) -> Phrase | None:
    """None when it is empty or too long, no noun phrase, inside a body, or opens a definition and describes nothing."""
    if not 0 < len(text.split()) <= LONGEST or words.is_inner(text) or words.has_verb(text):
        return None
    if is_head and not words.describes(text):
        return None
    content = words.content(text)
    weights = sorted((words.weight(word) for word in content), reverse=True)
    seen = [weight for weight in weights if weight > 0]
    score = sum(weight * WORD_DECAY**rank for rank, weight in enumerate(seen))
    score -= UNSEEN_COST * (len(weights) - len(seen))
    score *= HEAD_SHARE if is_head else 1.0
    if len(text.split()) == 1 and score < LONE_WORD_SCORE:
        return None
    visible = frozenset(word for word in content if words.weight(word) > 0)
    return Phrase(text=text, score=score, visible=visible)
