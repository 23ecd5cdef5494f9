"""What a glance at a clustering needs: how central each photo is to its group, how alike a group is, what it is about.

Computed once when a clustering is made and kept beside it, so a page opens as fast at a million photos as at a hundred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, RowBlocks
from kec_core.clustering.constraints import ConstraintPlan
from kec_core.clustering.geometry import centroids_of, cluster_sums, confidence, nearness
from kec_core.errors import StoreError
from kec_core.result.cluster_names import concept_votes, group_names, mean_posteriors
from kec_core.store import StageResult
from kec_core.types import Clustering, Grounding, Knowledge
from state.project.project import Project
from state.revisions.cluster_marks import ClusterMarks, cluster_marks
from state.revisions.revisions import RevisionInfo

Order = Literal["representative", "boundary", "outlier"]
_STAGE = "overview"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overview:
    """Arrays over N photos, K clusters and M concepts; memory-mapped when loaded.

    Attributes:
        labels: int32 (N,), cluster of each photo.
        own: float32 (N,), cosine of a photo with the centre of its cluster, in the space that was clustered.
        rival: float32 (N,), cosine with the nearest other centre; -1 when there is only one cluster.
        coherence: float32 (K,) in [0, 1], mean cosine of the photos' visual features with their mean.
        concepts: float32 (K, M), mean omega of the cluster's photos; rows sum to 1.
        votes: float32 (K, M), rows sum to 1 (0 for an id without photos): how much speaks for each concept's name, by
            the photos it wins and by those the person assigned to it, see ``EXAMPLE_WORTH``; ``concepts`` where the
            overview was kept before there were votes.
        concept_ids: the M concepts.
        marks: names and ticks of the person.
    """

    labels: IntVector
    own: FloatVector
    rival: FloatVector
    coherence: FloatVector
    concepts: FloatMatrix
    votes: FloatMatrix
    concept_ids: tuple[str, ...]
    marks: ClusterMarks = field(default_factory=ClusterMarks)

    @property
    def confidence(self) -> FloatVector:
        """float32 (N,) in [0, 1]: 0 on the border to the nearest other cluster, 1 at the cluster's centre."""
        return confidence(np.asarray(self.own), np.asarray(self.rival))

    def members(self, cluster: int, order: Order = "representative") -> IntVector:
        """Rows of a cluster's photos.

        Args:
            cluster: its id.
            order: the most central first; those nearest to another cluster first; or the least central first.
        """
        rows = np.flatnonzero(self.labels == cluster)
        own = self.own[rows]
        by = {"representative": -own, "boundary": own - self.rival[rows], "outlier": own}[order]
        return rows[np.argsort(by, kind="stable")].astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCard:
    """A cluster at a glance.

    Attributes:
        name: what the person calls it, else its dominant concept, made unique by the next one.
        size: number of photos.
        coherence: in [0, 1], see ``Overview``.
        purity: share of its labelled photos that carry the most frequent label ``label``; None without labels.
        done: whether the person has ticked it off.
    """

    id: int
    name: str
    size: int
    coherence: float
    purity: float | None = None
    label: str = ""
    done: bool = False


def compute_overview(
    x: RowBlocks,
    fused: RowBlocks,
    grounding: Grounding,
    clustering: Clustering,
    *,
    wishes: ConstraintPlan | None = None,
) -> Overview:
    """Compare every photo with the centres of all clusters.

    Args:
        x: float32 (N, d), unit rows, the visual features.
        fused: float32 (N, D), unit rows, the space that was clustered; read twice, in blocks.
        grounding: omega (N, M) and kappa (N, d).
        clustering: its labels; centres are taken anew, as the means of the members.
        wishes: of the person, on these photos; None for none.
    """
    labels = np.asarray(clustering.labels)
    n_clusters = int(labels.max()) + 1
    own, rival = nearness(fused, centroids_of(fused, labels, n_clusters), labels)
    sizes = np.maximum(np.bincount(labels, minlength=n_clusters), 1)[:, None]
    return Overview(
        labels=labels,
        own=own,
        rival=rival,
        coherence=np.linalg.norm(cluster_sums(x, labels, n_clusters) / sizes, axis=1).astype(np.float32),
        concepts=mean_posteriors(grounding, labels, np.bincount(labels, minlength=n_clusters)),
        votes=concept_votes(grounding, labels, n_clusters, wishes or ConstraintPlan()),
        concept_ids=grounding.concept_ids,
    )


def save_overview(project: Project, clustering_fp: str, made: Overview) -> None:
    """Keep an overview beside the clustering it describes."""
    if project.store.load(_STAGE, clustering_fp) is None:
        names = ("labels", "own", "rival", "coherence", "concepts", "votes")
        arrays = {name: getattr(made, name) for name in names}
        project.store.save(
            _STAGE, clustering_fp, StageResult(arrays=arrays, data={"concept_ids": list(made.concept_ids)})
        )


def load_overview(project: Project, revision: RevisionInfo) -> Overview:
    """The overview of a revision's clustering; row i belongs to ``project.images(revision.scan)[i]``.

    Raises:
        StoreError: it is not in the project folder, or damaged.
    """
    stored = project.store.load(_STAGE, revision.clustering_fp)
    if stored is None:
        raise StoreError(
            f"The overview of revision {revision.id} is missing from {project.store.root}; run the project again to restore it."
        )
    return Overview(
        **{"votes": stored.arrays["concepts"], **stored.arrays},  # overviews of before had no votes
        concept_ids=tuple(stored.data["concept_ids"]),
        marks=cluster_marks(project, revision.id),
    )


def cluster_cards(
    overview: Overview, knowledge: Knowledge, truth: Sequence[str | None] = ()
) -> tuple[ClusterCard, ...]:
    """A card per cluster that has photos, largest first.

    Args:
        overview: of the clustering.
        knowledge: names the concepts.
        truth: the label of each photo, None where unknown; empty without labels.
    """
    sizes = np.bincount(overview.labels, minlength=len(overview.coherence))
    names = cluster_names(overview, knowledge)
    tops = _frequent_labels(overview.labels, truth)
    cards = [
        ClusterCard(
            id=cluster,
            name=names[cluster],
            size=int(sizes[cluster]),
            coherence=float(overview.coherence[cluster]),
            purity=tops[cluster][1] if cluster in tops else None,
            label=tops[cluster][0] if cluster in tops else "",
            done=is_done(overview, knowledge, cluster),
        )
        for cluster in range(len(sizes))
        if sizes[cluster]
    ]
    return tuple(sorted(cards, key=lambda card: (-card.size, card.id)))


def cluster_names(overview: Overview, knowledge: Knowledge) -> list[str]:
    """A name per cluster id: the person's, else the concept that most speaks for (see ``name_clusters``)."""
    return group_names(
        knowledge, overview.votes, overview.concepts, overview.concept_ids, overview.marks.names
    )


def is_done(overview: Overview, knowledge: Knowledge, cluster: int) -> bool:
    """Whether the person has ticked a cluster off: by an edit, or by a mark of a project of before."""
    kept = {one.id: one.done for one in knowledge.kept}
    return kept.get(cluster, False) or cluster in overview.marks.done


def _frequent_labels(labels: IntVector, truth: Sequence[str | None]) -> dict[int, tuple[str, float]]:
    """The most frequent label of each cluster and its share among the labelled photos."""
    counts: dict[int, Counter[str]] = {}
    for cluster, label in zip(labels.tolist(), truth, strict=False):
        if label is not None:
            counts.setdefault(cluster, Counter())[label] += 1
    tops = {
        cluster: min(found.items(), key=lambda item: (-item[1], item[0])) for cluster, found in counts.items()
    }
    return {cluster: (label, times / counts[cluster].total()) for cluster, (label, times) in tops.items()}
