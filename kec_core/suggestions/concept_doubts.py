"""Doubts about concepts: two that are one, one that is two, one for no photo, a name that fits badly."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, blocks, l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.geometry import cluster_sums
from kec_core.knowledge.edits import DeleteConcept, MergeConcepts, assigned
from kec_core.live import LiveCollection, LiveState
from kec_core.suggestions.base import FEW, Suggestion, View, evidence
from kec_core.wording import counted

NOUNS = 24
"""Nouns of a concept that are looked at, most frequent first."""


def fitting_names(state: LiveState, concept: str, count: int) -> tuple[str, ...]:
    """Those of a concept's nouns that fit the photos it wins better than they fit all photos, best first.

    The names that concepts have already are left out.

    Args:
        state: tells what the concept and its photos are.
        concept: its id.
        count: names at most.
    """
    nouns = [noun.word for noun in state.knowledge.by_id[concept].nouns[:NOUNS]]
    if not nouns or concept not in state.grounding.concept_ids:
        return ()
    x = state.collection.x
    won = state.grounding.winner == state.grounding.concept_ids.index(concept)
    if not won.any():
        return ()
    lift = l2_normalize(state.collection.encode(nouns)) @ (x[won].mean(axis=0) - x.mean(axis=0))
    taken = {one.name.casefold() for one in state.knowledge.concepts}
    ranked = (nouns[i] for i in np.argsort(-lift, kind="stable") if lift[i] > 0)
    return tuple(name for name in ranked if name.casefold() not in taken)[:count]


ALIKE = 1.0
"""Standard deviations above the mean pair from which two concepts look, or read, alike [R]."""
BIMODAL = 0.15
"""Share of a concept's spread that two centres must explain to speak of two kinds of photos [R]."""
SMALL_HALF = 0.2
"""Share of the photos the smaller kind must have [R]."""
FAR = 0.75
"""Share of the usual lift (how much better words fit their own photos than all photos) below which they are far [R]."""

REMEMBERED = 2000
"""Groups of photos of one collection whose kinds are remembered, at most."""
_KINDS: WeakKeyDictionary[LiveCollection, dict[bytes, tuple[float, NDArray[np.bool_]]]] = WeakKeyDictionary()


def merges(view: View) -> Iterator[Suggestion]:
    """Pairs that read alike, look alike, and compete for the same photos, if their photos together are of one kind."""
    if len(view.concepts) < 3:
        return
    first, second = np.triu_indices(len(view.concepts), k=1)
    unit = l2_normalize(view.state.vectors.logit)
    text = (unit @ unit.T)[first, second]
    sums = cluster_sums(view.x, view.winner, len(view.concepts))
    means = l2_normalize(sums.astype(np.float32))
    looks = (means @ means.T)[first, second]
    competing = np.zeros((len(view.concepts), len(view.concepts)))
    for block in blocks(view.total):
        competing += view.omega[block].T @ view.omega[block]
    contested = 2 * competing[first, second] / view.total
    alike = (_standardised(text) > ALIKE) & (_standardised(looks) > ALIKE) & (contested * view.total >= 1)
    sizes = np.bincount(view.winner, minlength=len(view.concepts))
    for pair in np.flatnonzero(alike):
        both = [first[pair], second[pair]]
        won = int(sizes[both].sum())
        if _of_two_kinds(_explained(sums[both], won), sizes[both].min() / max(won, 1)):
            continue
        columns = sorted((int(first[pair]), int(second[pair])), key=lambda q: -len(view.rows[q]))
        keep, other = (view.concepts[column] for column in columns)
        if keep.locked or other.locked:
            continue
        yield Suggestion(
            key=f"merge:{':'.join(sorted((keep.id, other.id)))}",
            kind="merge",
            gain=float(contested[pair]),
            question=f'Merge "{other.name}" into "{keep.name}"?',
            reason=f"Text {text[pair]:.2f}, photos {looks[pair]:.2f} alike; they compete for "
            f"{counted(round(contested[pair] * view.total), 'photo')}.",
            concepts=(keep.id, other.id),
            evidence=tuple(view.best(column) for column in columns),
            edit=MergeConcepts(concepts=(keep.id, other.id)),
        )


def splits(view: View) -> Iterator[Suggestion]:
    """Concepts whose photos are of two kinds."""
    for column, concept in enumerate(view.concepts):
        rows = view.sample(column)
        if concept.locked or len(rows) < FEW:
            continue
        explained, first = _two_kinds(view.state.collection, rows)
        smaller = min(first.mean(), 1 - first.mean())
        if not _of_two_kinds(explained, smaller):
            continue
        halves = [rows[first], rows[~first]]
        yield Suggestion(
            key=f"split:{concept.id}",
            kind="split",
            gain=float(explained * smaller * view.share(column)),
            question=f'Split "{concept.name}"?',
            reason=f"Its {len(view.rows[column])} photos are of two kinds, which explain {explained:.0%} of how they differ.",
            concepts=(concept.id,),
            evidence=tuple(evidence(f"kind {n}", half) for n, half in enumerate(halves, start=1)),
        )


def _two_kinds(collection: LiveCollection, rows: NDArray[np.int64]) -> tuple[float, NDArray[np.bool_]]:
    """How much of the spread of some photos two centres explain, and which photos belong to the first of them.

    An edit leaves the photos of most concepts as they are, so what was found for the same photos is remembered.
    """
    known = _KINDS.setdefault(collection, {})
    key = rows.tobytes()
    found = known.get(key)
    if found is None:
        found = _cut(collection.x[rows])
        if len(known) >= REMEMBERED:  # another thread may do so at any time
            known.clear()
        known[key] = found
    return found


def _cut(photos: FloatMatrix) -> tuple[float, NDArray[np.bool_]]:
    cut = spherical_kmeans(photos, 2, n_init=3)
    return _explained(cluster_sums(photos, cut.labels, 2), len(photos)), cut.labels == 0


def _explained(sums: NDArray[np.float64], photos: int) -> float:
    """Share of the spread of some unit rows that the centres of their parts explain, 0 to 1.

    Args:
        sums: (P, D), the sum of the rows of each part.
        photos: how many rows they are together.
    """
    whole = float(np.linalg.norm(sums.sum(axis=0)))
    spread = photos - whole
    return (float(np.linalg.norm(sums, axis=1).sum()) - whole) / spread if spread > 1e-6 * photos else 0.0


def _of_two_kinds(explained: float, smaller: float) -> bool:
    """Whether photos are of two kinds: one rule for splitting and merging, so that neither undoes the other."""
    return explained >= BIMODAL and smaller >= SMALL_HALF


def unused(view: View) -> Iterator[Suggestion]:
    """Concepts that win no photo and only take weight from others; none that the person put photos into."""
    for column, concept in enumerate(view.concepts):
        if concept.locked or len(view.rows[column]) or assigned(view.state.knowledge, concept.id):
            continue
        taken = float(view.omega[:, column].mean())
        yield Suggestion(
            key=f"unused:{concept.id}",
            kind="unused",
            gain=taken,
            question=f'Delete "{concept.name}"?',
            reason=f"No photo shows it more than another concept, yet it counts {taken:.1%} in what all photos show.",
            concepts=(concept.id,),
            evidence=(view.best(column),),
            edit=DeleteConcept(concept=concept.id),
        )


def names(view: View) -> Iterator[Suggestion]:
    """Concepts whose text fits the photos they win much less than other concepts' texts fit theirs."""
    judged = [q for q, rows in enumerate(view.rows) if len(rows) >= FEW]
    if len(judged) < 3:
        return
    logits = view.state.logits
    lift = np.array([float(logits[view.rows[q], q].mean() - logits[:, q].mean()) for q in judged])
    usual = float(np.median(lift))
    for column, ratio in zip(judged, lift / max(usual, 1e-6), strict=True):
        concept = view.concepts[column]
        if ratio > FAR or concept.locked:
            continue
        yield Suggestion(
            key=f"name:{concept.id}",
            kind="name",
            gain=view.share(column) * min(1.0, 1 - float(ratio)) / 2,
            question=f'Rename or describe "{concept.name}"?',
            reason=f"Its words fit its {counted(len(view.rows[column]), 'photo')} {max(0.0, float(ratio)):.0%} as well as other "
            "concepts' words fit theirs.",
            concepts=(concept.id,),
            evidence=(view.best(column),),
        )


def _standardised(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Values as standard deviations from their mean; zeros when they are all equal."""
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0))
