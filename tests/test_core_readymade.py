"""Image features from a file: rows by name or by order, and every way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from kec_core.config import EncoderDefaults
from kec_core.encoders import encode_files, load_encoder
from kec_core.encoders.readymade import load_readymade
from kec_core.errors import InputError
from kec_core.types import Noun
from tests.fakes import HashEncoder

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3)
IDS = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "dogs/3.jpg")


def npy(folder, features=FEATURES):
    np.save(folder / "x.npy", features)
    return folder / "x.npy"


def npz(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def parquet(folder, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "x.parquet")
    return folder / "x.parquet"


def lists(features=FEATURES):
    return [row.tolist() for row in features]


def ways_to_name_rows(folder):
    return {
        "npz": lambda: npz(folder, features=FEATURES, ids=np.array(IDS)),
        "npz with other names": lambda: npz(folder, a=FEATURES, b=np.array(IDS)),
        "parquet of lists": lambda: parquet(folder, file=IDS, embedding=lists()),
        "parquet of columns": lambda: parquet(
            folder, file=IDS, **{f"d{i}": FEATURES[:, i] for i in range(3)}
        ),
    }


class TestRowsByName:
    @pytest.mark.parametrize("kind", list(ways_to_name_rows(Path())))
    def test_each_photo_gets_its_row(self, tmp_path, kind):
        encoder = load_readymade(ways_to_name_rows(tmp_path)[kind](), None)
        paths = [Path("/photos/dogs/3.jpg"), Path("/photos/cats/1.jpg")]
        encoded = encode_files(encoder, paths)
        np.testing.assert_array_equal(encoded.features, FEATURES[[3, 0]])
        assert encoded.features.dtype == np.float32
        assert encoded.failed == ()

    def test_a_photo_without_a_row_is_reported(self, tmp_path):
        encoder = load_readymade(npz(tmp_path, features=FEATURES, ids=np.array(IDS)), None)
        encoded = encode_files(encoder, [Path("/p/birds/9.jpg"), Path("/p/cats/2.jpg")])
        np.testing.assert_array_equal(encoded.features, FEATURES[[1]])
        assert encoded.failed == ((0, "x.npz has no row for it"),)

    def test_names_may_lack_folder_and_suffix(self, tmp_path):
        encoder = load_readymade(npz(tmp_path, features=FEATURES[:2], ids=np.array(["a", "b.jpg"])), None)
        encoded = encode_files(encoder, [Path("/p/one/b.jpg"), Path("/p/two/a.png")])
        np.testing.assert_array_equal(encoded.features, FEATURES[[1, 0]])

    def test_a_name_that_fits_two_photos_is_refused(self, tmp_path):
        encoder = load_readymade(npz(tmp_path, features=FEATURES[:1], ids=np.array(["1.jpg"])), None)
        with pytest.raises(
            InputError, match=r"fits two photos, .*cats/1\.jpg and .*dogs/1\.jpg; name photos by"
        ):
            encode_files(encoder, [Path("/p/cats/1.jpg"), Path("/p/dogs/1.jpg")])


class TestRowsByOrder:
    def test_the_nth_row_is_the_nth_photos(self, tmp_path):
        encoder = load_readymade(npy(tmp_path), None)
        encoded = encode_files(encoder, [Path(f"/p/{n}.jpg") for n in range(4)])
        np.testing.assert_array_equal(encoded.features, FEATURES)

    def test_another_number_of_photos_is_refused(self, tmp_path):
        encoder = load_readymade(npy(tmp_path), None)
        with pytest.raises(InputError, match="has 4 rows without names, but there are 3 photos"):
            encode_files(encoder, [Path(f"/p/{n}.jpg") for n in range(3)])

    def test_double_precision_is_read_too(self, tmp_path):
        encoder = load_readymade(npy(tmp_path, FEATURES.astype(np.float64)), None)
        assert encode_files(encoder, [Path("a")] * 4).features.dtype == np.float32


class Grenade:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


class TestFilesThatAreWrong:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda d: npy(d, np.where(FEATURES == 4, np.nan, FEATURES)), "row 1 has NaN"),
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
            (lambda d: parquet(d, file=IDS), "should have a column of features, but has file"),
            (lambda d: parquet(d, x=[[1.0, 2.0], [3.0]]), "lists of one length"),
            (lambda d: parquet(d, x=[[1.0], None]), "lists of one length"),
            (lambda d: parquet(d, a=[1.0, None]), "NaN"),
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
        with pytest.raises(InputError, match=r"read from \.npy, \.npz, \.parquet files"):
            load_encoder(f"embeddings:{tmp_path / 'x.csv'}")

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load_encoder(f"embeddings:{tmp_path / 'x.npy'}")

    def test_nothing_is_unpickled(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        np.save(tmp_path / "x.npy", np.array([Grenade()], dtype=object), allow_pickle=True)
        with pytest.raises(InputError, match="cannot be read"):
            load_readymade(tmp_path / "x.npy", None)
        assert not (tmp_path / "exploded").exists()


class TestTexts:
    def test_come_from_the_encoder_that_was_named(self, tmp_path):
        text = HashEncoder(3)
        encoder = load_readymade(npy(tmp_path), text)
        np.testing.assert_array_equal(encoder.encode_texts(["dog"]), text.encode_texts(["dog"]))
        assert encoder.covers([Noun(word="dog")]).tolist() == [True]
        assert encoder.info.defaults == text.info.defaults
        assert encoder.info.noun_templates == text.info.noun_templates

    def test_of_another_width_are_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"features of width 3, but hash .* gives texts of width 5"):
            load_readymade(npy(tmp_path), HashEncoder(5))

    def test_are_missed_when_no_encoder_was_named(self, tmp_path):
        encoder = load_readymade(npy(tmp_path), None)
        assert encoder.info.defaults == EncoderDefaults()
        with pytest.raises(
            InputError, match=r"no encoder for texts was named; write embeddings:.*x\.npy#ENCODER"
        ):
            encoder.encode_texts(["dog"])
        with pytest.raises(InputError, match="no encoder for texts"):
            encoder.covers([Noun(word="dog")])


def test_new_photos_cannot_be_encoded(tmp_path):
    encoder = load_readymade(npy(tmp_path), None)
    with pytest.raises(InputError, match="known photos only"):
        encoder.encode_images(np.zeros((1, 3, 2, 2), dtype=np.float32))
    with pytest.raises(InputError, match="known photos only"):
        encoder.preprocess(None)


def test_another_content_is_another_revision(tmp_path):
    first = load_readymade(npy(tmp_path), None).info.revision
    assert load_readymade(npy(tmp_path, FEATURES + 1), None).info.revision != first


def test_a_file_may_have_a_hash_sign_in_its_name(tmp_path):
    np.save(tmp_path / "a#b.npy", FEATURES)
    assert load_encoder(f"embeddings:{tmp_path / 'a#b.npy'}").info.dim == 3
