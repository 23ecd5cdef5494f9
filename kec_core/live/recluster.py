"""After an edit: what it touches is grounded again (methods.md 6.3), and clusters continue those before, under their ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, blocks, softmax_rows
from kec_core.clustering import fuse, match_ids, rename
from kec_core.clustering.constrained import other_groups, own_groups, regroup
from kec_core.clustering.constraints import ConstraintPlan, plan_constraints
from kec_core.clustering.seeded import names_groups, seeded_clustering
from kec_core.errors import InputError
from kec_core.grounding import aggregate, concept_scores, concept_vectors, smooth
from kec_core.live.collection import LiveCollection
from kec_core.live.state import LiveState
from kec_core.types import Clustering, ConceptVectors, Grounding, Knowledge
from kec_core.wording import counted


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


BIG_CHANGE = 0.1
"""Share of the concepts that may change before the present groups are no longer the only place to start from [M]."""
SWITCH_GAIN = 1e-3
"""How much better, relative, other groups must fit before they replace the ones the person knows [R]."""


def same_wishes(old: Knowledge, new: Knowledge) -> bool:
    """Whether nothing but the grounding could change the groups."""
    return _wishes(old) == _wishes(new)


def _wishes(knowledge: Knowledge) -> tuple[object, ...]:
    seeds = [(kept.id, kept.seeds) for kept in knowledge.kept]
    return knowledge.n_clusters, knowledge.weight, knowledge.constraints, seeds


def recluster(
    state: LiveState, knowledge: Knowledge, vectors: ConceptVectors, grounding: Grounding
) -> Clustering:
    """Clusters that continue those of the state, under their ids."""
    collection = state.collection
    fused = fuse(collection.looks, grounding.kappa, collection.weight_of(knowledge))
    plan = plan_constraints(knowledge, collection.image_ids)
    n_clusters = collection.n_clusters_of(knowledge)
    if knowledge.n_clusters != state.knowledge.n_clusters:
        refuse_fewer_than_kept(knowledge.n_clusters, plan)
    if names_groups(knowledge) and (
        knowledge.constraints != state.knowledge.constraints or _is_named_anew(state, vectors)
    ):
        present = np.asarray(state.clustering.labels)
        found = seeded_clustering(fused, grounding, plan, n_clusters, present=present, seed=collection.seed)
    else:
        found = _continued(state, knowledge, vectors, grounding, fused, plan)
    found = replace(found, note=missing_note(found, n_clusters, plan))
    return under_old_ids(found, state.clustering, plan.kept)


def refuse_fewer_than_kept(asked: int | None, plan: ConstraintPlan) -> None:
    """Raise InputError when fewer clusters are asked for than the person has named, filled, made or split."""
    if asked is not None and asked < len(plan.kept):
        raise InputError(
            f"{counted(asked, 'cluster')} asked for, but {len(plan.kept)} are kept because you named or changed them; "
            f"ask for {len(plan.kept)} at least, or merge some first."
        )


def missing_note(found: Clustering, asked: int, plan: ConstraintPlan) -> str:
    """Why there are more or fewer clusters than asked for; "" when there are as many."""
    made = found.n_clusters
    if made > asked:
        return (
            f"{made} clusters instead of {asked}, because you named or changed {len(plan.kept)}, which stay."
        )
    if made < asked:
        return (
            f"Only {made} of {counted(asked, 'cluster')} asked for got photos, because the photos left for others look the "
            "same or are held by your wishes."
        )
    return ""


def _is_named_anew(state: LiveState, vectors: ConceptVectors) -> bool:
    """True if clusters must be seeded again: all concepts became user-made, or over 10 % of the vectors are new."""
    return not names_groups(state.knowledge) or _is_new(state, vectors)


def _continued(
    state: LiveState,
    knowledge: Knowledge,
    vectors: ConceptVectors,
    grounding: Grounding,
    fused: FloatMatrix,
    plan: ConstraintPlan,
) -> Clustering:
    """K-means from the present groups; after a big change, from others too when those fit better."""
    collection = state.collection
    n_clusters = collection.n_clusters_of(knowledge)
    pull = knowledge.constraints != state.knowledge.constraints

    def continued(groups: IntVector) -> Clustering:
        return regroup(fused, groups, plan, n_clusters, grounding=grounding, pull=pull, seed=collection.seed)

    found = continued(own_groups(state.clustering.labels, plan))
    reweighted = _weighs(collection, knowledge) != _weighs(collection, state.knowledge)
    if not names_groups(knowledge) and (reweighted or _is_new(state, vectors)):
        for groups in _other_groups(collection, grounding):
            other = continued(other_groups(groups, plan))
            if other.objective > found.objective * (1 + SWITCH_GAIN):
                found = other
    return found


def _weighs(collection: LiveCollection, knowledge: Knowledge) -> tuple[float, str]:
    """What lets the same concepts count more or less."""
    return collection.weight_of(knowledge), knowledge.guidance


def _is_new(state: LiveState, vectors: ConceptVectors) -> bool:
    """Whether so many concepts are new that k-means from the present groups may be caught in them."""
    same = int(source_columns(state.vectors, vectors)[1].sum())
    larger = max(len(vectors.concept_ids), len(state.vectors.concept_ids))
    return larger - same > BIG_CHANGE * larger


def _other_groups(collection: LiveCollection, grounding: Grounding) -> list[IntVector]:
    """Groups by the winning concept, and by the photos alone."""
    winner = grounding.winner
    return [winner] if collection.baseline is None else [winner, collection.baseline]


def under_old_ids(found: Clustering, old: Clustering, kept: tuple[int, ...]) -> Clustering:
    """The clustering with the ids of the old one; row c of the centroids stays the centroid of cluster c.

    Args:
        found: the clusters 0, 1 ... are the kept ones, under their ids from now on.
        old: of the same photos.
        kept: ids of the kept clusters; no other cluster gets them.
    """
    first_new = max(old.next_cluster_id, *(1 + cluster for cluster in kept), 0)
    # A cluster that shares most photos with a kept one is a new one: its old id stands for no old cluster.
    reference = np.where(np.isin(old.labels, kept), first_new, old.labels)
    free = found.labels >= len(kept)
    ids = match_ids(found.labels[free], reference[free], first_new=first_new) if free.any() else {}
    ids |= dict(enumerate(kept))
    rows = max(first_new, 1 + max(ids.values()))
    centroids = np.zeros((rows, found.centroids.shape[1]), dtype=np.float32)
    for cluster, new in ids.items():
        centroids[new] = found.centroids[cluster]
    return replace(found, labels=rename(found.labels, ids), centroids=centroids)


def next_id(knowledge: Knowledge) -> int:
    """One more than any id of a kept cluster."""
    return 1 + max((kept.id for kept in knowledge.kept), default=-1)
