"""Documents and workbooks that are odd or damaged: labels are read from them, or one sentence says why not."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from state.transfer.label_files import labels_from_file
from tests import photos

ODD = {
    "tasks.json": [
        ([{"data": {"image": "a.png"}, "annotations": 3}], None),
        ([{"data": {"image": "a.png"}, "annotations": [{"result": 3}]}], None),
        ([{"data": {"image": "a.png"}, "predictions": "x"}], None),
        ([{"data": {"image": "a.png"}, "annotations": [{"result": [{"type": "choices", "value": {"choices": [{}]}}]}]}], "one text"),
    ],
    "samples.json": [
        (
            {
                "samples": [
                    {"filepath": "a.png", "ground_truth": {"_cls": "Classification", "label": "dog"}},
                    {"filepath": "b.png", "ground_truth": 3},
                ]
            },
            {"a.png": "dog", "b.png": "3"},
        ),
    ],
    "coco.json": [
        ({"images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}], "annotations": [], "categories": []}, "images .* own id"),
        ({"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "categories .* own id"),
        ({"images": [None], "annotations": [], "categories": []}, "an entry is none of them"),
        ({"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "category_id": 10**400}], "categories": []}, "0… is missing|is missing"),
        ({"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": [{"id": 1, "name": ["x"]}]}, "one text"),
        ({"images": [{"id": 1, "file_name": "a.png"}], "annotations": [], "categories": []}, None),
    ],
    "l.jsonl": [([{"file": "a.png", "label": {"x": 1}}], "one text"), ([{"file": "a.png", "label": ""}], None)],
}  # fmt: skip


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in ODD.items() for case in cases])
def test_odd_documents_are_read_or_one_sentence(name, case, tmp_path):
    """None: no label is found, and that is said."""
    document, wanted = case
    for photo in ("a.png", "b.png"):
        photos.plain(tmp_path / "photos" / photo)
    (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    records = scan_images(tmp_path / "photos").images
    if isinstance(wanted, str):
        with pytest.raises(InputError, match=wanted):
            labels_from_file(tmp_path / name, tmp_path / "photos", records)
        return
    read = labels_from_file(tmp_path / name, tmp_path / "photos", records)
    assert read.labels == (wanted or {})
    assert wanted or "has a label there" in read.notes[-1]


@pytest.fixture
def workbook(tmp_path):
    """The entries of a sound workbook, and where to write them with some changed."""
    book = openpyxl.Workbook()
    for row in (["file", "label"], ["a.png", "dog"], ["b.png", "cat"]):
        book.active.append(row)
    book.save(tmp_path / "labels.xlsx")
    with zipfile.ZipFile(tmp_path / "labels.xlsx") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for photo in ("a.png", "b.png"):
        photos.plain(tmp_path / "photos" / photo)
    return entries, tmp_path / "labels.xlsx"


def read_or_refused(path):
    """Both labels, or "" when the file is refused in a sentence."""
    records = scan_images(path.parent / "photos").images
    try:
        return dict(labels_from_file(path, path.parent / "photos", records).labels)
    except InputError:
        return ""


@pytest.mark.parametrize("change", ["empty", "half", "junk", "other"])
def test_a_workbook_with_a_damaged_part_is_read_or_refused(workbook, change):
    entries, path = workbook
    made = {
        "empty": lambda part: b"",
        "half": lambda part: part[: len(part) // 2],
        "junk": lambda part: b"\xff\xfe<a",
    }
    refused = 0
    for name in entries:
        with zipfile.ZipFile(path, "w") as archive:
            for other, part in entries.items():
                archive.writestr(
                    other, made.get(change, lambda part: b"<root/>")(part) if other == name else part
                )
        found = read_or_refused(path)
        refused += not found
        assert found in ("", {"a.png": "dog", "b.png": "cat"})
    assert refused >= 3


def test_a_workbook_with_flipped_bytes_is_read_or_refused(workbook):
    path = workbook[1]
    whole, draw = path.read_bytes(), np.random.default_rng(0)
    for _ in range(30):
        content = bytearray(whole)
        for place in draw.integers(0, len(content), 8).tolist():
            content[place] ^= 0xFF
        path.write_bytes(content)
        assert read_or_refused(path) in ("", {"a.png": "dog", "b.png": "cat"})


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (pa.array([b"dog", b"cat"]), {"a.png": "dog", "b.png": "cat"}),
        (pa.array([10**15, 1], pa.timestamp("s")), ""),
        (pa.array([10**18, 1], pa.duration("s")), ""),
    ],
)
def test_odd_types_of_parquet_are_read_or_refused(workbook, labels, wanted):
    path = workbook[1].with_name("labels.parquet")
    pq.write_table(pa.table({"file": ["a.png", "b.png"], "label": labels}), path)
    assert read_or_refused(path) == wanted
