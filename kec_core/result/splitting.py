"""A concept whose photos are of several kinds: what the kinds look like and which of its nouns fit them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.errors import InputError
from kec_core.result.concept_photos import ConceptPhotos


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """One kind of photo within a concept.

    Attributes:
        rows: int64, its photos, the most central first.
        nouns: the concept's nouns that fit it better than the other kinds, best first.
    """

    rows: NDArray[np.int64]
    nouns: tuple[str, ...]


def kinds_of(photos: ConceptPhotos, concept: str, count: int) -> tuple[Kind, ...]:
    """Group the photos of a concept by their looks, and share out its nouns.

    Args:
        photos: of the state.
        concept: id.
        count: kinds, at least 2.

    Raises:
        InputError: the concept has fewer photos than kinds were asked for.
    """
    rows = np.sort(photos.rows(concept))
    if len(rows) < count:
        raise InputError(
            f"Splitting in {count} needs at least {count} photos, but this concept has {len(rows)}; name the parts yourself."
        )
    collection = photos.state.collection
    x = collection.x[rows]
    found = spherical_kmeans(x, count, n_init=5, seed=collection.seed)
    nearness = np.einsum("nd,nd->n", x, found.centroids[found.labels])
    words = [noun.word for noun in photos.state.knowledge.by_id[concept].nouns]
    # What all kinds have in common says nothing about where a noun belongs.
    centred = l2_normalize(found.centroids - found.centroids.mean(axis=0))
    fit = l2_normalize(collection.encode(words)) @ centred.T if words else np.empty((0, count))
    return tuple(
        Kind(
            rows=_central(rows, nearness, found.labels == kind),
            nouns=tuple(words[i] for i in np.argsort(-fit[:, kind]) if fit[i].argmax() == kind),
        )
        for kind in np.unique(found.labels)
    )


def _central(
    rows: NDArray[np.int64], nearness: NDArray[np.float32], mine: NDArray[np.bool_]
) -> NDArray[np.int64]:
    some = np.flatnonzero(mine)
    return np.asarray(rows[some[np.argsort(-nearness[some], kind="stable")]])
