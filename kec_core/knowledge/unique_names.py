"""What concepts are called where a person must tell them apart: several of an automatic result may have one name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence
from itertools import count

import numpy as np

from kec_core.arrays import l2_normalize
from kec_core.encoders.base import TextEncoder
from kec_core.types import Concept, Knowledge

ALIKE = 0.9
"""Cosine of two names' text features from which they read alike: synonyms reach 0.93 to 0.98 [M]."""


def concepts_named_like(names: Sequence[str], knowledge: Knowledge, encode: TextEncoder) -> tuple[str, ...]:
    """For every name the id of the concept that is named like it, "" where there is none.

    The same name, in any case, goes before one that only reads alike.
    """
    if not names or not knowledge.concepts:
        return ("",) * len(names)
    same = {concept.name.casefold(): concept.id for concept in reversed(knowledge.concepts)}
    known = l2_normalize(encode([concept.text for concept in knowledge.concepts]))
    likeness = l2_normalize(encode(list(names))) @ known.T
    nearest = likeness.argmax(axis=1)
    alike = likeness[np.arange(len(names)), nearest] >= ALIKE
    return tuple(
        same.get(name.casefold(), knowledge.concepts[nearest[row]].id if alike[row] else "")
        for row, name in enumerate(names)
    )


UNCLEAR = "unclear"
"""What a group begins to be called that no word fits."""
_UNCLEAR = re.compile(rf"{UNCLEAR}( \d+)?( \(\d+ photos?\))?")


def says_unclear(name: str) -> bool:
    """Whether a concept or a cluster is called so because no word fits it."""
    return _UNCLEAR.fullmatch(name) is not None


def is_unclear(concept: Concept) -> bool:
    """Whether no word fits what it stands for, so that there is nothing to ask or to say about it."""
    return says_unclear(concept.name)


def unique_names(knowledge: Knowledge) -> dict[str, str]:
    """A name to show for every concept and collapsed group, by id.

    It is its own name; namesakes (in any case) get in brackets their first noun that no other of them has, or their id
    where they have no such noun. Those that no word fits have numbers.
    """
    concepts = list(knowledge.by_id.values())
    names = numbered([concept.name for concept in concepts])
    namesakes: dict[str, list[tuple[Concept, str]]] = {}
    for concept, name in zip(concepts, names, strict=True):
        namesakes.setdefault(name.casefold(), []).append((concept, name))
    return {
        concept.id: f"{name} ({mark})" if mark else name
        for some in namesakes.values()
        for (concept, name), mark in zip(some, _marks([one for one, _ in some]), strict=True)
    }


def numbered(names: Sequence[str]) -> list[str]:
    """The names with those that say that no word fits as "unclear", "unclear 2" and so on."""
    taken = {name.casefold() for name in names if not says_unclear(name)}
    shown = []
    for name in map(unnumbered, names):
        shown.append(free_name(name, taken) if name == UNCLEAR else name)
        taken.add(shown[-1].casefold())
    return shown


def unnumbered(name: str) -> str:
    """The name; of one that says that no word fits neither its number nor how many photos it had when it was made."""
    return UNCLEAR if says_unclear(name) else name


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
