"""Progress of a running job: remaining time, and what is written to the jobs table while the work goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from kec_core.errors import Cancelled
from kec_core.terminal import Eta
from state.project.background import BackgroundWriter
from state.project.database import Database
from state.project.project import Project

HEARTBEAT_SECONDS = 1.0


class JobProgress:
    """What a job calls as it works. One thread writes to the database; calls cost next to nothing.

    Use as a context manager around the work: the thread also writes the heartbeat and looks for requests to cancel or
    to pause, however long the work stays silent.
    """

    def __init__(self, database: Database, number: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._number = number
        self._clock = clock
        self._eta = Eta()
        self._shown = {"stage": "", "label": "", "done": 0, "total": 0, "eta": None}
        self._changed = False
        self._guard = threading.Lock()
        self._cancel = threading.Event()
        self._paused = threading.Event()
        self._written = clock()
        self._writer = BackgroundWriter(self._write_if_due, "progress")

    def __call__(self, done: int, total: int, label: str) -> None:
        """Report progress within the stage (a ``kec_core.arrays.Progress``).

        Raises:
            Cancelled: the person has asked to stop.
        """
        if self._cancel.is_set():
            raise Cancelled("The job was cancelled; what it had finished is kept.")
        with self._guard:
            eta = self._eta.update(self._clock(), done, total)
            self._shown |= {"label": label, "done": done, "total": total, "eta": eta}
            self._changed = True

    def stage(self, name: str) -> None:
        """A new stage begins.

        Raises:
            Cancelled: the person has asked to stop.
        """
        with self._guard:
            self._eta = Eta()
            self._shown |= {"stage": name}
        self(0, 0, "")

    def paused(self) -> bool:
        """Whether the person wants nothing sent to a language model for now."""
        return self._paused.is_set()

    def __enter__(self) -> Self:
        self._write()
        self._writer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__()

    def _write_if_due(self) -> None:
        """What changed at once, else the heartbeat."""
        if self._changed or self._clock() - self._written >= HEARTBEAT_SECONDS:
            self._write()

    def _write(self) -> None:
        with self._guard:
            row = {**self._shown, "number": self._number, "now": time.time()}
            self._changed = False
        self._written = self._clock()
        with self._database.writing(durable=False) as db:
            db.execute(
                "UPDATE jobs SET stage = :stage, label = :label, done = :done, total = :total, eta = :eta, "
                "heartbeat = :now WHERE number = :number",
                row,
            )
            asked = db.execute("SELECT state, paused FROM jobs WHERE number = :number", row).fetchone()
        if asked["state"] == "cancelling":
            self._cancel.set()
        (self._paused.set if asked["paused"] else self._paused.clear)()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What the function of a job kind gets; it returns its result as JSON."""

    project: Project
    params: Mapping[str, Any]
    progress: JobProgress
