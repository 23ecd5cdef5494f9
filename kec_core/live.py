"""The live loop: after an edit, new groups in about a second (methods.md 6.5).

edit -> encode the new strings -> scores of the changed concepts -> grounding -> warm-started k-means -> the photos'
wishes -> cluster ids that follow the old ones -> scores. States are values: a preview is a state that is not kept,
undo is going back to an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, blocks, l2_normalize, softmax_rows
from kec_core.clustering import fuse, match_ids, rename
from kec_core.clustering.geometry import cluster_sums
from kec_core.clustering.metrics import score
from kec_core.clustering.whitening import Whitening, looks_of
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.constraints import ConstraintPlan, other_groups, own_groups, plan_constraints, regroup
from kec_core.encoders.base import TextEncoder
from kec_core.errors import InputError
from kec_core.grounding import aggregate, concept_scores, concept_vectors, smooth, smoothing_graph
from kec_core.seeded_clustering import names_groups, seeded_clustering
from kec_core.types import Clustering, ConceptVectors, Grounding, Knowledge, Scores

BIG_CHANGE = 0.1
"""Share of the concepts that may change before the present groups are no longer the only place to start from [M]."""
SWITCH_GAIN = 1e-3
"""How much better, relative, other groups must fit before they replace the ones the person knows [R]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveCollection:
    """What stays the same while the knowledge is edited; row i of every array belongs to ``image_ids[i]``.

    Attributes:
        x: float32 (N, d), unit rows, the visual features.
        grounded: float32 (N, d), the features that are grounded: ``x``, or ``centred_features`` in mode "raw".
        encode: strings to raw features; remembers what it encoded, so that only new strings cost time.
        n_clusters, weight: what holds where the knowledge leaves them automatic.
        truth: int32 (N,), label id per photo, -1 where unknown; None without labels. For scores only.
        baseline: int32 (N,), groups by the photos alone; another place to start from when the knowledge changes much.
        bursts: int32 (N,), from ``find_bursts``; for clustering in full.
        whitening: from ``x`` to ``looks``; None where they are the same.
    """

    image_ids: tuple[str, ...]
    x: FloatMatrix
    grounded: FloatMatrix
    encode: TextEncoder
    defaults: EncoderDefaults
    config: GroundingConfig
    n_clusters: int
    weight: float
    truth: IntVector | None = None
    baseline: IntVector | None = None
    bursts: IntVector | None = None
    whitening: Whitening | None = None
    seed: int = 0

    def n_clusters_of(self, knowledge: Knowledge) -> int:
        """K that holds: the person's, else the automatic one."""
        return self.n_clusters if knowledge.n_clusters is None else knowledge.n_clusters

    def weight_of(self, knowledge: Knowledge) -> float:
        """The weight w of the knowledge that holds: the person's, else the automatic one."""
        return self.weight if knowledge.weight is None else knowledge.weight

    @cached_property
    def looks(self) -> FloatMatrix:
        """What is clustered beside the knowledge, float32 (N, e), unit rows."""
        return looks_of(self.x, self.whitening)

    @cached_property
    def smoothing_graph(self) -> csr_matrix | None:
        """Who lends whom posteriors, found once; None unless ``config.smooth_neighbours`` asks for it."""
        count = self.config.smooth_neighbours
        return smoothing_graph(self.grounded, count) if count and len(self.grounded) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveState:
    """A knowledge and all that follows from it.

    Attributes:
        logits: float32 (N, M), scores of photos against concepts before the softmax.
        clustering: its ids follow those of the state before; the centroid of an id that no photo has any more is a
            row of zeros, so ids are never used again.
        scores: agreement with the labels, None without labels.
        coherence: mean cosine of the photos to the visual mean of their cluster, at most 1; needs no labels.
    """

    collection: LiveCollection
    knowledge: Knowledge
    vectors: ConceptVectors
    logits: FloatMatrix
    grounding: Grounding
    clustering: Clustering
    scores: Scores | None
    coherence: float

    @property
    def n_clusters(self) -> int:
        """K that holds; the clustering may have fewer."""
        return self.collection.n_clusters_of(self.knowledge)

    @property
    def weight(self) -> float:
        """The weight w of the knowledge that holds."""
        return self.collection.weight_of(self.knowledge)

    @property
    def plan(self) -> ConstraintPlan:
        """The constraints as rows of the collection."""
        return plan_constraints(self.knowledge, self.collection.image_ids)

    @property
    def width(self) -> int:
        """How many columns ``fused`` has, e + d."""
        return int(self.collection.looks.shape[1] + self.grounding.kappa.shape[1])

    def fused(self) -> FloatMatrix:
        """New float32 (N, e + d), unit rows: the space that is clustered."""
        return fuse(self.collection.looks, self.grounding.kappa, self.weight)

    def fused_rows(self, rows: NDArray[np.int64]) -> FloatMatrix:
        """Rows of ``fused``, without computing the others; new float32 (R, e + d)."""
        return fuse(self.collection.looks[rows], self.grounding.kappa[rows], self.weight)


def start(collection: LiveCollection, knowledge: Knowledge, clustering: Clustering) -> LiveState:
    """The state of a revision, computed from nothing but its knowledge and its clustering.

    Raises:
        InputError: no concept counts.
    """
    vectors = concept_vectors(knowledge, collection.encode, collection.config)
    logits = np.empty((len(collection.x), len(vectors.logit)), dtype=np.float32)
    _fill(logits, np.arange(logits.shape[1]), collection, vectors)
    grounding = _grounding(collection, vectors, logits)
    return _state(collection, knowledge, vectors, logits, grounding, clustering)


def update(state: LiveState, knowledge: Knowledge) -> LiveState:
    """The state after a change of the knowledge; the given state stays as it is.

    Raises:
        InputError: no concept counts, more clusters are asked for than there are photos, or the photos' wishes
            cannot be met.
    """
    vectors, logits, grounding = _reground(state, knowledge)
    if grounding is state.grounding and _same_wishes(state.knowledge, knowledge):
        return replace(state, knowledge=knowledge)
    clustering = _recluster(state, knowledge, vectors, grounding)
    return _state(state.collection, knowledge, vectors, logits, grounding, clustering)


def restore(state: LiveState, knowledge: Knowledge, clustering: Clustering) -> LiveState:
    """The state of another revision of the same collection, for undo, redo and restore: nothing is clustered.

    Args:
        state: any state of the collection; what the two have in common is not computed again.
        knowledge: of the revision.
        clustering: of the revision.

    Raises:
        InputError: no concept counts.
    """
    vectors, logits, grounding = _reground(state, knowledge)
    return _state(state.collection, knowledge, vectors, logits, grounding, clustering)


def with_clustering(state: LiveState, clustering: Clustering) -> LiveState:
    """The state with other groups of the same photos; their ids follow those of the state.

    Args:
        state: its knowledge holds.
        clustering: from ``grouping.full_clustering`` or ``constraints.regroup``: the kept clusters first.
    """
    found = _under_old_ids(clustering, state.clustering, state.plan.kept)
    return _state(state.collection, state.knowledge, state.vectors, state.logits, state.grounding, found)


def with_groups(
    state: LiveState,
    knowledge: Knowledge,
    labels: IntVector,
    fused_rows: Callable[[NDArray[np.int64]], FloatMatrix],
) -> LiveState:
    """The state with its photos in exactly these clusters, as an edit of clusters leaves them.

    Args:
        state: of a knowledge that gives the same grounding.
        knowledge: its constraints are met by the labels.
        labels: int32 (N,), ids of the state and new ones above them.
        fused_rows: as ``LiveState.fused_rows``.
    """
    old = state.clustering
    n_ids = max(old.next_cluster_id, int(labels.max()) + 1, _next_id(knowledge))
    width = state.width
    known = old.centroids.shape[1] == width  # else the groups come from the photos alone
    moved = old.labels != labels
    ids = np.union1d(old.labels[moved], labels[moved]) if known else np.arange(n_ids)
    rows = np.flatnonzero(np.isin(labels, ids) | np.isin(old.labels, ids))
    fused = fused_rows(rows)
    after = cluster_sums(fused, labels[rows], n_ids)
    before = cluster_sums(fused, old.labels[rows], n_ids)
    centroids = np.zeros((n_ids, width), dtype=np.float32)
    if known:
        centroids[: len(old.centroids)] = old.centroids
    centroids[ids] = l2_normalize(after[ids].astype(np.float32))
    gain = float(np.linalg.norm(after, axis=1).sum() - np.linalg.norm(before, axis=1).sum())
    clustering = replace(old, labels=labels, centroids=centroids, objective=old.objective + gain, note="")
    return _state(state.collection, knowledge, state.vectors, state.logits, state.grounding, clustering)


# ---- grounding -----------------------------------------------------------------------------------------------


def _reground(state: LiveState, knowledge: Knowledge) -> tuple[ConceptVectors, FloatMatrix, Grounding]:
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
        return vectors, logits, _grounding(collection, vectors, logits)
    if np.array_equal(vectors.zeta, old.zeta) and np.array_equal(vectors.attributes, old.attributes):
        return old, state.logits, state.grounding
    kappa = aggregate(collection.grounded, state.grounding.omega, vectors, collection.config)
    return vectors, state.logits, replace(state.grounding, kappa=kappa)


def _updated_logits(state: LiveState, vectors: ConceptVectors) -> FloatMatrix:
    """Scores with only the columns of new and changed concepts computed (methods.md 6.3, GEMM 1)."""
    source, kept = _source_columns(state.vectors, vectors)
    kept &= _priors(vectors) == _priors(state.vectors)[source]
    logits = np.take(state.logits, source, axis=1)
    _fill(logits, np.flatnonzero(~kept), state.collection, vectors)
    return logits


def _source_columns(old: ConceptVectors, new: ConceptVectors) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For every new concept its old column (0 where there is none), and whether its text stays the same."""
    place = {concept: column for column, concept in enumerate(old.concept_ids)}
    source = np.array([place.get(concept, -1) for concept in new.concept_ids])
    kept = source >= 0
    kept[kept] = (new.logit[kept] == old.logit[source[kept]]).all(axis=1)
    return np.maximum(source, 0), kept


def _priors(vectors: ConceptVectors) -> FloatVector:
    return np.zeros(len(vectors.logit), dtype=np.float32) if vectors.prior is None else vectors.prior


def _fill(
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


def _grounding(collection: LiveCollection, vectors: ConceptVectors, logits: FloatMatrix) -> Grounding:
    """Omega and kappa from the logits, whole: the softmax couples all concepts (methods.md 6.3)."""
    omega = np.empty_like(logits)
    for block in blocks(len(logits)):
        omega[block] = softmax_rows(logits[block])
    if collection.smoothing_graph is not None:
        omega = smooth(omega, collection.smoothing_graph)
    kappa = aggregate(collection.grounded, omega, vectors, collection.config)
    return Grounding(omega=omega, kappa=kappa, concept_ids=vectors.concept_ids)


# ---- clustering ----------------------------------------------------------------------------------------------


def _same_wishes(old: Knowledge, new: Knowledge) -> bool:
    """Whether nothing but the grounding could change the groups."""
    return _wishes(old) == _wishes(new)


def _wishes(knowledge: Knowledge) -> tuple[object, ...]:
    seeds = [(kept.id, kept.seeds) for kept in knowledge.kept]
    return knowledge.n_clusters, knowledge.weight, knowledge.constraints, seeds


def _recluster(
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
    return _under_old_ids(found, state.clustering, plan.kept)


def refuse_fewer_than_kept(asked: int | None, plan: ConstraintPlan) -> None:
    """Raise InputError when fewer clusters are asked for than the person has named, filled, made or split."""
    if asked is not None and asked < len(plan.kept):
        raise InputError(
            f"{asked} clusters are asked for, but {len(plan.kept)} are kept because you named or changed them; "
            f"ask for {len(plan.kept)} at least, or merge some first."
        )


def missing_note(found: Clustering, asked: int, plan: ConstraintPlan) -> str:
    """Why there are more or fewer clusters than asked for; "" when there are as many."""
    made = found.n_clusters
    if made > asked:
        return f"{made} clusters instead of {asked}, because {len(plan.kept)} are kept that you named or changed."
    if made < asked:
        return (
            f"Only {made} of the {asked} clusters asked for have photos, because the photos left for others look the "
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
    same = int(_source_columns(state.vectors, vectors)[1].sum())
    larger = max(len(vectors.concept_ids), len(state.vectors.concept_ids))
    return larger - same > BIG_CHANGE * larger


def _other_groups(collection: LiveCollection, grounding: Grounding) -> list[IntVector]:
    """Groups by the winning concept, and by the photos alone."""
    winner = grounding.winner
    return [winner] if collection.baseline is None else [winner, collection.baseline]


def _under_old_ids(found: Clustering, old: Clustering, kept: tuple[int, ...]) -> Clustering:
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


def _next_id(knowledge: Knowledge) -> int:
    """One more than any id of a kept cluster."""
    return 1 + max((kept.id for kept in knowledge.kept), default=-1)


def _state(
    collection: LiveCollection,
    knowledge: Knowledge,
    vectors: ConceptVectors,
    logits: FloatMatrix,
    grounding: Grounding,
    clustering: Clustering,
) -> LiveState:
    sums = cluster_sums(collection.x, clustering.labels, len(clustering.centroids))
    return LiveState(
        collection=collection,
        knowledge=knowledge,
        vectors=vectors,
        logits=logits,
        grounding=grounding,
        clustering=clustering,
        scores=_scores(collection.truth, clustering.labels),
        coherence=float(np.linalg.norm(sums, axis=1).sum() / len(collection.x)),
    )


def _scores(truth: IntVector | None, labels: IntVector) -> Scores | None:
    """Agreement with the labels, over the photos that have one."""
    if truth is None:
        return None
    known = truth >= 0
    return score(labels[known], truth[known]) if known.any() else None
