"""What concepts are called where a person must tell them apart: several of an automatic result may have one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from itertools import count

from kec_core.types import Concept, Knowledge

UNCLEAR = "unclear"
"""What a group begins to be called that no word fits."""


def is_unclear(concept: Concept) -> bool:
    """Whether no word fits what it stands for, so that there is nothing to ask or to say about it."""
    return concept.name.startswith(UNCLEAR)


def unique_names(knowledge: Knowledge) -> dict[str, str]:
    """A name to show for every concept and collapsed group, by id.

    It is its own name; namesakes (in any case) get in brackets their first noun that no other of them has, or their id
    where they have no such noun.
    """
    namesakes: dict[str, list[Concept]] = {}
    for concept in knowledge.by_id.values():
        namesakes.setdefault(concept.name.casefold(), []).append(concept)
    return {
        concept.id: f"{concept.name} ({mark})" if mark else concept.name
        for some in namesakes.values()
        for concept, mark in zip(some, _marks(some), strict=True)
    }


def _marks(namesakes: Sequence[Concept]) -> list[str]:
    """What only this one of the namesakes has; nothing for a concept that has none."""
    if len(namesakes) == 1:
        return [""]
    nouns = [dict.fromkeys(noun.word.casefold() for noun in concept.nouns) for concept in namesakes]
    times = Counter(noun for own in nouns for noun in own)
    return [
        next(
            (
                noun.word
                for noun in concept.nouns
                if times[noun.word.casefold()] == 1 and noun.word.casefold() != concept.name.casefold()
            ),
            concept.id,
        )
        for concept in namesakes
    ]


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or with the lowest number from 2 on that makes it none of ``taken`` (given casefolded)."""
    if name.casefold() not in taken:
        return name
    return next(one for number in count(2) if (one := f"{name} {number}").casefold() not in taken)
