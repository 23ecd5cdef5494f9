"""Tables of features from files that other programs wrote; nothing in them is ever unpickled.

Names of rows are read in any type that holds text or whole numbers; a file whose names cannot be read is refused.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kec_core.array_files import OBJECTS, read_archive, read_array
from kec_core.arrays import FloatMatrix
from kec_core.disk import short
from kec_core.encoders.layouts import is_layout, read_layout
from kec_core.errors import InputError
from kec_core.paths import is_file

if TYPE_CHECKING:
    import pyarrow

T = TypeVar("T")

_UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    BadZipFile,
    TokenError,
    zlib.error,
)
"""What numpy, zipfile and pyarrow raise on damaged files."""

_FEATURE_NAMES = (
    "features",
    "embeddings",
    "embedding",
    "vectors",
    "vector",
    "image_features",
    "image_embeddings",
    "x",
)
_ID_NAMES = """
    ids id files file paths path names name filenames filename file_name file_names filepath filepaths
    file_path file_paths image_id image_ids image images image_name image_names image_path image_paths key
    keys uid uids
""".split()  # noqa: SIM905 - words
_NOT_NAMES = ("label", "labels", "class", "classes", "class_names", "target", "targets", "y", "split")
_INDEX = "__index_level_"
_NUMBERED = re.compile(r"(.*?)(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """What a file of features holds.

    Attributes:
        features: float32 (N, d), memory-mapped when it is a float32 ``.npy``; rows may hold zeros, NaN or infinity.
        names: N unique names of photos, or None.
        numbers: whether the names were whole numbers.
        sources: the files it was read from.
        unused: columns or arrays that are neither features nor names.
    """

    features: FloatMatrix
    names: tuple[str, ...] | None = None
    numbers: bool = False
    sources: tuple[Path, ...] = ()
    unused: tuple[str, ...] = ()


def holds_features(path: Path) -> bool:
    """Whether a path is one that ``read_table`` reads, by its name, or by what the folder holds."""
    return path.suffix.lower() in _READERS or is_layout(path)


def read_table(file: Path) -> Table:
    """Read features and, where there are, the names of the photos.

    ``.npy`` holds one table; ``NAME.txt`` beside it may name its rows, one a line. ``.npz`` holds one table and maybe
    one list of names. ``.parquet`` holds one column of lists, or number columns that are numbered without a gap (d0,
    d1, ...), and maybe one column of names; other number columns are never taken for features. Folders of clip-retrieval
    and datasets of FiftyOne are read too, see ``layouts``.

    Raises:
        InputError: what is wrong with the file.
    """
    try:
        features, names, unused, sources = _read(file)
    except InputError:
        raise
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            f"There should be a file of features at {file}, but there is none; check the path."
        ) from error
    except _UNREADABLE as error:
        raise InputError(
            f"{file} cannot be read as {file.suffix or 'such a folder'} ({short(error)}); name it by what it is, or "
            "export it again."
        ) from error
    matrix = _matrix(file, features)
    read = None if names is None else _names(file, names, len(matrix))
    return Table(
        features=matrix,
        names=read,
        numbers=names is not None and names.dtype.kind in "iu",
        sources=sources,
        unused=unused,
    )


def _read(file: Path) -> tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...], tuple[Path, ...]]:
    """Features, names, unused columns and the files that were read."""
    if is_layout(file):
        rows = read_layout(file)
        return rows.features, np.array([*rows.names, None], dtype=object)[:-1], (), rows.sources
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InputError(
            f"Features are read from {', '.join(_READERS)} and .json files or folders of clip-retrieval and FiftyOne, "
            f"but got {str(file)!r}."
        )
    features, names, unused = reader(file)
    sidecar = _sidecar(file) if names is None else None
    if sidecar is None:
        return features, names, unused, (file,)
    return features, np.array(_lines(sidecar), dtype=object), unused, (file, sidecar)


def _lines(sidecar: Path) -> list[str]:
    """The names in a text file, one a line; empty lines at its end name nothing."""
    try:
        text = sidecar.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{sidecar} should name the rows in UTF-8, one a line, but it is written otherwise ({short(error)}); save it "
            "as UTF-8."
        ) from error
    return text.rstrip().split("\n")


def _matrix(file: Path, features: NDArray[Any]) -> FloatMatrix:
    if features.dtype.kind not in "fiu":
        raise InputError(f"{file} should hold numbers, but holds {features.dtype}; export it again.")
    if features.ndim != 2 or not all(features.shape):
        raise InputError(
            f"The table in {file} should be a table of shape (rows, columns), but has shape {features.shape}."
        )
    with np.errstate(over="ignore"):  # what is too large becomes infinity, and its row is listed
        return np.asarray(features, dtype=np.float32)


def _names(file: Path, names: NDArray[Any], n_rows: int) -> tuple[str, ...]:
    """Names as text; refuses those that are missing, unreadable or not one per row."""
    read = tuple(_text(file, row, name) for row, name in enumerate(names.ravel().tolist()))
    if len(read) != n_rows:
        raise InputError(f"{file} has {n_rows} rows but {len(read)} names; it needs one name per row.")
    twice = next((name for name, count in Counter(read).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{file} names {twice!r} twice; every photo needs one row.")
    return read


def _text(file: Path, row: int, name: object) -> str:
    if isinstance(name, bytes):
        try:
            name = name.rstrip(b"\0").decode("utf-8")  # NUL fills up names of a fixed width
        except UnicodeDecodeError as error:
            raise InputError(
                f"{file} should name photos in UTF-8, but the name of row {row} is {name[:40]!r}; export it again."
            ) from error
    if isinstance(name, bool) or not isinstance(name, str | int) or not str(name).strip():
        raise InputError(
            f"{file} should name every row by a text, but row {row} has {name!r}; name it or leave the row out."
        )
    return str(name)


def _sidecar(file: Path) -> Path | None:
    beside = file.with_suffix(".txt")
    return beside if is_file(beside) else None


_Read = tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...]]


def _read_npy(file: Path) -> _Read:
    return read_array(file), None, ()


def _read_npz(file: Path) -> _Read:
    arrays, pickled = read_archive(file)
    tables = {
        name: a for name, a in arrays.items() if a.ndim == 2 and a.dtype.kind in "fiu" and a.shape[1] > 1
    }
    lists = {name: a for name, a in arrays.items() if _may_be_names(name, a)}
    lists = {name: a for name, a in lists.items() if a.dtype.kind not in "iu"} or lists
    if not lists and pickled:
        raise InputError(
            f"{file} holds {', '.join(map(repr, pickled))} as {OBJECTS}; save names as "
            "text: np.savez(..., ids=np.array(ids, dtype=str))."
        )
    if not tables:
        tables = {name: a for name, a in arrays.items() if a.ndim == 2 and name not in lists}
    features = _pick(file, tables, _FEATURE_NAMES, "table of features")
    if not lists:
        _refuse_unread(file, {name: str(a.dtype) for name, a in arrays.items() if a is not features})
    names = _pick(file, lists, _ID_NAMES, "list of names") if lists else None
    unused = (name for name, a in arrays.items() if a is not features and a is not names)
    return features, names, (*unused, *pickled)


def _may_be_names(name: str, array: NDArray[Any]) -> bool:
    """Whether an array is a list of names: text under any name but a label's, whole numbers under a usual one."""
    is_list = array.ndim == 1 or (array.ndim == 2 and 1 in array.shape)
    usual = name.lower() in _ID_NAMES
    is_text = array.dtype.kind in "UTS" and name.lower() not in _NOT_NAMES
    return is_list and (is_text or (usual and array.dtype.kind in "iu"))


def _refuse_unread(file: Path, others: Mapping[str, str]) -> None:
    """Refuse what is called like names but is of a type that is not read."""
    for name, kind in others.items():
        if name.lower() in _ID_NAMES:
            raise InputError(
                f"{file} should name its photos by text or whole numbers, but {name!r} is {kind}; "
                "save the names as text."
            )


def _read_parquet(file: Path) -> _Read:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(file)
    columns = {name: _plain(table.column(name)) for name in dict.fromkeys(table.column_names)}
    names = {n: c for n, c in columns.items() if _is_text(c.type) and n.lower() not in _NOT_NAMES}
    if not names:
        names = {
            n: c for n, c in columns.items() if n.lower() in _ID_NAMES and pyarrow.types.is_integer(c.type)
        }
    features, taken = _parquet_features(file, columns, names)
    unused = tuple(n for n in columns if n not in taken and n not in names)
    if not names:
        structs = {n: str(columns[n].type) for n in unused if pyarrow.types.is_nested(columns[n].type)}
        _refuse_unread(file, {n: str(columns[n].type) for n in unused})
        if structs:
            first = next(iter(structs))
            raise InputError(
                f"{file} has a column {first!r} of type {structs[first]}, which is not read and may name the photos; "
                "leave it out, or write the names as a column of text."
            )
        return features, None, unused
    column = _pick(file, names, _ID_NAMES, "column of names")
    if pyarrow.types.is_integer(column.type) and not column.null_count:
        return features, column.to_numpy(), unused
    return features, np.array([*column.to_pylist(), None], dtype=object)[:-1], unused


def _plain(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """A column without dictionary or extension type."""
    import pyarrow

    if isinstance(column.type, pyarrow.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    return column.cast(column.type.value_type) if pyarrow.types.is_dictionary(column.type) else column


def _is_text(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    tests = (
        types.is_string,
        types.is_large_string,
        types.is_string_view,
        types.is_binary,
        types.is_large_binary,
        types.is_binary_view,
        types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _parquet_features(
    file: Path, columns: Mapping[str, pyarrow.ChunkedArray], names: Mapping[str, object]
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The features, and the columns they come from."""
    from pyarrow import types

    tests = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    lists = {n: c for n, c in columns.items() if any(test(c.type) for test in tests)}
    numbers = [
        n
        for n, c in columns.items()
        if n not in names
        and not n.startswith(_INDEX)
        and (types.is_floating(c.type) or types.is_integer(c.type))
    ]
    if lists:
        column = _pick(file, lists, _FEATURE_NAMES, "column of features")
        taken = next(n for n, c in lists.items() if c is column)
        return _unpack_lists(file, column), (taken,)
    numbered = _numbered(numbers)
    if len(numbered) != 1:
        raise InputError(
            f"{file} should have a column of features as lists, or number columns numbered without a gap (d0, d1, ...), "
            f"but has {', '.join(columns) or 'no column'}; rename the columns of features."
        )
    stacked = np.column_stack([columns[n].to_numpy() for n in numbered[0]])
    return stacked, tuple(numbered[0])


def _numbered(columns: Sequence[str]) -> list[list[str]]:
    """Groups of columns of one name and numbers from 0 or 1 on without a gap, in the order of the numbers."""
    groups: dict[str, dict[int, str]] = {}
    for name in columns:
        if found := _NUMBERED.fullmatch(name):
            groups.setdefault(found[1], {})[int(found[2][:9])] = name
    whole = (
        (group, min(group))
        for group in groups.values()
        if min(group) in (0, 1) and max(group) - min(group) < len(group)
    )
    return [[group[number] for number in sorted(group)] for group, _ in whole]


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


_READERS = {".npy": _read_npy, ".npz": _read_npz, ".parquet": _read_parquet}
"""By suffix."""
