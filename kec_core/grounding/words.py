"""The text side of grounding: concepts and attributes as vectors (methods.md 6.1 step 4, 6.2 A6 to A8, A14)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, check_matrix, l2_normalize
from kec_core.config import GroundingConfig
from kec_core.encoders.base import TextEncoder
from kec_core.errors import InputError
from kec_core.knowledge.guidance import EMPHASIS, Guidance, relevance
from kec_core.types import Concept, ConceptVectors, Knowledge


def concept_vectors(knowledge: Knowledge, encode: TextEncoder, config: GroundingConfig) -> ConceptVectors:
    """Text features of the concepts that count: logit vectors, zeta and mean attribute vectors.

    Muted concepts are left out; a concept without a description counts with its name alone, one without
    attributes adds nothing through them. Vectors are unit before they are summed or averaged, except in
    mode "raw". In modes "raw" and "literal_unit" the logit vector is the plain sum (methods.md A6, A7).

    The concepts of a collapsed group are one row: the mean of theirs. Guidance lets concepts and attributes that are
    like its words count up to ``EMPHASIS`` times as much or as little: concepts by a prior, attributes in their mean.

    Args:
        knowledge: concepts and attributes.
        encode: strings to raw float32 (T, d); called once, with every string once.
        config: mode, ``unit_zeta``, ``centre_before_product`` and the ablation switches.

    Raises:
        InputError: no concept is left, or both concept names and descriptions are switched off.
    """
    concepts = _counting(knowledge)
    if not (config.use_concept or config.use_description):
        raise InputError(
            "Grounding needs the concepts' names or their descriptions, but both are switched off; switch one on."
        )
    own = _attribute_texts(knowledge, config)
    encoded = _read(knowledge, concepts, own, encode, config)
    row, features, told = encoded.row, encoded.features, encoded.told
    weights = None if told is None else np.power(np.float32(EMPHASIS), told)
    rows = [[row[text] for text in own[c.id]] for c in concepts]
    each = ConceptVectors(
        logit=np.empty((0, 0), dtype=np.float32),
        zeta=_concept_sums(concepts, features, row, config),
        attributes=_attribute_means(rows, features, weights, centre=config.centre_before_product),
        concept_ids=tuple(c.id for c in concepts),
        prior=None if told is None else _prior(concepts, row, told),
    )
    return _with_logits(_collapsed(each, knowledge), config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """How many times guidance makes concepts (by id) and attributes (by text) count; 1 is as without guidance."""

    concepts: Mapping[str, float]
    attributes: Mapping[str, float]


def emphasis(knowledge: Knowledge, encode: TextEncoder, config: GroundingConfig) -> Emphasis:
    """What the guidance of a knowledge does to each concept and attribute that counts.

    Args: see ``concept_vectors``.
    """
    concepts, own = _counting(knowledge), _attribute_texts(knowledge, config)
    encoded = _read(knowledge, concepts, own, encode, config)
    told = np.zeros(len(encoded.row), dtype=np.float32) if encoded.told is None else encoded.told
    prior = np.exp(_prior(concepts, encoded.row, told)).tolist()
    return Emphasis(
        concepts={concept.id: factor for concept, factor in zip(concepts, prior, strict=True)},
        attributes={
            text: EMPHASIS ** float(told[encoded.row[text]])
            for texts in own.values()
            for text in texts
            if text in encoded.row
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _TextFeatures:
    """Text features of the unmuted concepts and their attributes.

    Attributes:
        row: the row of every text in ``features``.
        features: float32 (T, d), unit except in mode "raw".
        told: float32 (T,), how much guidance prefers (1) or avoids (-1) each text; None without guidance.
    """

    row: dict[str, int]
    features: FloatMatrix
    told: FloatVector | None


def _read(
    knowledge: Knowledge,
    concepts: Sequence[Concept],
    attributes: Mapping[str, Sequence[str]],
    encode: TextEncoder,
    config: GroundingConfig,
) -> _TextFeatures:
    texts = list(
        dict.fromkeys(
            [c.text for c in concepts]
            + [c.description for c in concepts if c.description.strip()]
            + [text for c in concepts for text in attributes.get(c.id, ())]
        )
    )
    guidance = Guidance.parse(knowledge.guidance)
    features, phrases = _encoded(
        texts, [*guidance.prefer, *guidance.avoid], encode, unit=config.mode != "raw"
    )
    return _TextFeatures(
        row={text: i for i, text in enumerate(texts)},
        features=features,
        told=relevance(texts, features, guidance, phrases) if guidance else None,
    )


def _encoded(
    texts: Sequence[str], phrases: Sequence[str], encode: TextEncoder, *, unit: bool
) -> tuple[FloatMatrix, FloatMatrix]:
    """Features of the texts and of the guidance's phrases, by one call with every string once."""
    different = list(dict.fromkeys([*texts, *phrases]))
    encoded = check_matrix(encode(different), "The text features")
    features = l2_normalize(encoded) if unit else encoded
    row = {text: i for i, text in enumerate(different)}
    return features[: len(texts)], features[[row[phrase] for phrase in phrases]]


def _prior(concepts: Sequence[Concept], row: dict[str, int], told: FloatVector) -> FloatVector:
    """What is added to the scores of concepts that guidance prefers or avoids, by name or description. (M,)."""
    preferred = [
        max((told[row[text]] for text in (c.text, c.description) if text.strip()), key=abs) for c in concepts
    ]
    return np.asarray(np.log(EMPHASIS) * np.array(preferred), dtype=np.float32)


def _collapsed(each: ConceptVectors, knowledge: Knowledge) -> ConceptVectors:
    """The concepts of every collapsed group as one row, the mean of theirs, where the first of them stood."""
    columns = [knowledge.column_of[concept] for concept in each.concept_ids]
    names = tuple(dict.fromkeys(columns))
    if len(names) == len(columns):
        return replace(each, concept_ids=names)
    members = [[i for i, column in enumerate(columns) if column == name] for name in names]
    speaking = np.asarray(each.attributes.any(axis=1))
    return replace(
        each,
        zeta=np.stack([each.zeta[rows].mean(axis=0) for rows in members]),
        attributes=np.stack(
            [each.attributes[rows].sum(axis=0) / max(1, speaking[rows].sum()) for rows in members]
        ).astype(np.float32),
        concept_ids=names,
        prior=None if each.prior is None else np.stack([each.prior[rows].mean() for rows in members]),
    )


def _with_logits(vectors: ConceptVectors, config: GroundingConfig) -> ConceptVectors:
    """What images are compared with and what is aggregated, from the sums of names and descriptions."""
    total, unit = vectors.zeta, l2_normalize(vectors.zeta)
    return replace(
        vectors, logit=unit if config.mode == "scaled" else total, zeta=unit if config.unit_zeta else total
    )


def _counting(knowledge: Knowledge) -> list[Concept]:
    concepts = [c for c in knowledge.concepts if not c.muted]
    if concepts:
        return concepts
    if knowledge.concepts:
        raise InputError(
            f"At least one concept must count, but all {len(knowledge.concepts)} are muted; unmute one."
        )
    raise InputError(
        "At least one concept is needed, but there is none; build the knowledge or add a concept."
    )


def _attribute_texts(knowledge: Knowledge, config: GroundingConfig) -> defaultdict[str, list[str]]:
    """A_q by concept id, of the kinds that are switched on."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    if config.use_uni:
        for uni in knowledge.uni:
            texts[uni.concept].append(uni.text)
    if config.use_bi:
        for bi in knowledge.bi:
            for concept_id in bi.ends:
                texts[concept_id].append(bi.text)
    return texts


def _concept_sums(
    concepts: Sequence[Concept], features: FloatMatrix, row: dict[str, int], config: GroundingConfig
) -> FloatMatrix:
    """The sums zeta = phi + psi, or the one switched on; phi where a description is missing. (M, d)."""
    described = np.array([bool(c.description.strip()) for c in concepts])
    named = ~described if not config.use_concept else np.ones(len(concepts), dtype=bool)
    phi = features[[row[c.text] for c in concepts]] * named[:, None]
    if config.use_description:
        psi = features[[row[c.description] for c in concepts if c.description.strip()]]
        phi[described] += psi
    return np.asarray(phi, dtype=np.float32)


def _attribute_means(
    rows: Sequence[Sequence[int]], features: FloatMatrix, weights: FloatVector | None, *, centre: bool
) -> FloatMatrix:
    """E, the (weighted) mean attribute vector of every concept, (M, d); zeros for a concept without attributes."""
    from scipy.sparse import csr_matrix

    counts = np.array([len(r) for r in rows])
    flat = np.array([i for r in rows for i in r], dtype=np.int64)
    owner = np.repeat(np.arange(len(rows)), counts)
    mass = np.ones(len(flat)) if weights is None else weights[flat].astype(np.float64)
    share = mass / np.bincount(owner, weights=mass, minlength=len(rows))[owner]
    pick = csr_matrix(
        (share.astype(np.float32), flat, np.concatenate([[0], np.cumsum(counts)])),
        shape=(len(rows), len(features)),
    )
    means = np.asarray(pick @ features, dtype=np.float32)
    if centre and len(flat):
        means[counts > 0] -= features[flat].mean(axis=0)
    return means
