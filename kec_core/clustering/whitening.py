"""Looks with less of what differs between photos of one kind: whitening by the scatter among nearest neighbours.

A photo and its nearest neighbours mostly show the same kind of thing, so their differences tell how photos of one kind
vary: light, place, pose. Dividing by that scatter (within-class covariance normalisation, with neighbours for classes)
leaves distances that speak of kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import shrunk_covariance
from sklearn.decomposition import PCA

from kec_core.arrays import FloatMatrix, FloatVector, Progress, blocks, l2_normalize, no_progress
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


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """From visual features to whitened looks.

    Attributes:
        centre: float32 (d,), mean of the photos it was fitted to.
        onto: float32 (d, e), principal components over the scatter among neighbours.
    """

    centre: FloatVector
    onto: FloatMatrix

    def of(self, x: FloatMatrix) -> FloatMatrix:
        """Looks of these or other photos, new float32 (N, e), unit rows; ``x`` is float32 (N, d), unit rows."""
        looks = np.empty((len(x), self.onto.shape[1]), dtype=np.float32)
        for block in blocks(len(x)):
            looks[block] = l2_normalize(np.asarray((x[block] - self.centre) @ self.onto, dtype=np.float32))
        return looks


def fit_whitening(x: FloatMatrix, *, progress: Progress = no_progress) -> Whitening | None:
    """The whitening of a collection; None for fewer than ``FEWEST`` photos.

    Args:
        x: float32 (N, d), unit rows.
        progress: told during the work; may raise Cancelled.
    """
    if len(x) < FEWEST:
        return None
    some = x if len(x) <= SAMPLE else x[_sample(len(x))]
    width = min(WIDTH, len(some) // 4, x.shape[1])
    with np.errstate(invalid="ignore"):  # photos that are all alike have no variance to explain
        components = PCA(width, random_state=0).fit(some)
    neighbours, _ = nearest_neighbours(some, NEIGHBOURS, progress=progress)
    scatter = shrunk_covariance(_scatter(components.transform(some), neighbours), shrinkage=SHRINKAGE)
    values, axes = np.linalg.eigh(scatter)
    onto = components.components_.T @ (axes / np.sqrt(np.maximum(values, np.finfo(np.float32).tiny)))
    return Whitening(centre=components.mean_.astype(np.float32), onto=onto.astype(np.float32))


def whitened(x: FloatMatrix, *, progress: Progress = no_progress) -> FloatMatrix:
    """The looks of a collection that are clustered: whitened, or ``x`` itself for fewer than ``FEWEST`` photos.

    Args: see ``fit_whitening``.
    """
    return looks_of(x, fit_whitening(x, progress=progress))


def looks_of(x: FloatMatrix, whitening: Whitening | None) -> FloatMatrix:
    """Visual features, float32 (N, d), as they are clustered: whitened, or ``x`` itself without a whitening."""
    return x if whitening is None else whitening.of(x)


def _scatter(rows: FloatMatrix, neighbours: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean outer product of the differences between photos and their neighbours, float64 (e, e)."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for column in neighbours.T:
        apart = rows[column] - rows
        total += apart.T @ apart
    return total / neighbours.size


def _sample(n_rows: int) -> NDArray[np.int64]:
    return np.sort(np.random.default_rng(0).choice(n_rows, SAMPLE, replace=False))
