"""Suggestions that the person never wants to see again, kept with the project."""

from __future__ import annotations

import json
from sqlite3 import Connection

from state.project.database import to_text
from state.project.project import Project

_KEY = "dismissed_suggestions"


def dismissed(project: Project) -> frozenset[str]:
    """Keys of the suggestions (``Suggestion.key``) that are not to be shown."""
    with project.database.reading() as db:
        return frozenset(_read(db))


def dismiss(project: Project, key: str) -> None:
    """Never show a suggestion again."""
    with project.database.writing() as db:
        _write(db, [*(one for one in _read(db) if one != key), key])


def show_again(project: Project) -> None:
    """Show every suggestion again."""
    with project.database.writing() as db:
        _write(db, [])


def _read(db: Connection) -> list[str]:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return [] if row is None else list(json.loads(row["value"]))


def _write(db: Connection, keys: list[str]) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, to_text(keys)))
