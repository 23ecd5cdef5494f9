"""Nouns of over-cluster centres and of concept components (methods.md 6.1 steps 1 and 2, 6.2 A3, 1.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    BLOCK_ROWS,
    FloatMatrix,
    FloatVector,
    IntVector,
    blocks,
    check_matrix,
    l2_normalize,
)
from kec_core.config import MappingConfig
from kec_core.errors import InputError
from kec_core.knowledge.guidance import DROPPED, Guidance, relevance
from kec_core.types import Noun, NounMapping
from kec_core.wording import counted
from kec_core.wordnet.vocabulary import meanings
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
    effect = f"{counted(dropped, 'noun')} left out and {sooner} chosen sooner"
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


PREFERRED_GAIN = 1.0
"""A fully preferred noun counts as nearer by so many standard deviations of the cosines [R]."""


def nouns_of_centres(
    centroids: FloatMatrix,
    nouns: FloatMatrix,
    config: MappingConfig,
    *,
    preference: FloatVector | None = None,
) -> IntVector:
    """The nouns of every centre, best first (methods.md 6.1 step 1; with ``tac_reverse`` 1.1 step 3).

    Args:
        centroids: float32 (k, d), unit rows mu_p.
        nouns: float32 (V, d), text features of the nouns, raw or unit.
        config: ``top_nouns`` and ``noun_choice``.
        preference: float32 (V,), 0 to 1, how much the person prefers a noun; counts for the nearest nouns.

    Returns:
        int32 (k, top), vocabulary indices; -1 pads where a centre has fewer.

    Raises:
        InputError: there is no noun.
        ShapeError: the nouns are not a finite (V, d) table.
    """
    nouns = check_matrix(nouns, "The noun features", columns=centroids.shape[1])
    if not len(nouns):
        raise InputError(
            "At least one noun is needed, but the vocabulary is empty; choose another vocabulary."
        )
    if config.noun_choice == "nearest":
        return _nearest_nouns(centroids, nouns, config.top_nouns, preference)
    return _owned_nouns(centroids, nouns, config.top_nouns)


def _nearest_nouns(
    centroids: FloatMatrix, nouns: FloatMatrix, top: int, preference: FloatVector | None
) -> IntVector:
    """S_p: each centre's nouns of largest cosine; blocks of nouns, so k x V is never held."""
    gain = np.zeros(len(nouns), dtype=np.float32)
    if preference is not None:
        spread = (centroids @ l2_normalize(nouns[:BLOCK_ROWS]).T).std()
        gain = PREFERRED_GAIN * spread * preference
    best = np.full((len(centroids), top), -np.inf, dtype=np.float32)
    chosen = np.full((len(centroids), top), -1, dtype=np.int32)
    for block in blocks(len(nouns)):
        scores = np.hstack([best, centroids @ l2_normalize(nouns[block]).T + gain[block]])
        fresh = np.arange(block.start, block.stop, dtype=np.int32)
        candidates = np.hstack([chosen, np.broadcast_to(fresh, (len(centroids), len(fresh)))])
        part = np.argpartition(-scores, top - 1, axis=1)[:, :top]
        ids, values = np.take_along_axis(candidates, part, axis=1), np.take_along_axis(scores, part, axis=1)
        order = np.lexsort((ids, -values), axis=1)
        chosen, best = np.take_along_axis(ids, order, axis=1), np.take_along_axis(values, order, axis=1)
    return chosen


def _owned_nouns(centroids: FloatMatrix, nouns: FloatMatrix, top: int) -> IntVector:
    """TAC's reverse classification: a noun belongs to the centre it names best; each keeps the surest it owns."""
    owner = np.empty(len(nouns), dtype=np.int32)
    confidence = np.empty(len(nouns), dtype=np.float32)
    for block in blocks(len(nouns)):
        scores = (
            l2_normalize(nouns[block]) @ centroids.T
        )  # (B, k), softmax over the k centres, no temperature
        owner[block] = scores.argmax(axis=1)
        confidence[block] = 1 / np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1)
    order = np.lexsort((-confidence, owner))
    first = np.searchsorted(owner[order], np.arange(len(centroids)))
    rank = np.arange(len(nouns)) - first[owner[order]]
    kept = rank < top
    chosen = np.full((len(centroids), top), -1, dtype=np.int32)
    chosen[owner[order][kept], rank[kept]] = order[kept]
    return chosen


def component_nouns(mapping: NounMapping, vocabulary: Sequence[Noun]) -> list[tuple[Noun, ...]]:
    """W~_q, the nouns of every component, most frequent over its centres first.

    Equal frequency: the better rank in a centre's list, then the order of the vocabulary. A component
    whose centres have no noun (possible with ``tac_reverse``) is left out.
    """
    merged: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for component, row in zip(mapping.components.tolist(), mapping.nouns.tolist(), strict=True):
        for rank, noun in enumerate(row):
            if noun >= 0:
                merged[component][noun].append(rank)
    lists = []
    for component in sorted(merged):
        ranks = merged[component]
        ordered = sorted(ranks, key=lambda noun: (-len(ranks[noun]), min(ranks[noun]), noun))
        lists.append(tuple(vocabulary[noun] for noun in ordered))
    return lists
