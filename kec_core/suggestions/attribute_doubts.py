"""Doubts about attributes that separate nothing, and about clusters that hold two concepts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import l2_normalize
from kec_core.knowledge.edits import DeleteAttribute, SetClusters
from kec_core.result.concept_photos import auc
from kec_core.suggestions.base import FEW, SAMPLE, Suggestion, View, evidence
from kec_core.types import BiAttribute, UniAttribute

BLIND = 0.05
"""Distance of the AUC from 0.5 up to which an attribute separates nothing [R]."""
SECOND_SHARE = 0.3
"""Share of a cluster from which its second concept makes it a mixed one [R]."""


def attributes(view: View) -> Iterator[Suggestion]:
    """Attributes that score the photos they are meant for no higher, and no lower, than the others."""
    knowledge = view.state.knowledge
    everything: list[UniAttribute | BiAttribute] = [*knowledge.uni, *knowledge.bi]
    judged = [one for one in everything if _sides(view, one) is not None]
    if not judged:
        return
    vectors = l2_normalize(view.state.collection.encode([one.text for one in judged]))
    for attribute, vector in zip(judged, vectors, strict=True):
        sides = _sides(view, attribute)
        assert sides is not None
        columns, first, second = sides
        separation = auc(view.x[first] @ vector, view.x[second] @ vector)
        # What sets two concepts apart may point either way; what is typical must score its own photos higher.
        telling = abs(separation - 0.5) if len(columns) == 2 else separation - 0.5
        if telling > BLIND:
            continue
        yield _blind_attribute(view, attribute, columns, separation)


def _sides(
    view: View, attribute: UniAttribute | BiAttribute
) -> tuple[tuple[int, ...], NDArray[np.int64], NDArray[np.int64]] | None:
    """Columns concerned, photos the attribute is about, photos it should tell them from; None with too few photos."""
    ids = (attribute.concept,) if isinstance(attribute, UniAttribute) else attribute.pair
    if any(one not in view.column or view.concepts[view.column[one]].locked for one in ids):
        return None
    columns = tuple(view.column[one] for one in ids)
    first = view.sample(columns[0])
    if len(columns) == 2:
        second = view.sample(columns[1])
    else:
        others = np.flatnonzero(view.winner != columns[0])
        second = others[:: max(1, -(-len(others) // SAMPLE))]
    return None if min(len(first), len(second)) < FEW else (columns, first, second)


def _blind_attribute(
    view: View, attribute: UniAttribute | BiAttribute, columns: tuple[int, ...], separation: float
) -> Suggestion:
    names = " and ".join(f'"{view.concepts[column].name}"' for column in columns)
    from_what = "from each other" if len(columns) == 2 else "from other photos"
    beside = max(len(view.state.knowledge.attributes_of(view.concepts[column].id)) for column in columns)
    return Suggestion(
        key=f"attribute:{attribute.id}",
        kind="attribute",
        # An attribute acts through the mean over its concept's attributes (methods.md 6.3).
        gain=sum(view.share(column) for column in columns)
        * (1 - abs(separation - 0.5) / BLIND)
        * 0.1
        / max(beside, 1),
        question=f'Delete the attribute "{attribute.text}" of {names}?',
        reason=f"It tells their photos {from_what} no better than chance (AUC {separation:.2f}).",
        concepts=tuple(view.concepts[column].id for column in columns),
        evidence=tuple(view.best(column) for column in columns),
        edit=DeleteAttribute(attribute=attribute.id),
    )


def mixed_clusters(view: View) -> Iterator[Suggestion]:
    """Clusters that hold the photos of two concepts."""
    clusters, labels = np.unique(view.state.clustering.labels, return_inverse=True)
    counts = np.zeros((len(clusters), len(view.concepts)), dtype=np.int64)
    np.add.at(counts, (labels.reshape(-1), view.winner), 1)
    if len(view.concepts) < 2 or len(clusters) >= view.total:
        return
    for cluster, row in zip(clusters.tolist(), counts, strict=True):
        first, second = np.argsort(-row, kind="stable")[:2]
        part = row[second] / row.sum()
        if part < SECOND_SHARE or row.sum() < FEW:
            continue
        members = np.flatnonzero(view.state.clustering.labels == cluster)
        names = [view.concepts[column].name for column in (first, second)]
        yield Suggestion(
            key=f"mixed:{cluster}:{view.concepts[first].id}:{view.concepts[second].id}",
            kind="mixed",
            gain=float(row[second] / view.total) / 2,
            question=f'Ask for one more cluster? "{names[0]}" and "{names[1]}" share one.',
            reason=f"Of {row.sum()} photos, {row[first]} show the first and {row[second]} the second.",
            concepts=(view.concepts[first].id, view.concepts[second].id),
            evidence=tuple(
                evidence(name, members[view.winner[members] == column])
                for name, column in zip(names, (first, second), strict=True)
            ),
            edit=SetClusters(k=len(clusters) + 1),
        )
