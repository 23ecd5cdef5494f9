"""Small array helpers shared by every module: unit rows, softmax, blocks, checks, fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kec_core.errors import ShapeError

FloatMatrix = NDArray[np.float32]
"""float32 array of shape (rows, columns)."""
FloatVector = NDArray[np.float32]
"""float32 array of shape (n,)."""
IntVector = NDArray[np.int32]
"""int32 array of shape (n,)."""


class RowBlocks(Protocol):
    """A float32 (N, d) matrix that is read in blocks of rows: an array, or rows that are computed when they are read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, d)."""
        ...

    def __len__(self) -> int:
        """N."""
        ...

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> FloatMatrix:
        """A block of rows, or some of them."""
        ...


Progress = Callable[[int, int, str], None]
"""Called with (done, total, label); may raise Cancelled to stop the work."""

BLOCK_ROWS = 8192
"""Rows handled at once, so memory never grows with N x M (methods.md 6.3)."""

CACHED_ROWS = 512
"""Rows that several element-wise steps visit in turn; few enough to stay in the processor's cache."""


def no_progress(done: int, total: int, label: str) -> None:
    """Ignore progress: the default for every ``progress`` argument."""


def sampled_rows(n_rows: int, count: int, seed: int | np.random.Generator) -> NDArray[np.int64]:
    """``count`` of the rows 0..n_rows-1, drawn without replacement, ascending; all when there are not more."""
    if n_rows <= count:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, count, replace=False))


def l2_normalize(x: FloatMatrix) -> FloatMatrix:
    """Scale every row to unit length; a row of zeros stays zero. Returns a new float32 array."""
    norms = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.asarray(x / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def softmax_rows(logits: FloatMatrix, *, out: FloatMatrix | None = None) -> FloatMatrix:
    """Softmax over the columns, safe against overflow; float32, rows sum to 1.

    Args:
        logits: float32 (N, M).
        out: where to write, may be ``logits`` itself; None gives a new array and leaves ``logits`` as it is.
    """
    weights = np.empty_like(logits) if out is None else out

    def weigh(rows: slice) -> None:
        part = weights[rows]
        np.subtract(logits[rows], logits[rows].max(axis=-1, keepdims=True), out=part)
        np.exp(part, out=part)
        part *= 1 / part.sum(axis=-1, keepdims=True)

    if len(logits) <= CACHED_ROWS:
        weigh(slice(None))
        return weights
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy computes outside the interpreter's lock
        list(pool.map(weigh, blocks(len(logits), CACHED_ROWS)))
    return weights


def one_to_one(gain: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns matched for the largest sum of ``gain`` (N, M), min(N, M) pairs; rows ascending."""
    from scipy.optimize import linear_sum_assignment  # slow to load, and most commands match nothing

    rows, columns = linear_sum_assignment(gain, maximize=True)
    return rows, columns


def blocks(n_rows: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Yield slices that cover ``range(n_rows)`` in order, ``size`` rows each."""
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def check_matrix(x: NDArray[Any], name: str, *, columns: int | None = None) -> FloatMatrix:
    """Return ``x`` as a finite float32 matrix.

    Raises:
        ShapeError: not two-dimensional, wrong number of columns, or NaN or infinity inside.
    """
    if x.ndim != 2 or (columns is not None and x.shape[1] != columns):
        wanted = f"(rows, {columns})" if columns is not None else "(rows, columns)"
        raise ShapeError(f"{name} should be a table of shape {wanted}, but has shape {x.shape}.")
    matrix = np.asarray(x, dtype=np.float32)
    for block in blocks(len(matrix)):
        bad = np.flatnonzero(~np.isfinite(matrix[block]).all(axis=1))
        if len(bad):
            raise ShapeError(
                f"{name} should hold finite numbers, but row {block.start + int(bad[0])} has NaN or infinity; "
                "drop or recompute that row."
            )
    return matrix


def fingerprint(*parts: object) -> str:
    """Hash arrays and JSON-able values to 32 hex digits; arrays count by dtype, shape and bytes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            array = np.ascontiguousarray(part)
            digest.update(f"array {array.dtype.str} {array.shape}".encode())
            digest.update(array.data if array.size else b"")
        else:
            text = json.dumps(part, sort_keys=True, ensure_ascii=False, default=_refuse)
            digest.update(f"json {len(text)} {text}".encode())
    return digest.hexdigest()[:32]


def _refuse(value: object) -> object:
    raise TypeError(f"cannot fingerprint a {type(value).__name__}")


JsonDict = Mapping[str, Any]
"""A JSON object; values are plain JSON types."""


def as_labels(labels: Sequence[Any] | NDArray[Any]) -> IntVector:
    """Re-index any labels to int32 ids 0..n-1 in sorted order of the originals."""
    _, ids = np.unique(np.asarray(labels), return_inverse=True)
    return ids.astype(np.int32).reshape(-1)
