"""UMAP (McInnes, Healy & Melville 2018) by umap-learn, from a graph of neighbours that is known already."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

import numpy as np

from kec_core.arrays import FloatMatrix, Progress
from kec_core.maps.neighbours import Neighbours

UMAP_NEIGHBOURS = 14
"""Other photos that a photo is tied to: umap-learn's 15 count the photo itself."""
_SQUARE = 10.0
"""Side of the square that umap-learn stretches a start to."""
EPOCHS_AGAIN, RATE_AGAIN = 60, 0.1
"""Of a map that goes on from an old one; a first map has umap-learn's own."""


def umap_layout(
    neighbours: Neighbours, first: FloatMatrix, *, again: bool, seed: int, progress: Progress
) -> FloatMatrix:
    """Move photos to where their neighbours are.

    One core: umap-learn promises the same map for the same seed only so.

    Args:
        neighbours: of N rows; the nearest ``UMAP_NEIGHBOURS`` are used.
        first: float32 (N, 2), places to start from, not all on one line along an axis.
        again: ``first`` is an older map, to be kept as far as it still fits.
        seed: of umap-learn.
        progress: told about epochs; may raise Cancelled.

    Returns:
        float32 (N, 2).
    """
    progress(0, 1, "Loading UMAP")
    from umap import UMAP

    _keep_compiled()
    count = min(UMAP_NEIGHBOURS, len(first) - 2)
    itself = np.arange(len(first), dtype=np.int32)[:, None]
    rows = np.hstack([itself, neighbours.rows[:, :count]])
    distances = np.hstack([np.zeros((len(first), 1), np.float32), neighbours.distances[:, :count]])
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=r"precomputed_knn\[2\]"
        )  # a search index: nothing is looked up
        places = UMAP(
            n_neighbors=count + 1,
            n_epochs=EPOCHS_AGAIN if again else None,
            learning_rate=RATE_AGAIN if again else 1.0,
            init=first,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(rows, distances),
            tqdm_kwds={
                "disable": False,
                "file": _Epochs(progress),
                "mininterval": 0,
                "bar_format": "{n} {total}",
            },
        ).fit_transform(first)  # with the graph given, only the number of rows counts
    if again:  # umap-learn stretches the start to a square
        low, span = first.min(axis=0), np.ptp(first, axis=0)
        places = low + places * span / _SQUARE
    return np.asarray(places, dtype=np.float32)


def _keep_compiled() -> None:
    """Let numba keep umap-learn's machine code on disk: compiling takes longer than a map of 10,000 photos       [M]."""
    from numba.core.dispatcher import Dispatcher
    from umap import layouts, umap_

    for function in [*vars(layouts).values(), *vars(umap_).values()]:
        if isinstance(function, Dispatcher):
            with suppress(RuntimeError):  # no folder may be written to: every process compiles for itself
                function.enable_caching()


class _Epochs(io.StringIO):
    """Receives the progress bar of umap-learn, written as "DONE TOTAL" after every epoch."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def write(self, text: str) -> int:
        """Passes the numbers on; raises what the progress raises, which ends the layout."""
        numbers = text.split()
        if len(numbers) == 2:
            self._progress(int(numbers[0]), int(numbers[1]), "Placing the photos")
        return len(text)
