"""``state.jobs.worker`` with kinds of jobs made for tests: ``python -m tests.fake_worker FOLDER JOB_ID LOCK_FD``."""

from __future__ import annotations

import os
import signal
import sys
import time

from kec_core.errors import InputError
from state.jobs.worker import main


def steps(context):
    """Counts to ``n``; a counter in the project's folder survives a kill, as finished stages do."""
    counter = context.project.folder / "counter"
    context.progress.stage("counting")
    for step in range(int(counter.read_text()) if counter.exists() else 0, context.params["n"]):
        context.progress(step, context.params["n"], "steps")
        time.sleep(context.params.get("seconds", 0))
        counter.with_suffix(".new").write_text(str(step + 1))
        counter.with_suffix(".new").replace(counter)
    context.progress(context.params["n"], context.params["n"], "steps")
    return {"counted": context.params["n"], "secret": os.environ.get("TEST_SECRET", "")}


def refuse(_context):
    raise InputError("The number should be 3, but is 4; choose 3.")


def stumble(_context):
    return {"x": 1 // 0}


def die(_context):
    os.kill(os.getpid(), signal.SIGKILL)


def deaf(context):
    (context.project.folder / "deaf").touch()
    time.sleep(120)


KINDS = {name: f"tests.fake_worker:{name}" for name in ("steps", "refuse", "stumble", "die", "deaf")}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], KINDS))
