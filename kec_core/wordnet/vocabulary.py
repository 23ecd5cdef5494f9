"""The nouns that images are compared with (methods.md 0)."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.errors import InputError
from kec_core.types import Noun
from kec_core.wordnet.wordnet import WordNet


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

    A term that WordNet knows carries its most frequent sense, and that sense's gloss when it has no description.

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
    synset = next(iter(wordnet.senses(word) or wordnet.senses(wordnet.singular(word))), "")
    gloss = wordnet.synset(synset).gloss if synset else ""
    return DomainTerm(noun=Noun(word=word, synset=synset), description=description or gloss)
