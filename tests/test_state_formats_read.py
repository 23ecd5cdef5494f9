"""Labels out of files that other programs wrote, and what is damaged or no such thing."""

from __future__ import annotations

import json
import re
import zipfile

import openpyxl
import pytest

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from state.transfer.label_files import labels_from_file
from tests import photos


def write_json(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def plain_records(ids):
    return tuple(ImageRecord(id=i, width=9, height=9, sha256=i, mode="RGB") for i in ids)


def label_studio(image, choices, **more):
    return {
        "id": 7,
        "data": {"image": image},
        "annotations": [{"result": [{"type": "choices", "value": {"choices": choices}}], **more}],
    }


SAID = [{"result": [{"type": "choices", "value": {"choices": ["cat"]}}]}]


def short_form(**said):
    """JSON-MIN of Label Studio, where what the task shows and what was said of it stand side by side."""
    return {"id": 1, "image": "/cat/1.jpg", **said, "annotator": 1, "annotation_id": 2, "created_at": "now"}


SAMPLE = {"_cls": "Classification", "label": "cat"}


COCO = {
    "images": [{"id": 5, "file_name": "cat/1.jpg"}, {"id": 6, "file_name": "dog/1.jpg"}],
    "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
    "annotations": [{"image_id": 5, "category_id": 3}, {"image_id": 5, "category_id": 3}],
}


@pytest.mark.parametrize(
    ("document", "labels"),
    [
        ({"classes": ["cat", "dog"], "labels": {"cat/1": 0, "dog/1": {"label": 1}}}, {"cat/1.jpg": "cat", "dog/1.jpg": "dog"}),
        ({"classes": None, "labels": {"/there/photos/cat/1.jpg": "cat"}}, {"cat/1.jpg": "cat"}),
        ({"samples": [{"filepath": "other/cat/1.jpg", "ground_truth": SAMPLE, "guess": {**SAMPLE, "label": "x"}}]}, {}),
        ({"samples": [{"filepath": "data/cat/1.jpg", "ground_truth": SAMPLE, "guess": {**SAMPLE, "label": "x"}}]}, {"cat/1.jpg": "cat"}),
        ({"samples": [{"filepath": "/data/cat/1.jpg", "anything": SAMPLE}]}, {"cat/1.jpg": "cat"}),
        ([label_studio("/data/local-files/?d=photos/cat/1.jpg", ["cat"])], {"cat/1.jpg": "cat"}),
        ([label_studio("s3://bucket/cat/1.jpg", ["cat"])], {"cat/1.jpg": "cat"}),
        ([label_studio("/data/upload/12/0a1b2c3d-top.jpg", ["top"])], {"top.jpg": "top"}),
        ([label_studio("/cat/1.jpg", ["cat"]), label_studio("/dog/1.jpg", ["x"], was_cancelled=True)], {"cat/1.jpg": "cat"}),
        ([{"image": "/cat/1.jpg", "id": 1, "choice": "cat", "annotator": 1, "annotation_id": 2}], {"cat/1.jpg": "cat"}),
        ([short_form(animal="cat")], {"cat/1.jpg": "cat"}),
        ([short_form(text="in a garden", label={"choices": ["cat"]})], {"cat/1.jpg": "cat"}),
        ([{"data": {"text": "in a garden", "photo": "/cat/1.jpg"}, "predictions": SAID}], {"cat/1.jpg": "cat"}),
        (COCO, {"cat/1.jpg": "cat"}),
        ([{"File": "top.jpg", "Label": "up"}], {"top.jpg": "up"}),
        ([{"file": "top.jpg", "cluster": 2, "cluster_name": "up"}], {"top.jpg": "up"}),
        ([{"file": "top.jpg", "label": "up"}, {"file": "cat/1.jpg", "label": None}], {"top.jpg": "up"}),
    ],
)  # fmt: skip
def test_json_of_other_programs_is_known_by_its_content(tmp_path, document, labels):
    ids = ("cat/1.jpg", "dog/1.jpg", "top.jpg")
    path = write_json(tmp_path / "some.json", document)
    if not labels:
        with pytest.raises(InputError, match="should name one photo"):
            labels_from_file(path, tmp_path / "photos", plain_records(ids))
    else:
        assert dict(labels_from_file(path, tmp_path / "photos", plain_records(ids)).labels) == labels


@pytest.mark.parametrize(
    ("ids", "meant"),
    [
        (("data/cat/1.jpg", "cat/1.jpg"), "data/cat/1.jpg"),
        (("data/cat/1.jpg", "x/cat/1.jpg"), "data/cat/1.jpg"),
        (("cat/1.jpg", "x/cat/1.jpg"), "cat/1.jpg"),
    ],
)
def test_a_photo_in_a_folder_called_data_comes_before_another_of_its_name(tmp_path, ids, meant):
    path = write_json(
        tmp_path / "samples.json", {"samples": [{"filepath": "data/cat/1.jpg", "truth": SAMPLE}]}
    )
    assert dict(labels_from_file(path, tmp_path / "photos", plain_records(ids)).labels) == {meant: "cat"}


def test_json_lines_are_a_table(tmp_path):
    path = tmp_path / "metadata.jsonl"
    path.write_text(
        '{"file_name": "cat/1.jpg", "label": "cat"}\n\n{"file_name": "gone.jpg", "label": "dog"}\n'
    )
    found = labels_from_file(path, tmp_path, plain_records(["cat/1.jpg"]))
    assert dict(found.labels) == {"cat/1.jpg": "cat"}
    assert "Of 2 rows of metadata.jsonl 1 name no photo in use" in found.notes[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_comes_in_any_form_of_unicode_and_texts_hold_any_end_of_line(tmp_path, encoding):
    lines = [{"file": "1.jpg", "label": "V\u00f6gel\u2028\u0085"}, {"file": "2.jpg", "label": "x"}]
    text = "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (tmp_path / "a.jsonl").write_bytes(text.encode(encoding))
    found = labels_from_file(tmp_path / "a.jsonl", tmp_path, plain_records(["1.jpg", "2.jpg"]))
    assert dict(found.labels) == {"1.jpg": "Vögel", "2.jpg": "x"}


def test_photos_with_several_categories_get_no_label_and_are_told(tmp_path):
    both = {**COCO, "annotations": [{"image_id": 5, "category_id": 3}, {"image_id": 5, "category_id": 4}]}
    path = write_json(tmp_path / "coco.json", both)
    found = labels_from_file(path, tmp_path, plain_records(["cat/1.jpg", "dog/1.jpg"]))
    assert dict(found.labels) == {}
    assert "With several categories, and so without a label: 1 photo, 'cat/1.jpg' in image 5." in found.notes


def test_what_people_said_counts_before_what_was_predicted(tmp_path):
    task = label_studio("/1.jpg", ["said"])
    task["predictions"] = [{"result": [{"type": "choices", "value": {"choices": ["guessed"]}}]}]
    silent = {**task, "data": {"image": "/2.jpg"}, "annotations": []}
    ids = plain_records(["1.jpg", "2.jpg"])
    both = labels_from_file(write_json(tmp_path / "a.json", [task, silent]), tmp_path, ids)
    assert dict(both.labels) == {"1.jpg": "said"}
    assert any("1 tasks have no annotation" in note for note in both.notes)
    alone = labels_from_file(write_json(tmp_path / "b.json", [silent]), tmp_path, ids)
    assert dict(alone.labels) == {"2.jpg": "guessed"}
    sample = {"filepath": "/1.jpg", "ground_truth": {**SAMPLE, "label": "said"}, "model": SAMPLE}
    truth = labels_from_file(write_json(tmp_path / "c.json", {"samples": [sample]}), tmp_path, ids)
    assert dict(truth.labels) == {"1.jpg": "said"}
    assert "Labels are those of the field ground_truth, not of model." in truth.notes


def test_splits_of_an_image_folder_are_read_together(tmp_path):
    for split, name in (("train", "a.jpg"), ("test", "b.jpg")):
        photos.plain(tmp_path / "set" / split / "photos" / name)
        (tmp_path / "set" / split / "metadata.csv").write_text(
            f"file_name,label\nphotos/{name},{split} one\n"
        )
    found = labels_from_file(tmp_path / "set", tmp_path / "photos", plain_records(["a.jpg", "b.jpg"]))
    assert dict(found.labels) == {"a.jpg": "train one", "b.jpg": "test one"}


def test_a_split_without_labels_is_told(tmp_path):
    for split, row in (("train", {"file_name": "a.jpg", "label": "x"}), ("test", {"file_name": "b.jpg"})):
        (tmp_path / "set" / split).mkdir(parents=True)
        (tmp_path / "set" / split / "metadata.jsonl").write_text(json.dumps(row))
    found = labels_from_file(tmp_path / "set", tmp_path / "photos", plain_records(["a.jpg", "b.jpg"]))
    assert dict(found.labels) == {"a.jpg": "x"}
    assert "Without labels, and so not used: test/metadata.jsonl." in found.notes


def test_an_image_folder_elsewhere_labels_photos_of_the_same_names(tmp_path):
    for name in ("cat/1.jpg", "dog/2.jpg"):
        photos.plain(tmp_path / "sorted" / name)
    found = labels_from_file(tmp_path / "sorted", tmp_path / "photos", plain_records(["1.jpg", "2.jpg"]))
    assert dict(found.labels) == {"1.jpg": "cat", "2.jpg": "dog"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"classes": ["cat"], "labels": {"a": 5}}', "should number its 1 classes from 0, but 5 came"),
        ("a.json", '{"classes": ["cat"', "begins like JSON but is damaged"),
        ("a.json", '{"other": 1}', "one of these formats was expected: csv, parquet"),
        ("a.json", "[" * 100_000, "begins like JSON but is damaged"),
        ("a.json", '[{"file": "a.jpg"}]', "one of these formats was expected"),
        ("a.json", b'{"classes": "\xff"}', "should be text in UTF-8"),
        ("a.json", json.dumps({**COCO, "annotations": [{"image_id": 9}]}), "that fit each other, but 9 is"),
        ("a.json", json.dumps({"samples": [{"filepath": "a.jpg"}]}), "one called ground_truth, but has none"),
        ("a.json", json.dumps({"samples": [{"filepath": "a", "x": SAMPLE, "y": SAMPLE}]}), "but has x, y"),
        ("a.json", '[{"file": "a.jpg", "label": "x", "label": "y"}]', "the key 'label' comes twice in one object"),
        ("a.jsonl", '{"file": "a.jpg", "label": "x"}\n\n{"file": "a', "is damaged (line 3: Unterminated string"),
        ("a.json", json.dumps({**COCO, "categories": [{"id": 3, "name": None}]}), "of the id '3' is empty; name it"),
        ("a.json", json.dumps([short_form(animal="cat", mood="good")]), "but 'animal', 'mood' may be it"),
        ("a.csv", ",".join(f"column {n}" for n in range(500)), "'column 11' and 488 more; add them"),
        ("set/metadata.jsonl", '{"file_name": "a.jpg", "text": "x"}', "but set/metadata.jsonl has not both"),
        ("a.xlsx", b"PK\3\4 and no more", "cannot be read as an Excel workbook"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("set/state.json", "{}", "should be a dataset saved on disk"),
        ("set/a.xmp", "<x", "should be an XMP sidecar"),
        ("set/a.xmp", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "should be an XMP sidecar"),
        ("set/note.txt", "", "one of these formats was expected"),
    ],
)  # fmt: skip
def test_damage_is_one_sentence_and_no_label_is_taken(tmp_path, name, content, said):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    source = path.parent if path.parent.name == "set" else path
    with pytest.raises(InputError, match=re.escape(said)):
        labels_from_file(source, tmp_path / "photos", plain_records(["a.jpg"]))


def test_captions_come_from_tables_only(tmp_path):
    path = write_json(tmp_path / "a.json", [{"file": "a.jpg", "caption": "a cat\non a mat"}])
    found = labels_from_file(path, tmp_path, plain_records(["a.jpg"]), column="caption")
    assert dict(found.labels) == {"a.jpg": "a cat\non a mat"}
    coco = write_json(tmp_path / "b.json", COCO)
    with pytest.raises(
        InputError,
        match=r"captions file of one of these formats was expected: csv, parquet, excel, json-lines",
    ):
        labels_from_file(coco, tmp_path, plain_records(["cat/1.jpg"]), column="caption")


def test_sheets_may_call_photos_in_any_of_the_ways_of_tables(tmp_path):
    book = openpyxl.Workbook()
    for sheet, name in ((book.active, "1.jpg"), (book.create_sheet("more"), "2.jpg")):
        sheet.append(["Filename", "Label"])
        sheet.append([name, "cat"])
    book.save(tmp_path / "a.xlsx")
    found = labels_from_file(tmp_path / "a.xlsx", tmp_path, plain_records(["1.jpg", "2.jpg"]))
    assert dict(found.labels) == {"1.jpg": "cat", "2.jpg": "cat"}


def test_all_sheets_of_labels_are_read_and_merged_cells_hold_one_value(tmp_path):
    book = openpyxl.Workbook()
    one, two = book.active, book.create_sheet("more")
    for row in (["file", "label"], ["a.jpg", "cat"], ["b.jpg", None]):
        one.append(row)
    one.merge_cells("B2:B3")
    for row in (["file", "label"], ["c.jpg", "dog"]):
        two.append(row)
    book.save(tmp_path / "a.xlsx")
    photos = plain_records(["a.jpg", "b.jpg", "c.jpg"])
    found = labels_from_file(tmp_path / "a.xlsx", tmp_path, photos)
    assert dict(found.labels) == {"a.jpg": "cat", "b.jpg": "cat", "c.jpg": "dog"}
    two.append(["a.jpg", "cow"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"'cat' in row 2 of sheet 'Sheet', 'cow' in row 3 of sheet 'more'"):
        labels_from_file(tmp_path / "a.xlsx", tmp_path, photos)


@pytest.mark.parametrize("merged", [False, True])
def test_formulas_without_a_value_are_counted_and_said(tmp_path, merged):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["file", "label", "note"],
        ["a.jpg", '=UPPER("cat")', "=1+1"],
        ["b.jpg", "dog", None],
        ["c.jpg", "=B3", None],
        ["d.jpg", None, "=1+1"],
        [None, "=B9", None],
    ):
        sheet.append(row)
    if merged:
        sheet.merge_cells("C2:C3")
    book.save(tmp_path / "a.xlsx")
    photos = plain_records(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    found = labels_from_file(tmp_path / "a.xlsx", tmp_path, photos)
    assert dict(found.labels) == {"b.jpg": "dog"}
    assert (
        "2 labels are formulas without a value in a.xlsx, taken as empty; open and save it in Excel or LibreOffice, "
        "or export it as CSV." in found.notes
    )
    computed = with_values(tmp_path / "a.xlsx", {"B2": "<v>CAT</v>", "B4": "<v></v>"})
    found = labels_from_file(computed, tmp_path, photos)
    assert dict(found.labels) == {"a.jpg": "CAT", "b.jpg": "dog"}
    assert not [note for note in found.notes if "formula" in note]


def with_values(path, values):
    """A copy of a workbook that Excel has saved: each formula with the text that it gives."""
    copy = path.with_name("computed.xlsx")
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(copy, "w") as saved:
        for name in book.namelist():
            content = book.read(name).decode()
            for cell, value in values.items():
                content = re.sub(rf'(<c r="{cell}")(><f>[^<]*</f>)<v ?/>', rf'\1 t="str"\2{value}', content)
            saved.writestr(name, content)
    return copy


def test_names_of_photos_that_are_formulas_without_a_value_are_refused(tmp_path):
    book = openpyxl.Workbook()
    for row in (["file", "label"], ['=C2&".jpg"', "cat"], ["b.jpg", "dog"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(
        InputError, match=r"1 name is a formula without a value in the file; open and save it in Excel"
    ):
        labels_from_file(tmp_path / "a.xlsx", tmp_path, plain_records(["a.jpg", "b.jpg"]))


def test_a_workbook_of_somebody_else_is_read_by_its_columns(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    sheet = book.create_sheet("two")
    for row in (["Label", "x", "File"], ["cat", 1, "a.jpg"], [None, None, None], [7, 2, "b.jpg"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    found = labels_from_file(tmp_path / "a.xlsx", tmp_path, plain_records(["a.jpg", "b.jpg"]))
    assert dict(found.labels) == {"a.jpg": "cat", "b.jpg": "7"}
