"""A run that is killed at any moment: the project opens, finished stages are kept, the result is the same."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from tests.fakes import colour_photos

KILLS = 20


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """40 tiny photos."""
    return colour_photos(tmp_path_factory.mktemp("photos"))


class Runs:
    """Child processes that run one project after the other."""

    def __init__(self, photos):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.run_child", str(photos)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, folder, seconds=math.inf):
        """Exit status of a run that is killed after that time."""
        self.server.stdin.write(f"{folder} {folder}.reports {seconds}\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def close(self):
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()


@pytest.fixture(scope="module")
def runs(photos):
    runs = Runs(photos)
    yield runs
    runs.close()


def reports(folder):
    """(stage, fingerprint, reused) of all runs of a project, in order."""
    file = folder.parent / f"{folder.name}.reports"
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def content(folder):
    """Everything of a project that must not depend on kills."""
    project = Project.open(folder)
    (revision,) = revisions.history(project)
    shown = revisions.current(project)
    return {
        "revision": (revision.id, revision.scan, revision.clustering_fp, revision.scores, revision.baseline),
        "internal": revision.internal,
        "knowledge": shown.knowledge,
        "labels": load_clustering(project, revision).labels.tolist(),
        "photos": project.images(),
        "stages": [(r.report.stage, r.report.fingerprint, r.state) for r in project.stage_reports()],
    }


@pytest.mark.kill
def test_a_run_killed_at_twenty_random_moments_resumes_and_comes_to_the_same(runs, tmp_path):
    assert runs.run(tmp_path / "whole") == 0
    expected = content(tmp_path / "whole")
    assert expected["revision"][3].acc == 1.0
    assert not any(reused for _, _, reused in reports(tmp_path / "whole"))

    began = time.monotonic()
    assert runs.run(tmp_path / "timed") == 0
    length = time.monotonic() - began
    rng = np.random.default_rng(11)
    kills = projects = 0
    while kills < KILLS:
        folder = tmp_path / f"project{projects}"
        projects += 1
        while kills < KILLS and runs.run(folder, rng.uniform(0, length)) != 0:
            kills += 1
            if Project.is_project(folder):
                assert Project.open(folder).name == "killed"
        assert runs.run(folder) == 0
        assert content(folder) == expected
        done = [(stage, key) for stage, key, reused in reports(folder) if not reused and stage != "scan"]
        assert len(done) == len(set(done)), "a finished stage was done again"
