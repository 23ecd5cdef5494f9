"""Runs on a project in child processes that a test may kill: ``python -m tests.run_child PHOTOS``.

Each line on stdin is ``PROJECT REPORTS SECONDS``: a child is forked for a run of PROJECT, which appends a line of JSON to
REPORTS per finished stage, and is killed after SECONDS (never when "inf"). Its exit status is printed. Libraries are
imported once, before the forks.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import faiss  # noqa: F401 - imported here so that the children need not
import sklearn.metrics  # noqa: F401

from kec_core.config import ClusteringConfig, MappingConfig, RunConfig
from kec_core.stages import Hooks, Resources
from state.project.locks import RunLock
from state.project.project import Project
from state.work.run import run_project
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder

CONFIG = RunConfig(
    n_clusters=4,
    mapping=MappingConfig(overclusters=8, n_init=5, top_nouns=2),
    clustering=ClusteringConfig(n_init=10),
)


def resources(_project, _config):
    return Resources(encoder=HashEncoder(seconds=0.02), vocabulary=VOCABULARY, builder=FirstNounBuilder(0.01))


def run(folder: Path, photos: Path, reports: Path) -> None:
    with reports.open("a") as log:

        def note(report):
            log.write(json.dumps([report.stage, report.fingerprint, report.reused]) + "\n")
            log.flush()

        project = Project.open(folder) if Project.is_project(folder) else Project.create(folder, "killed")
        with RunLock.acquire(folder, "the test"):
            run_project(
                project, photos, CONFIG, labels="folders", resources=resources, hooks=Hooks(on_report=note)
            )


def serve(photos: Path) -> None:
    assert "torch" not in sys.modules
    for line in sys.stdin:
        folder, reports, seconds = line.split()
        child = os.fork()
        if child == 0:
            run(Path(folder), photos, Path(reports))
            os._exit(0)
        if seconds != "inf":
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)  # nobody has waited for it yet, so the number is still its own
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
