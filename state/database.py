"""The one SQLite file of a project: schema, version check, and transactions whose errors speak to a person.

A connection lives for one transaction, so any thread, process or rerun of a page may use a ``Database`` at any time,
and when nobody is at work all content is in the one file (the write-ahead log is folded in by the last close).
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kec_core.errors import StoreError

Json = Any
"""A JSON value: dict, list, str, float, int, bool or None."""

SCHEMA_VERSION = 3
BUSY_SECONDS = 10.0
"""How long a writer waits for another one before it gives up."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE scans (
    number INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL UNIQUE, created TEXT NOT NULL,
    warnings TEXT NOT NULL) STRICT;
CREATE TABLE images (
    scan INTEGER NOT NULL REFERENCES scans ON DELETE CASCADE, position INTEGER NOT NULL, id TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, sha256 TEXT NOT NULL, mode TEXT NOT NULL, warning TEXT NOT NULL,
    PRIMARY KEY (scan, position), UNIQUE (scan, id)) STRICT, WITHOUT ROWID;
CREATE TABLE skipped (
    scan INTEGER NOT NULL REFERENCES scans ON DELETE CASCADE, path TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE labels (id TEXT PRIMARY KEY, label TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE stages (
    stage TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('fresh', 'running', 'failed')),
    seconds REAL NOT NULL, reused INTEGER NOT NULL, summary TEXT NOT NULL, config TEXT NOT NULL, created TEXT NOT NULL
    ) STRICT;
CREATE TABLE revisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES revisions, created TEXT NOT NULL,
    note TEXT NOT NULL, name TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0, scan INTEGER NOT NULL REFERENCES scans,
    clustering TEXT NOT NULL, edits TEXT NOT NULL, knowledge BLOB NOT NULL, config TEXT NOT NULL,
    scores TEXT, baseline TEXT, internal TEXT, summary TEXT NOT NULL) STRICT;
CREATE TABLE pointer (
    one INTEGER PRIMARY KEY CHECK (one = 1), current INTEGER REFERENCES revisions, tip INTEGER REFERENCES revisions) STRICT;
INSERT INTO pointer VALUES (1, NULL, NULL);
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL, label TEXT NOT NULL, heartbeat REAL NOT NULL) STRICT;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, params TEXT NOT NULL, state TEXT NOT NULL,
    stage TEXT NOT NULL DEFAULT '', label TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, eta REAL, created TEXT NOT NULL, started REAL, finished REAL, heartbeat REAL,
    pid INTEGER, cancel_asked REAL, attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
    result TEXT) STRICT;
CREATE TABLE llm_answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, prompt_version TEXT NOT NULL, prompt TEXT NOT NULL, reply TEXT NOT NULL,
    tokens INTEGER NOT NULL, seconds REAL NOT NULL, created TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_UPGRADES = {
    1: """
ALTER TABLE jobs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
CREATE TABLE llm_items (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, seconds REAL NOT NULL
    ) STRICT;
""",
    2: "CREATE INDEX images_by_content ON images (sha256)",
}
"""What leads from a format to the next one; a new file goes all the way too."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_PRIMARY = 0xFF
"""The low byte of an extended SQLite error code is its kind."""


class DamagedError(StoreError):
    """The database file cannot be read: damaged, or no database at all."""


@dataclass(frozen=True, slots=True)
class Database:
    """A project's database file; cheap to create, safe to share between threads."""

    path: Path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view of the database for a few SELECTs.

        Raises:
            StoreError: damaged, from a newer version, busy or not accessible.
        """
        with _clear_errors(self.path), closing(connect(self.path)) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction that holds the write lock: all of it is stored, or nothing on any exception.

        Args:
            durable: False for what may be forgotten when the power fails (never when only the program dies): progress,
                records of stages. It spares the wait for the disk.

        Raises:
            StoreError: damaged, from a newer version, busy for more than 10 s, not writable, or the disk is full.
        """
        with _clear_errors(self.path), closing(connect(self.path)) as connection:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the write-ahead log while much is written: it is folded into the file once, at the end."""
        with _clear_errors(self.path), closing(connect(self.path)) as connection:
            connection.execute("SELECT count(*) FROM meta").fetchone()
            yield

    def check(self) -> None:
        """Read the whole file once.

        Raises:
            DamagedError: it is damaged; another StoreError when it cannot be opened.
        """
        with self.reading() as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise DamagedError(f"The project file {self.path} is damaged ({verdict}).")


def create(path: Path, meta: Mapping[str, Json]) -> Database:
    """Make a new database of the current schema with these entries in ``meta``; it appears whole or not at all.

    Raises:
        StoreError: a file is already there, or the folder is not writable.
    """
    if path.exists():
        raise StoreError(f"{path} exists already; open that project, or choose another folder.")
    fresh = path.with_name(f"{path.name}.new{os.getpid()}")
    try:
        with _clear_errors(path), closing(_open(fresh, mode="rwc")) as connection:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = 1; COMMIT;")
            _upgrade(connection)
            rows = [(key, to_text(value)) for key, value in meta.items()]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            connection.execute("PRAGMA journal_mode = WAL")
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
    return Database(path)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing database with WAL, foreign keys and a busy timeout of 10 s; rows are by name.

    A file of an older format is brought up to this one.

    Raises:
        StoreError: no such file, damaged, or written by a newer version of the program.
    """
    with _clear_errors(path):
        connection = _open(path, mode="rw")
        try:
            version = _version(connection)
            if version in _UPGRADES:
                version = _upgrade(connection)
        except sqlite3.Error:
            connection.close()
            raise
    if version != SCHEMA_VERSION:
        connection.close()
        raise _wrong_version(path, version)
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _upgrade(connection: sqlite3.Connection) -> int:
    """Bring a file to the present format in one transaction; another program may have been quicker."""
    connection.execute("BEGIN IMMEDIATE")
    while (version := _version(connection)) in _UPGRADES:
        for statement in filter(str.strip, _UPGRADES[version].split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.execute("COMMIT")
    return version


def _open(path: Path, *, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _wrong_version(path: Path, version: int) -> StoreError:
    if version > SCHEMA_VERSION:
        return StoreError(
            f"The project {path.parent} was written by a newer version of KEC+ Studio (format {version}, this one reads "
            f"{SCHEMA_VERSION}); update the program to open it."
        )
    return StoreError(
        f"{path} is not a finished KEC+ Studio project (format {version}); choose another folder."
    )


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the file into one sentence; wrong SQL stays a bug."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise _store_error(path, error) from error


def _store_error(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if kind in _DAMAGED:
        return DamagedError(f"The project file {path} is damaged ({error}).")
    if kind == sqlite3.SQLITE_CANTOPEN and path.parent.is_dir() and not path.exists():
        return StoreError(
            f"There is no project in {path.parent}; create one there or choose a project folder."
        )
    if kind in _NOT_WRITABLE:
        return StoreError(
            f"The project {path.parent} cannot be opened for writing ({error}); make the folder and its files writable "
            "or copy the project to a folder of yours."
        )
    if kind == sqlite3.SQLITE_FULL:
        return StoreError(
            f"The disk of {path.parent} is full; free some space and try again: nothing was lost."
        )
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"The project {path.parent} is busy in another window or program; try again in a moment."
        )
    return StoreError(f"The project file {path} could not be used ({error}); check the disk and try again.")


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def to_text(value: Json) -> str:
    """A JSON value as compact ASCII (paths may hold bytes that are no Unicode text); NaN is refused with ValueError."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def pack(value: Json) -> bytes:
    """A large JSON value compressed: knowledge repeats itself and is stored once per revision."""
    return zlib.compress(to_text(value).encode("utf-8"))


def unpack(content: bytes) -> Json:
    """Read what ``pack`` wrote."""
    return json.loads(zlib.decompress(content))
