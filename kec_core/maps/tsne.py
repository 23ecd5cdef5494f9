"""t-SNE (van der Maaten & Hinton 2008) by openTSNE, FFT-accelerated (Linderman et al. 2019), from a known graph."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, Progress
from kec_core.maps.neighbours import Neighbours

TSNE_NEIGHBOURS = 60
PERPLEXITY = TSNE_NEIGHBOURS // 3
"""About how many neighbours count; a third of those in the graph, as usual."""
EARLY, LATE, AGAIN = 250, 500, 100
"""Iterations: exaggerated, plain, and of a map that goes on from an old one."""
_REPORT = 5
_FFT_ROWS = 2000
"""From here on the repulsion of all pairs is quicker to interpolate than to gather in a tree [M]."""


def tsne_layout(
    neighbours: Neighbours, first: FloatMatrix, *, again: bool, seed: int, progress: Progress
) -> FloatMatrix:
    """Place photos so that those near each other in the graph are near each other in the plane.

    Args:
        neighbours: of N rows.
        first: float32 (N, 2), places to start from.
        again: ``first`` is an older map, to be kept as far as it still fits.
        seed: of openTSNE.
        progress: told about iterations; may raise Cancelled.

    Returns:
        float32 (N, 2).
    """
    progress(0, 1, "Loading t-SNE")
    from openTSNE import TSNE, initialization
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    many = len(first) > _FFT_ROWS
    jobs = (os.cpu_count() or 1) if many else 1  # threads of a small step would mostly wait for each other
    graph = PrecomputedNeighbors(neighbours.rows.astype(np.int64), neighbours.distances.astype(np.float64))
    perplexity = min(PERPLEXITY, max(1.0, (neighbours.rows.shape[1] - 1) / 3))
    affinities = PerplexityBasedNN(knn_index=graph, perplexity=perplexity, n_jobs=jobs)
    early, late = (0, AGAIN) if again else (EARLY, LATE)
    begin = np.asarray(first, np.float64) if again else initialization.rescale(np.array(first, np.float64))
    places = TSNE(
        early_exaggeration_iter=early,
        n_iter=late,
        n_jobs=jobs,
        random_state=seed,
        negative_gradient_method="fft" if many else "bh",
        callbacks=_Steps(progress, early, late),
        callbacks_every_iters=_REPORT,
    ).fit(affinities=affinities, initialization=begin)
    return np.asarray(places, dtype=np.float32)


class _Steps:
    """openTSNE's callback; the iterations of its two phases counted as one."""

    def __init__(self, progress: Progress, early: int, late: int) -> None:
        self._progress, self._total = progress, early + late
        self._done = 0

    def __call__(self, iteration: int, error: float, embedding: Any) -> bool:  # noqa: ANN401
        """Goes on unless the progress raises Cancelled."""
        del iteration, error, embedding
        self._done += _REPORT
        self._progress(min(self._done, self._total), self._total, "Placing the photos")
        return False
