"""The process of one job: ``python -m state.jobs.worker FOLDER JOB_ID LOCK_FD``, started by ``JobManager`` alone."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kec_core.disk import short
from kec_core.errors import Cancelled, InputError, KecError
from state.jobs.progress import JobContext, JobProgress
from state.project.database import to_text
from state.project.locks import RunLock
from state.project.project import Project

logger = logging.getLogger(__name__)


JobFunction = Callable[[JobContext], Mapping[str, Any]]

KINDS: dict[str, str] = {
    "run": "state.work.run:run_job",
    "rebuild": "state.work.rebuild:rebuild_job",
    "finalise": "state.work.rebuild:finalise_job",
    "scan": "state.work.run:scan_job",
    "add": "state.engine.new_photos:add_job",
    "apply": "state.engine.applying:apply_job",
    "estimate": "state.work.llm_run:estimate_job",
    "methods": "state.methods.runs:methods_job",
    "layout": "state.revisions.layouts:layout_job",
    "stability": "state.revisions.scoring:stability_job",
    "export": "state.transfer.downloads:export_job",
}
"""Job kinds and their functions, "module:function": a module is imported only when such a job runs."""


def main(arguments: Sequence[str], kinds: Mapping[str, str] = KINDS) -> int:
    """Run one job to its end and write down how it ended; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    folder, job_id, lock_fd = arguments
    with RunLock.inherited(int(lock_fd)):
        project = Project.open(Path(folder))
        number = int(job_id.removeprefix("j"))
        kind, params = _begin(project, number)
        with project.database.kept_open():
            state, error, result = _work(project, number, kind, params, kinds)
        with project.database.writing() as db:
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, result = ?, finished = ?, eta = NULL WHERE number = ?",
                (state, error, None if result is None else to_text(dict(result)), time.time(), number),
            )
    return 0 if state == "done" else 1


def _begin(project: Project, number: int) -> tuple[str, Mapping[str, Any]]:
    with project.database.writing() as db:
        db.execute("UPDATE jobs SET state = 'running' WHERE number = ? AND state = 'queued'", (number,))
        db.execute(
            "UPDATE jobs SET started = ?, pid = ? WHERE number = ?", (time.time(), os.getpid(), number)
        )
        row = db.execute("SELECT kind, params FROM jobs WHERE number = ?", (number,)).fetchone()
    return row["kind"], json.loads(row["params"])


def _work(
    project: Project, number: int, kind: str, params: Mapping[str, Any], kinds: Mapping[str, str]
) -> tuple[str, str, Mapping[str, Any] | None]:
    """How it ended: state, error, result."""
    try:
        with JobProgress(project.database, number) as progress:
            result = _function(kind, kinds)(JobContext(project=project, params=params, progress=progress))
        return "done", "", result
    except Cancelled:
        logger.info("cancelled")
        return "cancelled", "", None
    except KecError as error:
        logger.exception("failed")
        return "failed", str(error), None
    except Exception as error:
        # The process ends here: whoever looks at the job must learn why, and the log keeps the whole story.
        logger.exception("failed")
        return (
            "failed",
            f"The program failed ({type(error).__name__}: {short(error)}); the job's log tells more.",
            None,
        )


def _function(kind: str, kinds: Mapping[str, str]) -> JobFunction:
    if kind not in kinds:
        raise InputError(f"Unknown job kind {kind!r}; known kinds: {', '.join(sorted(kinds))}.")
    module, _, name = kinds[kind].partition(":")
    function: JobFunction = getattr(importlib.import_module(module), name)
    return function


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
