"""A project outlives a damaged database file: the last good copy, and a journal of the revisions made since.

``backup/project.db`` is a copy made when a run has committed; ``backup/journal.jsonl`` gets one line per revision
since. A file found damaged is kept aside, and copy plus journal take its place.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from kec_core.disk import reason, short
from kec_core.errors import StoreError
from kec_core.paths import exists, is_file
from kec_core.store import write_atomically
from state.project.database import DamagedError, Database, DiskFullError, expected_columns, to_text
from state.project.integrity import check, seal
from state.project.locks import RunLock

logger = logging.getLogger(__name__)

_JOURNAL_BYTES = 64 * 2**20
"""A longer journal gives way to a fresh copy."""
_BESIDE = ("-wal", "-shm")
"""Ends of the names of the files that SQLite puts beside a database."""
_HEAD = frozenset(("number", "scan"))
"""Entries of the journal's first line: the newest revision and scan of the copy."""
_CHECKSUM = "crc32"
"""The entry of a journal's line with the CRC-32 of the others; lines of earlier versions have none."""
_TAIL_BYTES = 4 * 2**20
"""The journal's last line is looked for in that much of its end."""


def note_revisions(database: Database) -> None:
    """Note the revisions that were committed since the last time; trouble is logged, for they are safe already."""
    journal = _journal(database.path)
    try:
        known = _last_line(journal)
        with database.reading() as db:
            scan = db.execute("SELECT max(scan) FROM revisions").fetchone()[0]
            rows = db.execute("SELECT * FROM revisions WHERE number > ?", (known["number"],)).fetchall()
        if scan > known["scan"] or journal.stat().st_size > _JOURNAL_BYTES:
            keep_copy(database)
        else:
            _append(journal, [dict(row) for row in rows])
    except (OSError, StoreError):
        logger.warning("the newest revision could not be noted in the journal", exc_info=True)


def keep_copy(database: Database) -> None:
    """Copy the database into ``backup/``, atomically; the journal starts anew.

    Raises:
        StoreError: the disk is full, or the folder is not writable.
    """
    copy = backup_of(database.path)
    fresh = copy.with_name(f"{copy.name}.new{os.getpid()}")
    try:
        copy.parent.mkdir(exist_ok=True)
        with database.reading() as db:
            newest = db.execute("SELECT max(number) AS number, max(scan) AS scan FROM revisions").fetchone()
            db.execute("COMMIT")  # VACUUM works outside transactions only
            db.execute("VACUUM INTO ?", (str(fresh),))
        fresh.replace(copy)
    except OSError as error:
        raise StoreError(
            f"The backup {copy} could not be written ({reason(error, copy.parent)}); free some space or make the folder writable."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    head = {"number": newest["number"] or 0, "scan": newest["scan"] or 0}
    write_atomically(_journal(database.path), to_text(head).encode() + b"\n")


def _append(journal: Path, rows: list[dict[str, Any]]) -> None:
    lines = [_line({**row, "knowledge": base64.b64encode(row["knowledge"]).decode("ascii")}) for row in rows]
    with journal.open("ab") as file:
        # The line break in front closes a line that a kill has cut.
        file.write(("\n" + "".join(lines)).encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _line(row: dict[str, Any]) -> str:
    return to_text({**row, _CHECKSUM: zlib.crc32(to_text(row).encode("ascii"))}) + "\n"


def _last_line(journal: Path) -> dict[str, Any]:
    """The newest revision in the journal (its number and scan), or zeros when that cannot be told."""
    if not is_file(journal):
        return {"number": 0, "scan": 0}
    with journal.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().splitlines()
    return next(_readable(reversed(lines)), {"number": 0, "scan": 0})


def _readable(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The lines that are whole; a kill may have cut one."""
    columns = {column for table, column, *_ in expected_columns() if table == "revisions"}
    for line in filter(None, map(bytes.strip, lines)):
        try:
            row = dict(json.loads(line))
        except (ValueError, TypeError, RecursionError):
            logger.warning("a line of the journal is cut; it is passed over")
            continue
        checksum = row.pop(_CHECKSUM, None)
        whole = {*row} == _HEAD or _HEAD | {"parent", "knowledge"} <= {*row} <= columns
        whole = whole and isinstance(row["number"], int) and isinstance(row["scan"], int)
        if whole and checksum in (None, zlib.crc32(to_text(row).encode("ascii"))):
            yield row
        else:
            logger.warning("a line of the journal is damaged; it is passed over")


def _noted(journal: Path) -> Iterator[dict[str, Any]]:
    """The revisions in the journal, the oldest first; none where it is gone."""
    lines = journal.read_bytes().splitlines() if is_file(journal) else []
    for row in _readable(lines):
        if "knowledge" not in row:
            continue
        try:
            yield {**row, "knowledge": base64.b64decode(row["knowledge"])}
        except (ValueError, TypeError):
            logger.warning("a line of the journal is damaged; it is passed over")


def recover(path: Path, damage: DamagedError) -> StoreError:
    """Put the last good state in the place of a damaged database; the damaged file is kept aside.

    Returns:
        What to tell the person: what happened and what to do.
    """
    if RunLock.is_held(path.parent):
        return StoreError(f"{damage} Something is running on it still: wait for its end, then open it again.")
    if Database(path).is_read_only():
        return StoreError(
            f"{damage} It is read-only here: copy the project to a folder of yours and open it there."
        )
    aside = (
        f"It was kept aside as {_set_aside(path).name}" if exists(path) else "There was nothing to keep aside"
    )
    copy = backup_of(path)
    again = _again(path.parent)
    if not is_file(copy):
        return StoreError(f"{damage} {aside} and there is no backup yet: {again}")
    fresh = path.with_name(f"{path.name}.new{os.getpid()}")
    try:
        last = _restore(path, copy, fresh)
    except (DiskFullError, OSError) as error:
        return StoreError(
            f"{damage} {aside}, but its backup {copy} could not be put in its place ({short(error)}): mend that, then open "
            "the project again."
        )
    except StoreError as error:
        why = str(error).replace(str(fresh), str(copy)).rstrip(".")
        return StoreError(
            f"{damage} {aside}, but its backup is not usable either ({why}): move {copy.parent} away, then {again}"
        )
    return StoreError(
        f"{damage} {aside}, and the last good state ({last}) was put in its place: open the project again."
    )


def missing(path: Path) -> StoreError:
    """What to tell the person where there is no database: that there never was one, or that it is kept aside."""
    folder, aside = path.parent, kept_aside(path)
    if aside is None:
        return StoreError(
            f"There is no project in {folder}; make one with 'kec run PHOTOS --project {folder}' or choose a project folder."
        )
    return StoreError(
        f"The project file {path} was damaged and is kept aside as {aside.name}, without a backup: {_again(folder)}"
    )


def kept_aside(path: Path) -> Path | None:
    """The damaged database in whose place nothing came; None where there is one, or never was."""
    return None if exists(path) else next(reversed([*_kept_aside(path)]), None)


def _again(folder: Path) -> str:
    return f"'kec run PHOTOS --project {folder}' makes the project anew, with the work of its stages, without its edits."


def _restore(path: Path, copy: Path, fresh: Path) -> str:
    """Build the database from copy and journal, as ``fresh`` first; returns the newest revision it holds, in words."""
    try:
        fresh.write_bytes(copy.read_bytes())
        restored = Database(fresh)
        check(restored)
        with restored.writing() as db:
            for row in _noted(_journal(path)):
                _insert_missing(db, row)
                seal(db, "revisions", row["number"])
            last = db.execute("SELECT max(number) FROM revisions").fetchone()[0]
            db.execute("UPDATE pointer SET current = ?, tip = ?", (last, last))
        fresh.rename(path)
    finally:
        for suffix in ("", *_BESIDE):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    return "no revision yet" if last is None else f"revision r{last}"


def _insert_missing(db: sqlite3.Connection, row: dict[str, Any]) -> None:
    """Insert a revision unless it is there, or what it refers to is not."""
    columns, values = ", ".join(row), ", ".join(f":{key}" for key in row)
    db.execute(
        f"INSERT OR IGNORE INTO revisions ({columns}) SELECT {values} "
        "WHERE EXISTS (SELECT 1 FROM scans WHERE number = :scan) "
        "AND (:parent IS NULL OR EXISTS (SELECT 1 FROM revisions WHERE number = :parent))",
        row,
    )


def _kept_aside(path: Path) -> Iterator[Path]:
    """All damaged states of a database, the oldest first."""
    return takewhile(exists, (_aside(path, number) for number in count(1)))


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged{number}")


def _set_aside(path: Path) -> Path:
    aside = _aside(path, 1 + sum(1 for _ in _kept_aside(path)))
    path.rename(aside)
    for suffix in _BESIDE:
        part = path.with_name(path.name + suffix)
        if exists(part):
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def backup_of(path: Path) -> Path:
    """Where the copy of a project file is kept."""
    return path.parent / "backup" / path.name


def _journal(path: Path) -> Path:
    return path.parent / "backup" / "journal.jsonl"
