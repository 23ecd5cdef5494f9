"""Keep cluster ids, and with them colours, from one clustering to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector, one_to_one
from kec_core.clustering.metrics import contingency


def match_ids(labels: IntVector, reference: IntVector, *, first_new: int = 0) -> dict[int, int]:
    """New id of every cluster: the id of the reference cluster it shares most photos with, one to one (Hungarian).

    Args:
        labels: int (N,), the clustering to rename.
        reference: int (N,), the clustering whose ids are kept, of the same photos.
        first_new: lowest id for a cluster that shares nothing with what is left of the reference, which is above the
            ids of the reference in any case. Give ``Clustering.next_cluster_id`` so that ids of the past are never reused.

    Raises:
        ShapeError: the two are not equally long vectors, or are empty.
    """
    counts = contingency(labels, reference)
    old, new = np.unique(reference), np.unique(labels)
    rows, columns = one_to_one(counts)
    shared = counts[rows, columns] > 0
    kept = dict(zip(new[rows[shared]].tolist(), old[columns[shared]].tolist(), strict=True))
    free = max(int(old.max()) + 1, first_new)
    fresh = [int(cluster) for cluster in new if int(cluster) not in kept]
    return kept | {cluster: free + i for i, cluster in enumerate(fresh)}


def match_labels(labels: IntVector, reference: IntVector, *, first_new: int = 0) -> IntVector:
    """``labels`` under the ids of ``match_ids``; int32 (N,). Only names change, never the partition."""
    return rename(labels, match_ids(labels, reference, first_new=first_new))


def rename(labels: NDArray[np.integer], ids: dict[int, int]) -> IntVector:
    """Labels with every id replaced as ``ids`` says; int32 (N,)."""
    old, position = np.unique(labels, return_inverse=True)
    return np.array([ids[int(cluster)] for cluster in old], dtype=np.int32)[position]
