"""Excel workbooks: every text is written as a text, so none can become a formula."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.wording import counted
from state.transfer.csv_cells import Cell
from state.transfer.formats.base import Content, Labels, Row, Source
from state.transfer.formats.tables import columns_of, has_columns, text_of

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet
    from openpyxl.worksheet.worksheet import Worksheet

    from state.transfer.export_files import WriteFile

_MOST_ROWS = 1_048_575
"""Rows of a sheet below its header."""
_MOST_LETTERS = 32_767
_MOST_BYTES = 1 << 30
_UNKNOWN = object()
"""Stands for the value of a formula that no program has computed: openpyxl and others write formulas alone."""
_COMPUTE = "open and save it in Excel or LibreOffice, or export it as CSV"


def write(content: Content) -> Mapping[str, WriteFile]:
    """A sheet of photos and one of clusters.

    Raises:
        InputError: more photos than a sheet has rows.
    """
    columns = content.table.columns()
    if len(content.table.files) > _MOST_ROWS:
        raise InputError(
            f"An Excel sheet holds {_MOST_ROWS:,} rows, but there are {len(content.table.files):,} photos; "
            "export csv or parquet."
        )
    sizes = [content.table.clusters.tolist().count(cluster) for cluster in content.used_clusters]
    clusters = [(c, content.classes[c], n) for c, n in zip(content.used_clusters, sizes, strict=True)]
    sheets = {
        "photos": (tuple(columns), list(zip(*columns.values(), strict=True))),
        "clusters": (("cluster", "name", "images"), clusters),
    }
    return {"assignments.xlsx": partial(_write, sheets)}


def _write(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Cell]]]], path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for title, (header, rows) in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        sheet.append(list(header))
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    with path.open("wb") as file:
        book.save(file)


def _cell(sheet: WriteOnlyWorksheet, value: Cell) -> WriteOnlyCell | Cell:
    """A number as it is, a text as a text even where it begins with "="."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:_MOST_LETTERS])
    cell.data_type = "s"
    return cell


def read(source: Source) -> Labels | None:
    """The rows of all sheets that have the two columns; values, not formulas; a merged cell's value is that of each of its cells.

    Raises:
        InputError: it is damaged.
    """
    if not source.head.startswith(b"PK") or source.path.suffix.lower() not in (".xlsx", ".xlsm"):
        return None
    import openpyxl

    try:
        with zipfile.ZipFile(source.path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > _MOST_BYTES:
                raise InputError(
                    f"{source.path} would unpack to {size / 2**30:.1f} GB; save the table as CSV."
                )
            parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
            is_merged = any(b"<mergeCell " in archive.read(name) for name in parts)
            has_formulas = any(b"<f" in archive.read(name) for name in parts)
        with (
            source.path.open("rb") as file,
            warnings.catch_warnings(action="ignore"),
        ):  # of styles and the like
            load = partial(openpyxl.load_workbook, file, read_only=not is_merged)
            book, told = load(data_only=True), load() if has_formulas else None
            sheets = {sheet.title: _values(sheet, told and told[sheet.title]) for sheet in book.worksheets}
    except InputError:
        raise
    except Exception as error:  # openpyxl raises anything at all on a damaged workbook
        raise InputError(
            f"{source.path} cannot be read as an Excel workbook ({short(error)}); save it again or as CSV, "
            "no label was taken."
        ) from error
    return _labels(source, sheets)


def _values(
    sheet: Worksheet | ReadOnlyWorksheet, formulas: Worksheet | ReadOnlyWorksheet | None
) -> list[list[object]]:
    """What stands in each row; merged cells hold the value of their first one.

    Args:
        sheet: with the values of formulas.
        formulas: the same with the formulas themselves, None where there are none.
    """
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    for row, cells, told in (
        zip(rows, sheet.iter_rows(), formulas.iter_rows(), strict=True) if formulas else ()
    ):
        for place, (cell, formula) in enumerate(zip(cells, told, strict=True)):
            if formula.data_type == "f" and cell.value is None and cell.data_type == "n":
                row[place] = _UNKNOWN  # an empty text that was computed is of another type
    for area in getattr(sheet, "merged_cells", ()):
        for row in rows[area.min_row - 1 : area.max_row]:
            row[area.min_col - 1 : area.max_col] = [rows[area.min_row - 1][area.min_col - 1]] * (
                area.max_col - area.min_col + 1
            )
    return rows


def _labels(source: Source, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Labels:
    tables = {
        title: [["" if cell is _UNKNOWN else text_of(cell) for cell in row] for row in sheet]
        for title, sheet in sheets.items()
        if sheet
    }
    fits = [title for title, table in tables.items() if has_columns(table[0], source.column)]
    rows: list[Row] = []
    unknown = 0
    for title in fits or [*tables][:1]:
        header, *others = tables[title]
        file_at, label_at = columns_of(source.path, header, source.column)
        named = [row for row in sheets[title] if row[file_at : file_at + 1] not in ([], [None])]
        if nameless := sum(row[file_at] is _UNKNOWN for row in named):
            raise InputError(
                f"{source.path} should name its photos, but {counted(nameless, 'name is a formula', 'names are formulas')} "
                f"without a value in the file; {_COMPUTE}, no {source.column} was taken."
            )
        unknown += sum(row[label_at : label_at + 1] == [_UNKNOWN] for row in named)
        padding = [""] * len(header)  # a row that ends early has empty cells
        beside = f" of sheet {title!r}" if len(fits) > 1 else ""
        rows += [
            Row(f"row {line}{beside}", (row + padding)[file_at], (row + padding)[label_at])
            for line, row in enumerate(others, start=2)
            if any(row)
        ]
    if not tables:
        columns_of(source.path, (), source.column)
    return Labels(
        rows,
        (
            f"{counted(unknown, f'{source.column} is a formula', f'{source.column}s are formulas')} without a value in "
            f"{source.path.name}, taken as empty; {_COMPUTE}.",
        )
        if unknown
        else (),
    )
