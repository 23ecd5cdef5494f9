"""Visual phrases out of dictionary definitions.

"a small dog having long drooping ears; used for hunting" gives "long drooping ears" and "small dog".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kec_core.knowledge.visual_words import VisualWords
from kec_core.knowledge.word_lists import COLOURS_AND_PATTERNS

LONGEST = 9  # words of one phrase
SPLIT_FROM = 7  # phrases from this many words on are cut at "and"
LEAST_SCORE = 0.45  # of a phrase better than none
LONE_WORD_SCORE = 1.2  # a word alone has to name a part of a body or plant, or a colour
WORD_DECAY = 0.85  # each further visible word counts less, so that long lists do not win
UNSEEN_COST = 0.25  # per word that carries meaning but cannot be seen
HEAD_SHARE = 0.85  # a definition's first words name the kind more than the looks

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CLAUSES = re.compile(r"\s*[;:]\s*|\s+--?\s+")
_OPENING = re.compile(
    r"^(?:(?:any|either of two|either|each|one or more|one|own|more|several|some|various|numerous|many|certain|a few|a number|the|an?|its|their"
    r"|and|or|also|but|usually|typically|often|generally|mostly|sometimes|somewhat|very|rather|especially|other"
    r"|(?:members?|types?|kinds?|forms?|variety|varieties|species|genus|breeds?|family|group|class) of|of)\b[\s,]*)+",
    re.IGNORECASE,
)
_KIND_OF = re.compile(
    r"\b(?:members?|types?|kinds?|variety|varieties|species|breeds?|genus|family) of\s+", re.IGNORECASE
)
_ADVERBS = re.compile(
    r"\b(?:usually|typically|often|generally|mostly|sometimes|somewhat|especially|chiefly|probably|relatively|more or less|permanently|commonly)\s+"
)
_CUT = re.compile(
    r"\b(?P<keep>resembling|covered (?:with|by|in)|surrounded by|lined with|filled with|made (?:up )?of|made from"
    r"|marked (?:with|by)|topped (?:with|by|off by)|ending in|shaped like)\b"
    r"|\b(?P<feature>having|with|bearing|that (?:has|have|had|consists? of)|which (?:has|have)|has|have|whose"
    r"|(?:characterized|distinguished) by|consisting of|composed of|possessing|producing|containing|that bears?"
    r"|followed by|(?:usually )?consists? of)\b"
    rf"|\b(?P<stop>to(?! (?:{'|'.join(sorted(COLOURS_AND_PATTERNS))}))|used (?:with|in|on|by)|used|stands|native|found|suited|adapted|grown|cultivated|raised|bred|known|noted|valued|prized|that|which|who"
    r"|for|from|belonging|when|where|while|because|so|than|at|during|in|by|as|of the (?:genus|family|order|class"
    r"|suborder|superorder|phylum)|formerly|once|widely|common|related|living|occurring|including|intended|designed"
    r"|serving|served|eaten|such as|of (?:africa|asia|europe|america|australia|north|south|east|west|central|tropical"
    r"|temperate|warm)|associated with|compared with|is|are|was|were|can|may|both|without|lacking|no|not|modified|considered)\b",
    re.IGNORECASE,
)
_AND = re.compile(r",?\s+and\s+|,\s+|\s+or\s+(?=(?:an?|the)\s)", re.IGNORECASE)


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
    for text, is_head in _pieces(clean_gloss(gloss)):
        phrase = _scored(text, words, is_head=is_head)
        if phrase is not None and phrase.score >= LEAST_SCORE:
            found.setdefault(phrase.text.lower(), phrase)
    return sorted(found.values(), key=lambda phrase: -phrase.score)


def _pieces(gloss: str) -> Iterator[tuple[str, bool]]:
    """Candidate phrases, each with whether it opens the definition."""
    for number, clause in enumerate(_CLAUSES.split(gloss)):
        for position, text in enumerate(_cut(clause)):
            for piece in _split_long(text):
                yield piece, number == 0 and position == 0


def _cut(clause: str) -> Iterator[str]:
    """The opening of a clause, then what follows each word that announces a feature; the first may be empty."""
    start, wanted = 0, True
    for match in _CUT.finditer(clause):
        if match.start() < start:
            continue
        yield clause[start : match.start()] if wanted else ""
        wanted = match["stop"] is None
        start = match.start() if match["keep"] else match.end()
    yield clause[start:] if wanted else ""


def _split_long(text: str) -> list[str]:
    """A long list is cut at its commas and "and"s; single words stay with the piece before them."""
    text = _tidy(text)
    if len(text.split()) < SPLIT_FROM:
        return [text] if text else []
    pieces: list[str] = []
    for piece in _AND.split(text):
        if pieces and len(piece.split()) == 1:
            pieces[-1] = f"{pieces[-1]} and {piece}"
        else:
            pieces.append(piece)
    return [tidy for piece in pieces if (tidy := _tidy(piece))]


def _tidy(text: str) -> str:
    text = _KIND_OF.sub("", _ADVERBS.sub("", text))
    text = _OPENING.sub("", text.strip(" ,.`'\""))
    return re.sub(
        r"(?:[\s,]+(?:and|or|but|of|on|into|with|also|only|the|an?|able|available|floating|folded|mingled|usually|very))+$",
        "",
        text.strip(" ,.`'\""),
    )


def _scored(text: str, words: VisualWords, *, is_head: bool) -> Phrase | None:
    """None when it is too long, no noun phrase, inside a body, or opens a definition and describes nothing."""
    if len(text.split()) > LONGEST or words.is_inner(text) or words.starts_with_verb(text):
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
