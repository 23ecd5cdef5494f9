"""One epoch of UMAP as machine code. In a file of its own, because loading numba takes a second that only maps need."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix

_A: Final = np.float32(1.558)
"""Fits 1 / (1 + a d^2) to umap-learn's wish of min_dist 0.1 and spread 1."""
_LIMIT: Final = np.float32(4.0)
_NEAR: Final = np.float32(0.001)
_NEGATIVES: Final = 5
_WORD: Final = 0xFFFFFFFF

Epoch = TypeVar("Epoch", bound=Callable[..., None])


def compiled(epoch: Epoch) -> Epoch:
    """As machine code for all cores; kept on disk for the next process where any folder may be written to."""
    build = partial(numba.njit, parallel=True, fastmath=True, error_model="numpy")
    try:
        return cast(Epoch, build(cache=True)(epoch))
    except RuntimeError:  # installed by another user, and no home: every process compiles for itself
        return cast(Epoch, build()(epoch))


@numba.njit(inline="always", fastmath=True)
def _limited(force: np.float32) -> np.float32:
    return min(_LIMIT, max(-_LIMIT, force))


@compiled
def move(
    old: FloatMatrix,
    new: FloatMatrix,
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    shares: NDArray[np.float32],
    epoch: int,
    step: np.float32,
    seed: int,
) -> None:
    """One epoch: every photo is pulled to those it is tied to and pushed from ``_NEGATIVES`` random ones for each.

    A tie of share s pulls in a share s of the epochs, evenly spread over them.
    """
    size = old.shape[0]
    for i in numba.prange(size):
        random = ((i + 1) * 2654435761 + (epoch + 1) * 40503 + (seed + 1) * 69069) & _WORD
        random = ((random ^ (random >> 16)) * 0x45D9F3B) & _WORD
        random = (random ^ (random >> 16)) | 1
        x, y = old[i, 0], old[i, 1]
        for edge in range(starts[i], starts[i + 1]):
            share = shares[edge]
            if math.floor((epoch + 1) * share) == math.floor(epoch * share):
                continue
            j = ends[edge]
            dx, dy = x - old[j, 0], y - old[j, 1]
            force = -2 * _A / (1 + _A * (dx * dx + dy * dy))
            towards_x, towards_y = _limited(force * dx), _limited(force * dy)
            for _ in range(_NEGATIVES):
                random = (random ^ (random << 13)) & _WORD  # xorshift32 (Marsaglia 2003)
                random = random ^ (random >> 17)
                random = (random ^ (random << 5)) & _WORD
                k = (random * size) >> 32
                if k == i:
                    continue  # a photo is not pushed from where it was
                dx, dy = x - old[k, 0], y - old[k, 1]
                gap = dx * dx + dy * dy
                force = 2 / ((_NEAR + gap) * (1 + _A * gap))
                towards_x += _limited(force * dx)
                towards_y += _limited(force * dy)
            x += step * towards_x
            y += step * towards_y
        new[i, 0], new[i, 1] = x, y
