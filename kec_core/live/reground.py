"""Grounding after an edit: what the edit does not touch is taken over (methods.md 6.3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, blocks, softmax_rows
from kec_core.grounding import aggregate, concept_scores, concept_vectors, smooth
from kec_core.live.collection import LiveCollection
from kec_core.live.state import LiveState
from kec_core.types import ConceptVectors, Grounding, Knowledge


def reground(state: LiveState, knowledge: Knowledge) -> tuple[ConceptVectors, FloatMatrix, Grounding]:
    """Vectors, logits and grounding; what the change does not touch is taken over."""
    collection = state.collection
    vectors = concept_vectors(knowledge, collection.encode, collection.config)
    old = state.vectors
    same_scores = (
        vectors.concept_ids == old.concept_ids
        and np.array_equal(vectors.logit, old.logit)
        and np.array_equal(_priors(vectors), _priors(old))
    )
    if not same_scores:
        logits = _updated_logits(state, vectors)
        return vectors, logits, grounding_of(collection, vectors, logits)
    if np.array_equal(vectors.zeta, old.zeta) and np.array_equal(vectors.attributes, old.attributes):
        return old, state.logits, state.grounding
    kappa = aggregate(collection.grounded, state.grounding.omega, vectors, collection.config)
    return vectors, state.logits, replace(state.grounding, kappa=kappa)


def _updated_logits(state: LiveState, vectors: ConceptVectors) -> FloatMatrix:
    """Scores with only the columns of new and changed concepts computed (methods.md 6.3, GEMM 1)."""
    source, kept = source_columns(state.vectors, vectors)
    kept &= _priors(vectors) == _priors(state.vectors)[source]
    logits = np.take(state.logits, source, axis=1)
    fill_logits(logits, np.flatnonzero(~kept), state.collection, vectors)
    return logits


def source_columns(old: ConceptVectors, new: ConceptVectors) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For every new concept its old column (0 where there is none), and whether its text stays the same."""
    place = {concept: column for column, concept in enumerate(old.concept_ids)}
    source = np.array([place.get(concept, -1) for concept in new.concept_ids])
    kept = source >= 0
    kept[kept] = (new.logit[kept] == old.logit[source[kept]]).all(axis=1)
    return np.maximum(source, 0), kept


def _priors(vectors: ConceptVectors) -> FloatVector:
    return np.zeros(len(vectors.logit), dtype=np.float32) if vectors.prior is None else vectors.prior


def fill_logits(
    logits: FloatMatrix, columns: NDArray[np.int64], collection: LiveCollection, vectors: ConceptVectors
) -> None:
    """Compute some columns of the logits, in place."""
    if not len(columns):
        return
    some = replace(
        vectors,
        logit=vectors.logit[columns],
        zeta=vectors.zeta[columns],
        attributes=vectors.attributes[columns],
        concept_ids=tuple(vectors.concept_ids[column] for column in columns),
        prior=None if vectors.prior is None else vectors.prior[columns],
    )
    for block in blocks(len(logits)):
        scores = concept_scores(collection.grounded[block], some, collection.config, collection.defaults)
        logits[block, columns] = scores


def grounding_of(collection: LiveCollection, vectors: ConceptVectors, logits: FloatMatrix) -> Grounding:
    """Omega and kappa from the logits, whole: the softmax couples all concepts (methods.md 6.3)."""
    omega = np.empty_like(logits)
    for block in blocks(len(logits)):
        omega[block] = softmax_rows(logits[block])
    if collection.smoothing_graph is not None:
        omega = smooth(omega, collection.smoothing_graph)
    kappa = aggregate(collection.grounded, omega, vectors, collection.config)
    return Grounding(omega=omega, kappa=kappa, concept_ids=vectors.concept_ids)
