"""The tasks of developers, with and without make: each command they run is there, and nothing is installed twice."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

import cli
import tasks


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """What would be run: arguments of the environment's Python; the environment is a folder for the test."""
    commands = []

    def run(command, **_):
        commands.append(command[1:])
        if command[1:3] == ["-m", "venv"]:
            tasks.PYTHON.parent.mkdir(parents=True)
            tasks.PYTHON.touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(tasks.subprocess, "run", run)
    venv = tmp_path / ".venv"
    for name, path in {
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "_RUNTIME": venv / ".runtime",
        "_DEV": venv / ".dev",
        "_RAY": venv / ".ray",
    }.items():
        monkeypatch.setattr(tasks, name, path)
    return commands


@pytest.mark.parametrize("name", sorted(set(tasks.TASKS) - {"clean"}))
def test_every_command_of_a_task_is_there(ran, name):
    tasks.TASKS[name]()
    assert ran
    for command in ran:
        assert command[0] == "-m"
        if command[1] == "cli":
            assert callable(cli.make_parser().parse_args(command[2:]).command)
        else:
            assert importlib.util.find_spec(command[1]), command


def test_a_second_time_nothing_is_installed_until_a_requirement_changes(ran):
    tasks.install_dev()
    assert [command[1] for command in ran] == ["venv", "pip", "pip", "pip", "pip"]
    ran.clear()
    tasks.install_dev()
    assert ran == []
    os.utime(tasks._DEV, (0, 0))
    tasks.install_dev()
    assert [command[1] for command in ran] == ["pip", "pip"]
    ran.clear()
    os.utime(tasks._RUNTIME, (0, 0))
    tasks.install()
    assert [command[1] for command in ran] == ["pip", "pip"]


def test_what_fails_ends_the_task_with_its_status(ran, monkeypatch):
    failing = lambda command, **_: subprocess.CompletedProcess(command, 3 if "ruff" in command else 0)  # noqa: E731
    tasks.install_dev()
    monkeypatch.setattr(tasks.subprocess, "run", failing)
    with pytest.raises(SystemExit) as ended:
        tasks.test()
    assert ended.value.code == 3


def test_clean_removes_the_environment_and_nothing_else(ran, tmp_path):
    tasks.install()
    (tmp_path / "kept").touch()
    tasks.clean()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_command_line_lists_all_tasks():
    said = subprocess.run(
        [sys.executable, "-m", "tasks", "--help"], capture_output=True, text=True, check=True, cwd=tasks.ROOT
    )
    assert all(f"  {name} " in said.stdout for name in tasks.TASKS)
