"""The one SQLite file of a project: schema, version check, and transactions whose errors speak to a person.

A connection lives for one transaction, so any thread, process or rerun of a page may use a ``Database`` at any time,
and when nobody is at work all content is in the one file (the write-ahead log is folded in by the last close).
A file that may not be written, or whose disk is full, is still read.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kec_core.disk import damage_as, is_full, may_write, reason, short
from kec_core.errors import StoreError
from kec_core.paths import exists, is_folder

logger = logging.getLogger(__name__)

Json = Any
"""A JSON value: dict, list, str, float, int, bool or None."""

SCHEMA_VERSION = 6
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
    3: """
CREATE TABLE checksums (
    kind TEXT NOT NULL, number INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (kind, number)
    ) STRICT, WITHOUT ROWID
""",
    4: "CREATE TABLE taken (sha256 TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID",
    5: """
ALTER TABLE taken RENAME TO exif;
ALTER TABLE exif RENAME COLUMN at TO taken;
ALTER TABLE exif ADD COLUMN camera TEXT NOT NULL DEFAULT '';
ALTER TABLE exif ADD COLUMN latitude REAL;
ALTER TABLE exif ADD COLUMN longitude REAL;
""",
}
"""What leads from a format to the next one; a new file goes all the way too."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LACKING = ("Could not decode", "no such table", "no such column")
"""How SQLite's words begin where the content of a file is not that of a project."""
_CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_PERHAPS_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
"""What SQLite also says when there is no room for the files it needs beside the database."""
_PRIMARY = 0xFF
"""The low byte of an extended SQLite error code is its kind."""


class DamagedError(StoreError):
    """The database file cannot be read: damaged, or no database at all."""


class DiskFullError(StoreError):
    """There is no space left for what is to be stored."""


class ReadOnlyError(StoreError):
    """The project lies where this program may not write."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The project {folder} is read-only here: it can be shown, and exported to another folder; to change it, "
            "make the folder and its files writable or copy the project to a folder of yours."
        )


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
        with _clear_errors(self.path), closing(_connect_to_read(self.path)) as connection:
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
        if self.is_read_only():
            raise ReadOnlyError(self.path.parent)
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

    def is_read_only(self) -> bool:
        """Whether there is a file that may be read but not written, itself or what SQLite puts beside it."""
        return exists(self.path) and not (may_write(self.path) and may_write(self.path.parent))

    def check(self, tables: Sequence[str] = ()) -> None:
        """Read the whole file once, or these tables of it.

        Raises:
            DamagedError: it is damaged; another StoreError when it cannot be opened.
        """
        with self.reading() as connection:
            for what in tables or ("1",):
                verdict = connection.execute(f"PRAGMA quick_check({what})").fetchone()[0]
                if verdict != "ok":
                    raise DamagedError(f"The project file {self.path} is damaged ({verdict}).")


def columns_of(connection: sqlite3.Connection) -> frozenset[tuple[str, str, str, int, int]]:
    """Table, column, type, whether it must be set, and place in the primary key, of every column of a database."""
    found = connection.execute(
        'SELECT tables.name, columns.name, columns.type, "notnull", pk FROM pragma_table_list AS tables '
        "JOIN pragma_table_info(tables.name) AS columns WHERE tables.name NOT LIKE 'sqlite%'"
    )
    return frozenset(tuple(row) for row in found)


@lru_cache
def expected_columns() -> frozenset[tuple[str, str, str, int, int]]:
    """The columns of a new file, as ``columns_of`` tells them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(f"{_SCHEMA} PRAGMA user_version = 1;")
        _upgrade(connection)
        return columns_of(connection)


def create(path: Path, meta: Mapping[str, Json]) -> Database:
    """Make a new database of the current schema with these entries in ``meta``; it appears whole or not at all.

    Raises:
        StoreError: a file is already there, or the folder is not writable.
    """
    if exists(path):
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


def _connect_to_read(path: Path) -> sqlite3.Connection:
    if not Database(path).is_read_only():
        try:
            return connect(path)
        except DiskFullError:
            _warn_full(path.parent)
    with _clear_errors(path):
        return _connect_unwritten(path)


def _connect_unwritten(path: Path) -> sqlite3.Connection:
    """Open a file without a single write beside it; what a kill left in the log and older formats are read in memory."""
    log = path.with_name(f"{path.name}-wal")
    if exists(log) and log.stat().st_size:
        return _copy_in_memory(path)
    # Nobody is at work without a log, so the file does not change while it is read.
    connection = _open(path, mode="ro&immutable=1")
    try:
        version = _version(connection)
    except sqlite3.Error:
        connection.close()
        raise
    if version == SCHEMA_VERSION:
        return connection
    connection.close()
    if version in _UPGRADES:
        return _copy_in_memory(path)
    raise _wrong_version(path, version)


def _copy_in_memory(path: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.row_factory = sqlite3.Row
    try:
        with TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            shutil.copyfile(path, copy)
            log = path.with_name(f"{path.name}-wal")
            if exists(log):
                shutil.copyfile(log, copy.with_name(log.name))
            with closing(connect(copy)) as connection:
                connection.backup(memory)
    except OSError as error:
        memory.close()
        raise StoreError(
            f"The project {path.parent} could not be copied to be read ({reason(error, Path(folder))}); "
            "copy it to a folder of yours."
        ) from error
    return memory


@lru_cache
def _warn_full(folder: Path) -> None:
    """Say once per folder that what is shown cannot be changed."""
    logger.warning("The disk of %s is full: the project can be shown, but nothing can be kept.", folder)


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
    except UnicodeDecodeError as error:  # of a name in the file, or of what SQLite says about it
        raise DamagedError(f"The project file {path} is damaged ({short(error)}).") from error
    except sqlite3.DatabaseError as error:
        raise _store_error(path, error) from error


def _store_error(path: Path, error: sqlite3.DatabaseError) -> StoreError:
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    if kind in _DAMAGED or str(error).startswith(_LACKING):
        return DamagedError(f"The project file {path} is damaged ({short(error)}).")
    if kind == sqlite3.SQLITE_FULL or (kind in _PERHAPS_FULL and is_full(path.parent)):
        return DiskFullError(
            f"The disk of {path.parent} is full; free some space and try again: nothing was lost."
        )
    if kind == sqlite3.SQLITE_CANTOPEN and is_folder(path.parent) and not exists(path):
        return StoreError(
            f"There is no project in {path.parent}; make one with 'kec run PHOTOS --project {path.parent}' or choose a project folder."
        )
    if kind in _CLOSED:
        return StoreError(
            f"The project {path.parent} cannot be opened ({error}); make the folder and its files readable and writable "
            "or copy the project to a folder of yours."
        )
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"The project {path.parent} is busy in another window or program; try again in a moment."
        )
    return StoreError(
        f"The project file {path} could not be used ({short(error)}); check the disk and try again."
    )


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def to_text(value: Json) -> str:
    """A JSON value as compact ASCII (paths may hold bytes that are no Unicode text); NaN is refused with ValueError."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def stored(what: str) -> AbstractContextManager[None]:
    """For reading rows back: what cannot be made of them inside is damage of the file.

    Args:
        what: what is read, e.g. "revision r3".

    Raises:
        DamagedError: it cannot be read.
    """
    return damage_as(DamagedError, f"The project file is damaged: {what} cannot be read ({{why}}).")


def pack(value: Json) -> bytes:
    """A large JSON value compressed: knowledge repeats itself and is stored once per revision."""
    return zlib.compress(to_text(value).encode("utf-8"))


def unpack(content: bytes) -> Json:
    """Read what ``pack`` wrote."""
    return json.loads(zlib.decompress(content))
