"""Arrays in NumPy's files that people give: nothing in them is ever unpickled, and what is no such file is said in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OBJECTS = "pickled objects, which are never read"


def read_array(path: Path) -> NDArray[Any]:
    """The array of an ``.npy`` file, of any shape and dtype but objects, memory-mapped.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no such file, is damaged, or holds objects.
    """
    _check_begin(path, b"\x93NUMPY", "an array of np.save")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"it holds {OBJECTS}") if "object" in str(error) else error from error
    return array


def read_archive(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays of an ``.npz`` file by their names, and the names of those that hold objects.

    An entry that is no array is its bytes, as an array of one.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is no such file, or is damaged; damage may be told as BadZipFile, zlib.error or EOFError too.
    """
    _check_begin(path, b"PK", "an archive of np.savez")
    arrays: dict[str, NDArray[Any]] = {}
    pickled: list[str] = []
    with path.open("rb") as content, np.load(content, allow_pickle=False) as stored:
        for name in stored.files:
            try:
                arrays[name] = np.asarray(stored[name])
            except ValueError as error:
                if "allow_pickle" not in str(error):
                    raise
                pickled.append(name)
    return arrays, pickled


def _check_begin(path: Path, begin: bytes, what: str) -> None:
    with path.open("rb") as file:
        found = file.read(len(begin))
    if found != begin:
        came = f"begins with {found!r}" if found else "is empty"
        raise ValueError(f"it should be {what}, but {came}")
