"""Image features from a file: rows by name or by order, and every way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from kec_core.config import EncoderDefaults
from kec_core.encoders import load_encoder
from kec_core.encoders.readymade import load_readymade
from kec_core.encoders.tables import read_table
from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from kec_core.stages.photos import embed_photos
from kec_core.stages.runner import Hooks, Runner
from kec_core.store import FolderStore, StageResult
from kec_core.types import Noun
from tests.fakes import HashEncoder
from tests.readymade_files import FEATURES, IDS, lists, load, npy, npz, parquet, rows_of


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
        found = rows_of(load(ways_to_name_rows(tmp_path)[kind]()), "dogs/3.jpg", "cats/1.jpg")
        np.testing.assert_array_equal(found.features, FEATURES[[3, 0]])
        assert found.features.dtype == np.float32
        assert not found.reasons

    def test_a_photo_without_a_row_and_a_row_without_a_photo_are_said(self, tmp_path):
        found = rows_of(
            load(npz(tmp_path, features=FEATURES, ids=np.array(IDS))), "birds/9.jpg", "cats/2.jpg"
        )
        np.testing.assert_array_equal(found.features, FEATURES[[1]])
        assert found.reasons == {"birds/9.jpg": "x.npz has no row for it"}
        assert "Of its 4 rows 3 fit no photo, not used, for example 'cats/1.jpg'" in found.note

    def test_names_may_lack_folder_and_suffix_and_come_from_other_machines(self, tmp_path):
        names = np.array(["a", "b.jpg", "C:\\pics\\two\\c.jpg", "/home/me/two/D.JPG"])
        found = rows_of(
            load(npz(tmp_path, features=FEATURES, ids=names)),
            "one/b.jpg",
            "two/a.png",
            "two/c.jpg",
            "two/d.jpg",
        )
        np.testing.assert_array_equal(found.features, FEATURES[[1, 0, 2, 3]])

    def test_a_name_that_fits_two_photos_is_refused(self, tmp_path):
        encoder = load(npz(tmp_path, features=FEATURES[:1], ids=np.array(["1.jpg"])))
        with pytest.raises(InputError, match=r"fits two photos, cats/1\.jpg and dogs/1\.jpg; name photos by"):
            rows_of(encoder, "cats/1.jpg", "dogs/1.jpg")

    def test_two_rows_for_one_photo_are_refused(self, tmp_path):
        encoder = load(npz(tmp_path, features=FEATURES[:2], ids=np.array(["a.jpg", "./a.jpg"])))
        with pytest.raises(InputError, match=r"Rows 0 and 1 .* fit one photo, a\.jpg"):
            rows_of(encoder, "a.jpg")

    def test_names_of_other_photos_are_refused_with_examples(self, tmp_path):
        encoder = load(npz(tmp_path, features=FEATURES, ids=np.array(IDS)))
        with pytest.raises(
            InputError, match=r"for example 'cats/1\.jpg', fit none of the 1 photos, for example 'z\.jpg'"
        ):
            rows_of(encoder, "z.jpg")

    @pytest.mark.parametrize(
        "ids",
        [
            np.array(IDS, dtype="S"),
            np.array(IDS)[:, None],
            np.array(IDS, dtype="S")[None, :],
        ],
    )
    def test_names_in_an_npz_may_be_bytes_or_a_column(self, tmp_path, ids):
        found = rows_of(load(npz(tmp_path, features=FEATURES, ids=ids)), *reversed(IDS))
        np.testing.assert_array_equal(found.features, FEATURES[::-1])

    @pytest.mark.parametrize(
        "kind",
        [
            pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
            pyarrow.binary(),
            pyarrow.large_binary(),
            pyarrow.large_string(),
            pyarrow.string_view(),
        ],
    )
    def test_names_in_a_parquet_may_have_any_type_of_text(self, tmp_path, kind):
        names = (
            pyarrow.array(IDS).cast(kind)
            if "dict" not in str(kind)
            else pyarrow.array(IDS).dictionary_encode()
        )
        found = rows_of(load(parquet(tmp_path, file=names, embedding=lists())), *reversed(IDS))
        np.testing.assert_array_equal(found.features, FEATURES[::-1])

    def test_names_filled_up_to_one_width_are_read(self, tmp_path):
        filled = pyarrow.array([name.encode().ljust(16, b"\0") for name in IDS], pyarrow.binary(16))
        found = rows_of(load(parquet(tmp_path, file=filled, embedding=lists())), *reversed(IDS))
        np.testing.assert_array_equal(found.features, FEATURES[::-1])

    def test_whole_numbers_mean_files_that_are_called_so(self, tmp_path):
        for path in (
            npz(tmp_path, features=FEATURES, ids=np.array([3, 2, 1, 10])),
            parquet(tmp_path, id=[3, 2, 1, 10], embedding=lists()),
        ):
            found = rows_of(load(path), "a/010.jpg", "a/1.jpg", "b/02.jpg", "c/3.jpg")
            np.testing.assert_array_equal(found.features, FEATURES[[3, 2, 1, 0]])

    @pytest.mark.parametrize("called", ["image_ids", "keys", "Image_Names"])
    def test_whole_numbers_are_names_under_any_usual_word(self, tmp_path, called):
        found = rows_of(
            load(npz(tmp_path, features=FEATURES[:2], **{called: np.array([7, 3])})), "3.jpg", "7.jpg"
        )
        np.testing.assert_array_equal(found.features, FEATURES[[1, 0]])

    def test_an_array_that_is_neither_features_nor_names_is_said(self, tmp_path):
        path = npz(tmp_path, features=FEATURES[:2], row=np.array([1, 0]), labels=np.array(["a", "b"]))
        assert "Not taken as features: row, labels." in rows_of(load(path), "1.jpg", "2.jpg").note

    def test_a_text_file_beside_an_npy_names_its_rows(self, tmp_path):
        path = npy(tmp_path)
        before = load(path).info.revision
        (tmp_path / "x.txt").write_text("\n".join(reversed(IDS)) + "\n")
        np.testing.assert_array_equal(rows_of(load(path), *IDS).features, FEATURES[::-1])
        assert load(path).info.revision != before

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda d: npz(d, features=FEATURES, ids=np.array([1.5, 2, 3, 4])), "'ids' is float64"),
            (
                lambda d: npz(d, features=FEATURES, ids=np.array(IDS, dtype=object)),
                "pickled objects.*never read",
            ),
            (lambda d: npz(d, features=FEATURES, ids=np.array([b"\xff", b"a", b"b", b"c"])), "in UTF-8"),
            (lambda d: parquet(d, file=[{"path": i} for i in IDS], embedding=lists()), "'file' is struct"),
            (
                lambda d: parquet(d, photo=[{"path": i} for i in IDS], embedding=lists()),
                "may name the photos",
            ),
            (lambda d: parquet(d, file=[*IDS[:3], None], embedding=lists()), "row 3 has None"),
        ],
    )
    def test_names_that_cannot_be_read_refuse_the_file(self, tmp_path, make, message):
        with pytest.raises(InputError, match=message):
            load(make(tmp_path))


class TestRowsByOrder:
    def test_the_order_is_that_of_imagefolder_and_is_said(self, tmp_path):
        ids = ("pie-greek/1.jpg", "pie.jpg", "pie/1.jpg", "pie/2.jpg")  # as texts are sorted
        found = rows_of(load(npy(tmp_path)), *ids)
        root = tmp_path / "photos"
        for image_id in ids:
            (root / image_id).parent.mkdir(parents=True, exist_ok=True)
            (root / image_id).touch()
        order = [p.relative_to(root).as_posix() for p in sorted(root.rglob("*.jpg"))]
        np.testing.assert_array_equal(found.features, FEATURES[[order.index(i) for i in ids]])
        assert "first row is pie/1.jpg, the last pie.jpg" in found.note
        assert order != list(ids)

    def test_another_number_of_photos_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="has 4 rows without names, for 3 photos"):
            rows_of(load(npy(tmp_path)), "a", "b", "c")

    def test_renamed_photos_keep_their_rows_and_new_ones_are_listed(self, tmp_path):
        earlier = [(i, f"content of {n}", row) for row, (i, n) in enumerate(zip("abcd", "wxyz", strict=True))]
        photos = [("1", "content of z"), ("a", "content of w"), ("b", "edited"), ("new", "new")]
        found = load(npy(tmp_path)).rows_of(photos, Path("/p"), earlier)
        np.testing.assert_array_equal(found.features, FEATURES[[3, 0, 1]])
        assert found.reasons == {"new": "x.npy has no row for it"}
        assert "1 changed since and kept the row of the path, for example b" in found.note

    def test_double_precision_is_read_too(self, tmp_path):
        assert rows_of(load(npy(tmp_path, FEATURES.astype(np.float64))), *IDS).features.dtype == np.float32

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (0, "all zeros"),
            (np.nan, "NaN"),
            (np.inf, "infinity"),
            (1e30, "length of"),
            (1e-30, "length of"),
        ],
    )
    def test_rows_without_a_direction_are_listed(self, tmp_path, value, reason):
        features = FEATURES.copy()
        features[1] = value
        found = rows_of(load(npy(tmp_path, features)), *IDS)
        assert list(found.reasons) == ["cats/2.jpg"]
        assert reason in found.reasons["cats/2.jpg"]
        np.testing.assert_array_equal(found.features, FEATURES[[0, 2, 3]])
        assert "Zero, NaN, infinite or out of scale: 1 row of x.npy;" in found.note


class TestColumnsThatAreNoFeatures:
    def test_numbered_columns_are_taken_in_the_order_of_their_numbers_and_others_are_said(self, tmp_path):
        columns = {f"f{n}": [float(n)] * 2 for n in (10, 2, 1, 0, 3, 4, 5, 6, 7, 8, 9)}
        found = rows_of(
            load(parquet(tmp_path, file=["a", "b"], width=[640, 480], **columns)), "a.jpg", "b.jpg"
        )
        assert found.features[0].tolist() == list(range(11))
        assert "Not taken as features: width." in found.note

    @pytest.mark.parametrize("names", [("width", "height"), ("d0", "d2"), ("a0", "a1", "b0", "b1"), ("lat",)])
    def test_columns_that_are_not_numbered_are_refused_by_name(self, tmp_path, names):
        path = parquet(tmp_path, file=["a", "b"], **{name: [1.0, 2.0] for name in names})
        with pytest.raises(InputError, match=f"numbered without a gap .*has file, {names[0]}"):
            load(path)


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


def test_a_project_of_rows_without_names_runs_again_after_photos_are_renamed_added_and_deleted(tmp_path):
    encoder, store = load(npy(tmp_path)), FolderStore(tmp_path / "store")

    def embed(**contents):
        records = [
            ImageRecord(id=f"{name}.jpg", width=9, height=9, sha256=content, mode="RGB")
            for name, content in sorted(contents.items())
        ]
        return embed_photos(Runner(store, Hooks()), records, tmp_path, encoder)

    np.testing.assert_array_equal(embed(a="1", b="2", c="3", d="4").arrays["features"], FEATURES)
    renamed = embed(z="1", b="2", c="3", d="4")
    np.testing.assert_array_equal(renamed.arrays["features"], FEATURES[[1, 2, 3, 0]])
    fewer = embed(z="1", d="4", new="5")
    np.testing.assert_array_equal(fewer.arrays["features"], FEATURES[[3, 0]])
    assert fewer.data["failed"] == [{"path": "new.jpg", "reason": "x.npy has no row for it"}]
    np.testing.assert_array_equal(embed(b="2", z="1").arrays["features"], FEATURES[[1, 0]])


def test_a_project_made_in_the_order_of_earlier_versions_keeps_its_rows(tmp_path):
    encoder, store = load(npy(tmp_path)), FolderStore(tmp_path / "store")
    ids = ("pie-greek/1.jpg", "pie.jpg", "pie/1.jpg", "pie/2.jpg")
    old = {"ids": list(ids), "hashes": list(ids), "encoder": encoder.info.revision, "failed": []}
    store.save("embed", "old", StageResult(arrays={"features": FEATURES}, data=old))
    records = [ImageRecord(id=f"new {i}", width=9, height=9, sha256=i, mode="RGB") for i in ids]
    found = embed_photos(Runner(store, Hooks()), records, tmp_path, encoder)
    np.testing.assert_array_equal(found.arrays["features"], FEATURES)


def test_names_beside_an_array_are_lines_without_empty_ones_at_the_end(tmp_path):
    file, names = npy(tmp_path), tmp_path / "x.txt"
    odd = ["a\u2028b.jpg", *IDS[1:]]
    names.write_bytes("\r\n".join([*odd, "", ""]).encode())
    assert [*read_table(file).names] == [*odd]
    names.write_bytes("\n".join(IDS).encode("utf-16"))
    with pytest.raises(InputError, match=r"x\.txt should name the rows in UTF-8"):
        load_readymade(file, None)


def test_names_in_text_win_over_numbers(tmp_path):
    file = npz(tmp_path, features=FEATURES, ids=np.arange(4), files=np.array(IDS))
    assert [*read_table(file).names] == [*IDS]
