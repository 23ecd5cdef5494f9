"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil

import pytest

from state.jobs import jobs
from state.project.project import Project
from state.server.access import IMAGES_ROOTS_VARIABLE
from state.workspace.workspace import HOME_VARIABLE
from tests import run_environment

_own_cache = pytest.StashKey()


def pytest_configure(config):
    run_environment.set_examples()
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # as the product does before it loads Ray
    if not hasattr(config, "workerinput"):  # workers of xdist share the cache of the process that starts them
        config.stash[_own_cache] = run_environment.make_cache()


def pytest_unconfigure(config):
    if _own_cache in config.stash:
        shutil.rmtree(config.stash[_own_cache], ignore_errors=True)


def pytest_ignore_collect(collection_path, config):
    """Tests of the engine for many machines need an extra and start a cluster: they run when they are named."""
    is_named = any("test_ray_" in argument for argument in config.args)
    return True if collection_path.name.startswith("test_ray_") and not is_named else None


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


@pytest.fixture
def hash_encoder(monkeypatch):
    """The encoder of the small projects, which no name leads to."""
    from state.work import editing
    from tests.fakes import HashEncoder

    def forget():
        editing.loaded_encoder.cache_clear()
        editing.text_encoder.cache_clear()

    forget()
    monkeypatch.setattr(editing, "load_encoder", lambda _name: HashEncoder())
    yield
    forget()


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Folder of a project of four photos with a result; copied, never changed."""
    from tests.exports import make_zoo

    folder = tmp_path_factory.mktemp("template") / "project"
    make_zoo(folder)
    return folder


@pytest.fixture
def project(tmp_path, template):
    """A copy of it, ready to be changed."""
    shutil.copytree(template, tmp_path / "project")
    return Project.open(tmp_path / "project")


@pytest.fixture(scope="session")
def colour_template(tmp_path_factory):
    """A folder with a project of 48 photos of four colours with a result, and its photos; copied, never changed."""
    from tests.grown import make_colours

    folder = tmp_path_factory.mktemp("colours")
    make_colours(folder)
    return folder


@pytest.fixture
def grown_project(hash_encoder, colour_template, tmp_path, monkeypatch):
    """A copy of it, ready to grow; its encoder counts what it is asked for."""
    from state.work import editing
    from tests.grown import CountingEncoder

    shutil.copytree(colour_template, tmp_path / "copy")
    project = Project.open(tmp_path / "copy/project")
    project.set_images_root(tmp_path / "copy/photos")
    monkeypatch.setattr(editing, "load_encoder", lambda name: CountingEncoder())
    monkeypatch.setattr(CountingEncoder, "photos", 0)
    return project


@pytest.fixture
def root(project):
    """Where its photos lie."""
    return project.images_root


@pytest.fixture
def out(tmp_path):
    """A folder to export to, which is not there yet."""
    return tmp_path / "out"


@pytest.fixture(scope="session")
def tiny_clips(tmp_path_factory):
    """Checkpoints of tiny open_clip models with random weights: model to file."""
    from tests.tiny_clip import make_checkpoints

    return make_checkpoints(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def tiny_wordnet(tmp_path_factory):
    """A WordNet of a few dozen meanings."""
    from kec_core.wordnet.wordnet import load_wordnet
    from tests.tiny_wordnet import write_wordnet

    folder = tmp_path_factory.mktemp("wordnet")
    write_wordnet(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(folder / "cache"))
        return load_wordnet(folder)


@pytest.fixture(scope="session")
def compact_home(tmp_path_factory):
    """A cache folder for the compact encoder, and a tiny WordNet that keeps its thousand anchors quick to fit."""
    from tests.tiny_wordnet import write_wordnet

    home = tmp_path_factory.mktemp("compact")
    write_wordnet(home / "wordnet")
    return home


@pytest.fixture(scope="session")
def compact_encoder(compact_home):
    """The compact encoder with its real weights, fitted to the tiny WordNet."""
    from kec_core.encoders import compact, load_encoder
    from kec_core.wordnet.wordnet import load_wordnet

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(compact_home / "cache"))
        patch.setattr(compact, "load_wordnet", lambda: load_wordnet(compact_home / "wordnet"))
        encoder = load_encoder("compact")
        encoder.encode_texts(["the map is fitted now, in this cache folder"])
    return encoder


@pytest.fixture(scope="session")
def compact_site(tmp_path_factory):
    """A workspace with a project made with the real compact encoder, and its photos beside it; copied, never changed."""
    from dataclasses import replace

    from state.work.run import run_project
    from tests.page_helpers import CONFIG, make_photos, set_near_copies

    root = tmp_path_factory.mktemp("compact_site")
    project = Project.create(root / "home" / "colours", "Colours")
    run_project(project, make_photos(root / "photos"), replace(CONFIG, encoder="compact"), labels="folders")
    set_near_copies(project, [])  # photos of one colour are, and journeys click single ones
    return root


@pytest.fixture(scope="session")
def shared_app(compact_site, tmp_path_factory):
    """The app as one process for all browser tests that only need a project of their own; starting it takes long."""
    from tests.browser import SharedApp, running_app

    home = tmp_path_factory.mktemp("shared_app")
    with running_app(home, compact_site) as address:
        yield SharedApp(address=address, home=home, template=compact_site / "home" / "colours")


@pytest.fixture
def started(monkeypatch):
    """Jobs that would be started, instead of processes."""
    asked = []
    monkeypatch.setattr(
        jobs.JobManager, "start", lambda _self, _project, kind, params, **_: asked.append((kind, params))
    )
    return asked
