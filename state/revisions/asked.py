"""Answers to "Ask me", kept with the revision each one led to; an answer that is undone counts no more."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from state.project.database import to_text
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import RevisionInfo

_PREFIX = "asked:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer.

    Attributes:
        image: id of the photo.
        drawn: True when the photo was drawn at random.
        right: True when it was in the group that the person chose.
    """

    image: str
    drawn: bool
    right: bool


def keep_answer(project: Project, revision: RevisionInfo, answer: Asked) -> None:
    """Remember the answer that led to a revision."""
    with project.database.writing() as db:
        db.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (_PREFIX + revision.id, to_text(asdict(answer)))
        )


def answers(project: Project, revision: RevisionInfo) -> tuple[Asked, ...]:
    """The answers that led to a revision, oldest first."""
    with project.database.reading() as db:
        rows = db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{_PREFIX}%",)).fetchall()
    kept = {row["key"].removeprefix(_PREFIX): Asked(**json.loads(row["value"])) for row in rows}
    parents = {one.id: one.parent for one in revisions.history(project)} if kept else {}
    found = []
    at: str | None = revision.id
    while at is not None and kept:
        if at in kept:
            found.append(kept[at])
        at = parents.get(at)
    return tuple(reversed(found))
