"""The live loop: after an edit, new groups in about a second (methods.md 6.5).

edit -> encode the new strings -> scores of the changed concepts -> grounding -> warm-started k-means -> the photos'
wishes -> cluster ids that follow the old ones -> scores. States are values: a preview is a state that is not kept,
undo is going back to an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.clustering.geometry import cluster_sums
from kec_core.grounding import concept_vectors
from kec_core.live.collection import LiveCollection
from kec_core.live.recluster import (
    fill_logits,
    grounding_of,
    next_id,
    recluster,
    reground,
    same_wishes,
    under_old_ids,
)
from kec_core.live.state import LiveState, state_of
from kec_core.types import Clustering, Knowledge


def start(collection: LiveCollection, knowledge: Knowledge, clustering: Clustering) -> LiveState:
    """The state of a revision, computed from nothing but its knowledge and its clustering.

    Raises:
        InputError: no concept counts.
    """
    vectors = concept_vectors(knowledge, collection.encode, collection.config)
    logits = np.empty((len(collection.x), len(vectors.logit)), dtype=np.float32)
    fill_logits(logits, np.arange(logits.shape[1]), collection, vectors)
    grounding = grounding_of(collection, vectors, logits)
    return state_of(collection, knowledge, vectors, logits, grounding, clustering)


def update(state: LiveState, knowledge: Knowledge) -> LiveState:
    """The state after a change of the knowledge; the given state stays as it is.

    Raises:
        InputError: no concept counts, more clusters are asked for than there are photos, or the photos' wishes
            cannot be met.
    """
    vectors, logits, grounding = reground(state, knowledge)
    if grounding is state.grounding and same_wishes(state.knowledge, knowledge):
        return replace(state, knowledge=knowledge)
    clustering = recluster(state, knowledge, vectors, grounding)
    return state_of(state.collection, knowledge, vectors, logits, grounding, clustering)


def restore(state: LiveState, knowledge: Knowledge, clustering: Clustering) -> LiveState:
    """The state of another revision of the same collection, for undo, redo and restore: nothing is clustered.

    Args:
        state: any state of the collection; what the two have in common is not computed again.
        knowledge: of the revision.
        clustering: of the revision.

    Raises:
        InputError: no concept counts.
    """
    vectors, logits, grounding = reground(state, knowledge)
    return state_of(state.collection, knowledge, vectors, logits, grounding, clustering)


def with_clustering(state: LiveState, clustering: Clustering) -> LiveState:
    """The state with other groups of the same photos; their ids follow those of the state.

    Args:
        state: its knowledge holds.
        clustering: from ``grouping.full_clustering`` or ``constraints.regroup``: the kept clusters first.
    """
    found = under_old_ids(clustering, state.clustering, state.plan.kept)
    return state_of(state.collection, state.knowledge, state.vectors, state.logits, state.grounding, found)


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
    n_ids = max(old.next_cluster_id, int(labels.max()) + 1, next_id(knowledge))
    width = state.width
    known = old.centroids.shape[1] == width  # else the groups come from the photos alone
    moved = old.labels != labels
    ids = np.union1d(old.labels[moved], labels[moved]) if known else np.arange(n_ids)
    rows = np.flatnonzero(np.isin(labels, ids) | np.isin(old.labels, ids))
    fused = fused_rows(rows)
    after = cluster_sums(fused, labels[rows], n_ids)
    centroids = np.zeros((n_ids, width), dtype=np.float32)
    if known:
        centroids[: len(old.centroids)] = old.centroids
    centroids[ids] = l2_normalize(after[ids].astype(np.float32))
    objective = float(np.linalg.norm(after, axis=1).sum())
    if len(rows) < len(labels):  # the other clusters add what they did
        before = cluster_sums(fused, old.labels[rows], n_ids)
        objective += old.objective - float(np.linalg.norm(before, axis=1).sum())
    clustering = replace(old, labels=labels, centroids=centroids, objective=objective, note="")
    return state_of(state.collection, knowledge, state.vectors, state.logits, state.grounding, clustering)
