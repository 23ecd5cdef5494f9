"""Which nouns may name what a photo shows, and what people call them."""

from __future__ import annotations

from kec_core.types import Noun
from kec_core.wordnet.wordnet import WordNet

UNSEEN = frozenset(
    [
        "act",
        "attribute",
        "cognition",
        "event",
        "feeling",
        "motive",
        "possession",
        "process",
        "quantity",
        "relation",
        "state",
        "time",
    ]
)
"""WordNet's topics of which a photo shows nothing."""


def everyday_name(noun: Noun, wordnet: WordNet) -> str:
    """The word itself when people use it, else the most common word of its meaning: "tench" for "Tinca tinca"."""
    if noun.synset not in wordnet or wordnet.is_common(noun.word):
        return noun.word
    words = wordnet.synset(noun.synset).words
    return next((word for word in words if wordnet.is_common(word)), words[0])


def can_be_seen(noun: Noun, wordnet: WordNet) -> bool:
    """Whether a photo may show a noun, by WordNet's topic of its meaning; one that WordNet does not know may."""
    return noun.synset not in wordnet or wordnet.synset(noun.synset).lexfile not in UNSEEN
