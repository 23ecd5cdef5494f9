"""Answers of a person, kept with the revision they led to; an answer that is undone counts no more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from state.project.database import to_text
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import RevisionInfo

_PREFIX = "asked:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer: to "Ask me" about a photo or a pair, or to judging by eye.

    Attributes:
        image: id of the photo.
        drawn: True when the photo was drawn at random.
        right: True when it was in the group that the person chose; of a pair, when the groups agreed with the person.
    """

    image: str
    drawn: bool
    right: bool


def keep_answers(project: Project, revision: RevisionInfo, told: Sequence[Asked]) -> None:
    """Remember the answers that led to a revision."""
    with project.database.writing() as db:
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            (_PREFIX + revision.id, to_text([asdict(one) for one in told])),
        )


def answers(project: Project, revision: RevisionInfo) -> tuple[Asked, ...]:
    """The answers that led to a revision, oldest first."""
    with project.database.reading() as db:
        rows = db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{_PREFIX}%",)).fetchall()
    kept = {row["key"].removeprefix(_PREFIX): _read(json.loads(row["value"])) for row in rows}
    parents = {one.id: one.parent for one in revisions.history(project)} if kept else {}
    found: list[Asked] = []
    at: str | None = revision.id
    while at is not None and kept:
        if at in kept:
            found += reversed(kept[at])
        at = parents.get(at)
    return tuple(reversed(found))


def _read(stored: list[dict[str, Any]] | dict[str, Any]) -> list[Asked]:
    """What was stored: a list, or one answer by earlier versions."""
    return [Asked(**one) for one in (stored if isinstance(stored, list) else [stored])]
