"""Why one photo has a score, and why it lies in its cluster: contributions that add up exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, blocks
from kec_core.clustering.geometry import cluster_sums
from kec_core.errors import InputError
from kec_core.explain.words import Kind, Word, WordParts, word_parts
from kec_core.grounding import attribute_scale, logit_scale
from kec_core.live import LiveState

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one word, or the looks of the photo, adds to a score.

    Attributes:
        value: in the unit of the score; negative when it speaks against.
        concept: id of the concept it belongs to; "" for the looks.
        id: the attribute's id, the concept's id for its name and description; "" for the looks.
    """

    kind: Kind
    text: str
    concept: str
    id: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A score and all that it is the sum of.

    Attributes:
        total: the score.
        parts: every contribution, the strongest (by size) first; they add up to ``total``.
    """

    total: float
    parts: tuple[Contribution, ...]

    def by_concept(self) -> dict[str, float]:
        """Sum of the contributions per concept, strongest first; the looks under ""."""
        sums: dict[str, list[float]] = {}
        for part in self.parts:
            sums.setdefault(part.concept, []).append(part.value)
        totals = {concept: math.fsum(values) for concept, values in sums.items()}
        return dict(sorted(totals.items(), key=lambda item: -abs(item[1])))


@dataclass(frozen=True, eq=False)
class Explainer:
    """A live state and what every explanation of it needs; made once, then each photo takes milliseconds."""

    state: LiveState

    @cached_property
    def parts(self) -> WordParts:
        """The words behind the concepts."""
        return word_parts(self.state.knowledge, self.state.collection.encode, self.state.collection.config)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(K,) photos per cluster id."""
        return np.bincount(self.state.clustering.labels, minlength=len(self.state.clustering.centroids))

    @cached_property
    def centres(self) -> Vector:
        """float64 (K, e + d), unit mean of every cluster in the fused space; zeros for an id without photos."""
        labels = self.state.clustering.labels
        sums = np.zeros((len(self.sizes), self.state.width))
        for block in blocks(len(labels)):
            rows = np.arange(block.start, block.stop)
            sums += cluster_sums(self.state.fused_rows(rows), labels[block], len(self.sizes))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return _divided(sums, lengths)

    @cached_property
    def mean_row(self) -> Vector:
        """float64 (d,), what is taken off the features before the product with attributes; zeros when nothing is."""
        collection = self.state.collection
        if not collection.config.centre_before_product:
            return np.zeros(collection.grounded.shape[1])
        return np.asarray(collection.grounded.mean(axis=0, dtype=np.float64))

    @cached_property
    def mean_looks(self) -> Vector:
        """float64 (K + 1, d), mean visual features of every cluster; the last row is the mean over all photos."""
        return self._means(self.state.collection.x)

    @cached_property
    def mean_omega(self) -> Vector:
        """float64 (K + 1, M), mean posteriors of every cluster; the last row is the mean over all photos."""
        return self._means(self.state.grounding.omega)

    def _means(self, rows: FloatMatrix) -> Vector:
        sums = cluster_sums(rows, self.state.clustering.labels, len(self.sizes))
        means = sums / np.maximum(self.sizes, 1)[:, None]
        return np.vstack([means, sums.sum(axis=0) / len(rows)])

    def centre(self, cluster: int) -> Vector:
        """float64 (e + d,), a row of ``centres``.

        Raises:
            InputError: no photo is in the cluster.
        """
        if not 0 <= cluster < len(self.sizes) or not self.sizes[cluster]:
            raise InputError(
                f"A cluster with photos was expected, but {cluster} has none; choose one from the list."
            )
        centre: Vector = self.centres[cluster]
        return centre

    def cosines(self, row: int) -> Vector:
        """float64 (K,), how near a photo lies to every centre; the totals of ``explain_place``."""
        fused = self.state.fused_rows(np.array([row]))[0]
        return np.asarray(self.centres @ fused.astype(np.float64))

    def nearest(self, cluster: int) -> int | None:
        """The cluster whose centre is nearest to this one's, None when it is the only one with photos."""
        cosines = self.centres @ self.centres[cluster]
        others = [int(c) for c in np.flatnonzero(self.sizes) if c != cluster]
        return max(others, key=lambda other: cosines[other]) if others else None


def explain_score(explainer: Explainer, row: int, concept: str) -> Explanation:
    """The score of a photo for a concept (its logit), as the share of the concept's name and of its description.

    Guidance that prefers or avoids the concept is a part of its own; under a collapsed group the names and descriptions
    of all its concepts count. Attributes do not count in this score: they shape where the photo lies, see ``explain_place``.

    Args:
        explainer: of the state.
        row: of the photo.
        concept: id of a concept that counts, or of a collapsed group.

    Raises:
        InputError: the concept is muted or unknown.
    """
    state, parts = explainer.state, explainer.parts
    config = state.collection.config
    column = _column(explainer, concept)
    mine = np.flatnonzero(parts.speaks & (parts.columns == column))
    photo = state.collection.grounded[row].astype(np.float64)
    values = logit_scale(config, state.collection.defaults) * (parts.vectors[mine] @ photo)
    if config.mode == "scaled":
        values = _divided(values, parts.lengths[column])
    words = [parts.words[p] for p in mine]
    prior = state.vectors.prior
    if prior is not None and prior[column]:
        words.append(Word(kind="guidance", text=state.knowledge.guidance, concept=concept, id=concept))
        values = np.append(values, float(prior[column]))
    return _explanation(words, values)


def explain_place(
    explainer: Explainer, row: int, cluster: int | None = None, *, against: int | None = None
) -> Explanation:
    """How near a photo lies to the centre of a cluster (a cosine), as looks and words.

    Args:
        explainer: of the state.
        row: of the photo.
        cluster: id of a cluster; by default the photo's own.
        against: id of another cluster: then the difference of the two cosines is explained, positive where the
            photo leans to ``cluster``.

    Raises:
        InputError: no photo is in one of the clusters.
    """
    chosen = int(explainer.state.clustering.labels[row]) if cluster is None else cluster
    target = explainer.centre(chosen)
    if against is not None:
        target = target - explainer.centre(against)
    width = explainer.state.collection.looks.shape[1]
    share = 1 / math.hypot(1.0, explainer.state.weight)
    looks = share * float(_unit(explainer.state.collection.looks[row].astype(np.float64)) @ target[:width])
    words = explainer.state.weight * share * _word_values(explainer, row, target[width:])
    parts = explainer.parts
    return _explanation(
        [Word(kind="looks", text="", concept="", id=""), *parts.words], np.concatenate([[looks], words])
    )


def _word_values(explainer: Explainer, row: int, target: Vector) -> Vector:
    """What every word adds to n(kappa_i) . target, (P,)."""
    state, parts = explainer.state, explainer.parts
    config = state.collection.config
    photo = state.collection.grounded[row].astype(np.float64)
    omega = state.grounding.omega[row].astype(np.float64)[parts.columns]
    scaled = attribute_scale(config, len(photo)) * (photo - explainer.mean_row)
    shares = np.where(parts.speaks[:, None], parts.vectors, parts.vectors * scaled)
    if config.unit_zeta:
        lengths = np.where(parts.speaks, parts.lengths[parts.columns], 1.0)
        shares = _divided(shares, lengths[:, None])
    shares = omega[:, None] * shares
    return _divided(shares @ target, float(np.linalg.norm(shares.sum(axis=0))))


def _column(explainer: Explainer, concept: str) -> int:
    ids = explainer.state.vectors.concept_ids
    if concept not in ids:
        raise InputError(
            f"A concept that counts was expected, but {concept!r} is muted or not there; choose another one."
        )
    return ids.index(concept)


def _unit(vector: Vector) -> Vector:
    return _divided(vector, float(np.linalg.norm(vector)))


def _divided(values: Vector, length: float | Vector) -> Vector:
    """Values over a length; a length of zero leaves zeros, as everywhere in grounding."""
    safe = np.where(np.asarray(length) > 0, length, 1.0)
    return np.asarray(values / safe, dtype=np.float64)


def _explanation(words: list[Word], values: Vector) -> Explanation:
    parts = [
        Contribution(kind=word.kind, text=word.text, concept=word.concept, id=word.id, value=float(value))
        for word, value in zip(words, values, strict=True)
    ]
    return Explanation(
        total=math.fsum(part.value for part in parts),
        parts=tuple(sorted(parts, key=lambda part: -abs(part.value))),
    )
