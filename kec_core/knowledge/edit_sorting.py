"""Sorting photos into a list of names: one cluster per name, and one for what is none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.constrained import apply_constraints
from kec_core.clustering.constraints import ConstraintPlan, plan_constraints
from kec_core.clustering.geometry import centroids_of, cluster_sums
from kec_core.clustering.warm_start import continue_kmeans
from kec_core.errors import InputError
from kec_core.knowledge.edit_base import listed, quoted
from kec_core.knowledge.edit_clusters import ClusterEdit
from kec_core.knowledge.edit_fields import Flag, SomeNames
from kec_core.knowledge.partition import Partition, photos
from kec_core.types import KeptCluster, Knowledge
from kec_core.wordnet.vocabulary import not_in_wordnet
from kec_core.wordnet.wordnet import load_wordnet

NONE = "none of these"
ROUNDS = 10
"""Iterations of k-means by which the looks of the photos finish what the words have begun [R]."""
EXPLAINED = 0.4
"""A concept is on the list when a name scores above this share of the concept's own score for the photos it fits best [M]."""
HARDLY = 0.3
"""A name that scores less for its photos than this way from all concepts to the best ones hardly fits them: of 96 such groups 92
had less than a fifth of right photos, of 210 groups with so few [M]."""


class SortInto(ClusterEdit):
    """The photos in one cluster per name, and in "none of these" where nothing on the list fits.

    Words start: each photo goes to the name it fits best, or to a concept that is on the list by no name if that fits
    better. Looks finish: k-means goes on from there. Photos that the person put into a cluster that is called
    by one of these names stay in it; other clusters and what was put into them give way. A name without photos is kept.
    """

    op: Literal["sort_into"] = "sort_into"
    names: SomeNames
    none: Flag = True

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit; raises InputError when the list has a name that is made besides."""
        if self.none and NONE in {name.casefold() for name in self.names}:
            raise InputError(
                f"names has {quoted(NONE)}, which is made by none; leave it out or set none to false."
            )
        cleared, ids, gone = self._cleared(partition)
        fit = partition.looks.fit(self.names)
        made = replace(cleared, labels=self._sorted(cleared, ids, fit))
        unread = not_in_wordnet(self.names, load_wordnet())
        remarks = (unread, self._hardly_fitting(made, ids, fit), self._without_photos(made, ids), *gone)
        return made.keeping(*ids).finished(partition, self._said(made, ids), remarks)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Sorted the photos into {listed(self.names)}."

    def _all_names(self) -> tuple[str, ...]:
        return (*self.names, NONE) if self.none else self.names

    def _cleared(self, partition: Partition) -> tuple[Partition, list[int], tuple[str, str]]:
        """The partition with only the clusters of the list kept; their ids, in its order; wishes and ticks that gave way."""
        shown = {name.casefold(): cluster for cluster, name in partition.names.items()}
        given = {name.casefold(): cluster for cluster, name in partition.given_names.items()}
        known, kept_of = shown | given, {one.id: one for one in partition.knowledge.kept}
        kept, next_cluster = [], partition.next_cluster
        for name in self._all_names():
            cluster = known.get(name.casefold(), next_cluster)
            next_cluster += cluster == next_cluster
            one = kept_of.get(cluster, KeptCluster(id=cluster))
            kept.append(replace(one, name=one.name or name))
        ids = {one.id for one in kept}
        stay = tuple(w for w in partition.knowledge.constraints if w.cluster is None or w.cluster in ids)
        gone = len(partition.knowledge.constraints) - len(stay)
        knowledge = replace(partition.knowledge, kept=tuple(kept), constraints=stay)
        wishes = f"{gone} wish{'' if gone == 1 else 'es'} about other groups went." if gone else ""
        names = partition.names
        ticked = [names[one.id] for one in kept_of.values() if one.done and one.id in names.keys() - ids]
        ticks = f"Ticked off, but replaced by the list: {listed(ticked)}." if ticked else ""
        cleared = replace(partition, knowledge=knowledge, next_cluster=next_cluster)
        return cleared, [one.id for one in kept], (wishes, ticks)

    def _sorted(self, partition: Partition, ids: list[int], scores: FloatMatrix) -> IntVector:
        """The cluster of every photo, int32 (N,), from the scores of the photos for the names, float32 (N, names)."""
        if self.none:
            scores = np.hstack([scores, _unlisted(scores, partition.looks.concepts())])
        start = scores.argmax(axis=1)
        plan = plan_constraints(partition.knowledge, partition.image_ids)
        for rows, place in zip(plan.units, plan.clusters, strict=True):
            if place >= 0:
                start[rows] = ids.index(plan.kept[place])
        columns, labels = np.unique(start, return_inverse=True)
        x = partition.looks.space()
        centroids = centroids_of(x, labels.astype(np.int32), len(columns))
        around = _on_columns(
            plan, {ids[column]: place for place, column in enumerate(columns) if column < len(ids)}
        )

        def settle(nearest: IntVector, centroids: FloatMatrix) -> IntVector:
            return apply_constraints(x, nearest, centroids, around, {})

        found = continue_kmeans(x, centroids, settle=settle, held=around.held(len(x)), max_iter=ROUNDS)
        names = np.minimum(columns[found.labels], len(self.names))
        clusters: IntVector = np.array([*ids, ids[-1]], dtype=np.int32)[names]
        return clusters

    def _said(self, partition: Partition, ids: list[int]) -> str:
        sizes = {cluster: len(partition.members(cluster)) for cluster in ids}
        names = dict(zip(ids, self._all_names(), strict=True))
        found = ", ".join(f"{sizes[one]} {quoted(names[one])}" for one in ids if sizes[one])
        return f"Sorted {photos(len(partition.labels))} by your list: {found}."

    def _hardly_fitting(self, partition: Partition, ids: list[int], fit: FloatMatrix) -> str:
        concepts = partition.looks.concepts()
        if not concepts.shape[1]:
            return ""
        usual = concepts.mean()
        least = usual + HARDLY * (concepts.max(axis=1).mean() - usual)
        open_rows = ~partition.constrained()  # what the person put there needs no words
        bad = []
        for cluster, name, scores in zip(ids, self.names, fit.T, strict=False):
            rows = open_rows & (partition.labels == cluster)
            # The centre is taken off photos: it holds what most of them show, and their scores for that are low.
            if 0 < 2 * rows.sum() < len(rows) and scores[rows].mean() < least:
                bad.append(name)
        return f"Hardly fits its photos, so look there first: {', '.join(map(quoted, bad))}." if bad else ""

    def _without_photos(self, partition: Partition, ids: list[int]) -> str:
        empty = [name for one, name in zip(ids, self.names, strict=False) if not len(partition.members(one))]
        return f"No photo fits {listed(empty)}." if empty else ""


def _unlisted(fit: FloatMatrix, concepts: FloatMatrix) -> FloatMatrix:
    """The scores for the concepts whose photos no name on the list explains.

    Args:
        fit: float32 (N, names).
        concepts: float32 (N, M).
    """
    n_concepts = concepts.shape[1]
    if not n_concepts:
        return concepts
    best = concepts.argmax(axis=1).astype(np.int32)
    counts = np.maximum(np.bincount(best, minlength=n_concepts), 1)
    own = cluster_sums(concepts, best, n_concepts).diagonal() / counts
    by_names = cluster_sums(fit, best, n_concepts).max(axis=1) / counts
    return concepts[:, by_names < EXPLAINED * own]


def _on_columns(plan: ConstraintPlan, column: Mapping[int, int]) -> ConstraintPlan:
    """What of a plan holds while photos are sorted, with the clusters by their columns instead of their places."""
    return ConstraintPlan(
        units=plan.units,
        concepts=("",) * len(plan.units),
        clusters=tuple(column[plan.kept[place]] if place >= 0 else -1 for place in plan.clusters),
        apart=plan.apart,
    )
