"""Which words of a definition can be seen in a photo, and how much they tell."""

from __future__ import annotations

import re
from functools import cache

from kec_core.knowledge.word_lists import (
    COLOURS_AND_PATTERNS,
    GRAMMAR,
    NOT_SEEN,
    NUMBERS,
    SHAPES_AND_TEXTURES,
    TISSUES_SEEN,
)
from kec_core.wordnet.wordnet import Synset, WordNet

STRONG, PLAIN, ORGAN, NUMBER = 1.6, 1.0, 1.3, 0.6
"""Weights of colours and patterns, of shapes, sizes and textures, of body and plant parts, and of counts."""
SENSES, SENSE_DECAY = 4, 0.85
"""A noun counts by the best of its first meanings, later ones less."""
_LEXFILE_WEIGHTS = {
    "": 0.5,
    "body": ORGAN,
    "shape": 1.0,
    "artifact": 0.7,
    "object": 0.6,
    "substance": 0.6,
    "food": 0.5,
    "plant": 0.5,
    "animal": 0.4,
}
_INNER_ROOTS = (
    ("internal organ", "body"),
    ("liquid body substance", "body"),
    ("body substance", "body"),
    ("nerve", "body"),
    ("nervous system", "body"),
    ("neural structure", "body"),
    ("bone", "body"),
    ("muscle", "body"),
    ("gland", "body"),
    ("cell", "body"),
    ("blood vessel", "body"),
    ("body cavity", "body"),
    ("tissue", "body"),
    ("system", "body"),
    ("reproductive organ", "body"),
)
"""Words, with the topic of the meaning, above everything inside a body."""

_OUTER_PARTS = (("body part", "body"), ("body covering", "body"), ("animal material", "substance"))
_PLANT_PARTS = (("plant part", "plant"), ("plant organ", "plant"))
_COLOURS = (("color", "attribute"), ("chromatic color", "attribute"))

_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_TOKEN_SEPARATOR = re.compile(r"[^a-z-]+")


class VisualWords:
    """Weighs words by what a camera can see; every answer depends on the word alone."""

    def __init__(self, wordnet: WordNet) -> None:
        self._wordnet = wordnet
        self._inner = _synsets_named(wordnet, _INNER_ROOTS)
        self._colours = _synsets_named(wordnet, _COLOURS)
        self._parts = _synsets_named(wordnet, _OUTER_PARTS + _PLANT_PARTS)
        self.weight = cache(self._weight)
        self.lemma = cache(self._lemma)
        self.inner = cache(self._is_inner)

    def words(self, text: str) -> list[str]:
        """Lower-case words of a text, hyphens kept."""
        return [word for word in _TOKEN_SEPARATOR.split(text.lower()) if _WORD.fullmatch(word)]

    def content(self, text: str) -> frozenset[str]:
        """Base forms of the words that carry meaning."""
        return frozenset(self.lemma(word) for word in self.words(text) if word not in GRAMMAR)

    def visible(self, text: str) -> frozenset[str]:
        """Base forms of the words that can be seen."""
        return frozenset(word for word in self.content(text) if self.weight(word) > 0)

    def describes(self, text: str) -> bool:
        """Whether a text holds a word that describes: a colour, a shape, a count, or a compound like "long-legged"."""
        return any(
            word in _ADJECTIVES | NUMBERS or ("-" in word and self.weight(word) > 0)
            for word in self.words(text)
        )

    def has_verb(self, text: str) -> bool:
        """Whether a text holds a word like "absorbs": an ending in s, but no noun."""
        return any(self._is_verb(word) for word in self.words(text))

    def _is_verb(self, word: str) -> bool:
        ending = word.endswith("s") and not word.endswith(("ss", "us", "is"))
        return (
            ending
            and "-" not in word
            and word not in _NOT_NOUNS
            and not self._wordnet.senses(self.lemma(word))
        )

    def is_inner(self, text: str) -> bool:
        """Whether a text speaks of something inside a body."""
        return any(self.inner(word) for word in self.words(text))

    def _is_inner(self, word: str) -> bool:
        lemma = self.lemma(word)
        if word in _NOT_NOUNS or lemma in TISSUES_SEEN | NOT_SEEN:
            return False
        senses = self._wordnet.senses(lemma)
        return bool(senses) and self._is_below(self._wordnet.synset(senses[0]), self._inner)

    def _lemma(self, word: str) -> str:
        """The singular that WordNet knows, else the word itself."""
        return word if word in _NOT_NOUNS else self._wordnet.singular(word)

    def _weight(self, word: str) -> float:
        """0 for what cannot be seen."""
        lemma = self._lemma(word)
        if word in COLOURS_AND_PATTERNS:
            return STRONG
        if word in SHAPES_AND_TEXTURES:
            return PLAIN
        if word in NUMBERS:
            return NUMBER
        if word in GRAMMAR or lemma in NOT_SEEN:
            return 0.0
        if "-" in word:
            return max(self._compound_weight(part) for part in word.split("-"))
        return self._noun_weight(lemma)

    def _compound_weight(self, part: str) -> float:
        """For parts like those of "long-legged" and "bell-shaped"."""
        if part in ("shaped", "like", "colored", "coloured"):
            return PLAIN
        bare = re.sub(r"(.)\1?ed$", r"\1", part)
        known = next(
            (form for form in (part, bare, bare + "e") if form in _ADJECTIVES or self._wordnet.senses(form)),
            "",
        )
        return self._weight(known) if known else 0.0

    def _noun_weight(self, lemma: str) -> float:
        if self.inner(lemma):
            return 0.0
        senses = [self._wordnet.synset(sense) for sense in self._wordnet.senses(lemma)[:SENSES]]
        weights = [self._sense_weight(sense) * SENSE_DECAY**rank for rank, sense in enumerate(senses)]
        return max(weights, default=0.0)

    def _sense_weight(self, sense: Synset) -> float:
        if sense.is_instance:
            return 0.0
        if self._is_below(sense, self._colours):
            return STRONG
        if self._is_below(sense, self._parts):
            return ORGAN
        return _LEXFILE_WEIGHTS.get(sense.lexfile, 0.0)

    def _is_below(self, sense: Synset, roots: frozenset[str]) -> bool:
        return not roots.isdisjoint(self._wordnet.ancestors(sense.id))


def _synsets_named(wordnet: WordNet, names: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """Ids of the meanings of words within a topic; ids differ between WordNet versions, words do not."""
    return frozenset(
        sense
        for word, topic in names
        for sense in wordnet.senses(word)
        if wordnet.synset(sense).lexfile == topic
    )


_ADJECTIVES = COLOURS_AND_PATTERNS | SHAPES_AND_TEXTURES
_NOT_NOUNS = _ADJECTIVES | GRAMMAR
