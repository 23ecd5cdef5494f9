"""Revisions: parent + edits + knowledge + clustering + scores; nothing is ever overwritten, ids are never reused.

A pointer says which revision is shown. Undo and redo move it; committing after an undo starts a branch. A commit
names the revision it was made from and is refused when another window has moved the pointer since.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from kec_core.errors import InputError, StoreError
from kec_core.types import Scores
from state.project.integrity import seal
from state.project.names import given_name
from state.project.project import Project
from state.project.recovery import note_revisions
from state.project.revision_rows import (
    LIGHT_COLUMNS,
    Baseline,
    Edit,
    NewRevision,
    Revision,
    RevisionInfo,
    as_id,
    as_number,
    current_number,
    find,
    insert,
    light_fields,
    next_number,
    optional_json,
    parent_number,
    path_to,
    read_revision,
)

__all__ = ["Baseline", "Edit", "NewRevision", "Revision", "RevisionInfo"]  # besides what is defined here


def commit(project: Project, new: NewRevision, *, parent: str | None) -> Revision:
    """Store a revision and make it the current one, all or nothing.

    Args:
        project: where.
        new: what.
        parent: the revision ``new`` was made from, None for the first one of a project.

    Raises:
        StoreError: another window or program has moved on from ``parent`` meanwhile; nothing is stored.
    """
    with project.database.writing() as db:
        _expect(db, parent)
        number = insert(db, new, None if parent is None else as_number(parent))
        seal(db, "revisions", number)
        db.execute("UPDATE pointer SET current = ?, tip = ?", (number, number))
        revision = read_revision(db, number)
    note_revisions(project.database)
    return revision


def current(project: Project) -> Revision | None:
    """The revision that is shown, or None before the first."""
    with project.database.reading() as db:
        number = current_number(db)
        return None if number is None else read_revision(db, number)


def need_current(project: Project, what: str) -> Revision:
    """The revision that is shown.

    Args:
        project: which.
        what: the project lacks while there is none, e.g. "result to edit".

    Raises:
        InputError: there is none; says how to get one.
    """
    shown = current(project)
    if shown is None:
        raise InputError(
            f"The project {project.name!r} has no {what}; run 'kec run IMAGES --project {project.folder}' first."
        )
    return shown


def get(project: Project, revision_id: str) -> Revision:
    """A revision by id or by the unique name a person gave it.

    Raises:
        InputError: there is none.
    """
    with project.database.reading() as db:
        return read_revision(db, find(db, revision_id))


def history(project: Project) -> tuple[RevisionInfo, ...]:
    """All revisions of all branches, oldest first; ``parent`` makes them a tree."""
    with project.database.reading() as db:
        rows = db.execute(f"SELECT {LIGHT_COLUMNS} FROM revisions ORDER BY number").fetchall()
    return tuple(RevisionInfo(**light_fields(row)) for row in rows)


def lineage(project: Project, revision_id: str) -> tuple[RevisionInfo, ...]:
    """The revisions from the first one to this one."""
    with project.database.reading() as db:
        numbers = set(path_to(db, find(db, revision_id)))
    return tuple(info for info in history(project) if as_number(info.id) in numbers)


def journal(project: Project, revision_id: str) -> tuple[Edit, ...]:
    """All edits from the first revision to this one, in order: replay them to get its knowledge again."""
    return tuple(edit for step in lineage(project, revision_id) for edit in step.edits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Where undo and redo would lead, None where there is nothing."""

    undo: str | None
    redo: str | None


def steps(project: Project) -> Steps:
    """What the undo and redo buttons would show."""
    with project.database.reading() as db:
        return Steps(undo=as_id(parent_number(db, current_number(db))), redo=as_id(next_number(db)))


def undo(project: Project, *, expected: str | None = None) -> Revision:
    """Show the parent of the current revision.

    Args:
        project: which.
        expected: the revision the person sees; refused when another window has moved on.

    Raises:
        InputError: the first revision is shown already.
        StoreError: another window has moved on.
    """
    with project.database.writing() as db:
        _expect_shown(db, expected)
        target = parent_number(db, current_number(db))
        if target is None:
            raise InputError("There is nothing to undo: this is the first revision.")
        db.execute("UPDATE pointer SET current = ?", (target,))
        return read_revision(db, target)


def redo(project: Project, *, expected: str | None = None) -> Revision:
    """Show the revision that was left by the latest undo; ``expected`` as in ``undo``.

    Raises:
        InputError: nothing was undone.
        StoreError: another window has moved on.
    """
    with project.database.writing() as db:
        _expect_shown(db, expected)
        target = next_number(db)
        if target is None:
            raise InputError("There is nothing to redo: this is the newest revision of its branch.")
        db.execute("UPDATE pointer SET current = ?", (target,))
        return read_revision(db, target)


def go_to(project: Project, revision_id: str, *, expected: str | None = None) -> Revision:
    """Show any revision, by id or name; redo leads back when it is an earlier one of the same branch.

    Raises:
        InputError: there is none.
        StoreError: another window has moved on (``expected`` as in ``undo``).
    """
    with project.database.writing() as db:
        _expect_shown(db, expected)
        target = find(db, revision_id)
        tip = db.execute("SELECT tip FROM pointer").fetchone()["tip"]
        if target not in path_to(db, tip):
            tip = target
        db.execute("UPDATE pointer SET current = ?, tip = ?", (target, tip))
        return read_revision(db, target)


def set_name(project: Project, revision_id: str, name: str) -> None:
    """Give a revision a name ("" takes it away).

    Raises:
        InputError: no such revision, the name is too long, or another one has it.
    """
    name = given_name(name, "a revision") if name.strip() else ""
    with project.database.writing() as db:
        number = find(db, revision_id)
        if (
            name
            and db.execute(
                "SELECT 1 FROM revisions WHERE name = ? AND number <> ?", (name, number)
            ).fetchone()
        ):
            raise InputError(f"Another revision is named {name!r} already; choose another name.")
        db.execute("UPDATE revisions SET name = ? WHERE number = ?", (name, number))
        seal(db, "revisions", number)


def set_pinned(project: Project, revision_id: str, pinned: bool) -> None:
    """Mark a revision as worth keeping, or not.

    Raises:
        InputError: no such revision.
    """
    with project.database.writing() as db:
        number = find(db, revision_id)
        db.execute("UPDATE revisions SET pinned = ? WHERE number = ?", (int(pinned), number))
        seal(db, "revisions", number)


def set_scores(project: Project, revision_id: str, scores: Scores | None, baseline: Baseline | None) -> None:
    """Replace what depends on the labels alone, after they have changed.

    Raises:
        InputError: no such revision.
    """
    with project.database.writing() as db:
        number = find(db, revision_id)
        db.execute(
            "UPDATE revisions SET scores = ?, baseline = ? WHERE number = ?",
            (optional_json(scores), optional_json(baseline), number),
        )
        seal(db, "revisions", number)


def last_edited(project: Project, shown: RevisionInfo | None) -> Revision | None:
    """The revision a person last had a hand in on this branch; its user-made and locked knowledge stays in a rebuild.

    Not simply the shown one: a run that follows another run must find the same inputs to reuse its stages.
    """
    path = () if shown is None else lineage(project, shown.id)
    edited = [step.id for step in path if step.edits]
    return get(project, edited[-1]) if edited else None


def _expect(db: sqlite3.Connection, parent: str | None) -> None:
    shown = as_id(current_number(db))
    if shown != parent:
        raise StoreError(
            f"This project was changed in another window: it is at {shown or 'no revision'} now, but the change started "
            f"from {parent or 'no revision'}; load the project again, then repeat the change."
        )


def _expect_shown(db: sqlite3.Connection, expected: str | None) -> None:
    if expected is not None:
        _expect(db, expected)
