import os
import signal
import subprocess
import sys
import time

import pytest

from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.terminal import Eta
from state.jobs.jobs import KILL_SECONDS, JobManager, log_path, log_tail
from state.jobs.progress import JobProgress
from state.project.locks import RunLock
from state.project.project import Project
from tests import patience

SLOW = {"n": 10_000, "seconds": 0.01}
WORKER = (sys.executable, "-m", "tests.fake_worker")


class Clock:
    """Real time plus what a test adds."""

    ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project", "Birds")


@pytest.fixture
def manager(project):
    manager = JobManager(WORKER, clock=Clock())
    yield manager
    for job in manager.jobs(project):
        if job.is_active and job.pid:
            os.killpg(job.pid, signal.SIGKILL)
    for child in manager._children:
        child.wait()


def wait(manager, project, job_id, wanted):
    """The job as soon as ``wanted(job)`` holds."""
    until = time.monotonic() + patience.SECONDS
    while not wanted(job := manager.status(project, job_id)):
        assert time.monotonic() < until, (job, log_tail(project, job_id))
        time.sleep(0.02)
    return job


def finished(job):
    return not job.is_active


def test_a_job_runs_in_a_process_of_its_own_and_tells_its_result(manager, project):
    job = manager.start(project, "steps", {"n": 3}, secrets={"TEST_SECRET": "k-123"})
    assert (job.id, job.kind, job.params, job.is_active) == ("j1", "steps", {"n": 3}, True)
    assert job.pid not in (None, os.getpid())
    done = wait(manager, project, "j1", finished)
    assert (done.state, done.result, done.error) == ("done", {"counted": 3, "secret": "k-123"}, "")
    assert (done.stage, done.done, done.total, done.label, done.attempts) == ("counting", 3, 3, "steps", 1)
    assert job.started is None
    assert done.started <= done.finished
    assert done.eta is None
    assert os.getpgid(0) != job.pid
    assert not RunLock.is_held(project.folder)


def test_a_secret_goes_to_the_process_alone(manager, project):
    manager.start(project, "refuse", {}, secrets={"TEST_SECRET": "k-5ecret"})
    wait(manager, project, "j1", finished)
    for file in project.folder.rglob("*"):
        assert file.is_dir() or b"k-5ecret" not in file.read_bytes()


def test_progress_and_remaining_time_are_seen_while_it_runs(manager, project):
    manager.start(project, "steps", SLOW)
    job = wait(manager, project, "j1", lambda job: job.done > 10)
    assert (job.state, job.stage, job.label, job.total) == ("running", "counting", "steps", 10_000)
    assert job.eta > 1
    first = job.heartbeat
    assert wait(manager, project, "j1", lambda job: job.heartbeat > first).is_active
    assert manager.active(project).id == "j1"


def test_only_one_job_at_a_time(manager, project):
    manager.start(project, "steps", SLOW)
    with pytest.raises(
        StoreError, match=r"^A job \(steps\) is running on this project; wait for its end or cancel"
    ):
        manager.start(project, "steps", {"n": 1})
    assert [job.id for job in manager.jobs(project)] == ["j1"]


def test_cancel_is_acknowledged_at_once_and_the_job_resumes_where_it_was(manager, project):
    manager.start(project, "steps", {"n": 150, "seconds": 0.005})
    wait(manager, project, "j1", lambda job: job.done > 20)
    assert manager.cancel(project, "j1").state == "cancelling"
    stopped = wait(manager, project, "j1", finished)
    assert (stopped.state, stopped.error, stopped.result) == ("cancelled", "", None)
    counted = int((project.folder / "counter").read_text())
    assert 20 < counted < 150
    assert manager.resume(project, "j1").state in ("queued", "running")
    assert wait(manager, project, "j1", finished).state == "done"
    assert manager.status(project, "j1").attempts == 2
    with pytest.raises(InputError, match="Job j1 is done; only a stopped job can be resumed"):
        manager.resume(project, "j1")
    assert manager.cancel(project, "j1").state == "done"


def test_a_job_that_does_not_listen_is_killed(manager, project):
    manager.start(project, "deaf", {})
    wait(manager, project, "j1", lambda _job: (project.folder / "deaf").exists())
    manager.cancel(project, "j1")
    manager._clock.ahead = KILL_SECONDS - 2
    assert manager.status(project, "j1").state == "cancelling"
    manager._clock.ahead = KILL_SECONDS + 1
    assert wait(manager, project, "j1", finished).state == "cancelled"
    assert not RunLock.is_held(project.folder)


def test_a_killed_job_is_interrupted_and_resumes(manager, project):
    job = manager.start(project, "steps", {"n": 100, "seconds": 0.005})
    wait(manager, project, "j1", lambda job: job.done > 20)
    os.killpg(job.pid, signal.SIGKILL)
    dead = wait(JobManager(WORKER), project, "j1", finished)
    assert (dead.state, dead.eta) == ("interrupted", None)
    manager.resume(project, "j1")
    assert wait(manager, project, "j1", finished).result["counted"] == 100


def test_a_job_outlives_the_manager_that_started_it(project):
    starter = (
        "import sys; from pathlib import Path; from state.jobs.jobs import JobManager; from state.project.project import Project;"
        f"JobManager({WORKER!r}).start(Project.open(Path(sys.argv[1])), 'steps', {{'n': 100, 'seconds': 0.005}})"
    )
    subprocess.run([sys.executable, "-c", starter, str(project.folder)], check=True)
    assert wait(JobManager(WORKER), project, "j1", finished).state == "done"


def test_how_it_failed_is_said(manager, project):
    manager.start(project, "refuse", {})
    refused = wait(manager, project, "j1", finished)
    assert (refused.state, refused.error) == ("failed", "The number should be 3, but is 4; choose 3.")
    manager.start(project, "stumble", {})
    stumbled = wait(manager, project, "j2", finished)
    assert stumbled.error == (
        "The program failed (ZeroDivisionError: integer division or modulo by zero); the job's log tells more."
    )
    assert "in stumble" in log_tail(project, "j2")
    manager.start(project, "die", {})
    assert wait(manager, project, "j3", finished).state == "interrupted"
    manager.start(project, "juggle", {})
    assert "Unknown job kind 'juggle'; known kinds: deaf, die" in wait(manager, project, "j4", finished).error
    assert [job.id for job in manager.jobs(project)] == ["j4", "j3", "j2", "j1"]


def test_a_worker_that_cannot_start_is_said(project):
    manager = JobManager(("/no/such/program",))
    with pytest.raises(StoreError, match="could not be started"):
        manager.start(project, "steps", {})
    assert manager.status(project, "j1").state == "failed"
    assert not RunLock.is_held(project.folder)


def test_a_job_of_a_server_that_died_before_starting_it_is_interrupted(manager, project):
    with project.database.writing() as db:
        db.execute(
            "INSERT INTO jobs (kind, params, state, created) VALUES ('steps', '{\"n\": 2}', 'queued', '')"
        )
    assert manager.status(project, "j1").state == "interrupted"
    manager.resume(project, "j1")
    assert wait(manager, project, "j1", finished).state == "done"


@pytest.mark.parametrize("job_id", ["j7", "7", "jx", ""])
def test_an_unknown_job_is_named(manager, project, job_id):
    with pytest.raises(InputError, match=f"no job {job_id!r}"):
        manager.cancel(project, job_id)


def test_the_log_tail_is_the_end_of_the_log(project):
    assert log_tail(project, "j1") == ""
    log_path(project, "j1").parent.mkdir()
    log_path(project, "j1").write_bytes(b"\xff" + b"".join(b"line %d\n" % n for n in range(5000)))
    assert log_tail(project, "j1", 2) == "line 4998\nline 4999"


def test_every_kind_of_job_has_a_function_and_the_worker_stays_free_of_browser_and_models():
    code = (
        "import importlib, sys; from state.jobs.worker import KINDS\n"
        "for target in KINDS.values():\n"
        "    module, name = target.split(':')\n"
        "    assert callable(getattr(importlib.import_module(module), name)), target\n"
        "assert not {'streamlit', 'torch', 'open_clip'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_eta_is_remaining_steps_over_recent_speed():
    eta = Eta()
    assert eta.update(0, 0, 100) is None
    assert eta.update(2, 4, 100) == pytest.approx(48)
    assert eta.update(10, 20, 100) == pytest.approx(40)
    assert eta.update(50, 100, 100) == 0


def test_eta_forgets_what_is_more_than_half_a_minute_ago():
    eta = Eta()
    for second in range(31):
        eta.update(second, second * 10, 10_000)
    for second in range(31, 100):
        left = eta.update(second, 300 + (second - 30), 10_000)
    assert left == pytest.approx(10_000 - 369, rel=0.05)


def test_eta_starts_anew_with_a_new_loop():
    eta = Eta()
    eta.update(0, 0, 10)
    eta.update(1, 10, 10)
    assert eta.update(2, 0, 1000) is None
    assert eta.update(4, 10, 1000) == pytest.approx(198)
    assert eta.update(5, 0, 1000) is None
    assert eta.update(6, 0, 0) is None


def test_progress_raises_once_cancelled(project):
    with project.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, params, state, created) VALUES ('x', '{}', 'cancelling', '')")
    with JobProgress(project.database, 1) as progress:
        with pytest.raises(Cancelled, match="what it had finished is kept"):
            progress(1, 2, "x")
        with pytest.raises(Cancelled):
            progress.stage("next")


def test_progress_survives_a_database_in_trouble(project, caplog):
    with project.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, params, state, created) VALUES ('x', '{}', 'running', '')")
    with JobProgress(project.database, 1) as progress:
        (project.folder / "project.db").rename(project.folder / "away")
        progress(1, 2, "x")
    assert "progress could not be written" in caplog.text
