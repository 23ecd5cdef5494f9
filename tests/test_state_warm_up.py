"""What the first edit needs is loaded in advance; what is missing stops nobody."""

import threading

from kec_core.errors import ResourceMissing
from state import editing, warm_up
from tests.fakes import HashEncoder


def finish():
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join()


def test_the_encoder_is_loaded_once_in_the_background(monkeypatch):
    loaded = []
    monkeypatch.setattr(editing, "load_encoder", lambda name: loaded.append(name) or HashEncoder())
    monkeypatch.setattr(warm_up, "automatic_encoder", lambda: "the usual one")
    warm_up.start()
    finish()
    editing.loaded_encoder("the usual one")
    assert loaded == ["the usual one"]
    editing.loaded_encoder.cache_clear()
    editing.text_encoder.cache_clear()


def test_missing_weights_are_left_to_be_said_where_they_are_needed(monkeypatch, caplog):
    def missing(name):
        raise ResourceMissing("There are no weights.")

    monkeypatch.setattr(editing, "load_encoder", missing)
    monkeypatch.setattr(warm_up, "automatic_encoder", lambda: "none")
    with caplog.at_level("INFO"):
        warm_up.start()
        finish()
    assert "There are no weights." in caplog.text
