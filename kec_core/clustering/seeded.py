"""Groups that a person has named: every concept seeds its cluster, instead of k-means finding groups of its own.

When all concepts that count are the person's, they say what the groups are. Where the groups there are agree with the
names on most photos, k-means starts from these groups, each under the name that fits it. Else it starts from the photos
that each concept wins where words and looks agree. Photos assigned to a concept start with it. The objective is not asked
which start is best: on photos it would often prefer groups that nobody wanted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.constrained import other_groups, regroup
from kec_core.clustering.constraints import ConstraintPlan
from kec_core.clustering.geometry import nearest_centroids
from kec_core.clustering.kmeans import settled_share_of
from kec_core.clustering.transduction import groups_of_words, named_groups, said_by_words
from kec_core.clustering.warm_start import continue_kmeans
from kec_core.types import Clustering, Grounding, Knowledge

AGREED = 0.64
"""Share of the photos on which names and groups must agree for the groups to start; .6 to .67 choose alike [M]."""
NAME_WORTH = 5.0
"""A name counts as much as so many example photos, when both say where a group starts [M]."""


def names_groups(knowledge: Knowledge) -> bool:
    """Whether the person made or locked every concept that counts, two at least."""
    counting = [concept for concept in knowledge.concepts if not concept.muted]
    return len(counting) > 1 and all(concept.source == "user" or concept.locked for concept in counting)


def seeded_clustering(
    x: FloatMatrix,
    grounding: Grounding,
    plan: ConstraintPlan,
    n_clusters: int,
    *,
    present: IntVector | None = None,
    seed: int = 0,
) -> Clustering:
    """K-means from the photos of each concept, around the person's wishes.

    With fewer clusters than concepts the most alike are joined, with more the widest are parted.

    Args:
        x: float32 (N, D), unit rows, the space that is clustered.
        grounding: of these N photos.
        plan: the constraints on these N photos.
        n_clusters: K, 1 to N.
        present: int32 (N,), ids of the groups there are, or of those that looks would make; None lets words alone start.
        seed: for parting groups.

    Raises:
        InputError: K is not between 1 and N, or the photos' wishes cannot be met.
    """
    won = None if present is None else _named_groups(present, grounding.omega)
    if won is None:
        won, _ = nearest_centroids(x, groups_of_words(x, grounding.omega, seed=seed))
    groups = other_groups(_with_assigned(won, grounding, plan), plan)
    return regroup(x, groups, plan, n_clusters, grounding=grounding, worth=NAME_WORTH, seed=seed)


def told_by_words(x: FloatMatrix, omega: FloatMatrix, found: Clustering) -> Clustering:
    """K-means that goes on from groups on which words and looks agree, where there is one concept for each cluster.

    Args:
        x: float32 (N, D), unit rows, the space that is clustered.
        omega: float32 (N, M), posteriors of the concepts.
        found: what looks and knowledge give from random starts; kept as it is unless it is k-means with M clusters.
    """
    if found.method != "kmeans" or not 1 < omega.shape[1] == len(found.centroids) == found.n_clusters:
        return found
    centroids = groups_of_words(x, omega, by_looks=found.labels, seed=found.seed)
    ended = continue_kmeans(x, centroids, settled_share=settled_share_of(len(x)))
    return replace(ended, seed=found.seed, note=found.note)


def _named_groups(present: IntVector, omega: FloatMatrix) -> IntVector | None:
    """The concept of every photo, one for each group; None where there are not as many or most names say otherwise."""
    ids, labels = np.unique(present, return_inverse=True)
    if len(ids) != omega.shape[1]:
        return None
    told = said_by_words(omega)
    named = named_groups(told, labels.astype(np.int32))
    return named if float((told.argmax(axis=1) == named).mean()) >= AGREED else None


def _with_assigned(won: IntVector, grounding: Grounding, plan: ConstraintPlan) -> IntVector:
    """The concept of every photo; of the assigned ones, the concept they are assigned to."""
    column = {concept: place for place, concept in enumerate(grounding.concept_ids)}
    for rows, concept in zip(plan.units, plan.concepts, strict=True):
        if concept in column:
            won[rows] = column[concept]
    return won
