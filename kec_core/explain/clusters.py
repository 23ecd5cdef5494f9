"""What a cluster is about, and what sets it apart from its nearest one: differences of means, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kec_core.explain.photos import Explainer
from kec_core.explain.words import Kind

ROUNDING = 1e-6
"""Means of the same photos differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How much a concept or an attribute fits the photos here and there.

    Attributes:
        id: of the concept or attribute.
        here, there: mean over the photos; for a concept its posterior in [0, 1], for an attribute the cosine of
            photo and text in [-1, 1].
    """

    kind: Kind
    text: str
    id: str
    here: float
    there: float

    @property
    def gap(self) -> float:
        """How much more it fits here than there."""
        return self.here - self.there


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterWords:
    """A cluster in words and photos.

    Attributes:
        cluster, nearest: ids; ``nearest`` is None when there is no other cluster.
        concepts: its strongest concepts, of those that are not stronger in all photos; strongest first.
        attributes: the attributes that fit it, and more than the other photos, largest gap first.
        apart: concepts and attributes that fit it more than ``nearest`` and than all photos, per kind the largest gap first.
        there: what fits ``nearest`` more, likewise; ``here`` stays the cluster.
        photos: rows of the photos nearest to its centre, nearest first.
    """

    cluster: int
    nearest: int | None
    concepts: tuple[Contrast, ...]
    attributes: tuple[Contrast, ...]
    apart: tuple[Contrast, ...]
    there: tuple[Contrast, ...]
    photos: NDArray[np.int64]


def explain_cluster(
    explainer: Explainer, cluster: int, *, against: int | None = None, top: int = 5, photos: int = 9
) -> ClusterWords:
    """The words and photos that define a cluster, and what sets it apart.

    Args:
        explainer: of the state.
        cluster: id of a cluster with photos.
        against: the cluster to compare with; by default the nearest one.
        top: concepts, and attributes, at most in every list.
        photos: photos at most.

    Raises:
        InputError: the cluster has no photos.
    """
    explainer.centre(cluster)
    rival = explainer.nearest(cluster) if against is None else against
    overall = len(explainer.sizes)  # one row more than there are cluster ids: the mean over all photos
    concepts = _speaking(_concept_contrasts(explainer, cluster, overall), least=-ROUNDING)
    attributes = _speaking(_attribute_contrasts(explainer, cluster, overall), least=0)
    apart: list[Contrast] = []
    there: list[Contrast] = []
    if rival is not None:
        for contrasts_of in (_concept_contrasts, _attribute_contrasts):
            apart += _apart(contrasts_of, explainer, cluster, rival)[:top]
            there += [_turned(one) for one in _apart(contrasts_of, explainer, rival, cluster)[:top]]
    return ClusterWords(
        cluster=cluster,
        nearest=rival,
        concepts=tuple(sorted(concepts, key=lambda one: -one.here)[:top]),
        attributes=tuple(attributes[:top]),
        apart=tuple(apart),
        there=tuple(there),
        photos=_central(explainer, cluster, photos),
    )


def _speaking(contrasts: Sequence[Contrast], *, least: float) -> list[Contrast]:
    """What fits the photos here, and by ``least`` more than those there; the largest gap first."""
    found = [one for one in contrasts if one.here > 0 and one.gap > least]
    return sorted(found, key=lambda one: -one.gap)


def _apart(
    contrasts_of: Callable[[Explainer, int, int], list[Contrast]], explainer: Explainer, here: int, there: int
) -> list[Contrast]:
    """What fits the photos here more than those there, of what speaks for them among all photos too."""
    own = {one.id for one in _speaking(contrasts_of(explainer, here, len(explainer.sizes)), least=0)}
    return [one for one in _speaking(contrasts_of(explainer, here, there), least=0) if one.id in own]


def _turned(contrast: Contrast) -> Contrast:
    return replace(contrast, here=contrast.there, there=contrast.here)


def _concept_contrasts(explainer: Explainer, here: int, there: int) -> list[Contrast]:
    means = explainer.mean_omega
    by_id = explainer.state.knowledge.by_id
    return [
        Contrast(kind="name", text=by_id[concept].name, id=concept, here=float(a), there=float(b))
        for concept, a, b in zip(explainer.state.vectors.concept_ids, means[here], means[there], strict=True)
    ]


def _attribute_contrasts(explainer: Explainer, here: int, there: int) -> list[Contrast]:
    """Every attribute once, however many concepts share its text."""
    parts = explainer.parts
    rows = {parts.words[p].text: p for p in np.flatnonzero(~parts.speaks)[::-1]}
    chosen = sorted(rows.values())
    fits = parts.directions[chosen].astype(np.float64) @ explainer.mean_looks[[here, there]].T
    return [
        Contrast(
            kind=parts.words[p].kind,
            text=parts.words[p].text,
            id=parts.words[p].id,
            here=float(fit[0]),
            there=float(fit[1]),
        )
        for p, fit in zip(chosen, fits, strict=True)
    ]


def _central(explainer: Explainer, cluster: int, count: int) -> NDArray[np.int64]:
    state = explainer.state
    rows = np.flatnonzero(state.clustering.labels == cluster)
    fused = state.fused_rows(rows)
    return rows[np.argsort(-(fused @ explainer.centres[cluster]), kind="stable")[:count]]
