"""The vectors of the concepts taken apart again, word by word (methods.md 6.1 step 4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, check_matrix, l2_normalize
from kec_core.config import GroundingConfig
from kec_core.encoders.base import TextEncoder
from kec_core.types import Knowledge

Kind = Literal["looks", "name", "description", "attribute", "pair attribute"]
"""What speaks: the photo itself, a concept's name or description, what is typical of it, what sets it apart."""


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
        concepts: int64 (P,), row of each word's concept in ``ConceptVectors.concept_ids``.
        vectors: float64 (P, d). Rows of names and descriptions add up to phi + psi of their concept, rows of
            attributes to its mean attribute vector.
        directions: float32 (P, d), unit rows: the texts by themselves.
        lengths: float64 (M,), |phi + psi| of every concept.
    """

    words: tuple[Word, ...]
    concepts: NDArray[np.int64]
    vectors: NDArray[np.float64]
    directions: FloatMatrix
    lengths: NDArray[np.float64]

    @cached_property
    def speaks(self) -> NDArray[np.bool_]:
        """(P,) True for names and descriptions, False for attributes."""
        return np.array([word.kind in ("name", "description") for word in self.words], dtype=np.bool_)


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
    unit = l2_normalize(encoded)
    counting = list(dict.fromkeys(word.concept for word in words))
    place = {concept: number for number, concept in enumerate(counting)}
    rows = np.array([row[word.text] for word in words])
    concepts = np.array([place[word.concept] for word in words])
    speaks = np.array([word.kind in ("name", "description") for word in words])
    vectors = (encoded if config.mode == "raw" else unit)[rows].astype(np.float64)
    lengths = np.linalg.norm(_sums(vectors[speaks], concepts[speaks], len(counting)), axis=1)
    if config.centre_before_product and not speaks.all():
        vectors[~speaks] -= vectors[~speaks].mean(axis=0)
    counts = np.bincount(concepts[~speaks], minlength=len(counting))
    vectors[~speaks] /= counts[concepts[~speaks], None]
    return WordParts(words=words, concepts=concepts, vectors=vectors, directions=unit[rows], lengths=lengths)


def _sums(vectors: NDArray[np.float64], concepts: NDArray[np.int64], n_concepts: int) -> NDArray[np.float64]:
    sums = np.zeros((n_concepts, vectors.shape[1]))
    np.add.at(sums, concepts, vectors)
    return sums


def _words(knowledge: Knowledge, config: GroundingConfig) -> Iterator[Word]:
    """The texts that speak, concept by concept; a name also when names are switched off but nothing describes it."""
    attributes = _attributes(knowledge, config)
    for concept in knowledge.concepts:
        if concept.muted:
            continue
        described = bool(concept.description.strip())
        if config.use_concept or not described:
            yield Word(kind="name", text=concept.name, concept=concept.id, id=concept.id)
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
