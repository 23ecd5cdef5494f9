"""Tables of features from files that other programs wrote; nothing in them is ever unpickled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, check_matrix
from kec_core.errors import InputError

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")

_FEATURE_NAMES = ("features", "embeddings", "embedding", "vectors", "vector")
_ID_NAMES = ("ids", "id", "files", "file", "paths", "path", "names", "name")


def read_table(file: Path) -> tuple[FloatMatrix, tuple[str, ...] | None]:
    """Read features and, where the file has them, the names of the photos.

    ``.npy`` holds one table; ``.npz`` one table and maybe one list of names; ``.parquet`` one column of lists, or one
    column per number, and maybe one column of names.

    Returns:
        float32 (N, d), finite (memory-mapped when it is a float32 ``.npy``), and N unique names or None.

    Raises:
        InputError: what is wrong with the file.
    """
    readers = {".npy": _read_npy, ".npz": _read_npz, ".parquet": _read_parquet}
    if file.suffix.lower() not in readers:
        raise InputError(f"Features are read from {', '.join(readers)} files, but got {str(file)!r}.")
    try:
        features, ids = readers[file.suffix.lower()](file)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, BadZipFile) as error:  # pyarrow's errors are among them
        raise InputError(f"{file} cannot be read as {file.suffix} ({error}); export it again.") from error
    if features.dtype.kind not in "fiu":
        raise InputError(f"{file} should hold numbers, but holds {features.dtype}; export it again.")
    matrix = check_matrix(features, f"The table in {file}")
    if ids is not None:
        _check_ids(file, ids, len(matrix))
    return matrix, ids


def _check_ids(file: Path, ids: Sequence[str], n_rows: int) -> None:
    if len(ids) != n_rows:
        raise InputError(f"{file} has {n_rows} rows but {len(ids)} names; it needs one name per row.")
    twice = next((name for name, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{file} names {twice!r} twice; every photo needs one row.")


def _read_npy(file: Path) -> tuple[NDArray[Any], None]:
    return np.load(file, mmap_mode="r", allow_pickle=False), None


def _read_npz(file: Path) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    tables = {name: array for name, array in arrays.items() if array.ndim == 2}
    lists = {name: array for name, array in arrays.items() if array.ndim == 1 and array.dtype.kind in "UT"}
    features = _pick(file, tables, _FEATURE_NAMES, "table of features")
    if not lists:
        return features, None
    return features, tuple(map(str, _pick(file, lists, _ID_NAMES, "list of names").tolist()))


def _read_parquet(file: Path) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    import pyarrow.parquet
    from pyarrow import types

    table = pyarrow.parquet.read_table(file)
    columns = {name: table.column(name) for name in table.column_names}
    names = {n: c for n, c in columns.items() if types.is_string(c.type) or types.is_large_string(c.type)}
    numbers = {n: c for n, c in columns.items() if types.is_floating(c.type) or types.is_integer(c.type)}
    lists = {n: c for n, c in columns.items() if hasattr(c.type, "value_type") and n not in names}
    if lists:
        features = _unpack_lists(file, _pick(file, lists, _FEATURE_NAMES, "column of features"))
    elif numbers:
        features = np.column_stack([column.to_numpy() for column in numbers.values()])
    else:
        raise InputError(
            f"{file} should have a column of features, but has {', '.join(columns) or 'no column'}."
        )
    if not names:
        return features, None
    return features, tuple(map(str, _pick(file, names, _ID_NAMES, "column of names").to_pylist()))


def _unpack_lists(file: Path, column: pyarrow.ChunkedArray) -> NDArray[Any]:
    import pyarrow.compute

    lengths = pyarrow.compute.list_value_length(column).to_numpy()
    if len(np.unique(lengths)) != 1 or column.null_count:
        raise InputError(
            f"{file} should have lists of one length in its column of features; some differ or lack."
        )
    return np.asarray(pyarrow.compute.list_flatten(column).to_numpy()).reshape(len(column), -1)


def _pick(file: Path, choices: Mapping[str, T], usual: Sequence[str], what: str) -> T:
    """The one choice, or the one with a usual name."""
    named = [name for name in usual if name in choices] or list(choices)
    if not choices or (len(choices) > 1 and named == list(choices) and named[0] not in usual):
        raise InputError(
            f"{file} should have one {what}, but has {len(choices)}; call it {usual[0]!r} to tell it from others."
        )
    return choices[named[0]]
