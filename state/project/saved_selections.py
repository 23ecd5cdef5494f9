"""What a person keeps with a project: selections with a name, and suggestions never to be shown again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection

from kec_core.errors import InputError
from state.project.database import to_text
from state.project.project import Project

_DISMISSED = "dismissed_suggestions"


def dismissed(project: Project) -> frozenset[str]:
    """Keys of the suggestions (``Suggestion.key``) that are not to be shown."""
    with project.database.reading() as db:
        return frozenset(_read_dismissed(db))


def dismiss(project: Project, key: str) -> None:
    """Never show a suggestion again."""
    with project.database.writing() as db:
        _write_dismissed(db, [*(one for one in _read_dismissed(db) if one != key), key])


def show_again(project: Project) -> None:
    """Show every suggestion again."""
    with project.database.writing() as db:
        _write_dismissed(db, [])


def _read_dismissed(db: Connection) -> list[str]:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_DISMISSED,)).fetchone()
    return [] if row is None else list(json.loads(row["value"]))


def _write_dismissed(db: Connection, keys: list[str]) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_DISMISSED, to_text(keys)))


LONGEST_NAME = 80
_KEY = "selections"


def saved_selections(project: Project) -> dict[str, tuple[str, ...]]:
    """Image ids by the name of the selection, the one saved last at the end."""
    with project.database.reading() as db:
        return {name: tuple(ids) for name, ids in _read(db).items()}


def save_selection(project: Project, name: str, images: Sequence[str]) -> None:
    """Keep photos under a name; the same name again replaces what it held.

    Raises:
        InputError: the name is empty or too long, or no photo is picked.
    """
    name = " ".join(name.split())
    if not name:
        raise InputError("A saved selection needs a name; type one.")
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"The name of a saved selection may have {LONGEST_NAME} characters, but this one has {len(name)}; shorten it."
        )
    if not images:
        raise InputError("A selection to save should hold photos, but none is picked; pick some first.")
    _change(project, name, images)


def forget_selection(project: Project, name: str) -> None:
    """Remove a saved selection; its photos stay as they are."""
    _change(project, name, None)


def _change(project: Project, name: str, images: Sequence[str] | None) -> None:
    with project.database.writing() as db:
        known = _read(db)
        known.pop(name, None)
        if images is not None:
            known[name] = list(images)
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, to_text(known)))


def _read(db: Connection) -> dict[str, list[str]]:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return {} if row is None else dict(json.loads(row["value"]))
