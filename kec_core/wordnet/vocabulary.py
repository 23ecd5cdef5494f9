"""The nouns that images are compared with (methods.md 0)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kec_core.errors import InputError
from kec_core.types import Noun
from kec_core.wordnet.wordnet import WordNet

UNSEEN = """
    act attribute cognition event feeling motive possession process quantity relation state time
""".split()  # noqa: SIM905 - words
"""WordNet's topics of which a photo shows nothing."""
THINGS = frozenset(["animal", "artifact", "body", "food", "object", "plant", "shape", "substance", ""])
"""WordNet's topics of what has a look of its own; "" where the topic is not known."""

MOST_TOLD = 8
"""Unknown names that a sentence lists."""


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

    Of a word's meanings only things, if it means any, else only what can be seen, else all; of "zorblax trucks", which
    WordNet does not know, those of the last word; none where it does not know that either.
    """
    if noun.synset in wordnet:
        return (noun.synset,)
    last = (noun.word.split() or [""])[-1]
    forms = [noun.word, wordnet.singular(noun.word), last, wordnet.singular(last)]
    senses = next((found for form in forms if (found := wordnet.senses(form))), ())
    topics = {sense: wordnet.synset(sense).lexfile for sense in senses}
    things = tuple(sense for sense in senses if topics[sense] in THINGS)
    return things or tuple(sense for sense in senses if topics[sense] not in UNSEEN) or senses


def meaning(noun: Noun, wordnet: WordNet) -> str:
    """The likeliest of ``meanings``, or ""."""
    return next(iter(meanings(noun, wordnet)), "")


def not_in_wordnet(names: Sequence[str], wordnet: WordNet) -> str:
    """What becomes of names that WordNet does not know, not even by their last word, in words; "" when it knows all."""
    unknown = [name for name in names if not meanings(Noun(word=name), wordnet)]
    if not unknown:
        return ""
    more = f" and {len(unknown) - MOST_TOLD:,} more" if len(unknown) > MOST_TOLD else ""
    listed = ", ".join(f'"{name}"' for name in unknown[:MOST_TOLD])
    return (
        f"Not in the dictionary: {listed}{more}. Most encoders read such names as English text; "
        "translate those of another language."
    )


def kinds_of(word: str, synsets: Iterable[str], wordnet: WordNet) -> frozenset[str]:
    """Those of some synsets that are a meaning of a word, or a kind of what it means."""
    meant = set(meanings(Noun(word=word), wordnet))
    return frozenset(
        synset for synset in synsets if synset in wordnet and not meant.isdisjoint(wordnet.ancestors(synset))
    )


def common_word(synset_id: str, wordnet: WordNet) -> str:
    """The first word of a synset that people use for it before all else, or "" when it has none."""
    words = wordnet.synset(synset_id).words
    return next((word for word in words if _means_first(word, synset_id, wordnet)), "")


def _means_first(word: str, synset_id: str, wordnet: WordNet) -> bool:
    return wordnet.is_common(word) and wordnet.senses(word)[0] == synset_id


def wordnet_vocabulary(wordnet: WordNet) -> tuple[Noun, ...]:
    """Every word of WordNet that is not only a named place, person or thing.

    Each word appears once, with the most frequent of its senses that is no instance, in the order of the synset ids.
    """
    return tuple(Noun(word=word, synset=synset) for word, synset in wordnet.common_nouns())


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTerm:
    """A term of the person's own field with its description ("" when none was given)."""

    noun: Noun
    description: str = ""


def domain_vocabulary(text: str, wordnet: WordNet) -> tuple[DomainTerm, ...]:
    """Terms pasted by a person: one per line, ``word`` or ``word: description``; blank lines and repeats are dropped.

    A term that WordNet knows carries the likeliest of its ``meanings``, and that one's gloss when it has no description.

    Raises:
        InputError: no term at all, or a line with a description but no word before it.
    """
    terms: dict[str, DomainTerm] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        word, _, description = (" ".join(part.split()) for part in line.partition(":"))
        if description and not word:
            raise InputError(f"Line {number} has a description but no word; write 'word: description'.")
        if word:
            terms.setdefault(word.lower(), _term(word, description, wordnet))
    if not terms:
        raise InputError(
            "The vocabulary is empty; write one term per line, like 'word' or 'word: description'."
        )
    return tuple(terms.values())


def _term(word: str, description: str, wordnet: WordNet) -> DomainTerm:
    is_known = wordnet.senses(word) or wordnet.senses(wordnet.singular(word))
    synset = meaning(Noun(word=word), wordnet) if is_known else ""
    gloss = wordnet.synset(synset).gloss if synset else ""
    return DomainTerm(noun=Noun(word=word, synset=synset), description=description or gloss)
