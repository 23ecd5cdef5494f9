"""Guidance on nouns: words like the avoided ones are left out, words like the preferred ones are chosen sooner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector
from kec_core.errors import InputError
from kec_core.knowledge.guidance import DROPPED, Guidance, relevance
from kec_core.types import Noun
from kec_core.wordnet.everyday import meanings
from kec_core.wordnet.wordnet import WordNet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuidedNouns:
    """What guidance makes of a vocabulary.

    Attributes:
        kept: bool (V,), False for nouns that are left out.
        preference: float32 (V,), 0 to 1: how much a noun is what the person prefers.
        note: what happened, in words for the person.
    """

    kept: NDArray[np.bool_]
    preference: FloatVector
    note: str


def guide_nouns(
    nouns: Sequence[Noun],
    features: FloatMatrix,
    guidance: Guidance,
    phrases: FloatMatrix,
    wordnet: WordNet | None = None,
) -> GuidedNouns:
    """Which nouns guidance leaves out and which it prefers, by likeness and by what lies below a word in WordNet.

    Args:
        nouns: V of them.
        features: float32 (V, d), their text features.
        guidance: what was asked for; not empty.
        phrases: float32 (P, d), features of the phrases to prefer, then of those to avoid.
        wordnet: to find kinds of what is named; None goes by likeness alone.

    Raises:
        InputError: no noun is left.
    """
    told = relevance([noun.word for noun in nouns], features, guidance, phrases)
    if wordnet is not None and wordnet.has_relations:
        told[_kinds(nouns, guidance.prefer, wordnet)] = 1.0
        told[_kinds(nouns, guidance.avoid, wordnet)] = -1.0
    kept = told > DROPPED
    preferred = np.clip(told, 0, 1).astype(np.float32)
    if not kept.any():
        raise InputError(
            f"The guidance leaves none of {len(nouns)} nouns ({guidance.sentence()}); avoid less, or prefer something."
        )
    dropped, sooner = len(kept) - int(kept.sum()), int((preferred > 0).sum())
    effect = f"{dropped} nouns were left out and {sooner} chosen sooner"
    if not (dropped or sooner):
        effect = "no noun is like these words, so they change no concept's nouns"
    return GuidedNouns(
        kept=kept, preference=preferred, note=f"{guidance.sentence()} For the concepts, {effect}."
    )


def _kinds(nouns: Sequence[Noun], phrases: Sequence[str], wordnet: WordNet) -> list[int]:
    """Rows of the nouns that are kinds of what a phrase may mean in a photo."""
    meant = {synset for phrase in phrases for synset in meanings(Noun(word=phrase), wordnet)}
    return [
        row
        for row, noun in enumerate(nouns)
        if noun.synset in wordnet and not meant.isdisjoint(wordnet.ancestors(noun.synset))
    ]
