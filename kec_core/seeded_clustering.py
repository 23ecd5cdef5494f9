"""Groups that a person has named: every concept seeds its cluster, instead of k-means finding groups of its own.

When all concepts that count are the person's, they say what the groups are. K-means then starts from the photos that
each concept wins, together with the photos assigned to it. The objective is not asked which start is best: on photos
it would often prefer groups that nobody wanted.
"""

from __future__ import annotations

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.constraints import ConstraintPlan, other_groups, regroup
from kec_core.types import Clustering, Grounding, Knowledge

NAME_WORTH = 5.0
"""A name counts as much as so many example photos, when both say where a group starts [M]."""


def names_groups(knowledge: Knowledge) -> bool:
    """Whether the person made or locked every concept that counts, two at least."""
    counting = [concept for concept in knowledge.concepts if not concept.muted]
    return len(counting) > 1 and all(concept.source == "user" or concept.locked for concept in counting)


def seeded_clustering(
    x: FloatMatrix, grounding: Grounding, plan: ConstraintPlan, n_clusters: int, *, seed: int = 0
) -> Clustering:
    """K-means from the photos of each concept, around the person's wishes.

    With fewer clusters than concepts the most alike are joined, with more the widest are parted.

    Args:
        x: float32 (N, D), unit rows, the space that is clustered.
        grounding: of these N photos.
        plan: the constraints on these N photos.
        n_clusters: K, 1 to N.
        seed: for parting groups.

    Raises:
        InputError: K is not between 1 and N, or the photos' wishes cannot be met.
    """
    groups = other_groups(_won(grounding, plan), plan)
    return regroup(x, groups, plan, n_clusters, grounding=grounding, worth=NAME_WORTH, seed=seed)


def _won(grounding: Grounding, plan: ConstraintPlan) -> IntVector:
    """The column of the strongest concept of every photo; of the assigned ones, the concept they are assigned to."""
    won = grounding.winner.copy()
    column = {concept: place for place, concept in enumerate(grounding.concept_ids)}
    for rows, concept in zip(plan.units, plan.concepts, strict=True):
        if concept in column:
            won[rows] = column[concept]
    return won
