"""Labels come in: from the names of folders, or from a CSV file. For scoring only, never given to a method.

Captions of photos come in by the same reader. Every row is used, or counted in a note with an example.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from kec_core.photos.names import PhotoNames
from state.transfer.csv_cells import plain

MISSING = frozenset(("nan", "none", "n/a", "na", "#n/a", "<na>", "null", "nat"))
"""Labels, without case, that programs write where there is no label."""

_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """Labels by image id, and what the person should know about the rest of the file, in sentences."""

    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    file: str
    label: str

    def __str__(self) -> str:
        return f"{_short(self.file)} in line {self.line}"


def labels_from_folders(records: Iterable[ImageRecord]) -> dict[str, str]:
    """The folder of each photo, relative to the photo folder, by image id; photos at the top have no label."""
    folders = {record.id: str(PurePosixPath(record.id).parent) for record in records}
    return {image_id: folder for image_id, folder in folders.items() if folder != "."}


def labels_from_csv(
    path: Path, root: Path, records: Sequence[ImageRecord], *, column: str = "label"
) -> LabelsRead:
    """Labels by image id from a CSV file with columns ``file`` and ``label`` (others are ignored).

    Args:
        path: CSV in UTF-8, UTF-16 or Windows-1252, separated by comma, semicolon, tab or bar.
        root: the photo folder. ``file`` is found as ``PhotoNames`` says.
        records: the photos in use.
        column: name of the column that is read, for files of something else than labels.

    Returns:
        Labels of the named photos; an empty cell is no label, nor is a word of ``MISSING`` in a column of labels. The
        notes count the rows that name no photo or several.

    Raises:
        InputError: not readable as such a file, no row names a photo, or a photo has two labels; none is taken then.
    """
    text, notes = _decoded(path, column)
    names = PhotoNames((record.id for record in records), root)
    found: dict[str, _Row] = {}
    unused: dict[str, list[_Row]] = {}
    n_rows = 0
    for row in _rows(path, text, column, names):
        n_rows += 1
        ids = _find(names, row.file)
        if len(ids) != 1:
            kind = "fit several photos (write the path)" if ids else "name no photo in use"
            unused.setdefault(kind, []).append(row)
        elif ids[0] in found and found[ids[0]].label != row.label:
            raise InputError(
                f"Each photo should have one {column}, but {path} gives {_short(ids[0])} two: "
                f"{_short(found[ids[0]].label)} in line {found[ids[0]].line}, {_short(row.label)} in line {row.line}; "
                f"correct one of them, no {column} was taken."
            )
        else:
            found[ids[0]] = row
    _need_some(path, column, n_rows, found, unused)
    notes += [
        f"{len(rows):,} of {n_rows:,} rows of {path.name} {kind} and are not used: {_first(rows)}."
        for kind, rows in unused.items()
    ]
    labels = {image_id: row.label for image_id, row in found.items() if row.label}
    if column != "label":
        return LabelsRead(labels, tuple(notes))
    kept = {image_id: label for image_id, label in labels.items() if label.casefold() not in MISSING}
    return LabelsRead(kept, (*notes, *_missing_notes(labels)))


def _need_some(
    path: Path, column: str, n_rows: int, found: Mapping[str, _Row], unused: Mapping[str, Sequence[_Row]]
) -> None:
    if not n_rows:
        raise InputError(f"A {column}s file needs rows below its first line, but {path} has none; add them.")
    if not found:
        said = "; ".join(f"{len(rows):,} {kind}: {_first(rows)}" for kind, rows in unused.items())
        raise InputError(
            f"Each row of {path} should name one photo of the collection, but of {n_rows:,} rows {said}; "
            f"correct the file names, no {column} was taken."
        )


def _missing_notes(labels: Mapping[str, str]) -> Iterator[str]:
    counts = Counter(label for label in labels.values() if label.casefold() in MISSING)
    for word, count in counts.items():
        yield (
            f"{count:,} {'photo has' if count == 1 else 'photos have'} the label {word!r}: taken as no label; "
            f"if it is a class, give it a longer name, for example '{word} class'."
        )


def _find(names: PhotoNames, file: str) -> tuple[str, ...]:
    return names.find(file) or (names.find(plain(file)) if plain(file) != file else ())


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}")


def _first(rows: Sequence[_Row]) -> str:
    more = len(rows) - _SHOWN
    return ", ".join(map(str, rows[:_SHOWN])) + (f" and {more:,} more" if more > 0 else "")


# --- the file


def _rows(path: Path, text: str, column: str, names: PhotoNames) -> Iterator[_Row]:
    """Each row that is not blank."""
    text, skipped = _without_sep_line(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, column), strict=True)
    header: list[str] = []
    before = skipped
    try:
        for cells in reader:
            line, before = before + 1, skipped + reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = cells
                file_at, label_at = _columns(path, header, column)
                continue
            _check_width(path, line, cells, header, column)
            row = _Row(line, cells[file_at], plain(cells[label_at].strip()))
            _check_quotes(path, row, column, names)
            yield row
    except csv.Error as error:
        raise InputError(
            f"{path} is not valid CSV in the row that begins in line {before + 1} ({short(error)}): a quote may be opened "
            f"there and never closed, or a cell is too long; correct it, no {column} was taken."
        ) from error
    if not header:
        _columns(path, header, column)


def _check_width(path: Path, line: int, cells: Sequence[str], header: Sequence[str], column: str) -> None:
    if len(cells) < len(header):
        raise InputError(
            f"Line {line} of {path} should have {len(header)} cells, but is cut short with {len(cells)}; complete it."
        )
    if any(cell.strip() for cell in cells[len(header) :]):
        raise InputError(
            f"Line {line} of {path} should have {len(header)} cells, but has {len(cells)}: {_short(', '.join(cells))}; "
            f'put a cell that holds the separator in quotes ("a, b"), no {column} was taken.'
        )


def _check_quotes(path: Path, row: _Row, column: str, names: PhotoNames) -> None:
    """A cell that goes on over several lines has most often swallowed rows after an unclosed quote."""
    file_breaks = "\n" in row.file and not _find(names, row.file)
    if file_breaks or (column == "label" and ("\n" in row.label or "\r" in row.label)):
        raise InputError(
            f"A {column} should be one line, but the row that begins in line {row.line} of {path} goes on over several "
            f"({_short(row.label if not file_breaks else row.file)}): a quote is opened there and not closed; "
            f"correct it, no {column} was taken."
        )


def _columns(path: Path, header: Sequence[str], column: str) -> tuple[int, int]:
    """Where the two columns are."""
    found = {name.strip().lower(): at for at, name in reversed(list(enumerate(header)))}
    if not {"file", column} <= set(found):
        raise InputError(
            f"A {column}s file needs the columns file and {column} in its first line, but {path} has "
            f"{', '.join(map(_short, header)) or 'nothing'}; add them."
        )
    return found["file"], found[column]


def _decoded(path: Path, column: str) -> tuple[str, list[str]]:
    """The file as text, and a note when its encoding was guessed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The {column}s file {path} cannot be read ({error.strerror}); check the path."
        ) from error
    except ValueError as error:  # NUL in the path
        raise InputError(
            f"The {column}s file {path} cannot be read ({short(error)}); check the path."
        ) from error
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        guessed = encoding == "cp1252"
        note = (
            f"{path.name} is not UTF-8 and was read as Windows-1252; save it as UTF-8 if letters look wrong."
        )
        return text, [note] if guessed else []
    raise InputError(
        f'A {column}s file should be text in UTF-8, but {path} is not; save it as "CSV UTF-8" and try again.'
    )


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return ("utf-32",)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if content[1:2] == b"\0" and content[:1] != b"\0":
        return ("utf-16-le",)
    if content[:1] == b"\0":
        return ("utf-16-be",)
    return "utf-8-sig", "cp1252"


def _without_sep_line(text: str) -> tuple[str, int]:
    """The text without the line by which Excel is told the separator, and how many lines went."""
    first, end, rest = text.partition("\n")
    told = first.strip().strip('"').lower()
    return (rest, 1) if end and told.startswith("sep=") else (text, 0)


def _delimiter(text: str, column: str) -> str:
    """The separator whose reading of the first line has both columns; comma when none has."""
    header = next((line for line in text.splitlines() if line.strip()), "").lower()
    fits = (d for d in _DELIMITERS if {"file", column} <= {cell.strip(' "\t') for cell in header.split(d)})
    return next(fits, ",")
