"""Who writes: a note of the window that edits, and a lock of the operating system for runs.

Both only keep people from waiting in vain; what keeps edits safe is that a commit names the revision it started from.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from kec_core.disk import reason
from kec_core.errors import StoreError
from state.project.database import Database, ReadOnlyError

LEASE_SECONDS = 30.0
"""A window that has not edited for that long is not said to be editing any more."""
TRY_SECONDS = 0.2
"""How long a lock that is held is tried for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The window that may edit."""

    owner: str
    label: str


class Lease:
    """Who edits a project now: the window that made the latest edit, until it has been silent for a while."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def holder(self) -> Holder | None:
        """The window that edits now, or None when nobody does or it has gone away."""
        with self._database.reading() as db:
            row = db.execute("SELECT owner, label, heartbeat FROM lease").fetchone()
        if row is None or self._clock() - row["heartbeat"] > LEASE_SECONDS:
            return None
        return Holder(owner=row["owner"], label=row["label"])

    def take(self, owner: str, label: str) -> None:
        """Say that this window edits from now on.

        Args:
            owner: unique id of the window.
            label: what other windows show, e.g. "the window opened at 14:03".
        """
        with self._database.writing(durable=False) as db:
            db.execute(
                "INSERT OR REPLACE INTO lease (one, owner, label, heartbeat) VALUES (1, ?, ?, ?)",
                (owner, label, self._clock()),
            )


class RunLock:
    """Held by the process that runs something on a project; the kernel frees it when that process dies.

    It may be handed to a child process: pass ``fileno()`` in ``pass_fds`` and ``close()`` the parent's own handle.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def acquire(cls, folder: Path, what: str) -> Self:
        """Take the lock of a project folder.

        Args:
            folder: the project.
            what: what is going to run, shown to whoever is refused meanwhile.

        Raises:
            StoreError: something else is running on this project, or the folder is not writable.
        """
        try:
            file = (folder / "running.lock").open("a+", encoding="utf-8")
        except OSError as error:
            if Database(folder / "project.db").is_read_only():
                raise ReadOnlyError(folder) from error
            raise StoreError(
                f"The project {folder} cannot be written ({reason(error, folder)}); make the folder writable or copy it."
            ) from error
        if not _locked(file):
            other = _description(file)
            file.close()
            raise StoreError(f"{other} is running on this project; wait for its end or cancel it.")
        try:
            file.truncate(0)
            os.write(file.fileno(), json.dumps({"what": what, "pid": os.getpid()}).encode())
        except OSError as error:
            file.close()
            raise StoreError(
                f"The project {folder} cannot be written ({reason(error, folder)}); free some space and try again."
            ) from error
        return cls(file)

    @classmethod
    def inherited(cls, fileno: int) -> Self:
        """The lock that a parent process handed over; programs started from here do not inherit it."""
        os.set_inheritable(fileno, False)
        return cls(os.fdopen(fileno, "a+", encoding="utf-8"))

    @staticmethod
    def is_held(folder: Path) -> bool:
        """Whether a living process holds the lock of this project."""
        try:
            with (folder / "running.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, PermissionError):
            return False
        except BlockingIOError:
            return True
        return False

    def fileno(self) -> int:
        """The file descriptor, for ``pass_fds``."""
        return self._file.fileno()

    def close(self) -> None:
        """Give up this process's handle; the lock is free when no process has one."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _locked(file: IO[str]) -> bool:
    """Try for a moment: whoever only asks whether the lock is held has it for some microseconds."""
    until = time.monotonic() + TRY_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        else:
            return True


def _description(file: IO[str]) -> str:
    file.seek(0)
    try:
        return str(json.load(file)["what"])
    except (ValueError, KeyError):
        return "Another program"
