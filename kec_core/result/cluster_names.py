"""What clusters are called: by the concept that most of their photos speak for, every name once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.constraints import ConstraintPlan
from kec_core.clustering.geometry import cluster_sums
from kec_core.knowledge.unique_names import free_name, says_unclear, unnumbered
from kec_core.live import LiveState
from kec_core.types import Grounding, Knowledge

NEXT_BEST = 0.5
"""A cluster whose first name is taken is called by another one that speaks for at least this share as many photos [R]."""
LEAST_LIFT = 0.05  # of a mean posterior by which a concept tells a cluster from its namesake         [R]
LEAST_PART = 0.5  # of what the shared name says less of it that this concept says more of it        [R]

EXAMPLE_WORTH = 5
"""A photo that the person assigned to a concept speaks for its name as loudly as so many photos that it won [R]."""


def state_names(state: LiveState, given: Mapping[int, str] | None = None) -> dict[int, str]:
    """The name of every cluster of a live state that has photos, by its id.

    Args:
        state: with or without edits that are not kept yet.
        given: names that the person gave by other means than edits, by cluster id.
    """
    labels, grounding = np.asarray(state.clustering.labels), state.grounding
    sizes = np.bincount(labels)
    names = group_names(
        state.knowledge,
        concept_votes(grounding, labels, len(sizes), state.plan),
        mean_posteriors(grounding, labels, sizes),
        grounding.concept_ids,
        given or {},
    )
    return {cluster: names[cluster] for cluster in np.flatnonzero(sizes).tolist()}


def group_names(
    knowledge: Knowledge,
    votes: FloatMatrix,
    omega: FloatMatrix,
    concept_ids: Sequence[str],
    given: Mapping[int, str],
) -> list[str]:
    """A name per cluster id: the person's, else that of the concept which most speaks for (``name_clusters``).

    Args:
        knowledge: names the concepts, and the clusters that the person named.
        votes: float32 (K, M), from ``concept_votes``.
        omega: float32 (K, M), from ``mean_posteriors``.
        concept_ids: the M concepts.
        given: names that the person gave by other means than edits, by cluster id.
    """
    given = {**given, **{one.id: one.name for one in knowledge.kept if one.name}}
    concepts = [knowledge.by_id[c].name if c in knowledge.by_id else c for c in concept_ids]
    return name_clusters(votes, omega, concepts, given)


def concept_votes(
    grounding: Grounding, labels: IntVector, n_clusters: int, wishes: ConstraintPlan
) -> FloatMatrix:
    """How much speaks for each concept's name in each cluster, float32 (K, M); rows sum to 1, 0 for an id without photos.

    A photo speaks for the concept that wins it, or by ``EXAMPLE_WORTH`` for the one that the person assigned it to.
    """
    column = {concept: place for place, concept in enumerate(grounding.concept_ids)}
    won = grounding.winner.copy()
    worth = np.ones(len(labels))
    for rows, concept in zip(wishes.units, wishes.concepts, strict=True):
        if concept in column:
            won[rows], worth[rows] = column[concept], EXAMPLE_WORTH
    votes = np.zeros((n_clusters, len(column)))
    if column:
        np.add.at(votes, (labels, won), worth)
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), 1), dtype=np.float32)


def mean_posteriors(grounding: Grounding, labels: IntVector, sizes: NDArray[np.int64]) -> FloatMatrix:
    """Mean omega of the photos of each cluster, float32 (K, M), from their numbers ``sizes``, int64 (K,)."""
    sums = cluster_sums(grounding.omega, labels, len(sizes))
    return (sums / np.maximum(sizes, 1)[:, None]).astype(np.float32)


def name_clusters(
    votes: FloatMatrix,
    omega: FloatMatrix,
    concepts: Sequence[str],
    given: Mapping[int, str] = MappingProxyType({}),
) -> list[str]:
    """A name for every cluster; no two are equal.

    The clusters whose name has most votes choose first. One that finds its name taken, and no other that fits nearly as
    well, is told from its namesake by the concept that it leans to instead: "dog, near wolf"; else by a number, in the order
    of the ids: while namesakes are there they keep their numbers, whichever fits the name better after an edit.

    Args:
        votes: float32 (K, M), share of the photos of each cluster that speak for each concept.
        omega: float32 (K, M), mean posteriors of the photos of each cluster; decide between equal votes.
        concepts: M names, some may be equal in any case: their votes count together.
        given: names that the person gave, by cluster: nobody else gets them.
    """
    if not len(concepts):
        return _each_once([f"Cluster {cluster + 1}" for cluster in range(len(votes))], votes, given)
    support = _support(votes, omega, concepts)
    names: dict[int, str] = {}
    bearer: dict[str, int] = {}
    for cluster in np.argsort(-support.max(axis=1), kind="stable").tolist():
        if cluster in given:
            continue
        name = _own_name(support[cluster], concepts, bearer)
        first = bearer.setdefault(name.casefold(), cluster)
        if first != cluster:
            name = _told_apart(name, omega[cluster] - omega[first], concepts)
        names[cluster] = name
    return _each_once([unnumbered(names.get(cluster, "")) for cluster in range(len(votes))], votes, given)


def _each_once(names: Sequence[str], votes: FloatMatrix, given: Mapping[int, str]) -> list[str]:
    """Names with numbers where they are taken, those of ids without photos last; and those that the person gave."""
    unique = {cluster: name for cluster, name in given.items() if cluster < len(names)}
    taken = {name.casefold() for name in unique.values()}
    for cluster in np.argsort(~votes.any(axis=1), kind="stable").tolist():
        if cluster not in unique:
            unique[cluster] = free_name(names[cluster], taken)
            taken.add(unique[cluster].casefold())
    return [unique[cluster] for cluster in range(len(names))]


def _support(votes: FloatMatrix, omega: FloatMatrix, concepts: Sequence[str]) -> NDArray[np.float64]:
    """What speaks for each concept in each cluster, float64 (K, M): votes for its name, then its own, then posteriors."""
    place = {name: number for number, name in enumerate(dict.fromkeys(name.casefold() for name in concepts))}
    same = np.array([place[name.casefold()] for name in concepts])
    own = np.asarray(votes, dtype=np.float64)
    together: NDArray[np.float64] = own @ (same[:, None] == same)
    return together + 1e-3 * own + 1e-6 * np.asarray(omega)


def _own_name(support: NDArray[np.float64], concepts: Sequence[str], bearer: dict[str, int]) -> str:
    """The best free name of those that are nearly as good as the best, else the best."""
    ranked = np.argsort(-support, kind="stable")
    good: list[str] = [concepts[i] for i in ranked.tolist() if support[i] >= NEXT_BEST * support[ranked[0]]]
    return next((name for name in good if name.casefold() not in bearer), good[0])


def _told_apart(name: str, lift: NDArray[np.floating], concepts: Sequence[str]) -> str:
    """The name with the concept that speaks for this cluster where the name speaks less for it than for its namesake.

    A cluster that merely fits its name less leans to no other concept; what is unclear tells nothing.
    """
    own = [i for i, concept in enumerate(concepts) if concept.casefold() == name.casefold()]
    others = [i for i, concept in enumerate(concepts) if i not in own and not says_unclear(concept)]
    if says_unclear(name) or not others:
        return name
    best = max(others, key=lambda i: lift[i])
    leans = lift[best] >= max(LEAST_LIFT, -LEAST_PART * lift[own].sum())
    return f"{name}, near {concepts[best]}" if leans else name
