"""Groups that words start and looks finish: k-means with what the words say of every photo beside its centroids.

Transductive zero-shot classification: class means of the photos and posteriors of the words are mixed in soft
assignments, which move the means, until both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize, one_to_one, sampled_rows
from kec_core.clustering.geometry import cluster_sums

SHARPNESS = 60.0  # of the soft assignment of photos to groups, in 1 / cosine                   [M]
NAMED_SHARPNESS = 15.0
"""Where names alone start the groups: a softer assignment lets looks mend what the words get wrong; 12 alike [M]."""
ROUNDS = 30  # of assigning and moving the means                                               [R]
SETTLED = 1e-3  # memberships that change by less are the same                                 [R]
WORDS = 0.05  # of log posteriors beside cosines; half and double give the same accuracy       [M]
SAMPLE = 4096  # photos from which the groups of a large collection are found                  [R]
LEAST_POSTERIOR = 1e-9

Words = Callable[[FloatMatrix], FloatMatrix]
"""From memberships, float32 (N, K), to what the words say for every photo and group, float32 (N, K), on the scale of cosines."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """Where groups came to rest.

    Attributes:
        member: float32 (N, K), rows sum to 1.
        centroids: float32 (K, d), unit rows.
        objective: mean soft maximum over the groups of looks and words together; larger fits better.
    """

    member: FloatMatrix
    centroids: FloatMatrix
    objective: float


def settle(
    x: FloatMatrix, start: IntVector, count: int, words: Words, *, sharpness: float = SHARPNESS
) -> Settled:
    """Soft k-means on x . mu_k + words_k from given groups.

    Args:
        x: float32 (N, d), unit rows.
        start: int32 (N,), 0..K-1.
        count: K.
        words: asked in every round.
        sharpness: of the assignment, in 1 / cosine.
    """
    member = np.eye(count, dtype=np.float32)[start]
    for _ in range(ROUNDS):
        said = words(member)
        centroids = l2_normalize(member.T @ x)
        logits = sharpness * (x @ centroids.T + said)
        top = logits.max(axis=1, keepdims=True)
        fresh = np.exp(logits - top)
        total = fresh.sum(axis=1, keepdims=True)
        fresh /= total
        moved = float(np.abs(fresh - member).max())
        member = fresh
        if moved < SETTLED:
            break
    objective = float((top + np.log(total)).mean(dtype=np.float64)) / sharpness
    return Settled(member=member, centroids=centroids, objective=objective)


def best_settled(x: FloatMatrix, starts: Sequence[IntVector], count: int, words: Words) -> Settled:
    """The best end of several starts, the first of equal ones."""
    return max((settle(x, start, count, words) for start in starts), key=lambda end: end.objective)


def groups_of_words(
    x: FloatMatrix, omega: FloatMatrix, *, by_looks: IntVector | None = None, seed: int = 0
) -> FloatMatrix:
    """Centroids of one group for each concept: its words start it, looks finish it.

    Args:
        x: float32 (N, d), unit rows.
        omega: float32 (N, K), posteriors of the concepts, rows sum to 1.
        by_looks: int32 (N,), 0..K-1, groups by looks to start from as well, the better end is kept. None lets words alone
            start: names that a person gave say what the groups are.
        seed: draws the sample.

    Returns:
        float32 (K, d), unit rows; row k is the group of concept k.
    """
    n_rows, count = omega.shape
    rows = sampled_rows(n_rows, SAMPLE, seed)
    told = WORDS * said_by_words(omega[rows])
    found = x[rows]
    by_words = told.argmax(axis=1).astype(np.int32)
    if by_looks is None:
        end = settle(found, by_words, count, lambda _member: told, sharpness=NAMED_SHARPNESS)
    else:
        starts = (by_words, named_groups(told, by_looks[rows]))
        end = best_settled(found, starts, count, lambda _member: told)
    return l2_normalize(
        cluster_sums(found, end.member.argmax(axis=1).astype(np.int32), count).astype(np.float32)
    )


def said_by_words(omega: FloatMatrix) -> FloatMatrix:
    """Log posteriors less their mean over the photos, float32 (N, K): a word that fits every photo says nothing."""
    told: FloatMatrix = np.log(np.maximum(omega, LEAST_POSTERIOR))
    told -= told.mean(axis=0)
    return told


def named_groups(told: FloatMatrix, labels: IntVector) -> IntVector:
    """Groups under the numbers of the concepts that fit them best together, one each.

    Args:
        told: float32 (N, K), ``said_by_words``.
        labels: int32 (N,), group of each photo, 0..K-1.

    Returns:
        int32 (N,), concept of each photo.
    """
    _, concept_of = one_to_one(cluster_sums(told, labels, told.shape[1]))
    return np.asarray(concept_of[labels], dtype=np.int32)
