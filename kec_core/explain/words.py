"""The vectors of the concepts taken apart again, word by word (methods.md 6.1 step 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, check_matrix, l2_normalize
from kec_core.config import GroundingConfig
from kec_core.encoders.base import TextEncoder
from kec_core.grounding import emphasis
from kec_core.types import Knowledge

Kind = Literal["looks", "guidance", "name", "description", "attribute", "pair attribute"]
"""What speaks: the photo itself, the person's guidance, a concept's name or description, what is typical of it, what sets
it apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One text that speaks for a concept.

    Attributes:
        kind: which role it plays.
        text: as the person reads it.
        concept: id of the concept.
        id: the attribute's id, or the concept's for its name and description.
    """

    kind: Kind
    text: str
    concept: str
    id: str


@dataclass(frozen=True, kw_only=True, eq=False)
class WordParts:
    """The words behind ``ConceptVectors``; row p of everything belongs to ``words[p]``.

    Attributes:
        words: P texts, concept by concept.
        columns: int64 (P,), row in ``ConceptVectors.concept_ids`` under which each word counts: that of its concept, or
            of the collapsed group around it.
        vectors: float64 (P, d). Rows of names and descriptions add up to phi + psi of their column, rows of
            attributes to its mean attribute vector.
        directions: float32 (P, d), unit rows: the texts by themselves.
        lengths: float64 (M,), |phi + psi| of every column.
    """

    words: tuple[Word, ...]
    columns: NDArray[np.int64]
    vectors: NDArray[np.float64]
    directions: FloatMatrix
    lengths: NDArray[np.float64]

    @cached_property
    def speaks(self) -> NDArray[np.bool_]:
        """(P,) True for names and descriptions, False for attributes."""
        return _speak(self.words)


def word_parts(knowledge: Knowledge, encode: TextEncoder, config: GroundingConfig) -> WordParts:
    """Take the concept vectors apart; muted concepts and kinds that are switched off are left out.

    Args:
        knowledge: at least one concept that counts.
        encode: strings to raw float32 (T, d).
        config: as ``kec_core.grounding.concept_vectors`` was given.
    """
    words = tuple(_words(knowledge, config))
    texts = list(dict.fromkeys(word.text for word in words))
    row = {text: number for number, text in enumerate(texts)}
    encoded = check_matrix(encode(texts), "The text features")
    rows = np.array([row[word.text] for word in words])
    unit = l2_normalize(encoded)
    columns, shares = _shares(words, knowledge, emphasis(knowledge, encode, config).attributes)
    vectors = (encoded if config.mode == "raw" else unit)[rows].astype(np.float64)
    attributes = ~_speak(words)
    if config.centre_before_product and attributes.any():
        vectors[attributes] -= vectors[attributes].mean(axis=0)
    vectors *= shares[:, None]
    sums = np.zeros((int(columns.max()) + 1, vectors.shape[1]))
    np.add.at(sums, columns[~attributes], vectors[~attributes])
    return WordParts(
        words=words,
        columns=columns,
        vectors=vectors,
        directions=unit[rows],
        lengths=np.linalg.norm(sums, axis=1),
    )


def _speak(words: Sequence[Word]) -> NDArray[np.bool_]:
    return np.array([word.kind in ("name", "description") for word in words], dtype=np.bool_)


def _shares(
    words: Sequence[Word], knowledge: Knowledge, emphasis: Mapping[str, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where every word counts, and its share there.

    Names and descriptions count fully in their concept, an attribute as guidance weighs it among the others of its
    concept; the concepts of a collapsed group share alike, as do those of them that have attributes.
    """
    members: dict[str, list[str]] = {}
    for concept in dict.fromkeys(word.concept for word in words):
        members.setdefault(knowledge.column_of[concept], []).append(concept)
    place = {column: number for number, column in enumerate(members)}
    weights: defaultdict[str, float] = defaultdict(float)
    for word, speaks in zip(words, _speak(words), strict=True):
        if not speaks:
            weights[word.concept] += emphasis[word.text]
    with_attributes = {
        column: sum(concept in weights for concept in concepts) for column, concepts in members.items()
    }
    columns, shares = [], []
    for word, speaks in zip(words, _speak(words), strict=True):
        column = knowledge.column_of[word.concept]
        columns.append(place[column])
        shares.append(
            1 / len(members[column])
            if speaks
            else emphasis[word.text] / weights[word.concept] / with_attributes[column]
        )
    return np.array(columns), np.array(shares)


def _words(knowledge: Knowledge, config: GroundingConfig) -> Iterator[Word]:
    """The texts that speak, concept by concept; a name also when names are switched off but nothing describes it."""
    attributes = _attributes(knowledge, config)
    for concept in knowledge.concepts:
        if concept.muted:
            continue
        described = bool(concept.description.strip())
        if config.use_concept or not described:
            yield Word(kind="name", text=concept.text, concept=concept.id, id=concept.id)
        if config.use_description and described:
            yield Word(kind="description", text=concept.description, concept=concept.id, id=concept.id)
        yield from attributes[concept.id]


def _attributes(knowledge: Knowledge, config: GroundingConfig) -> defaultdict[str, list[Word]]:
    """A_q by concept id, of the kinds that are switched on."""
    found: defaultdict[str, list[Word]] = defaultdict(list)
    for uni in knowledge.uni if config.use_uni else ():
        found[uni.concept].append(Word(kind="attribute", text=uni.text, concept=uni.concept, id=uni.id))
    for bi in knowledge.bi if config.use_bi else ():
        for concept in bi.ends:
            found[concept].append(Word(kind="pair attribute", text=bi.text, concept=concept, id=bi.id))
    return found
