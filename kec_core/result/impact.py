"""What a change of the knowledge does to the groups: photos moved, from where to where, scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector
from kec_core.live import LiveState
from kec_core.types import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How many photos went from one cluster to another."""

    source: int
    target: int
    photos: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impact:
    """What a change of the knowledge does to the groups.

    Attributes:
        moved: rows of the photos that change cluster, ascending.
        flows: from which cluster to which, largest first.
        reassigned: how many photos have another closest concept, whether or not their cluster changes. One that was made anew
            under the name of one that went, as a rebuild does, is not another.
        scores_before, scores_after: None without labels.
        coherence_before, coherence_after: see ``LiveState``.
        concepts, clusters: numbers before and after; concepts that are muted do not count.
    """

    moved: NDArray[np.int64]
    flows: tuple[Flow, ...]
    reassigned: int
    scores_before: Scores | None
    scores_after: Scores | None
    coherence_before: float
    coherence_after: float
    concepts: tuple[int, int]
    clusters: tuple[int, int]


def compare(before: LiveState, after: LiveState) -> Impact:
    """What differs between two states of one collection: a preview when ``after`` is not kept."""
    moved, flows = moves(before.clustering.labels, after.clustering.labels)
    return Impact(
        moved=moved,
        flows=flows,
        reassigned=_reassigned(before, after),
        scores_before=before.scores,
        scores_after=after.scores,
        coherence_before=before.coherence,
        coherence_after=after.coherence,
        concepts=(len(before.vectors.concept_ids), len(after.vectors.concept_ids)),
        clusters=(before.clustering.n_clusters, after.clustering.n_clusters),
    )


def _reassigned(before: LiveState, after: LiveState) -> int:
    """How many photos have another closest concept."""
    here, stay = before.knowledge.by_id, after.knowledge.by_id
    gone = {one.name.casefold(): one.id for one in before.knowledge.concepts if one.id not in stay}
    anew = {
        one: one if one in here else gone.get(stay[one].name.casefold(), one)
        for one in after.grounding.concept_ids
    }
    was = np.array(before.grounding.concept_ids)[before.grounding.winner]
    now = np.array(list(anew.values()))[after.grounding.winner]
    return int((was != now).sum())


def moves(old: IntVector, new: IntVector) -> tuple[NDArray[np.int64], tuple[Flow, ...]]:
    """Which photos change cluster, and from where to where.

    Args:
        old: int32 (N,).
        new: int32 (N,), of the same photos, under the ids of ``old`` (``clustering.match_labels``).

    Returns:
        Rows of the photos that change cluster, ascending; and the flows, largest first.
    """
    moved = np.flatnonzero(old != new)
    n_ids = int(new.max(initial=0)) + 1
    pairs, counts = np.unique(old[moved].astype(np.int64) * n_ids + new[moved], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    flows = (
        Flow(source=int(pairs[i] // n_ids), target=int(pairs[i] % n_ids), photos=int(counts[i]))
        for i in order
    )
    return moved, tuple(flows)
