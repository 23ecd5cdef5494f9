"""Long work in a process of its own: it survives reruns, closed tabs and a restarted server, and resumes after a kill.

A job's process holds the project's run lock for as long as it lives, so at most one job writes at a time and a job
that has died is noticed at once. What a job has finished lies in the project; starting it again goes on from there.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from kec_core.disk import reason
from kec_core.errors import InputError, StoreError
from state.project.database import now, to_text
from state.project.locks import RunLock
from state.project.project import Project

JobState = Literal["queued", "running", "cancelling", "done", "failed", "cancelled", "interrupted"]
ACTIVE: tuple[JobState, ...] = ("queued", "running", "cancelling")

KILL_SECONDS = 15.0
"""A cancelled job that has not stopped by itself after that time is killed; finished stages are safe on the disk."""

_LOG_TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job.

    Attributes:
        id: "j1", "j2", ...
        kind, params: what was asked for; params never hold a secret.
        state: "interrupted" means that its process died; ``JobManager.resume`` goes on.
        stage, label: what it is doing, in words.
        done, total: steps of the current loop; total 0 while unknown.
        eta: seconds that remain of the current loop, None while unknown.
        created: UTC, ISO 8601. started, finished, heartbeat: Unix time in seconds, or None.
        attempts: how many times it was started.
        paused: it was asked to send nothing to a language model for now.
        error: one sentence for the person when it failed, else "".
        result: what it returned when done, JSON.
    """

    id: str
    kind: str
    params: Mapping[str, Any]
    state: JobState
    stage: str
    label: str
    done: int
    total: int
    eta: float | None
    created: str
    started: float | None
    finished: float | None
    heartbeat: float | None
    pid: int | None
    attempts: int
    paused: bool
    error: str
    result: Mapping[str, Any] | None

    @property
    def is_active(self) -> bool:
        """Whether it is waiting, working or stopping."""
        return self.state in ACTIVE


class JobManager:
    """Starts, watches and stops jobs; keeps nothing in memory that another one could not find out.

    Args:
        worker: the command that runs a job; project folder, job id and lock are appended.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        worker: Sequence[str] = (sys.executable, "-m", "state.jobs.worker"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._worker = tuple(worker)
        self._clock = clock
        self._children: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        project: Project,
        kind: str,
        params: Mapping[str, Any],
        *,
        secrets: Mapping[str, str] | None = None,
    ) -> Job:
        """Start a job; returns at once.

        Args:
            project: what it works on.
            kind: a key of ``state.jobs.worker.KINDS``.
            params: JSON, stored with the job.
            secrets: environment variables for the process alone; never stored.

        Raises:
            StoreError: another job or command is running on this project, or the process could not be started.
        """
        with RunLock.acquire(project.folder, f"A job ({kind})") as lock:
            with project.database.writing() as db:
                _mark_dead(db, self._clock())
                added = db.execute(
                    "INSERT INTO jobs (kind, params, state, created) VALUES (?, ?, 'queued', ?)",
                    (kind, to_text(dict(params)), now()),
                )
                number = int(added.lastrowid or 0)
            return self._spawn(project, number, lock, secrets or {})

    def resume(self, project: Project, job_id: str, *, secrets: Mapping[str, str] | None = None) -> Job:
        """Start a job that was interrupted, cancelled or failed again; stages it has finished are reused.

        Raises:
            InputError: no such job, or it is still active or done.
            StoreError: as ``start``.
        """
        job = self.status(project, job_id)
        if job.is_active or job.state == "done":
            raise InputError(f"Job {job_id} is {job.state}; only a stopped job can be resumed.")
        number = _number(job_id)
        with RunLock.acquire(project.folder, f"A job ({job.kind})") as lock:
            with project.database.writing() as db:
                _mark_dead(db, self._clock())
                db.execute(
                    "UPDATE jobs SET state = 'queued', error = '', finished = NULL, cancel_asked = NULL, result = NULL, "
                    "eta = NULL, pid = NULL, paused = 0 WHERE number = ?",
                    (number,),
                )
            return self._spawn(project, number, lock, secrets or {})

    def cancel(self, project: Project, job_id: str) -> Job:
        """Ask a job to stop; returns at once with the state "cancelling".

        It stops at its next report of progress, and is killed when that does not come within 15 s (as soon as somebody
        looks at its status). A job that is not active stays as it is.

        Raises:
            InputError: no such job.
        """
        number = _number(job_id)
        with project.database.writing() as db:
            db.execute(
                "UPDATE jobs SET state = 'cancelling', cancel_asked = ? WHERE number = ? AND state IN ('queued', 'running')",
                (self._clock(), number),
            )
        return self.status(project, job_id)

    def pause(self, project: Project, job_id: str, *, paused: bool = True) -> Job:
        """Ask a job to send nothing more to a language model, or with ``paused=False`` to go on; returns at once.

        Other work goes on. What is under way at the model is still waited for and kept.

        Raises:
            InputError: no such job.
        """
        with project.database.writing() as db:
            db.execute("UPDATE jobs SET paused = ? WHERE number = ?", (int(paused), _number(job_id)))
        return self.status(project, job_id)

    def status(self, project: Project, job_id: str) -> Job:
        """A job as it is now.

        Raises:
            InputError: no such job.
        """
        found = [job for job in self.jobs(project) if job.id == job_id]
        if not found:
            raise InputError(f"There is no job {job_id!r} in this project.")
        return found[0]

    def jobs(self, project: Project) -> tuple[Job, ...]:
        """All jobs, newest first."""
        self._reap()
        jobs = _read(project)
        active = [job for job in jobs if job.is_active]
        if not active:
            return jobs
        if RunLock.is_held(project.folder):
            self._kill_deaf(project, active)
            return jobs
        with project.database.writing() as db:
            _mark_dead(db, self._clock())
        return _read(project)

    def active(self, project: Project) -> Job | None:
        """The job that is waiting, working or stopping, or None."""
        return next((job for job in self.jobs(project) if job.is_active), None)

    def _spawn(self, project: Project, number: int, lock: RunLock, secrets: Mapping[str, str]) -> Job:
        job_id = f"j{number}"
        command = [*self._worker, str(project.folder.absolute()), job_id, str(lock.fileno())]
        log = log_path(project, job_id)
        try:
            log.parent.mkdir(exist_ok=True)
            with log.open("ab") as output:
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_environment(secrets),
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,
                )
        except OSError as error:
            _fail(project, number, f"The job could not be started ({reason(error, project.folder)}).")
            raise StoreError(
                f"The job could not be started ({reason(error, project.folder)}); check the disk and memory."
            ) from error
        self._children.append(child)
        with project.database.writing() as db:
            db.execute(
                "UPDATE jobs SET pid = ?, attempts = attempts + 1 WHERE number = ?", (child.pid, number)
            )
        return next(job for job in _read(project) if job.id == job_id)

    def _kill_deaf(self, project: Project, active: Sequence[Job]) -> None:
        """Kill the process group of a job that was asked to stop long ago and still holds the lock."""
        with project.database.reading() as db:
            deaf = db.execute(
                "SELECT pid FROM jobs WHERE number = ? AND state = 'cancelling' AND pid IS NOT NULL AND cancel_asked < ?",
                (_number(active[0].id), self._clock() - KILL_SECONDS),
            ).fetchone()
        if deaf is not None:
            try:
                os.killpg(deaf["pid"], signal.SIGKILL)
            except ProcessLookupError:
                return

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]


def log_path(project: Project, job_id: str) -> Path:
    """Where a job's process writes what it has to say."""
    return project.folder / "jobs" / f"{job_id}.log"


def log_tail(project: Project, job_id: str, lines: int = 20) -> str:
    """The last lines of a job's log, "" when it has none."""
    try:
        with log_path(project, job_id).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _environment(secrets: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: this program's modules can be imported wherever it was started from."""
    source = str(Path(__file__).resolve().parents[2])
    paths = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", **secrets}


def _mark_dead(db: sqlite3.Connection, when: float) -> None:
    """Call only while no process holds the run lock: every active job has lost its process then."""
    db.execute(
        "UPDATE jobs SET state = CASE state WHEN 'cancelling' THEN 'cancelled' ELSE 'interrupted' END, finished = ?, "
        "eta = NULL WHERE state IN ('queued', 'running', 'cancelling')",
        (when,),
    )


def _fail(project: Project, number: int, error: str) -> None:
    with project.database.writing() as db:
        db.execute("UPDATE jobs SET state = 'failed', error = ? WHERE number = ?", (error, number))


def _read(project: Project) -> tuple[Job, ...]:
    with project.database.reading() as db:
        rows = db.execute("SELECT * FROM jobs ORDER BY number DESC").fetchall()
    return tuple(_job(row) for row in rows)


def _job(row: sqlite3.Row) -> Job:
    made = {
        "id": f"j{row['number']}",
        "paused": bool(row["paused"]),
        "params": json.loads(row["params"]),
        "result": None if row["result"] is None else json.loads(row["result"]),
    }
    return Job(**made, **{field.name: row[field.name] for field in fields(Job) if field.name not in made})


def _number(job_id: str) -> int:
    number = job_id.removeprefix("j")
    if not number.isdecimal():
        raise InputError(f"There is no job {job_id!r} in this project.")
    return int(number)
