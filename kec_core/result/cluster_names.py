"""What clusters are called: by the concept that most of their photos speak for, every name once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix
from kec_core.knowledge.unique_names import UNCLEAR, free_name

NEXT_BEST = 0.5
"""A cluster whose first name is taken is called by another one that speaks for at least this share as many photos [R]."""
LEAST_LIFT = 0.01  # of a mean posterior by which a word tells a cluster from its namesake           [R]

_COUNTED = re.compile(r" \(\d+ photos?\)$")
"""What the name of a concept that no word fits ends with; its cluster has another number of photos."""


def name_clusters(votes: FloatMatrix, omega: FloatMatrix, concepts: Sequence[str]) -> list[str]:
    """A name for every cluster; no two are equal.

    The clusters whose name has most votes choose first. One that finds its name taken, and no other that fits nearly as
    well, is told from its namesake by the concept that it is nearer to: "dog, near wolf"; else by a number.

    Args:
        votes: float32 (K, M), share of the photos of each cluster that speak for each concept.
        omega: float32 (K, M), mean posteriors of the photos of each cluster; decide between equal votes.
        concepts: M names, some may be equal in any case: their votes count together.
    """
    if not len(concepts):
        return [f"Cluster {cluster + 1}" for cluster in range(len(votes))]
    concepts = [_COUNTED.sub("", name) for name in concepts]
    support = _support(votes, omega, concepts)
    names: dict[int, str] = {}
    bearer: dict[str, int] = {}
    for cluster in np.argsort(-support.max(axis=1), kind="stable").tolist():
        name = _own_name(support[cluster], concepts, bearer)
        first = bearer.setdefault(name.casefold(), cluster)
        if first != cluster:
            name = _told_apart(name, omega[cluster] - omega[first], concepts)
            name = free_name(name, bearer)
            bearer[name.casefold()] = cluster
        names[cluster] = name
    return [names[cluster] for cluster in range(len(votes))]


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
    """The name with the concept that speaks more for this cluster than for its namesake; what is unclear tells nothing."""
    if name.startswith(UNCLEAR):
        return name
    for i in np.argsort(-lift, kind="stable"):
        if lift[i] < LEAST_LIFT:
            break
        if concepts[i].casefold() != name.casefold() and not concepts[i].startswith(UNCLEAR):
            return f"{name}, near {concepts[i]}"
    return name
