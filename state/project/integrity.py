"""Whether a project file says what was written: checksums of its rows, and that all of it can be read.

SQLite notices most damage of its own structure, but not a changed letter within a text.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Container
from typing import Literal

from kec_core.paths import exists
from state.project.database import DamagedError, Database, columns_of, expected_columns
from state.project.revision_rows import COLUMNS, LIGHT_COLUMNS, current_number, light_fields, read_revision

Kind = Literal["revisions", "scans", "labels"]

_ROWS: dict[str, tuple[str, ...]] = {
    "revisions": (f"SELECT {COLUMNS} FROM revisions WHERE number = ?",),
    "scans": (
        "SELECT fingerprint, created, warnings FROM scans WHERE number = ?",
        "SELECT position, id, width, height, sha256, mode, warning FROM images WHERE scan = ? ORDER BY position",
        "SELECT path, reason FROM skipped WHERE scan = ? ORDER BY rowid",
    ),
    "labels": ("SELECT id, label FROM labels WHERE 0 = ? ORDER BY id",),
}
"""The rows behind each checksum, by number."""

_JSON = {
    "meta": ("value",),
    "scans": ("warnings",),
    "stages": ("summary", "config"),
    "revisions": ("edits", "config", "scores", "baseline", "internal", "summary"),
    "jobs": ("params", "result"),
}
"""Columns that hold JSON, by table."""

_FEW_ROWS = ("meta", "stages", "revisions", "pointer", "lease", "checksums")
"""Tables whose rows do not grow with the photos."""
_OF_PHOTOS = ("scans", "labels")
"""Kinds of rows that do."""

_checked: dict[Database, tuple[int, int]] = {}
"""Size and time of change of the files that this process found whole."""


def seal(db: sqlite3.Connection, kind: Kind, number: int = 0) -> None:
    """Keep the checksum of rows that were just written, within their transaction."""
    db.execute(
        "INSERT OR REPLACE INTO checksums VALUES (?, ?, ?)", (kind, number, _checksum(db, kind, number))
    )


def check(database: Database, *, photos: bool = True) -> None:
    """Read the whole file, unless this process did and it has not changed since.

    Args:
        database: which.
        photos: False leaves out the rows that grow with the photos, for who reads none of them.

    Raises:
        DamagedError: something in it is not what was written; another StoreError when it cannot be opened.
    """
    if not exists(database.path):
        raise DamagedError(f"The project file {database.path} is missing.")
    stat = database.path.stat()
    if not stat.st_size:
        raise DamagedError(f"The project file {database.path} is empty.")
    state = (stat.st_size, stat.st_mtime_ns)
    if _checked.get(database) == state:
        return
    database.check(() if photos else _FEW_ROWS)
    with database.reading() as db:
        if columns_of(db) != expected_columns():
            raise DamagedError(
                f"The project file {database.path} is damaged: the columns of its tables changed."
            )
        _check_json(db)
        _check_sums(db, () if photos else _OF_PHOTOS)
        for row in db.execute(f"SELECT {LIGHT_COLUMNS} FROM revisions"):
            light_fields(row)
        if (number := current_number(db)) is not None:
            read_revision(db, number)
    if photos:
        _checked[database] = state


def _check_json(db: sqlite3.Connection) -> None:
    for table, columns in _JSON.items():
        for column in columns:
            if db.execute(
                f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL AND NOT json_valid({column}) LIMIT 1"
            ).fetchone():
                raise DamagedError(
                    f"The project file is damaged: {column} in its table {table} cannot be read."
                )


def _check_sums(db: sqlite3.Connection, passed_over: Container[str]) -> None:
    for kind, number, expected in db.execute("SELECT kind, number, value FROM checksums").fetchall():
        if kind in passed_over:
            continue
        if kind not in _ROWS or _checksum(db, kind, number) != expected:
            named = f"{kind} {number}" if number else kind
            raise DamagedError(f"The project file is damaged: its {named} changed since they were written.")


def _checksum(db: sqlite3.Connection, kind: str, number: int) -> int:
    value = 0
    for statement in _ROWS[kind]:
        for row in db.execute(statement, (number,)):
            for cell in row:
                content = cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "surrogatepass")
                value = zlib.crc32(content + b"\0", value)
    return value
