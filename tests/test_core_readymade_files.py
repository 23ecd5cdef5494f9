"""Files of ready-made features that are wrong, of another kind or damaged: each is one sentence."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from kec_core.encoders import load_encoder
from kec_core.encoders.readymade import load_readymade
from kec_core.encoders.tables import read_table
from kec_core.errors import InputError
from tests.readymade_files import FEATURES, IDS, npy, npz, parquet


class Grenade:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


class TestFilesThatAreWrong:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda d: npy(d, FEATURES[0]),
                r"should be a table of shape \(rows, columns\), but has shape \(3,\)",
            ),
            (lambda d: npy(d, np.array([["a", "b"]])), "should hold numbers"),
            (
                lambda d: npz(d, a=FEATURES, b=FEATURES),
                "should have one table of features, but has 2; call it 'features'",
            ),
            (lambda d: npz(d, ids=np.array(IDS)), "should have one table of features, but has 0"),
            (lambda d: npz(d, features=FEATURES, ids=np.array(IDS[:3])), "has 4 rows but 3 names"),
            (lambda d: npz(d, features=FEATURES, ids=np.array(["a", "b", "a", "c"])), "names 'a' twice"),
            (lambda d: parquet(d, file=IDS), "should have a column of features .* but has file"),
            (lambda d: parquet(d, x=[[1.0, 2.0], [3.0]]), "lists of one length"),
            (lambda d: parquet(d, x=[[1.0], None]), "lists of one length"),
        ],
    )
    def test_the_message_says_what(self, tmp_path, make, message):
        with pytest.raises(InputError, match=message):
            load_readymade(make(tmp_path), None)

    @pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.parquet"])
    def test_files_that_are_something_else(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"something else")
        with pytest.raises(InputError, match="cannot be read as"):
            load_readymade(tmp_path / name, None)

    def test_files_of_an_unknown_kind(self, tmp_path):
        with pytest.raises(InputError, match=r"read from \.npy, \.npz, \.parquet and \.json files"):
            load_encoder(f"embeddings:{tmp_path / 'x.csv'}")

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match="but there is none; check the path"):
            load_encoder(f"embeddings:{tmp_path / 'x.npy'}")

    def test_nothing_is_unpickled(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        np.save(tmp_path / "x.npy", np.array([Grenade()], dtype=object), allow_pickle=True)
        with pytest.raises(InputError, match="cannot be read"):
            load_readymade(tmp_path / "x.npy", None)
        assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(("made", "called"), [("npy", "npz"), ("npz", "npy")])
def test_a_file_under_the_suffix_of_another_kind_is_said(tmp_path, made, called):
    file = npy(tmp_path) if made == "npy" else npz(tmp_path, features=FEATURES)
    file = file.rename(tmp_path / f"y.{called}")
    with pytest.raises(
        InputError, match=rf"cannot be read as \.{called} .it should be .* but begins with b'"
    ):
        load_readymade(file, None)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.npy", b"", "it should be an array of np.save, but is empty"),
        ("x.npz", b"", "it should be an archive of np.savez, but is empty"),
        ("x.npy", np.array([{}], dtype=object), "it holds pickled objects, which are never read"),
        ("clip/img_emb/img_emb_0.npy", b"", "it should be an array of np.save, but is empty"),
        ("clip/img_emb/img_emb_0.npy", b"\x89PNG", r"but begins with b'\x89PNG'"),
        ("clip/img_emb/img_emb_0.npy", b"PK\3\4 and more", "but begins with b'PK"),
        ("clip/img_emb/img_emb_0.npy", np.array([{}], dtype=object), "it holds pickled objects"),
    ],
)
def test_what_is_no_array_is_said_without_a_word_of_how_numpy_could_load_it(tmp_path, name, content, why):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content, allow_pickle=True)
    if "clip" in name:
        (tmp_path / "clip/metadata").mkdir()
        names = pyarrow.table({"image_path": ["a.png"]})
        pyarrow.parquet.write_table(names, tmp_path / "clip/metadata/metadata_0.parquet")
    with pytest.raises(InputError) as refused:
        read_table(tmp_path / "clip" if "clip" in name else file)
    assert str(file) in str(refused.value)
    assert why in str(refused.value)
    assert "allow_pickle" not in str(refused.value)


def test_a_zip_of_something_else_is_no_table_and_what_lies_beside_one_is_no_trouble(tmp_path):
    file = tmp_path / "x.npz"
    with ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "features follow")
    with pytest.raises(InputError, match="should have one table of features, but has 0"):
        read_table(file)
    file = npz(tmp_path, features=FEATURES, ids=np.array(IDS))
    with ZipFile(file, "a") as archive:
        archive.writestr("notes.txt", "features are above")
    assert read_table(file).unused == ("notes.txt",)


def test_a_damaged_archive_is_refused_in_one_short_sentence(tmp_path):
    file = npz(tmp_path, features=FEATURES, ids=np.array([name.encode() for name in IDS], dtype="S900"))
    content = bytearray(file.read_bytes())
    start = content.rindex(b"PK\x03\x04")
    content[start + 26 : start + 28] = (
        b"\xff\x0a"  # the name of the second array is said to be 2,815 bytes long
    )
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read as \.npz") as refused:
        load_readymade(file, None)
    assert len(str(refused.value)) < len(str(file)) + 250
    assert "export it again" in str(refused.value)
