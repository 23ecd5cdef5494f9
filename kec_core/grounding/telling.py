"""Which attributes tell the photos of their concept from those of the concepts like it, judged by the photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize, sampled_rows
from kec_core.config import EncoderDefaults, GroundingConfig, KnowledgeConfig
from kec_core.encoders.base import TextEncoder
from kec_core.grounding.photos import concept_scores
from kec_core.grounding.words import concept_vectors
from kec_core.knowledge.pairs import similar_pairs
from kec_core.types import BiAttribute, Concept, Knowledge, LeftOut, UniAttribute

TELLING_REVISION = "telling-1"
"""Change it with the rules: stored attributes are found by it."""
LEAST_AUC = 0.6
"""An attribute that ranks a photo of its concept above one of a neighbour less often than this tells nothing [R]."""
ERRORS = 2.0  # standard errors by which it must be above chance as well                       [R]
SURE = 0.5  # share of the photos of a concept, the surest, that judge                         [R]
FEWEST = 3  # photos on either side, to judge at all                                           [R]
SAMPLE = 8192  # photos of a large collection that judge                                       [R]


def telling_attributes(
    knowledge: Knowledge,
    x: FloatMatrix,
    encode: TextEncoder,
    config: KnowledgeConfig,
    defaults: EncoderDefaults,
) -> Knowledge:
    """The knowledge with those of its automatic attributes that tell photos apart; what went is in ``left_out``.

    The photos that names and descriptions give to a concept are compared with those of its neighbours (of a pair
    attribute: of the other concept). Per concept the best ``config.uni`` stay, per pair and side the best ``config.bi``;
    a text that a concept has already is not said again by a pair. What the person wrote or locked stays as it is.

    Args:
        knowledge: with all candidates.
        x: float32 (N, d), unit rows, as ``ground`` takes them.
        encode: strings to raw float32 (T, d).
        config: how many attributes, and which concepts are alike.
        defaults: scales of the encoder.
    """
    judge = _Judge(knowledge, x, encode, config, defaults)
    uni, left = _telling_uni(knowledge, judge, config.uni)
    bi, also_left = _telling_bi(replace(knowledge, uni=uni), judge, config.bi)
    return replace(knowledge, uni=uni, bi=bi, left_out=(*left, *also_left))


def attribute_aucs(
    knowledge: Knowledge,
    x: FloatMatrix,
    encode: TextEncoder,
    config: KnowledgeConfig,
    defaults: EncoderDefaults,
) -> list[float]:
    """The area under the ROC curve of every attribute that a concept has, between its photos and its neighbours'.

    Args: see ``telling_attributes``.
    """
    judge = _Judge(knowledge, x, encode, config, defaults)
    return [
        judge.verdict(text, concept.id).auc
        for concept in knowledge.concepts
        if not concept.muted
        for text in dict.fromkeys(knowledge.attributes_of(concept.id))
    ]


def auc(scores: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """How often a photo inside scores above one outside, half for equals: area under the ROC curve, in [0, 1]."""
    from scipy.stats import rankdata

    within = int(inside.sum())
    ranks = rankdata(scores)[inside].sum()
    return float((ranks - within * (within + 1) / 2) / (within * (len(scores) - within)))


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the photos say of an attribute."""

    auc: float
    tells: bool


_Attribute = TypeVar("_Attribute", UniAttribute, BiAttribute)


class _Judge:
    """The photos that names and descriptions are sure of, and what every attribute scores on them."""

    def __init__(
        self,
        knowledge: Knowledge,
        x: FloatMatrix,
        encode: TextEncoder,
        config: KnowledgeConfig,
        defaults: EncoderDefaults,
    ) -> None:
        rows = sampled_rows(len(x), SAMPLE, 0)
        photos = np.asarray(x[rows], dtype=np.float32)
        counting = [concept for concept in knowledge.concepts if not concept.muted]
        self._photos = _sure_photos(knowledge, counting, photos, encode, defaults)
        near = similar_pairs(encode([c.text for c in counting]), config, defaults).neighbours
        self._neighbours = {
            concept.id: [counting[other].id for other in others]
            for concept, others in zip(counting, near, strict=True)
        }
        said = [*(a.text for a in knowledge.uni), *(a.text for a in knowledge.bi)]
        texts = list(dict.fromkeys(said))
        self._column = {text: column for column, text in enumerate(texts)}
        self._scores = photos @ l2_normalize(encode(texts)).T if texts else np.zeros((len(photos), 0))

    def verdict(self, text: str, concept: str, against: Iterable[str] = ()) -> _Verdict:
        """By the concept's photos and those of its neighbours or ``against``; with too few photos it stands, as by chance."""
        others = list(against) or self._neighbours.get(concept) or [c for c in self._photos if c != concept]
        own = self._photos.get(concept, np.zeros(0, np.int32))
        rest = [self._photos[other] for other in others if other in self._photos]
        theirs = np.concatenate(rest) if rest else np.zeros(0, np.int32)
        if min(len(own), len(theirs)) < FEWEST:
            return _Verdict(auc=0.5, tells=True)
        scores = self._scores[np.concatenate([own, theirs]), self._column[text]]
        area = auc(scores, np.arange(len(scores)) < len(own))
        error = ((len(scores) + 1) / (12 * len(own) * len(theirs))) ** 0.5  # of ranks that know nothing
        return _Verdict(auc=area, tells=area >= max(LEAST_AUC, 0.5 + ERRORS * error))


def _sure_photos(
    knowledge: Knowledge,
    counting: Sequence[Concept],
    photos: FloatMatrix,
    encode: TextEncoder,
    defaults: EncoderDefaults,
) -> dict[str, IntVector]:
    """Rows of the photos that each concept wins most clearly by its name and description."""
    config = GroundingConfig()
    plain = replace(knowledge, concepts=tuple(counting), uni=(), bi=(), groups=())
    vectors = concept_vectors(plain, encode, config)
    scores = concept_scores(photos, vectors, config, defaults)
    winner = scores.argmax(axis=1)
    margin = scores.max(axis=1) - (
        np.partition(scores, -2, axis=1)[:, -2] if scores.shape[1] > 1 else np.zeros(len(scores))
    )
    sure: dict[str, IntVector] = {}
    for column, concept in enumerate(counting):
        rows = np.flatnonzero(winner == column)
        few = max(FEWEST, int(np.ceil(SURE * len(rows))))
        sure[concept.id] = rows[np.argsort(-margin[rows], kind="stable")[:few]].astype(np.int32)
    return sure


def _telling_uni(
    knowledge: Knowledge, judge: _Judge, count: int
) -> tuple[tuple[UniAttribute, ...], list[LeftOut]]:
    candidates: dict[str, dict[UniAttribute, float]] = {}
    left: list[LeftOut] = []
    for attribute in knowledge.uni:
        if _persons(attribute, knowledge, (attribute.concept,)):
            continue
        verdict = judge.verdict(attribute.text, attribute.concept)
        if verdict.tells:
            candidates.setdefault(attribute.concept, {})[attribute] = verdict.auc
        else:
            left.append(LeftOut(concept=attribute.concept, text=attribute.text, auc=round(verdict.auc, 3)))
    best = {one for some in candidates.values() for one in _best(some, count)}
    return tuple(a for a in knowledge.uni if a in best or _persons(a, knowledge, (a.concept,))), left


def _telling_bi(
    knowledge: Knowledge, judge: _Judge, count: int
) -> tuple[tuple[BiAttribute, ...], list[LeftOut]]:
    said = {
        concept.id: {a.text.casefold() for a in knowledge.uni if a.concept == concept.id}
        for concept in knowledge.concepts
    }
    left: list[LeftOut] = []
    rated: dict[tuple[tuple[str, str], str], dict[BiAttribute, float]] = {}
    for attribute in knowledge.bi:
        if _persons(attribute, knowledge, attribute.pair):
            continue
        for end in attribute.ends:
            other = next(concept for concept in attribute.pair if concept != end)
            verdict = judge.verdict(attribute.text, end, [other])
            if verdict.tells:
                rated.setdefault((attribute.pair, end), {})[attribute] = verdict.auc
            else:
                share = round(verdict.auc, 3)
                left.append(LeftOut(concept=end, text=attribute.text, auc=share, against=other))
    ends: dict[BiAttribute, list[str]] = {}
    for (_, end), candidates in rated.items():
        news = {a: area for a, area in candidates.items() if a.text.casefold() not in said[end]}
        for attribute in _best(news, count):
            said[end].add(attribute.text.casefold())
            ends.setdefault(attribute, []).append(end)
    return tuple(
        a if _persons(a, knowledge, a.pair) else replace(a, ends=tuple(e for e in a.ends if e in ends[a]))
        for a in knowledge.bi
        if a in ends or _persons(a, knowledge, a.pair)
    ), left


def _best(rated: Mapping[_Attribute, float], count: int) -> list[_Attribute]:
    """At most ``count``, largest first, the earlier of equals."""
    return sorted(rated, key=lambda one: -rated[one])[:count]


def _persons(attribute: UniAttribute | BiAttribute, knowledge: Knowledge, concepts: Sequence[str]) -> bool:
    """Whether the person wrote it, or locked a concept of it."""
    return attribute.source == "user" or any(knowledge.by_id[concept].locked for concept in concepts)
