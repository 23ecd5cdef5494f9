"""Fixtures that several test files share."""

from __future__ import annotations

import shutil

import pytest

from state.project import Project
from state.serve import IMAGES_ROOTS_VARIABLE
from state.workspace import HOME_VARIABLE


@pytest.fixture(scope="session")
def made_project(tmp_path_factory):
    """A workspace with one finished project, and its photos; made once, never changed."""
    from tests.page_helpers import make_photos, make_project

    root = tmp_path_factory.mktemp("made")
    project = make_project(root / "home", make_photos(root / "photos"))
    return project.folder


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """The app's workspace, without projects; photos may be read below ``tmp_path``."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setenv(IMAGES_ROOTS_VARIABLE, str(tmp_path))
    return tmp_path / "home"


@pytest.fixture
def colours(made_project, empty_home):
    """The app's workspace with a finished project of its own, ready to be changed."""
    shutil.copytree(made_project, empty_home / made_project.name)
    return Project(empty_home / made_project.name)
