"""CSV cells that no spreadsheet takes for a formula, and back again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import IO

from defusedcsv import csv

Cell = str | int | float | None

_APOSTROPHE = "'"
_DEFUSED = tuple("@+-=|%")
"""What defusedcsv guards; a bar inside such a cell gets a backslash."""
_ALSO_RISKY = ("\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Starts that some spreadsheets strip or take for a full-width =, +, - or @."""


def write_csv(file: IO[str], header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table; texts that a spreadsheet could take for a formula get a leading apostrophe."""
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The same table as a file to download: UTF-8 with the mark by which spreadsheets know it."""
    file = io.StringIO(newline="")
    write_csv(file, header, rows)
    return file.getvalue().encode("utf-8-sig")


def _guarded(cell: Cell) -> Cell:
    return _APOSTROPHE + cell if isinstance(cell, str) and cell.startswith(_ALSO_RISKY) else cell


def plain(cell: str) -> str:
    """The text behind a cell that ``write_csv`` guarded; other cells as they are."""
    if not cell.startswith(_APOSTROPHE):
        return cell
    text = cell.removeprefix(_APOSTROPHE)
    if text.startswith((*_DEFUSED, "\\|")):
        return text.replace("\\|", "|")
    return text if text.startswith(_ALSO_RISKY) else cell
