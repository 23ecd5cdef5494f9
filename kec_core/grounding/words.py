"""The text side of grounding: concepts and attributes as vectors (methods.md 6.1 step 4, 6.2 A6 to A8, A14)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from kec_core.arrays import FloatMatrix, check_matrix, l2_normalize
from kec_core.config import GroundingConfig
from kec_core.encoders.base import TextEncoder
from kec_core.errors import InputError
from kec_core.types import Concept, ConceptVectors, Knowledge


def concept_vectors(knowledge: Knowledge, encode: TextEncoder, config: GroundingConfig) -> ConceptVectors:
    """Text features of the concepts that count: logit vectors, zeta and mean attribute vectors.

    Muted concepts are left out; a concept without a description counts with its name alone, one without
    attributes adds nothing through them. Vectors are unit before they are summed or averaged, except in
    mode "raw". In modes "raw" and "literal_unit" the logit vector is the plain sum (methods.md A6, A7).

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
    attributes = _attribute_texts(knowledge, config)
    texts = list(
        dict.fromkeys(
            [c.name for c in concepts]
            + [c.description for c in concepts if c.description.strip()]
            + [text for c in concepts for text in attributes[c.id]]
        )
    )
    encoded = check_matrix(encode(texts), "The text features")
    features = encoded if config.mode == "raw" else l2_normalize(encoded)
    row = {text: i for i, text in enumerate(texts)}
    total = _concept_sums(concepts, features, row, config)
    unit = l2_normalize(total)
    return ConceptVectors(
        logit=unit if config.mode == "scaled" else total,
        zeta=unit if config.unit_zeta else total,
        attributes=_attribute_means(
            [[row[text] for text in attributes[c.id]] for c in concepts],
            features,
            centre=config.centre_before_product,
        ),
        concept_ids=tuple(c.id for c in concepts),
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
    phi = features[[row[c.name] for c in concepts]] * named[:, None]
    if config.use_description:
        psi = features[[row[c.description] for c in concepts if c.description.strip()]]
        phi[described] += psi
    return np.asarray(phi, dtype=np.float32)


def _attribute_means(rows: Sequence[Sequence[int]], features: FloatMatrix, *, centre: bool) -> FloatMatrix:
    """E, the mean attribute vector of every concept, (M, d); zeros for a concept without attributes."""
    counts = np.array([len(r) for r in rows])
    flat = np.array([i for r in rows for i in r], dtype=np.int64)
    weights = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32)
    pick = csr_matrix(
        (weights, flat, np.concatenate([[0], np.cumsum(counts)])), shape=(len(rows), len(features))
    )
    means = np.asarray(pick @ features, dtype=np.float32)
    if centre and len(flat):
        means[counts > 0] -= features[flat].mean(axis=0)
    return means
