"""Labels come in: from the names of folders, or from a CSV file. For scoring only, never given to a method.

Captions of photos come in by the same reader.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from kec_core.errors import InputError
from kec_core.images import ImageRecord
from kec_core.paths import is_file
from state.csv_cells import plain

_DELIMITERS = (",", ";", "\t")
_SHOWN = 3


def labels_from_folders(records: Iterable[ImageRecord]) -> dict[str, str]:
    """The folder of each photo, relative to the photo folder, by image id; photos at the top have no label."""
    folders = {record.id: str(PurePosixPath(record.id).parent) for record in records}
    return {image_id: folder for image_id, folder in folders.items() if folder != "."}


def labels_from_csv(
    path: Path, root: Path, records: Sequence[ImageRecord], *, column: str = "label"
) -> dict[str, str]:
    """Labels by image id from a CSV file with columns ``file`` and ``label`` (others are ignored).

    Args:
        path: CSV in UTF-8, separated by comma, semicolon or tab.
        root: the photo folder. ``file`` is a path relative to it, or a file name that occurs once.
        records: the photos in use. Rows of files that are there but not in use (unreadable ones) are passed over.
        column: name of the column that is read, for files of something else than labels.

    Returns:
        Labels of the named photos; an empty cell is no label.

    Raises:
        InputError: not readable as such a file, or files that are unknown, ambiguous or named twice: the first few
            are named; no label is taken then.
    """
    ids = {record.id for record in records}
    by_name: dict[str, list[str]] = {}
    for image_id in sorted(ids):
        by_name.setdefault(PurePosixPath(image_id).name, []).append(image_id)
    labels: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for line, file, label in _rows(path, column):
        found = _find(file, root, ids, by_name)
        if kind := _problem(found, labels, file, root):
            problems.setdefault(kind, []).append(f"{file!r} in line {line}")
        elif found:
            labels[found[0]] = label
    if problems:
        raise InputError(
            f"Each row of {path} should name one photo of the collection, once, but {_said(problems)}; "
            f"correct these rows, no {column} was taken."
        )
    return {image_id: label for image_id, label in labels.items() if label}


def _problem(found: Sequence[str], labels: Container[str], file: str, root: Path) -> str:
    if len(found) > 1:
        return "several photos have this name (write the path)"
    if not found:
        return "" if _is_there(root, file) else "no such photo"
    return "named twice" if found[0] in labels else ""


def _said(problems: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{kind}: {_first(where)}" for kind, where in problems.items())


def _first(where: Sequence[str]) -> str:
    more = len(where) - _SHOWN
    return ", ".join(where[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _find(file: str, root: Path, ids: set[str], by_name: dict[str, list[str]]) -> list[str]:
    """Ids that a cell may mean: the exact id, a path with other slashes or below the root, a bare file name."""
    spellings = dict.fromkeys((file, plain(file)))
    for spelling in spellings:
        for candidate in (spelling, _relative(spelling, root)):
            if candidate in ids:
                return [candidate]
    return next((by_name[spelling] for spelling in spellings if spelling in by_name), [])


def _relative(file: str, root: Path) -> str:
    """As an id: slashes, no "./", relative to the root."""
    path = os.path.normpath(file.replace("\\", "/"))
    return PurePosixPath(os.path.relpath(path, root) if Path(path).is_absolute() else path).as_posix()


def _is_there(root: Path, file: str) -> bool:
    try:
        return bool(file) and is_file(root / _relative(plain(file), root))
    except ValueError:  # NUL in the name
        return False


def _rows(path: Path, column: str) -> Iterator[tuple[int, str, str]]:
    """Line number, file and label of each row that is not blank."""
    text = _read(path, column)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text, column))
    try:
        file_column, label_column = _columns(path, reader.fieldnames or (), column)
        rows = 0
        for row in reader:
            rows += 1
            file, label = row[file_column], row[label_column]
            if file is None or label is None:
                raise InputError(
                    f"Line {reader.line_num} of {path} should have a file and a {column}, but is cut short; complete it."
                )
            yield reader.line_num, file, plain(label.strip())
    except csv.Error as error:
        raise InputError(
            f"{path} is not valid CSV after line {reader.line_num} ({error}); correct it."
        ) from error
    if not rows:
        raise InputError(f"A {column}s file needs rows below its first line, but {path} has none; add them.")


def _columns(path: Path, names: Sequence[str], column: str) -> tuple[str, str]:
    """The names of the two columns as the file spells them."""
    found = {(name or "").strip().lower(): name for name in names}
    if not {"file", column} <= set(found):
        raise InputError(
            f"A {column}s file needs the columns file and {column} in its first line, but {path} has "
            f"{', '.join(map(repr, names)) or 'nothing'}; add them."
        )
    return found["file"], found[column]


def _read(path: Path, column: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"The {column}s file {path} cannot be read ({error.strerror}); check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"A {column}s file should be text in UTF-8, but {path} is not (at byte {error.start}); "
            'save it as "CSV UTF-8" and try again.'
        ) from error


def _delimiter(text: str, column: str) -> str:
    """The separator whose reading of the first line has both columns; comma when none has."""
    header = text.partition("\n")[0].strip().lower()
    fits = (d for d in _DELIMITERS if {"file", column} <= {cell.strip(' "') for cell in header.split(d)})
    return next(fits, ",")
