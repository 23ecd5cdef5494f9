"""Which nouns are kinds of which, and what follows: a noun is as near to a photo as the nearest of its kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, blocks
from kec_core.types import Noun
from kec_core.wordnet.vocabulary import meaning
from kec_core.wordnet.wordnet import WordNet

NEAR_LINKS = 3  # up to a hypernym with which a noun's text must agree                          [R]
REFERENCES = 2000  # nouns that such a hypernym is compared with                                [R]
LEAST_AGREEMENT = 0.9
"""Share of the nouns that lie farther from a noun, by text, than one of its hypernyms does, where it is read as meant [M]."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """What V nouns are kinds of.

    Attributes:
        below: int32 (P,), a row for each of P pairs: this noun is ``above``, or a kind of it. Every noun stands below itself.
        above: int32 (P,), ascending.
        links: int32 (P,), hypernyms from one to the other.
        content: float32 (V,), information content of each noun, 0 for what all things are to 1 for what nothing is a kind of.
    """

    below: IntVector
    above: IntVector
    links: IntVector
    content: FloatVector

    def among(self, rows: IntVector) -> Kinds:
        """The kinds among some rows, ascending, numbered anew by their places."""
        place = np.full(len(self.content), -1, dtype=np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        kept = (place[self.below] >= 0) & (place[self.above] >= 0)
        return Kinds(place[self.below[kept]], place[self.above[kept]], self.links[kept], self.content[rows])

    def of(self, row: int) -> IntVector:
        """The rows of a noun and its kinds, ascending int32."""
        first, last = np.searchsorted(self.above, [row, row + 1])
        return np.sort(self.below[first:last])

    def nearest(self, near: FloatMatrix) -> FloatMatrix:
        """For photos (S, V) and nouns the similarity of the noun's nearest kind, float32 (S, V)."""
        starts = np.searchsorted(self.above, np.arange(near.shape[1]))
        return np.asarray(np.maximum.reduceat(near[:, self.below], starts, axis=1), dtype=np.float32)


def no_kinds(count: int) -> Kinds:
    """Of ``count`` nouns none is a kind of another."""
    rows = np.arange(count, dtype=np.int32)
    return Kinds(rows, rows, np.zeros(count, np.int32), np.ones(count, np.float32))


def kinds_among(nouns: Sequence[Noun], wordnet: WordNet | None) -> Kinds:
    """By the hypernyms of what each noun likeliest means; nouns of one meaning stand above each other."""
    if wordnet is None:
        return no_kinds(len(nouns))
    meant = [meaning(noun, wordnet) for noun in nouns]
    rows_of: dict[str, list[int]] = {}
    for row, synset in enumerate(meant):
        rows_of.setdefault(synset, []).append(row)
    pairs = [
        (above, below, links)
        for below, synset in enumerate(meant)
        for ancestor, links in (wordnet.ancestors(synset) if synset else {}).items()
        for above in rows_of.get(ancestor, ())
    ]
    pairs += [(row, row, 0) for row in rows_of.get("", ())]
    above, below, links = np.asarray(sorted(pairs), dtype=np.int32).reshape(-1, 3).T
    content = [wordnet.information_content(synset) if synset else 1.0 for synset in meant]
    return Kinds(below, above, links, np.asarray(content, dtype=np.float32))


def read_as_meant(t: FloatMatrix, kinds: Kinds) -> NDArray[np.bool_]:
    """Whether the text of each noun lies near to that of something it is a kind of, bool (V,).

    The text of "lamp shell", a brachiopod, lies near lamps and far from invertebrates: it would name photos of lamps. A noun
    without hypernyms among the nouns is believed.

    Args:
        t: float32 (V, d), unit rows, centred.
        kinds: of the V nouns.
    """
    close = (kinds.links > 0) & (kinds.links <= NEAR_LINKS)
    below, above = kinds.below[close], kinds.above[close]
    agreement = np.full(len(t), -np.inf, np.float32)
    for block in blocks(len(below)):
        alike = np.einsum("pd,pd->p", t[below[block]], t[above[block]])
        np.maximum.at(agreement, below[block], alike)
    references = t[:: max(1, len(t) // REFERENCES)]
    read = np.isinf(agreement)
    for block in blocks(len(t)):
        beaten = (t[block] @ references.T < agreement[block, None]).mean(axis=1)
        read[block] |= beaten >= LEAST_AGREEMENT
    return read
