"""The page on the Python interface: its examples run, one after another, and what it names is there."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kec_core.api import features as api
from kec_core.encoders import encode_files
from kec_core.photos.images import find_images
from kec_core.stages import resources
from state.work import editing
from tests.doc_pointers import ROOT, missing
from tests.fakes import HashEncoder, colour_photos

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def examples(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def notebook(tmp_path, monkeypatch, tiny_wordnet):
    """A folder with photos and features, and an encoder without weights."""
    colour_photos(tmp_path / "photos", 8)
    encoder = HashEncoder()
    features = encode_files(encoder, list(find_images(tmp_path / "photos"))).features
    np.save(tmp_path / "features.npy", features)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "load_encoder", lambda name: encoder)
    monkeypatch.setattr(editing, "load_encoder", lambda name: encoder)
    monkeypatch.setattr(resources, "load_wordnet", lambda: tiny_wordnet)
    caches = (api._loaded, editing.loaded_encoder, editing.text_encoder)
    for cache in caches:
        cache.cache_clear()
    yield tmp_path
    for cache in caches:
        cache.cache_clear()


def test_the_examples_run_in_their_order(notebook):
    names = {}
    for code in examples(PAGE):
        exec(compile(code, "docs/api.md", "exec"), names)
    assert len(examples(PAGE)) >= 6
    assert names["result"].labels.shape == (32,)
    assert set(names["table"].columns) == {"file", "cluster", "cluster_name", "confidence", "concept"}
    assert len(names["figure"].layout.images) == 32
    assert names["revision"] == "r1"
    assert (notebook / "project/project.db").is_file()
    assert len(names["tac"].labels_) == len(names["plain"]) == 32


def test_the_example_of_the_readme_runs(notebook):
    code = examples(README)
    assert len(code) == 1
    names = {}
    exec(compile(code[0].replace("~/Pictures/birds", "photos"), "README.md", "exec"), names)
    assert names["result"].labels.shape == (32,)


def test_what_it_names_is_there():
    assert not missing(PAGE)
