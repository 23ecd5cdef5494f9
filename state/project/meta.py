"""Small things that are kept with a project as JSON, by key; every function works inside a caller's transaction."""

from __future__ import annotations

import json
from sqlite3 import Connection
from typing import Any

from state.project.database import Json, stored, to_text


def read_meta(db: Connection, key: str, default: Json = None) -> Any:  # noqa: ANN401 - JSON
    """What is kept under a key, else ``default``.

    Raises:
        DamagedError: it cannot be read.
    """
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    with stored(f"the entry {key!r}"):
        return default if row is None else json.loads(row["value"])


def read_meta_below(db: Connection, prefix: str) -> dict[str, Any]:
    """What is kept under all keys that begin so, by the rest of the key.

    Raises:
        DamagedError: it cannot be read.
    """
    rows = db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{prefix}%",)).fetchall()
    with stored(f"the entries {prefix!r}"):
        return {row["key"].removeprefix(prefix): json.loads(row["value"]) for row in rows}


def write_meta(db: Connection, key: str, value: Json) -> None:
    """Keep a value under a key, instead of the one before."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, to_text(value)))
