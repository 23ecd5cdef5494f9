"""The groups of a clustering as a model that sorts photos it has never seen; ``kec assign``, ``kec add`` and ``predict`` share it.

New photos get knowledge from the concepts there are, and go to the group whose centre is nearest in the space that was
clustered. A photo that lies farther from that centre than the group's own photos do is unlike anything here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    check_matrix,
    l2_normalize,
    no_progress,
)
from kec_core.clustering import fuse
from kec_core.clustering.geometry import cluster_sums, confidence, nearest_centroids, nearness, row_cosines
from kec_core.clustering.whitening import SecondSpace, Whitening, looks_of
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.encoders.base import centred_features, visual_features
from kec_core.errors import InputError, ShapeError
from kec_core.grounding import ground_features
from kec_core.types import ConceptVectors, Knowledge

UNLIKE_SHARE = 0.01
"""Share of the photos that were clustered that lie no nearer to their group than what counts as unlike all groups [M]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assigned:
    """Photos sorted into groups; row i belongs to photo i.

    Attributes:
        clusters: int32 (N,), id of the nearest group.
        confidence: float32 (N,) in [0, 1]: 0 on the border to the next group, 1 at the group's centre.
        unlike: bool (N,), True where the photo is unlike all groups.
    """

    clusters: IntVector
    confidence: FloatVector
    unlike: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Where G groups lie in the space that was clustered.

    Attributes:
        clusters: int32 (G,), their ids, ascending.
        names: what they are called.
        centres: float32 (G, D), unit rows.
        limit: cosine to the nearest centre below which a photo is unlike all groups, in [-1, 1].
    """

    clusters: IntVector
    names: tuple[str, ...]
    centres: FloatMatrix
    limit: float

    def names_of(self, clusters: IntVector) -> list[str]:
        """The name of each photo's group, by the group's id."""
        return [self.names[place] for place in np.searchsorted(self.clusters, clusters).tolist()]

    def assign(self, fused: FloatMatrix, *, progress: Progress = no_progress) -> Assigned:
        """Sort photos into the groups.

        Args:
            fused: float32 (N, D), unit rows.
            progress: told during the work; may raise Cancelled.
        """
        labels, _ = nearest_centroids(fused, self.centres, progress=progress)
        own, rival = nearness(fused, self.centres, labels)
        return Assigned(
            clusters=self.clusters[labels], confidence=confidence(own, rival), unlike=own < self.limit
        )


def groups_of(fused: FloatMatrix, labels: IntVector, names: Mapping[int, str] | Sequence[str]) -> Groups:
    """The groups of a clustering.

    Args:
        fused: float32 (N, D), unit rows, the space that was clustered.
        labels: int32 (N,), cluster of each row.
        names: of the clusters, by id.
    """
    used = np.unique(labels)
    places = np.searchsorted(used, labels).astype(np.int32)
    sums = cluster_sums(fused, places, len(used))
    return Groups(
        clusters=used.astype(np.int32),
        names=tuple(names[cluster] for cluster in used.tolist()),
        centres=l2_normalize(sums.astype(np.float32)),
        limit=_limit(fused, places, sums),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupModel:
    """All that is needed to sort a photo into the groups of a clustering: M concepts, width d.

    Attributes:
        encoder: what ``load_encoder`` takes to get the encoder of the photos.
        revision: of that encoder; features of another revision do not fit.
        knowledge: behind the groups.
        vectors: text features of its M concepts.
        grounding: how knowledge is carried into a photo.
        defaults: of the encoder.
        weight: w, what knowledge counts beside the looks.
        mean: float32 (d,), what is taken off every feature: the ``collection_mean`` of the photos that were clustered.
        product_centre: float32 (d,), see ``grounding.product_centre``; None for nothing.
        whitening: from visual features to the looks that were clustered; None where they are the same. The photos of a
            second space that it may hold do not count here.
        groups: in the space of looks and knowledge together, width e + d.
    """

    encoder: str
    revision: str
    knowledge: Knowledge
    vectors: ConceptVectors
    grounding: GroundingConfig
    defaults: EncoderDefaults
    weight: float
    mean: FloatVector
    product_centre: FloatVector | None
    whitening: Whitening | None
    groups: Groups

    def __post_init__(self) -> None:
        """Refuse what ``second_space`` refuses."""
        second_space(self.whitening)

    @property
    def space(self) -> SecondSpace | None:
        """The second space that looks come from; None for none."""
        return second_space(self.whitening)

    def assign(
        self, raw: NDArray[Any], second: NDArray[Any] | None = None, *, progress: Progress = no_progress
    ) -> Assigned:
        """Sort photos into the groups.

        A photo's group depends on no other photo of the call; so posteriors are not averaged over look-alikes, whatever
        the option ``smooth_neighbours`` of the run.

        Args:
            raw: float32 (N, d), features as the encoder gives them.
            second: float32 (N, d2), features as the encoder of ``space`` gives them; None without a second space.
            progress: told during the work; may raise Cancelled.

        Raises:
            InputError: features of the second space are missing, or there is none.
            ShapeError: not a finite table of width d, or not one of width d2 with as many rows.
        """
        features = check_matrix(raw, "The features of new photos", columns=len(self.mean))
        return self.groups.assign(self._fused(features, second, progress), progress=progress)

    def group_sums(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """The part of some photos in the next centres of the groups: one step of k-means over parts of a collection.

        Args:
            raw: as in ``assign``.

        Returns:
            (G, e + d), sum of the photos nearest to each centre, in the space that was clustered.

        Raises:
            InputError: looks come from a second space too.
            ShapeError: not a finite table of width d.
        """
        features = check_matrix(raw, "The features", columns=len(self.mean))
        fused = self._fused(features, None, no_progress)
        labels, _ = nearest_centroids(fused, self.groups.centres)
        return cluster_sums(fused, labels, len(self.groups.centres))

    def recentred(self, sums: NDArray[np.float64]) -> GroupModel:
        """The model with the centres that all ``group_sums`` of a collection add up to; a group without photos stays.

        Args:
            sums: float64 (G, e + d).
        """
        filled = np.linalg.norm(sums, axis=1, keepdims=True) > 0
        centres = np.where(filled, l2_normalize(sums.astype(np.float32)), self.groups.centres)
        return replace(self, groups=replace(self.groups, centres=centres))

    def _fused(self, raw: FloatMatrix, second: NDArray[Any] | None, progress: Progress) -> FloatMatrix:
        """The photos in the space that was clustered, float32 (N, e + d), unit rows."""
        x = visual_features(raw, self.defaults, mean=self.mean)
        lengths_count = self.grounding.mode == "raw"
        kappa = ground_features(
            centred_features(raw, self.defaults, mean=self.mean) if lengths_count else x,
            self.vectors,
            replace(self.grounding, smooth_neighbours=0),
            self.defaults,
            centre=self.product_centre,
            progress=progress,
        )
        return fuse(looks_of(x, self.whitening, self._second(second, len(x))), kappa, self.weight)

    def _second(self, features: NDArray[Any] | None, n_photos: int) -> FloatMatrix | None:
        """Photos in the second space, float32 (N, d2), unit rows; None without one."""
        space = self.space
        if (space is None) != (features is None):
            raise InputError(
                "The looks of these groups come from the encoder alone, but features of a second space came too; leave "
                "them out."
                if space is None
                else f"The looks of these groups come from a second space too ({space.encoder or 'a table of features'}), "
                "so photos can be sorted into them only with their features there; give these as well."
            )
        if space is None or features is None:
            return None
        rows = check_matrix(features, "The features of the second space", columns=len(space.mean))
        if len(rows) != n_photos:
            raise ShapeError(
                f"{n_photos} rows of the second space were expected, one for each photo, but {len(rows)} came; "
                "give one row per photo."
            )
        return space.unit(rows)


def second_space(whitening: Whitening | None) -> SecondSpace | None:
    """The second space that looks come from; None for none.

    Raises:
        InputError: an earlier version of the program did not keep where its features come from.
    """
    if whitening is not None and whitening.second is not None and whitening.space is None:
        raise InputError(
            "The looks of these groups come from a second space too (--looks), and an earlier version of the program did "
            "not keep what new photos need there; run the project again."
        )
    return None if whitening is None else whitening.space


def _limit(fused: FloatMatrix, labels: IntVector, sums: NDArray[np.float64]) -> float:
    """The cosine that all but ``UNLIKE_SHARE`` of the photos reach with the centre of the others of their group.

    A photo's own part is left out of its centre, for a new photo has none in it. Photos alone in their group say nothing;
    without others nothing is unlike: -1.

    Args:
        fused: float32 (N, D), unit rows.
        labels: int32 (N,), 0..G-1.
        sums: float64 (G, D), sum of the rows of each group.
    """
    rows = np.flatnonzero(np.bincount(labels)[labels] > 1)
    if not len(rows):
        return -1.0
    with_sum = row_cosines(fused, sums.astype(np.float32), labels)[rows].astype(np.float64)
    squares = np.einsum("gd,gd->g", sums, sums)[labels[rows]]
    lengths = np.sqrt(np.maximum(squares - 2 * with_sum + 1, 1e-12))
    return float(np.quantile((with_sum - 1) / lengths, UNLIKE_SHARE))
