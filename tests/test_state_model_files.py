"""A model is one file: it assigns as its project does, and what is no model, or a changed one, is one sentence."""

from __future__ import annotations

import json
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

import cli
from kec_core.errors import InputError
from kec_core.result.group_model_file import model_bytes, read_model
from state.revisions import revisions
from state.revisions.group_models import model_of
from state.work.assign import assign_folder
from tests.fakes import COLOURS, HashEncoder
from tests.grown import edit, photo


@pytest.fixture
def project(grown_project):
    return grown_project


def test_a_model_file_assigns_as_the_project_does(project, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kec_core.encoders.load_encoder", lambda name: HashEncoder())
    edit(project, {"op": "together", "images": ["leaf/0.png", "leaf/1.png"]})
    assert cli.main(["export", str(project.folder), "--out", str(tmp_path / "out"), "--format", "model"]) == 0
    capsys.readouterr()
    model = tmp_path / "out/model.npz"
    for number, name in enumerate(COLOURS):
        photo(tmp_path / f"unseen/{name}.png", name, 70 + number)
    told = []
    for source in (project.folder, model):
        assert cli.main(["assign", str(source), str(tmp_path / "unseen"), "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert len(told[0]["assigned"]) == 4
    assert b"leaf/0.png" not in model.read_bytes()
    assert "leaf/0.png" not in json.dumps(read_model(model).knowledge.to_json()), "it names no photo"


@pytest.mark.parametrize(
    "damage", ["cut", "foreign", "other format", "shape", "text", "one number", "missing"]
)
def test_an_unusable_model_is_one_sentence(project, tmp_path, damage):
    path = tmp_path / "model.npz"
    content = model_bytes(model_of(project, revisions.current(project), HashEncoder()))
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "foreign":
        path.write_text("hello", encoding="utf-8")
    elif damage != "missing":
        path.write_bytes(content)
        with np.load(path) as file:
            arrays = dict(file)
        if damage == "shape":
            arrays["centres"] = arrays["centres"][:, :-1]
        elif damage == "text":
            arrays["mean"] = arrays["mean"].astype(str)
        elif damage == "one number":
            arrays["mean"] = np.float32(1)
        else:
            arrays["model"] = np.array(str(arrays["model"]).replace("kec-groups-1", "kec-groups-9"))
        np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"model written by .* was expected.*") as caught:
        read_model(path)
    assert str(path) in str(caught.value)
    if damage in ("text", "one number"):
        assert "its array mean should hold finite numbers of shape" in str(caught.value)


CHANGED = {
    "names of numbers": (lambda facts: facts | {"names": [1, 2, 3, 4]}, "its names should be a list of texts"),
    "names as one text": (lambda facts: facts | {"names": "abcd"}, "its names should be a list of texts"),
    "no weight": (lambda facts: facts | {"weight": float("nan")}, "its weight should be a number of at least 0, but is nan"),
    "endless weight": (lambda facts: facts | {"weight": float("inf")}, "its weight should be a number of at least 0, but is inf"),
    "weight below zero": (lambda facts: facts | {"weight": -1}, "its weight should be a number of at least 0, but is -1"),
    "limit as text": (lambda facts: facts | {"limit": "0.3"}, "its limit should be a number of at least -1, but is '0.3'"),
    "ids in parts": (np.array([0.5, 1, 2, 3]), "its array clusters should hold ids of groups"),
    "ids twice": (np.array([0, 0, 1, 2]), "its array clusters should hold ids of groups"),
    "ids out of order": (np.array([0, 2, 1, 3]), "its array clusters should hold ids of groups"),
    "ids too large": (np.array([0, 1, 2, 2**40]), "its array clusters should hold ids of groups"),
}  # fmt: skip


@pytest.mark.parametrize("damage", CHANGED)
def test_a_changed_model_sorts_no_photo_wrongly_in_silence(project, tmp_path, damage):
    path = tmp_path / "model.npz"
    path.write_bytes(model_bytes(model_of(project, revisions.current(project), HashEncoder())))
    with np.load(path) as file:
        arrays = dict(file)
    change, said = CHANGED[damage]
    if callable(change):
        arrays["model"] = np.array(json.dumps(change(json.loads(str(arrays["model"])))))
    else:
        arrays["clusters"] = change
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=said):
        read_model(path)


def test_numbers_that_float32_cannot_hold_are_no_numbers_of_a_model(project, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(model_bytes(model_of(project, revisions.current(project), HashEncoder())))
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"mean": arrays["mean"].astype(np.float64) + 1e300})
    with pytest.raises(InputError, match="its array mean should hold finite numbers"):
        read_model(path)


def test_a_missing_model_is_not_called_a_project_to_be_made(tmp_path):
    photo(tmp_path / "a.png", "leaf")
    with pytest.raises(InputError, match=r"A project or a model .* nothing at .*/away\.npz; check the path"):
        assign_folder(tmp_path / "away.npz", tmp_path)


def test_what_is_no_model_is_said_without_a_word_of_how_numpy_could_load_it(tmp_path):
    """What is given for a model by mistake: a photo, a text, another archive, arrays, nothing."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "a.npz").write_bytes(b"")
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("model.npy", "no array")
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.save(tmp_path / "old.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "old.npz", model=np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "list.npz", model=np.array("[1]"))
    told = {
        "a.png": r"should be an archive of np.savez, but begins with b'\x89P'",
        "a.txt": "should be an archive of np.savez, but begins with b'he'",
        "a.npz": "should be an archive of np.savez, but is empty",
        "a.zip": "its format is None, not 'kec-groups-1'",
        "a.npy": "should be an archive of np.savez, but begins with",
        "old.npy": "should be an archive of np.savez, but begins with",
        "old.npz": "it holds model as pickled objects, which are never read",
        "list.npz": "its format is None, not 'kec-groups-1'",
        "nowhere.npz": "(No such file or directory)",
    }
    for name, why in told.items():
        with pytest.raises(InputError, match=r"name the file of a model, or export it again\.$") as caught:
            read_model(tmp_path / name)
        assert why in str(caught.value)
