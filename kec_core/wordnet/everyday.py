"""Which nouns may name what a photo shows, what they mean in a photo, and what people call them."""

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
THINGS = frozenset(["animal", "artifact", "body", "food", "object", "plant", "shape", "substance", ""])
"""WordNet's topics of what has a look of its own; "" where the topic is not known."""


def everyday_name(noun: Noun, wordnet: WordNet) -> str:
    """What people call a noun: "tench" for "Tinca tinca", "cougar" for "painter".

    The word itself when they use it for its meaning before all else, else the first word of that meaning which they so use,
    or the first at all.
    """
    if noun.synset not in wordnet or _means_first(noun.word, noun.synset, wordnet):
        return noun.word
    return common_word(noun.synset, wordnet) or wordnet.synset(noun.synset).words[0]


def can_be_seen(noun: Noun, wordnet: WordNet) -> bool:
    """Whether a photo may show a noun, by WordNet's topic of its meaning; one that WordNet does not know may."""
    return noun.synset not in wordnet or wordnet.synset(noun.synset).lexfile not in UNSEEN


def meanings(noun: Noun, wordnet: WordNet) -> tuple[str, ...]:
    """The synsets a noun may stand for in a photo, likeliest first: the one it carries, or those of its word or singular.

    Of a word's meanings only things, if it means any, else only what can be seen, else all; of "zorblax truck", which
    WordNet does not know, those of the last word; none where it does not know that either.
    """
    if noun.synset in wordnet:
        return (noun.synset,)
    forms = [noun.word, wordnet.singular(noun.word), noun.word.split()[-1] if noun.word.strip() else ""]
    senses = next((found for form in forms if (found := wordnet.senses(form))), ())
    topics = {sense: wordnet.synset(sense).lexfile for sense in senses}
    things = tuple(sense for sense in senses if topics[sense] in THINGS)
    return things or tuple(sense for sense in senses if topics[sense] not in UNSEEN) or senses


def meaning(noun: Noun, wordnet: WordNet) -> str:
    """The likeliest of ``meanings``, or ""."""
    return next(iter(meanings(noun, wordnet)), "")


def common_word(synset_id: str, wordnet: WordNet) -> str:
    """The first word of a synset that people use for it before all else, or "" when it has none."""
    words = wordnet.synset(synset_id).words
    return next((word for word in words if _means_first(word, synset_id, wordnet)), "")


def _means_first(word: str, synset_id: str, wordnet: WordNet) -> bool:
    return wordnet.is_common(word) and wordnet.senses(word)[0] == synset_id
