"""Looks with less of what differs between photos of one kind: whitening by the scatter among nearest neighbours.

A photo and its nearest neighbours mostly show the same kind of thing, so their differences tell how photos of one kind
vary: light, place, pose. Dividing by that scatter (within-class covariance normalisation, with neighbours for classes)
leaves distances that speak of kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import (
    FloatMatrix,
    FloatVector,
    Progress,
    RowBlocks,
    blocks,
    l2_normalize,
    no_progress,
    sampled_rows,
)
from kec_core.clustering.geometry import nearest_neighbours

WHITENING_REVISION = "whitening-1"
"""Change it with the rules: stored features are found by it."""
FEWEST = 200
"""Photos from which the scatter can be told; fewer keep their looks as they are."""
WIDTH = 96
"""Principal components kept, or a quarter of the photos; 64 to 128 give the same accuracy [M]."""
NEIGHBOURS = 10  # per photo; 5 to 20 alike                                                    [M]
SHRINKAGE = 0.1  # of the scatter towards its mean; .3 alike                                   [M]
SAMPLE = 8192  # photos by which components and scatter are found                              [R]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondSpace:
    """Where looks of a second space come from: what photos need to be compared in it.

    Attributes:
        encoder: what ``encoders.load_looks`` takes to get it again; "" for features that came as a table.
        revision: of that encoder.
        mean: float32 (d2,), what is taken off every feature before its length is made 1.
    """

    encoder: str
    revision: str
    mean: FloatVector

    def unit(self, features: FloatMatrix) -> FloatMatrix:
        """Raw features of photos in this space, float32 (N, d2), as unit rows."""
        return l2_normalize(features - self.mean)


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """From visual features to whitened looks.

    Attributes:
        centre: float32 (d,), mean of the photos it was fitted to; d counts the second space too.
        onto: float32 (d, e), principal components over the scatter among neighbours.
        second: float32 (N, d2), unit rows, the photos of a collection in a second space of looks; None without one.
        space: where they come from; None without a second space, and in results of versions that did not keep it.
    """

    centre: FloatVector
    onto: FloatMatrix
    second: FloatMatrix | None = None
    space: SecondSpace | None = None

    def of(self, x: RowBlocks, second: FloatMatrix | None = None) -> FloatMatrix:
        """Looks of photos, new float32 (N, e), unit rows.

        Args:
            x: float32 (N, d), unit rows; with a second space d without its width.
            second: float32 (N, d2), unit rows, these photos in the second space; None for the photos of the collection.
        """
        second = self.second if second is None else second
        looks = np.empty((len(x), self.onto.shape[1]), dtype=np.float32)
        for block in blocks(len(x)):
            rows = x[block] if second is None else beside(x[block], second[block])
            looks[block] = l2_normalize(np.asarray((rows - self.centre) @ self.onto, dtype=np.float32))
        return looks


def beside(x: FloatMatrix, second: FloatMatrix) -> FloatMatrix:
    """Two spaces as one in which both count alike: float32 (N, d + d2), unit rows where ``x`` and ``second`` have such."""
    return np.asarray(np.hstack([x, second]) / np.sqrt(2), dtype=np.float32)


def unwhitened(x: FloatMatrix, second: FloatMatrix) -> Whitening:
    """Two spaces beside each other, as they are.

    Args: float32 (N, d) and (N, d2), unit rows.
    """
    width = x.shape[1] + second.shape[1]
    return Whitening(
        centre=np.zeros(width, dtype=np.float32), onto=np.eye(width, dtype=np.float32), second=second
    )


def fit_whitening(
    x: FloatMatrix, second: FloatMatrix | None = None, *, progress: Progress = no_progress
) -> Whitening | None:
    """The whitening of a collection; None for fewer than ``FEWEST`` photos.

    Args:
        x: float32 (N, d), unit rows.
        second: float32 (N, d2), unit rows, the photos in a second space of looks, or None.
        progress: told during the work; may raise Cancelled.
    """
    from sklearn.covariance import shrunk_covariance
    from sklearn.decomposition import PCA

    if len(x) < FEWEST:
        return None
    chosen = sampled_rows(len(x), SAMPLE, 0)
    some = x[chosen] if second is None else beside(x[chosen], second[chosen])
    width = min(WIDTH, len(some) // 4, some.shape[1])
    with np.errstate(invalid="ignore"):  # photos that are all alike have no variance to explain
        components = PCA(width, random_state=0).fit(some)
    neighbours, _ = nearest_neighbours(some, NEIGHBOURS, progress=progress)
    scatter = shrunk_covariance(_scatter(components.transform(some), neighbours), shrinkage=SHRINKAGE)
    values, axes = np.linalg.eigh(scatter)
    onto = components.components_.T @ (axes / np.sqrt(np.maximum(values, np.finfo(np.float32).tiny)))
    return Whitening(centre=components.mean_.astype(np.float32), onto=onto.astype(np.float32), second=second)


def whitened(x: FloatMatrix, *, progress: Progress = no_progress) -> FloatMatrix:
    """The looks of a collection that are clustered: whitened, or ``x`` itself for fewer than ``FEWEST`` photos.

    Args: see ``fit_whitening``.
    """
    return looks_of(x, fit_whitening(x, progress=progress))


def looks_of(x: RowBlocks, whitening: Whitening | None, second: FloatMatrix | None = None) -> FloatMatrix:
    """Visual features, float32 (N, d), as they are clustered: whitened, or ``x`` itself without a whitening.

    Args: see ``Whitening.of``.
    """
    return x[:] if whitening is None else whitening.of(x, second)


def _scatter(rows: FloatMatrix, neighbours: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean outer product of the differences between photos and their neighbours, float64 (e, e)."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for column in neighbours.T:
        apart = rows[column] - rows
        total += apart.T @ apart
    return total / neighbours.size
