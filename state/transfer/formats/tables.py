"""Tables of one photo a row: CSV for spreadsheets, Parquet for pandas and DuckDB, JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kec_core.disk import short
from kec_core.errors import InputError
from state.transfer.csv_cells import plain, write_csv
from state.transfer.formats.base import Content, Labels, Row, Source, quoted

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

FILE_COLUMNS = ("file", "file_name", "filename", "filepath", "image_path", "image")
"""What tables call the photo, in the order in which they are looked for."""
NAME_COLUMN = "cluster_name"
"""What tables that this program wrote call a group; it is the label where there is none of the person's own."""
_DELIMITERS = (",", ";", "\t", "|")
_CELLS_SHOWN = 12


def write_csv_table(content: Content) -> Mapping[str, WriteFile]:
    """One row per photo, as a spreadsheet opens it."""
    return {"assignments.csv": partial(_csv, content)}


def _csv(content: Content, path: Path) -> None:
    columns = content.table.columns()
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        write_csv(file, tuple(columns), zip(*columns.values(), strict=True))


def write_parquet(content: Content) -> Mapping[str, WriteFile]:
    """The same table with types."""
    return {"assignments.parquet": partial(_parquet, content)}


def _parquet(content: Content, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    degrees = dict.fromkeys(("latitude", "longitude"), pa.float64())
    types = {"cluster": pa.int32(), "confidence": pa.float32(), **degrees}
    columns = content.table.columns()
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path)


def read_csv_table(source: Source) -> Labels | None:
    """Rows of a CSV file in UTF-8, UTF-16 or Windows-1252, separated by comma, semicolon, tab or bar."""
    if source.is_folder:
        return None
    text, notes = decoded(source.path, source.column)
    return Labels(tuple(_rows(source.path, text, source.column)), tuple(notes))


def read_parquet(source: Source) -> Labels | None:
    """Rows of a Parquet table with a column that names photos and one of labels.

    Raises:
        InputError: it is damaged.
    """
    if not source.head.startswith(b"PAR1"):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source.path)
        file_at, label_at = columns_of(source.path, table.column_names, source.column)
        pairs = list(zip(*(table.column(at).to_pylist() for at in (file_at, label_at)), strict=True))
    except (
        pa.ArrowException,
        OSError,
        OverflowError,
    ) as error:  # OverflowError: a date that Python has none for
        raise InputError(
            f"{source.path} cannot be read as Parquet ({short(error)}); export it again, no label was taken."
        ) from error
    return Labels([Row(f"row {at}", text_of(file), text_of(label)) for at, (file, label) in enumerate(pairs)])


def read_records(source: Source) -> Labels | None:
    """Rows of JSON lines, or of a JSON list of objects, with keys that name a photo and its label."""
    records = source.document() if not source.is_folder else None
    records = [records] if isinstance(records, dict) else records
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    keys = list(dict.fromkeys(key for record in records for key in record))
    if not has_columns(keys, source.column):
        return None
    file_at, label_at = columns_of(source.path, keys, source.column)
    return Labels(
        [
            Row(f"row {at}", text_of(record.get(keys[file_at])), text_of(record.get(keys[label_at])))
            for at, record in enumerate(records)
        ]
    )


def text_of(cell: object) -> str:
    """A cell as a label or file name; "" for an empty one.

    Raises:
        InputError: it holds several values.
    """
    if isinstance(cell, (list, dict)):
        raise InputError(
            f"A file name or label should be one text or number, but {quoted(str(cell))} came; give each photo one, "
            "nothing was taken."
        )
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return "" if cell is None else text.strip()


def file_column(names: Sequence[str]) -> str | None:
    """The column that names photos, None when there is none."""
    return next((name for wanted in FILE_COLUMNS for name in names if name.strip().lower() == wanted), None)


def has_columns(names: Sequence[str], column: str) -> bool:
    """Whether a table has a column that names photos, and the wanted one or what stands for it."""
    called = {name.strip().lower() for name in names}
    return file_column(names) is not None and bool(called & _wanted(column))


def _wanted(column: str) -> set[str]:
    return {column, NAME_COLUMN} if column == "label" else {column}


def columns_of(path: Path, header: Sequence[str], column: str) -> tuple[int, int]:
    """Where the two columns are.

    Raises:
        InputError: one of them is missing or there twice.
    """
    found = {name.strip().lower(): at for at, name in enumerate(header)}
    file = file_column(header)
    taken = NAME_COLUMN if column == "label" and column not in found and NAME_COLUMN in found else column
    if file is None or taken not in found:
        raise InputError(
            f"A {column}s file needs the columns file and {column} in its first line, but {path} has "
            f"{_first_cells(header)}; add them."
        )
    called = [name.strip().lower() for name in header]
    for wanted in (file.strip().lower(), taken):
        if called.count(wanted) > 1:
            raise InputError(
                f"A {column}s file should have one column {wanted!r}, but {path} has {called.count(wanted)}; "
                f"rename or remove the others, no {column} was taken."
            )
    return found[file.strip().lower()], found[taken]


def _first_cells(header: Sequence[str]) -> str:
    more = len(header) - _CELLS_SHOWN
    shown = ", ".join(map(quoted, header[:_CELLS_SHOWN])) or "nothing"
    return f"{shown} and {more:,} more" if more > 0 else shown


# --- CSV


def _rows(path: Path, text: str, column: str) -> Iterator[Row]:
    """Each row that is not blank."""
    header: list[str] = []
    for line, cells in cells_of(path, text, column):
        if not header:
            header = cells
            file_at, label_at = columns_of(path, header, column)
            continue
        yield Row(f"line {line}", cells[file_at], plain(cells[label_at].strip()))
    if not header:
        columns_of(path, header, column)


def cells_of(path: Path, text: str, column: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row of a CSV that is not blank, the header first, and the line in which the row begins.

    Raises:
        InputError: it is no CSV, or a row has another number of cells than the header.
    """
    text, skipped = _without_sep_line(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, column), strict=True)
    header: list[str] = []
    before = skipped
    try:
        for cells in reader:
            line, before = before + 1, skipped + reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            header = header or cells
            _check_width(path, line, cells, header, column)
            yield line, cells
    except csv.Error as error:
        raise InputError(
            f"{path} is not valid CSV in the row that begins in line {before + 1} ({short(error)}): a quote may be opened "
            f"there and never closed, or a cell is too long; correct it, no {column} was taken."
        ) from error


def _check_width(path: Path, line: int, cells: Sequence[str], header: Sequence[str], column: str) -> None:
    if len(cells) < len(header):
        raise InputError(
            f"Line {line} of {path} should have {len(header)} cells, but is cut short with {len(cells)}; complete it."
        )
    if any(cell.strip() for cell in cells[len(header) :]):
        raise InputError(
            f"Line {line} of {path} should have {len(header)} cells, but has {len(cells)}: {quoted(', '.join(cells))}; "
            f'put a cell that holds the separator in quotes ("a, b"), no {column} was taken.'
        )


def decoded(path: Path, column: str) -> tuple[str, list[str]]:
    """The file as text, and a note when its encoding was guessed.

    Raises:
        InputError: it cannot be read, or is no text.
    """
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
        return text.removesuffix("\x1a"), [note] if guessed else []  # how DOS ended a text
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
    """The separator whose reading of the first line has both columns, else the one that parts it into most cells."""
    header = next((line for line in text.splitlines() if line.strip()), "").lower()
    for delimiter in _DELIMITERS:
        cells = [cell.strip(' "\t') for cell in header.split(delimiter)]
        if has_columns(cells, column):
            return delimiter
    return max(_DELIMITERS, key=partial(_width, header))


def _width(header: str, delimiter: str) -> int:
    """Into how many cells a separator parts a line; 0 where what comes out is no CSV."""
    try:
        return len(next(csv.reader([header], delimiter=delimiter, strict=True), ()))
    except csv.Error:
        return 0
