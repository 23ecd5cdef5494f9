"""A knowledge and all that follows from it, as a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering import fuse
from kec_core.clustering.constraints import ConstraintPlan, plan_constraints
from kec_core.clustering.geometry import cluster_sums
from kec_core.clustering.metrics import score
from kec_core.live.collection import LiveCollection
from kec_core.types import Clustering, ConceptVectors, Grounding, Knowledge, Scores


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


def state_of(
    collection: LiveCollection,
    knowledge: Knowledge,
    vectors: ConceptVectors,
    logits: FloatMatrix,
    grounding: Grounding,
    clustering: Clustering,
) -> LiveState:
    """The state of these values, with its scores."""
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
