"""Features as clip-retrieval and FiftyOne lay them out, and photos as img2dataset does."""

from __future__ import annotations

import base64
import io
import json
import zlib

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from kec_core.encoders import load_encoder, load_looks
from kec_core.errors import InputError
from kec_core.photos.images import scan_images

FEATURES = np.arange(12, dtype=np.float32).reshape(4, 3) + 1
NAMES = ["/data/set/cats/1.jpg", "/data/set/cats/2.jpg", "/data/set/dogs/1.jpg", "/data/set/dogs/3.jpg"]
IDS = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg", "dogs/3.jpg")


def clip_retrieval(folder, *, names=NAMES, features=FEATURES, parts=2, column="image_path", dtype=np.float16):
    """What ``clip-retrieval inference`` writes, in so many parts."""
    (folder / "img_emb").mkdir(parents=True)
    (folder / "metadata").mkdir()
    for number, rows in enumerate(np.array_split(np.arange(len(features)), parts)):
        np.save(folder / f"img_emb/img_emb_{number}.npy", features[rows].astype(dtype))
        table = pyarrow.table({column: [names[row] for row in rows], "caption": ["a photo"] * len(rows)})
        pyarrow.parquet.write_table(table, folder / f"metadata/metadata_{number}.parquet")
    return folder


def packed(row, *, legacy=False):
    """An array as FiftyOne's export writes it."""
    content = io.BytesIO()
    np.save(content, np.asarray(row, dtype=np.float64))
    text = base64.b64encode(zlib.compress(content.getvalue())).decode()
    return {"$binary": text, "$type": "00"} if legacy else {"$binary": {"base64": text, "subType": "00"}}


def fiftyone(folder, vectors, field="embedding", **more):
    folder.mkdir(parents=True, exist_ok=True)
    samples = [
        {"filepath": name, "tags": [], field: vector, **more}
        for name, vector in zip(NAMES, vectors, strict=True)
    ]
    (folder / "samples.json").write_text(json.dumps({"samples": samples}))
    return folder


def rows_of(path, *ids):
    return load_encoder(f"embeddings:{path}").rows_of([(one, one) for one in ids], path.parent / "photos")


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_of_clip_retrieval_become_one_table_with_the_names_of_the_photos(tmp_path, parts):
    found = rows_of(clip_retrieval(tmp_path / "out", parts=parts), *reversed(IDS))
    np.testing.assert_array_equal(found.features, FEATURES[::-1])
    assert found.has_names
    assert not found.reasons


def test_more_than_nine_parts_keep_their_order(tmp_path):
    features = np.arange(36, dtype=np.float32).reshape(12, 3) + 1
    names = [f"{row:09}" for row in range(12)]  # the keys of a webdataset
    folder = clip_retrieval(tmp_path / "out", names=names, features=features, parts=12)
    found = rows_of(folder, "00000/000000010.jpg", "00001/000000002.jpg")
    np.testing.assert_array_equal(found.features, features[[10, 2]])


def drop(folder, pattern):
    next(folder.glob(pattern)).unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda f: drop(f, "metadata/metadata_1.parquet"),
            "img_emb_1.npy has no metadata/*.parquet of its number",
        ),
        (lambda f: drop(f, "img_emb/img_emb_0.npy"), "metadata_0.parquet has no img_emb/*.npy of its number"),
        (lambda f: [drop(f, "img_emb/*.npy") for _ in range(2)], "should hold .npy files of clip-retrieval"),
        (lambda f: np.save(f / "img_emb/img_emb_0.npy", FEATURES[:1]), "shape is (1, 3) for 2 rows"),
        (lambda f: np.save(f / "img_emb/img_emb_0.npy", FEATURES[:2, :2]), "of one width, but [2, 3] came"),
        (
            lambda f: np.save(f / "img_emb/img_emb_00.npy", FEATURES),
            "img_emb_0.npy and img_emb_00.npy are both number 0; move one of them away",
        ),
        (lambda f: (f / "img_emb/img_emb_0.npy").write_bytes(b"\x93NUMPY"), "cannot be read"),
        (lambda f: (f / "metadata/metadata_0.parquet").write_bytes(b"PAR1"), "cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, spoil, said):
    folder = clip_retrieval(tmp_path / "out")
    spoil(folder)
    with pytest.raises(InputError) as error:
        load_encoder(f"embeddings:{folder}")
    assert said in str(error.value)


def test_metadata_that_name_no_photos_are_refused(tmp_path):
    folder = clip_retrieval(tmp_path / "out", column="url")
    with pytest.raises(InputError, match="in a column 'image_path', but has url, caption"):
        load_encoder(f"embeddings:{folder}")


def test_names_that_fit_no_photo_are_refused(tmp_path):
    folder = clip_retrieval(tmp_path / "out")
    with pytest.raises(InputError, match="fit none of the 1 photos"):
        rows_of(folder, "birds/7.jpg")


@pytest.mark.parametrize("write", [list, packed, lambda row: packed(row, legacy=True)])
@pytest.mark.parametrize("field", ["embedding", "my_model"])
def test_vectors_of_fiftyone_are_read_however_they_were_written(tmp_path, write, field):
    folder = fiftyone(tmp_path / "out", [write(row.tolist()) for row in FEATURES], field)
    for path in (folder, folder / "samples.json"):
        np.testing.assert_array_equal(rows_of(path, *IDS).features, FEATURES)
    np.testing.assert_array_equal(
        load_looks(str(folder)).rows_of([(IDS[2], "c")], tmp_path / "photos").features, FEATURES[[2]]
    )


def test_samples_without_a_vector_are_listed_with_their_photo(tmp_path):
    vectors = [*(row.tolist() for row in FEATURES[:3]), None]
    found = rows_of(fiftyone(tmp_path / "out", vectors), *IDS)
    assert found.reasons == {"dogs/3.jpg": "out has no row for it"}


@pytest.mark.parametrize(
    ("vectors", "more", "said"),
    [
        ([[1.0, 2.0]] * 3 + [[1.0]], {}, "'/data/set/dogs/3.jpg'"),
        ([[1.0, 2.0]] * 3 + [[1.0, 2.0, 3.0]], {}, "should have 2 numbers"),
        ([[1.0, 2.0]] * 3 + [{"$binary": "??"}], {}, "cannot be read"),
        ([[1.0, 2.0]] * 3 + [{"$binary": {"base64": "AAAA"}}], {}, "cannot be read"),
        ([[1.0, 2.0]] * 3 + [packed([[1.0, 2.0]])], {}, "has the shape (1, 2)"),
        ([None] * 4, {}, "but has none"),
        ([None] * 4, {"a": [1.0, 2.0], "b": [1.0, 2.0]}, "but has a, b"),
    ],
)
def test_samples_that_cannot_be_used_are_refused(tmp_path, vectors, more, said):
    folder = fiftyone(tmp_path / "out", vectors, **more)
    with pytest.raises(InputError) as error:
        load_encoder(f"embeddings:{folder}")
    assert said in str(error.value)


@pytest.mark.parametrize("content", ["{", "[1]", '{"samples": 1}', "[" * 100_000])
def test_other_json_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"samples of FiftyOne|cannot be read|no list of samples"):
        load_encoder(f"embeddings:{tmp_path / 'a.json'}")


def test_changed_parts_are_another_encoder(tmp_path):
    folder = clip_retrieval(tmp_path / "out")
    before = load_encoder(f"embeddings:{folder}").info.revision
    assert load_encoder(f"embeddings:{folder}").info.revision == before
    np.save(folder / "img_emb/img_emb_1.npy", FEATURES[2:] * 2)
    assert load_encoder(f"embeddings:{folder}").info.revision != before


def test_folders_of_img2dataset_are_photos_and_the_rest_is_counted(tmp_path):
    for number in range(4):
        folder = tmp_path / f"{number // 2:05}"
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (40, 40), (number * 50, 9, 9)).save(folder / f"{number:09}.jpg")
        (folder / f"{number:09}.json").write_text(json.dumps({"caption": "a photo", "key": f"{number:09}"}))
        (folder / f"{number:09}.txt").write_text("a photo")
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == [f"{n // 2:05}/{n:09}.jpg" for n in range(4)]
    assert report.others == {".json": 4, ".txt": 4}
    keys = [f"{number:09}" for number in range(4)]
    found = rows_of(clip_retrieval(tmp_path / "out", names=keys), *(image.id for image in report.images))
    np.testing.assert_array_equal(found.features, FEATURES)
