"""What a person's free words ask for, without a language model: words to prefer and words to avoid.

The rules are few, so that a person can foresee them:

- the text is read clause by clause; full stops, semicolons, line ends and "but" end a clause;
- a word like "ignore", "not", "without" makes all that follows in its clause words to avoid, until "prefer",
  "focus on" or the like;
- everything else is preferred; "and", "or" and commas part phrases; small words ("group by", "look at") are left out.

What is said then counts by how alike texts are: see ``relevance``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize

ALIKE_FROM, ALIKE_FULL = 0.4, 0.7
"""Cosines, less what all texts have in common, from which a text is touched by a phrase and is fully so [M]."""
EMPHASIS = 4.0
"""A concept or attribute that is fully preferred counts so many times, a fully avoided one that part [R]."""
DROPPED = -0.5
"""Nouns of this relevance or less are left out when knowledge is built [R]."""

_CLAUSE_END = re.compile(r"[.;\n!?]|\bbut\b", re.IGNORECASE)
_PHRASE_END = re.compile(r"""[,:/()"]|\band\b|\bor\b|\bnor\b|&""", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AVOIDING = _words(
    "ignore ignoring not no without avoid avoiding exclude excluding except never skip don't dont neither disregard "
    "omit leave"
)
_PREFERRING = _words("prefer preferring focus only rather instead include including emphasise emphasize")
_SMALL = _words(
    "a an the by on in at of for to from with into as is are be it its this that these those what which who how my our "
    "your i we you me us them their group groups grouping sort look looking matter matters want wants care should must "
    "please mainly mostly most more less than about between also use using separate distinguish tell apart out over "
    "cluster clusters according do does consider kind kinds type types"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """Phrases to prefer and to avoid, in the order they were written, each once."""

    prefer: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.prefer or self.avoid)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read free words; a text without a telling word gives nothing to prefer and nothing to avoid."""
        phrases: dict[bool, list[str]] = {True: [], False: []}
        for clause in _CLAUSE_END.split(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
            avoiding = False
            for part in _PHRASE_END.split(clause):
                avoiding = _read(part, avoiding, phrases)
        avoid = tuple(dict.fromkeys(phrases[True]))
        return cls(prefer=tuple(p for p in dict.fromkeys(phrases[False]) if p not in avoid), avoid=avoid)

    def sentence(self) -> str:
        """How the words were understood, for the person."""
        said = [
            f"{verb} {', '.join(phrases)}"
            for verb, phrases in (("prefer", self.prefer), ("avoid", self.avoid))
            if phrases
        ]
        return f"Understood as: {'; '.join(said)}." if said else "No word to prefer or to avoid was found."


def _read(part: str, avoiding: bool, phrases: dict[bool, list[str]]) -> bool:
    """Collect the phrases between two separators; returns whether what follows is avoided."""
    words: list[str] = []

    def close() -> None:
        if words:
            phrases[avoiding].append(" ".join(words))
            words.clear()

    for word in (found.group().lower() for found in _WORD.finditer(part)):
        if word in _AVOIDING or word in _PREFERRING:
            close()
            avoiding = word in _AVOIDING
        elif word in _SMALL:
            close()
        else:
            words.append(word)
    close()
    return avoiding


def relevance(
    texts: Sequence[str], features: FloatMatrix, guidance: Guidance, phrases: FloatMatrix
) -> FloatVector:
    """How much texts are what the person prefers (1) or avoids (-1), float32 (T,); 0 where the words say nothing.

    In steps of a tenth, so that a text that comes or goes leaves the others where they are.

    A text that holds a phrase word for word is fully touched by it; else by the cosine, after what all the texts have
    in common is taken out, because encoders differ in how alike any two texts are.

    Args:
        texts: T of them.
        features: float32 (T, d), raw or unit.
        guidance: what was asked for.
        phrases: float32 (P, d), raw or unit features of the phrases to prefer, then of those to avoid.
    """
    unit = l2_normalize(features)
    mean = unit.mean(axis=0) if len(unit) > 1 else np.zeros(unit.shape[1:], dtype=np.float32)
    cosines = l2_normalize(unit - mean) @ l2_normalize(l2_normalize(phrases) - mean).T
    touched = np.clip((cosines - ALIKE_FROM) / (ALIKE_FULL - ALIKE_FROM), 0, 1)
    for column, phrase in enumerate((*guidance.prefer, *guidance.avoid)):
        holds = re.compile(rf"\b{re.escape(phrase)}\b")
        touched[[row for row, text in enumerate(texts) if holds.search(text.lower())], column] = 1.0
    split = len(guidance.prefer)
    preferred = touched[:, :split].max(axis=1, initial=0.0)
    avoided = touched[:, split:].max(axis=1, initial=0.0)
    return np.asarray(np.round(preferred - avoided, 1), dtype=np.float32)
