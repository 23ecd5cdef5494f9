"""What the first edit needs is made in advance; what is missing stops nobody."""

import threading

import pytest

from kec_core.errors import ResourceMissing
from state.revisions import revisions
from state.work import editing, warm_up
from state.work.workbench import LiveStates
from tests.fakes import HashEncoder


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """As before any start."""
    monkeypatch.setattr(warm_up, "_served", threading.Event())
    monkeypatch.setattr(warm_up, "_loading", threading.Event())
    monkeypatch.setattr(warm_up, "_begun", set())
    monkeypatch.setattr(warm_up, "automatic_encoder", lambda: "the usual one")
    monkeypatch.setattr(editing, "load_encoder", lambda _name: HashEncoder())
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()
    yield
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()


def finish():
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join()


def test_the_encoder_is_loaded_once_in_the_background(monkeypatch):
    loaded = []
    monkeypatch.setattr(editing, "load_encoder", lambda name: loaded.append(name) or HashEncoder())
    warm_up.serve()
    warm_up.start()
    finish()
    editing.loaded_encoder("the usual one")
    assert loaded == ["the usual one"]


def test_nothing_is_loaded_outside_the_server_and_nothing_twice(monkeypatch):
    loaded = []
    monkeypatch.setattr(warm_up, "loaded_encoder", lambda name: loaded.append(name) or HashEncoder())
    warm_up.start()
    finish()
    assert not loaded
    warm_up.serve()
    warm_up.start()
    warm_up.start()
    finish()
    assert loaded == ["the usual one"]


def test_who_needs_the_encoder_while_it_is_loaded_waits_for_the_same_one(monkeypatch):
    loading, finished, loaded = threading.Event(), threading.Event(), []

    def slow(name):
        loading.set()
        finished.wait(10)
        loaded.append(name)
        return HashEncoder()

    monkeypatch.setattr(editing, "load_encoder", slow)
    warm_up.serve()
    warm_up.start()
    assert loading.wait(10)
    second = threading.Thread(target=lambda: editing.text_encoder("the usual one"), name="warm-up")
    second.start()
    finished.set()
    finish()
    assert loaded == ["the usual one"]


def test_an_encoder_in_memory_is_there_while_another_one_is_loaded(monkeypatch):
    """Of two open projects one may need weights that are still downloaded."""
    loading, finished = threading.Event(), threading.Event()

    def slow(name):
        if name == "another":
            loading.set()
            finished.wait(10)
        return HashEncoder()

    monkeypatch.setattr(editing, "load_encoder", slow)
    known = editing.loaded_encoder("the usual one")
    threading.Thread(target=lambda: editing.loaded_encoder("another"), name="warm-up").start()
    assert loading.wait(10)
    given = []
    second = threading.Thread(target=lambda: given.append(editing.loaded_encoder("the usual one")))
    second.start()
    second.join(5)
    answered = not second.is_alive()
    finished.set()
    finish()
    assert answered
    assert given == [known]


def test_missing_weights_are_left_to_be_said_where_they_are_needed(monkeypatch, caplog):
    def missing(name):
        raise ResourceMissing("There are no weights.")

    monkeypatch.setattr(editing, "load_encoder", missing)
    with caplog.at_level("INFO"):
        warm_up.serve()
        warm_up.start()
        finish()
    assert "There are no weights." in caplog.text


def test_an_opened_project_is_made_ready_for_edits_once(colours, monkeypatch):
    states, shown, opened, doubted = LiveStates(), revisions.current(colours), [], []
    monkeypatch.setattr(LiveStates, "of", lambda _self, _project, revision: opened.append(revision.id))
    monkeypatch.setattr(warm_up, "suggest", doubted.append)
    warm_up.open_project(states, colours, shown)
    assert not opened  # a page drawn without the server, as in tests
    warm_up.serve()
    warm_up.start()
    warm_up.open_project(states, colours, shown)
    warm_up.open_project(states, colours, shown)
    finish()
    assert opened == [shown.id]
    assert len(doubted) == 1


def test_a_revision_near_to_a_known_one_needs_nothing_in_advance(colours, monkeypatch):
    states, shown = LiveStates(), revisions.current(colours)
    assert not states.knows(colours, shown)
    states.put(colours, shown, object())
    assert states.knows(colours, shown)
    opened = []
    monkeypatch.setattr(LiveStates, "of", lambda _self, _project, revision: opened.append(revision.id))
    monkeypatch.setattr(warm_up, "suggest", lambda _state: ())
    warm_up.serve()
    warm_up.start()
    warm_up.open_project(states, colours, shown)
    finish()
    assert not opened
