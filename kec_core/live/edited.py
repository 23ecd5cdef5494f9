"""A script of edits applied to a live state: concepts are edited in words, clusters photo by photo (methods.md 6.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.grounding import concept_scores, concept_vectors
from kec_core.knowledge.edit_clusters import ClusterEdit, new_cluster, put
from kec_core.knowledge.edits import Edit, RemoveConstraint, apply, describe, named, refuse_unknown
from kec_core.knowledge.partition import Looks, Partition, Rows
from kec_core.live import LiveState, update, with_groups
from kec_core.types import Concept, Constraint, Knowledge
from kec_core.wordnet.vocabulary import kinds_of
from kec_core.wordnet.wordnet import load_wordnet

Names = Callable[[LiveState], Mapping[int, str]]
"""The name of every cluster of a state that has photos."""
_PartitionOf = Callable[[LiveState], Partition]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edited:
    """What a script of edits comes to.

    Attributes:
        state: after the last edit.
        follow: rows of photos that went along with those that edits of clusters name, ascending.
        said: what each edit did, in words.
        remarks: what the person should know of the last edit, in sentences that ``said`` holds too.
    """

    state: LiveState
    follow: NDArray[np.int64]
    said: tuple[str, ...]
    remarks: tuple[str, ...]


def edited(
    state: LiveState,
    edits: Sequence[Edit],
    *,
    names: Names,
    given: Mapping[int, str] | None = None,
) -> Edited:
    """Apply a script: all of it or nothing.

    Args:
        state: of a revision; stays as it is.
        edits: in order; an edit may name what an earlier one made.
        names: what clusters are called, for edits that name them and for what is said.
        given: names that the person gave by other means than edits, by cluster id.

    Raises:
        InputError: an edit does not fit; names its index from 0.
    """
    images = frozenset(state.collection.image_ids)
    partition = partial(_partition, names=names, given=given or {})
    run = _Run(state=state, partition=partition(state))
    for index, edit in enumerate(edits):
        with named(index, edit.op):
            refuse_unknown(edit, images)
            run = (
                _with_clusters(run, edit, partition)
                if isinstance(edit, ClusterEdit)
                else _with_words(run, edit, partition)
            )
    done = _settled(run)
    return Edited(
        state=done,
        follow=np.unique(np.array(run.partition.follow, dtype=np.int64)),
        said=run.partition.said,
        remarks=run.partition.remarks,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """A script half done.

    Attributes:
        state: what the latest grounding and k-means came to.
        partition: what edits have made of it since.
        in_words: True when concepts, attributes, settings or wishes were edited since, so that photos regroup by
            k-means.
        reworded: True when it was more than photos that were assigned to concepts.
    """

    state: LiveState
    partition: Partition
    in_words: bool = False
    reworded: bool = False


def _with_clusters(run: _Run, edit: ClusterEdit, partition_of: _PartitionOf) -> _Run:
    if run.in_words:
        run = _caught_up(run, partition_of)
    return replace(run, partition=edit.regroup(run.partition))


def _with_words(run: _Run, edit: Edit, partition_of: _PartitionOf) -> _Run:
    wishes = _new_assignments(run.partition.knowledge, apply(run.partition.knowledge, edit))
    if run.reworded and any(wish.concept in run.partition.knowledge.by_id for wish in wishes):
        run = _caught_up(run, partition_of)  # where concepts have their clusters depends on the edits before
    before = run.partition
    changed = apply(before.knowledge, edit)
    told = before.told if isinstance(edit, RemoveConstraint) else before.knowledge
    said = (*before.said, describe(edit, told))
    partition = replace(before, knowledge=changed, said=said, remarks=())
    wishes = _new_assignments(before.knowledge, changed)
    for wish in wishes:
        partition = _with_place(partition, wish)
    return replace(run, partition=partition, in_words=True, reworded=run.reworded or not wishes)


def _new_assignments(before: Knowledge, after: Knowledge) -> list[Constraint]:
    known = {wish.id for wish in before.constraints}
    return [wish for wish in after.constraints if wish.kind == "assign" and wish.id not in known]


def _caught_up(run: _Run, partition_of: _PartitionOf) -> _Run:
    """The script so far with the photos regrouped."""
    state, before = _settled(run), run.partition
    return _Run(state=state, partition=replace(partition_of(state), follow=before.follow, said=before.said))


def _settled(run: _Run) -> LiveState:
    """The state with what was edited since."""
    state, partition = run.state, run.partition
    moved = not np.array_equal(state.clustering.labels, partition.labels)
    if not run.in_words:
        same = not moved and partition.knowledge == state.knowledge
        rows = partition.looks.space_rows
        return state if same else with_groups(state, partition.knowledge, partition.labels, rows)
    if moved:
        state = with_groups(state, state.knowledge, partition.labels, partition.looks.space_rows)
    state = update(state, partition.knowledge)
    regrouped = replace(partition, knowledge=state.knowledge, labels=state.clustering.labels)
    return replace(state, knowledge=regrouped.anchored().knowledge)


# ---- photos that are assigned to a concept ---------------------------------------------------------------------


def _with_place(partition: Partition, wish: Constraint) -> Partition:
    """Photos that were just assigned to a concept leave their clusters for the cluster of that concept.

    That is where its photos were put before, else the cluster that is called by it, else a new one.
    """
    if wish.concept not in partition.knowledge.column_of:
        return partition  # a muted concept has no cluster; its photos wait
    named = partition.rows(image for image in wish.images if image in partition.row_of)
    if not len(named):
        return partition
    home = _home(partition, wish, named)
    cluster = partition.next_cluster if home is None else home
    moved, _ = new_cluster(partition, named, follow=True) if home is None else put(partition, named, cluster)
    wishes = (
        replace(one, cluster=cluster) if one.id == wish.id else one for one in moved.knowledge.constraints
    )
    moved = replace(moved, knowledge=replace(moved.knowledge, constraints=tuple(wishes)))
    return replace(moved.keeping(cluster).finished(partition, ""), said=partition.said)


def _home(partition: Partition, wish: Constraint, named_rows: Rows) -> int | None:
    used = set(partition.clusters)
    for one in reversed(partition.knowledge.constraints):
        if one.concept == wish.concept and one.cluster in used:
            return one.cluster
    column = partition.knowledge.column_of[wish.concept]
    return partition.looks.named_by(column, partition.labels, named_rows)


# ---- what edits of clusters read of the photos -----------------------------------------------------------------


class _Space:
    """The space that is clustered, of a state: computed once for all photos, or each time for a few."""

    def __init__(self, state: LiveState) -> None:
        self._state = state
        self._all: FloatMatrix | None = None

    def all(self) -> FloatMatrix:
        """float32 (N, D), unit rows."""
        if self._all is None:
            self._all = self._state.fused()
        return self._all

    def rows(self, rows: Rows) -> FloatMatrix:
        """Some of its rows, ascending and each once."""
        if self._all is None and 2 * len(rows) < len(self._state.collection.x):
            return self._state.fused_rows(rows)
        return self.all() if len(rows) == len(self._state.collection.x) else self.all()[rows]


def _partition(state: LiveState, names: Names, given: Mapping[int, str]) -> Partition:
    collection = state.collection
    space = _Space(state)
    looks = Looks(
        space=space.all,
        space_rows=space.rows,
        names=cache(lambda: names(state)),
        named_by=partial(_named_by, state),
        fit=partial(_fit, state),
        concepts=lambda: state.logits,
        given=given,
        seed=collection.seed,
    )
    kept = [one.id + 1 for one in state.knowledge.kept]
    return Partition(
        knowledge=state.knowledge,
        image_ids=collection.image_ids,
        row_of={image: row for row, image in enumerate(collection.image_ids)},
        labels=np.asarray(state.clustering.labels),
        next_cluster=max(state.clustering.next_cluster_id, *kept, 0),
        looks=looks,
    )


def _named_by(state: LiveState, concept: str, labels: IntVector, without: Rows) -> int | None:
    """The cluster where most photos are won by a concept that wins more of them than any other; None without one."""
    if concept not in state.grounding.concept_ids:
        return None
    column = state.grounding.concept_ids.index(concept)
    others = np.setdiff1d(np.arange(len(labels)), without)
    wins = np.zeros((int(labels.max()) + 1, len(state.grounding.concept_ids)), dtype=np.int64)
    np.add.at(wins, (labels[others], state.grounding.winner[others]), 1)
    won = np.where(wins.argmax(axis=1) == column, wins[:, column], 0)
    return int(won.argmax()) if won.max() else None


def _fit(state: LiveState, names: Sequence[str]) -> FloatMatrix:
    """Scores of the photos for names, float32 (N, names): a name fits at least as well as the concepts that are kinds of it."""
    collection = state.collection
    listed = Knowledge(concepts=tuple(Concept(id=str(place), name=name) for place, name in enumerate(names)))
    vectors = concept_vectors(listed, collection.encode, collection.config)
    scores = concept_scores(collection.grounded, vectors, collection.config, collection.defaults)
    synset_of = {concept.id: concept.synset for concept in state.knowledge.concepts}
    synsets = np.array([synset_of.get(concept, "") for concept in state.grounding.concept_ids])
    if synsets.any():
        wordnet = load_wordnet()
        for place, name in enumerate(names):
            kinds = np.isin(synsets, list(kinds_of(name, synsets.tolist(), wordnet)))
            best_kind = state.logits[:, kinds].max(axis=1, initial=-np.inf)
            scores[:, place] = np.maximum(scores[:, place], best_kind)
    return scores
