"""Fewer concepts at once: which of them to merge so that a given number is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage

from kec_core.arrays import FloatMatrix, l2_normalize
from kec_core.errors import InputError
from kec_core.knowledge.edits import MergeConcepts
from kec_core.types import Knowledge


def merges_to(
    knowledge: Knowledge, vectors: FloatMatrix, ids: Sequence[str], photos: Mapping[str, int], target: int
) -> tuple[MergeConcepts, ...]:
    """Merges of the most similar concepts that leave ``target`` of them; locked ones are left alone.

    Average linkage on the cosine distance of the concepts' text features: two groups are as near as their members are
    on average, so one odd member does not chain everything together.

    Args:
        knowledge: what is merged in.
        vectors: float32 (M, d), one row per concept of ``ids``.
        ids: the concepts that count (muted ones do not).
        photos: photos per concept; the concept with the most photos gives the merged one its name.
        target: how many of them shall be left.

    Raises:
        InputError: ``target`` cannot be reached by merging.
    """
    free = [row for row, concept in enumerate(ids) if not knowledge.by_id[concept].locked]
    wanted = target - (len(ids) - len(free))
    if target >= len(ids) or wanted < 1:
        lowest = len(ids) - len(free) + min(1, len(free))
        raise InputError(
            f"Merging can leave {lowest} to {len(ids) - 1} of the {len(ids)} concepts, but {target} were asked for; "
            "choose a number in between, or build more concepts on the Build page."
        )
    tree = linkage(l2_normalize(vectors[free]).astype(np.float64), method="average", metric="cosine")
    groups = cut_tree(tree, n_clusters=[wanted]).ravel()  # as many as asked, also among equal texts
    members = [[ids[free[i]] for i in np.flatnonzero(groups == group)] for group in np.unique(groups)]
    return tuple(
        MergeConcepts(concepts=tuple(sorted(some, key=lambda one: -photos.get(one, 0))))
        for some in members
        if len(some) > 1
    )
