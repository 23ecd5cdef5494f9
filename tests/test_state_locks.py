import errno
import os
import signal
import subprocess
import sys

import pytest

from kec_core.errors import StoreError
from state.project.locks import LEASE_SECONDS, Holder, Lease, RunLock
from state.project.project import Project
from tests.state_helpers import as_ordinary_user


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "project", "Birds")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_the_window_that_edited_last_is_known(project):
    clock = Clock()
    lease = Lease(project.database, clock)
    assert lease.holder() is None
    lease.take("a", "window A")
    clock.now += 10
    assert lease.holder() == Holder(owner="a", label="window A")
    lease.take("b", "window B")
    assert lease.holder().owner == "b"


def test_a_window_that_is_silent_has_gone(project):
    clock = Clock()
    lease = Lease(project.database, clock)
    lease.take("a", "window A")
    clock.now += LEASE_SECONDS + 1
    assert lease.holder() is None


def test_the_run_lock_names_what_runs_and_ends_with_it(project):
    assert not RunLock.is_held(project.folder)
    with RunLock.acquire(project.folder, "kec run"):
        assert RunLock.is_held(project.folder)
        with pytest.raises(
            StoreError, match=r"^kec run is running on this project; wait for its end or cancel it"
        ):
            RunLock.acquire(project.folder, "A job")
    assert not RunLock.is_held(project.folder)
    RunLock.acquire(project.folder, "A job").close()


def test_the_kernel_frees_the_lock_of_a_killed_child_it_was_handed_to(project):
    code = "import sys, time; from state.project.locks import RunLock; l = RunLock.inherited(int(sys.argv[1])); print(1, flush=True); time.sleep(60)"
    with RunLock.acquire(project.folder, "A job") as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(lock.fileno())],
            pass_fds=(lock.fileno(),),
            stdout=subprocess.PIPE,
        )
    assert child.stdout.readline() == b"1\n"
    assert RunLock.is_held(project.folder)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not RunLock.is_held(project.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")
def test_a_folder_that_cannot_be_locked_is_said():
    with as_ordinary_user() as folder:
        (folder / "closed").mkdir(mode=0o555)
        with pytest.raises(StoreError, match=r"cannot be written .*make the folder writable or copy it"):
            RunLock.acquire(folder / "closed", "A job")


def test_a_lock_whose_note_finds_the_disk_full_is_refused_and_free_again(project, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StoreError, match=r"cannot be written \(the disk is full\)"):
            RunLock.acquire(project.folder, "kec edit")
    assert not RunLock.is_held(project.folder)
