"""Formats of other tools: what is exported is read by the tool's own library, and comes back with labels and names equal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.dom import minidom

import numpy as np
import openpyxl
import pytest

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord, scan_images
from kec_core.types import Concept, Knowledge
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import NewRevision
from state.transfer.export import export_project
from state.transfer.formats import xmp
from state.transfer.formats.base import Source
from state.transfer.formats.table import FORMATS, READ, WRITTEN, read_labels
from state.transfer.label_files import labels_from_file
from tests import photos
from tests.test_state_export import IDS, keep_results

NAMES = ("=Dogs/cats | rats & <mice>", "Vögel 鳥")
"""Names that formats could take apart: separators of keywords, marks of XML, a formula, letters of other scripts."""
CLUSTER_OF = dict(zip(IDS, (NAMES[0], NAMES[0], NAMES[1], NAMES[1]), strict=True))
BACK = {
    "excel": None,
    "folders": "",
    "fiftyone": "fiftyone",
    "label-studio": "label-studio/tasks.json",
    "coco": "coco.json",
    "hugging-face": "hugging-face",
    "xmp": "xmp",
}
"""What of an export is given to ``--labels``; the Excel table has the person's labels, not the clusters."""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats") / "project"
    for number, name in enumerate(IDS):
        photos.plain(folder / "photos" / name, (number, 0, 0), size=(40 + number, 30))
    project = Project.create(folder, "Zoo")
    project.set_images_root(folder / "photos")
    project.set_images(scan_images(folder / "photos"))
    knowledge = Knowledge(
        concepts=(Concept(id="c001", name=NAMES[0]), Concept(id="c002", name=NAMES[1])), last_id=2
    )
    key = keep_results(project)
    from kec_core.config import RunConfig

    new = NewRevision(
        knowledge=knowledge, config=RunConfig(), clustering_fp=key, scan=project.last_scan, note="run"
    )
    revisions.commit(project, new, parent=None)
    return folder


@pytest.fixture
def project(tmp_path, template):
    shutil.copytree(template, tmp_path / "project")
    return Project.open(tmp_path / "project")


@pytest.fixture
def root(project):
    return project.images_root


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def records(root):
    return scan_images(root).images


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def plain_records(ids):
    return tuple(ImageRecord(id=i, width=9, height=9, sha256=i, mode="RGB") for i in ids)


# --- there and back


@pytest.mark.parametrize("name", [name for name in BACK if BACK[name] is not None])
def test_names_come_back_as_they_went(project, root, out, name):
    export_project(project, out, [name])
    back = labels_from_file(out / BACK[name], root, records(root))
    assert dict(back.labels) == CLUSTER_OF
    assert FORMATS[name].title in back.notes[0]


@pytest.mark.parametrize("name", ["csv", "parquet", "excel"])
def test_the_persons_labels_come_back_from_tables(project, root, out, name):
    labels = {"b/x.png": "=dog", "d.png": "00123"}
    project.set_labels(labels)
    export_project(project, out, [name])
    file = next(path for path in out.iterdir() if path.name.startswith("assignments."))
    assert dict(labels_from_file(file, root, records(root)).labels) == labels


def test_every_format_of_labels_is_tried_here_or_is_a_table(project):
    assert set(READ) - set(BACK) == {"csv", "parquet", "datasets", "json-lines"}
    assert set(BACK) <= set(WRITTEN)


def test_clusters_of_one_name_are_told_apart(project, root, out):
    one = revisions.current(project)
    knowledge = replace(
        one.knowledge, concepts=tuple(replace(c, name="Bird") for c in one.knowledge.concepts)
    )
    new = NewRevision(
        knowledge=knowledge, config=one.config, clustering_fp=keep_results(project), scan=one.scan, note="x"
    )
    revisions.commit(project, new, parent=one.id)
    export_project(project, out, ["fiftyone", "coco", "label-studio"])
    for part in ("fiftyone", "coco.json", "label-studio/tasks.json"):
        assert len(set(labels_from_file(out / part, root, records(root)).labels.values())) == 2


# --- read by the tools' own libraries


def test_coco_is_read_by_pycocotools(project, out):
    from pycocotools.coco import COCO

    export_project(project, out, ["coco"])
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(out / "coco.json"))
    found = {}
    for category in coco.loadCats(coco.getCatIds()):
        for image in coco.loadImgs(coco.getImgIds(catIds=[category["id"]])):
            found[image["file_name"]] = category["name"]
            assert (image["width"], image["height"]) == (40 + IDS.index(image["file_name"]), 30)
    assert found == CLUSTER_OF


def test_the_image_folder_is_read_by_datasets_and_a_dataset_it_saves_is_read_here(
    project, root, out, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    import datasets

    export_project(project, out, ["hugging-face"])
    split = datasets.load_dataset(
        "imagefolder", data_dir=str(out / "hugging-face"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert dict(zip(split["file"], split["label"], strict=True)) == CLUSTER_OF
    assert {row["file"]: row["image"].size for row in split} == {
        file: (40 + at, 30) for at, file in enumerate(IDS)
    }
    saved = split.class_encode_column("label")
    saved.save_to_disk(str(tmp_path / "saved"))
    datasets.DatasetDict(train=saved, test=saved.select([0])).save_to_disk(str(tmp_path / "splits"))
    for folder in ("saved", "splits"):
        back = labels_from_file(tmp_path / folder, root, records(root))
        assert dict(back.labels) == CLUSTER_OF
        assert "Hugging Face dataset on disk" in back.notes[0]


def test_excel_holds_texts_and_no_formulas(project, out):
    project.set_labels({"d.png": "=1+1"})
    export_project(project, out, ["excel"])
    book = openpyxl.load_workbook(out / "assignments.xlsx")
    cells = {cell.coordinate: cell for row in book["photos"].iter_rows() for cell in row}
    assert [cells[f"{column}1"].value for column in "ABCDEF"] == [
        "file",
        "cluster",
        "cluster_name",
        "confidence",
        "concept",
        "label",
    ]
    assert (cells["A2"].value, cells["A2"].data_type) == ("=cmd().png", "s")
    assert (cells["F5"].value, cells["F5"].data_type) == ("=1+1", "s")
    assert not [cell for cell in cells.values() if cell.data_type == "f"]
    assert list(book["clusters"].iter_rows(min_row=2, values_only=True)) == [
        (0, NAMES[0], 2),
        (1, NAMES[1], 2),
    ]


def test_a_sidecar_says_the_name_where_lightroom_digikam_and_darktable_look(project, root, out):
    before = {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    export_project(project, out, ["xmp"])
    document = minidom.parse(str(out / "xmp/b/x.png.xmp"))

    def words(field):
        return [
            li.firstChild.data
            for li in document.getElementsByTagName(field)[0].getElementsByTagName("rdf:li")
        ]

    assert words("dc:subject") == [NAMES[0]]
    assert words("lr:hierarchicalSubject") == ["Clusters|=Dogs/cats ¦ rats & <mice>"]
    assert words("digiKam:TagsList") == ["Clusters/=Dogs\u2215cats | rats & <mice>"]
    assert {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()} == before


@pytest.mark.parametrize("beside", ["x.png.xmp", "x.xmp"])
def test_a_photo_that_has_a_sidecar_gets_none_and_is_told(project, root, out, beside):
    (root / "b" / beside).write_text("mine")
    report = export_project(project, out, ["xmp"])
    assert [item.path for item in report.skipped] == ["xmp/b/x.png.xmp"]
    assert f"has a sidecar '{beside}' already" in report.skipped[0].reason
    assert not (out / "xmp/b/x.png.xmp").exists()
    assert (out / "xmp/d.png.xmp").exists()
    assert (root / "b" / beside).read_text() == "mine"


def test_names_that_xml_cannot_hold_become_readable_sidecars():
    minidom.parseString(xmp.sidecar("a\x00b\x1b\ud800", "c\x01.jpg"))
    assert b">unnamed<" in xmp.sidecar("\x00", "c.jpg")


def test_fiftyone_finds_every_photo_where_it_lies(project, root, out):
    """By the rules of FiftyOneImageClassificationDataset: keys without suffix, a manifest, numbers of classes."""
    project.set_labels({"d.png": "finch"})
    export_project(project, out, ["fiftyone"])
    labels, manifest = read_json(out / "fiftyone/labels.json"), read_json(out / "fiftyone/data.json")
    assert all(os.path.splitext(key)[0] == key for key in labels["labels"])  # noqa: PTH122 - as FiftyOne cuts keys
    assert labels["labels"].keys() == manifest.keys()
    found = {manifest[key]: labels["classes"][one["label"]] for key, one in labels["labels"].items()}
    assert found == {str(root / file): name for file, name in CLUSTER_OF.items()}
    assert all(Path(path).is_file() for path in found)
    assert labels["labels"]["00000003"]["attributes"]["label"] == "finch"


def test_tasks_fit_the_interface_that_comes_with_them(project, out):
    """As Label Studio checks an import: names of the controls, their type, and choices that the interface has."""
    project.set_labels({"d.png": "finch"})
    export_project(project, out, ["label-studio"])
    view = minidom.parse(str(out / "label-studio/interface.xml"))
    control = view.getElementsByTagName("Choices")[0]
    image = view.getElementsByTagName("Image")[0]
    choices = [choice.getAttribute("value") for choice in view.getElementsByTagName("Choice")]
    tasks = read_json(out / "label-studio/tasks.json")
    results = [
        r for t in tasks for kind in ("predictions", "annotations") for p in t[kind] for r in p["result"]
    ]
    assert len(results) == 5
    for result in results:
        assert result["from_name"] == control.getAttribute("name")
        assert result["to_name"] == control.getAttribute("toName") == image.getAttribute("name")
        assert set(result["value"]["choices"]) <= set(choices)
    assert all(image.getAttribute("value").removeprefix("$") in task["data"] for task in tasks)
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=%3Dcmd%28%29.png"


# --- what other programs write


def label_studio(image, choices, **more):
    return {
        "id": 7,
        "data": {"image": image},
        "annotations": [{"result": [{"type": "choices", "value": {"choices": choices}}], **more}],
    }


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
        ({"samples": [{"filepath": "data/cat/1.jpg", "ground_truth": SAMPLE, "guess": {**SAMPLE, "label": "x"}}]}, {}),
        ({"samples": [{"filepath": "/data/cat/1.jpg", "anything": SAMPLE}]}, {"cat/1.jpg": "cat"}),
        ([label_studio("/data/local-files/?d=photos/cat/1.jpg", ["cat"])], {"cat/1.jpg": "cat"}),
        ([label_studio("s3://bucket/cat/1.jpg", ["cat"])], {"cat/1.jpg": "cat"}),
        ([label_studio("/data/upload/12/0a1b2c3d-top.jpg", ["top"])], {"top.jpg": "top"}),
        ([label_studio("/cat/1.jpg", ["cat"]), label_studio("/dog/1.jpg", ["x"], was_cancelled=True)], {"cat/1.jpg": "cat"}),
        ([{"image": "/cat/1.jpg", "id": 1, "choice": "cat", "annotator": 1, "annotation_id": 2}], {"cat/1.jpg": "cat"}),
        (COCO, {"cat/1.jpg": "cat"}),
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


def test_json_lines_are_a_table(tmp_path):
    path = tmp_path / "metadata.jsonl"
    path.write_text(
        '{"file_name": "cat/1.jpg", "label": "cat"}\n\n{"file_name": "gone.jpg", "label": "dog"}\n'
    )
    found = labels_from_file(path, tmp_path, plain_records(["cat/1.jpg"]))
    assert dict(found.labels) == {"cat/1.jpg": "cat"}
    assert "1 of 2 rows of metadata.jsonl name no photo in use" in found.notes[-1]


def test_photos_with_several_categories_get_no_label_and_are_told(tmp_path):
    both = {**COCO, "annotations": [{"image_id": 5, "category_id": 3}, {"image_id": 5, "category_id": 4}]}
    path = write_json(tmp_path / "coco.json", both)
    found = labels_from_file(path, tmp_path, plain_records(["cat/1.jpg", "dog/1.jpg"]))
    assert dict(found.labels) == {}
    assert "1 photos have several categories and get no label: 'cat/1.jpg' in image 5." in found.notes


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


def test_a_copy_moved_to_another_folder_by_hand_has_the_label_of_that_folder(project, root, out):
    export_project(project, out, ["folders"])
    (out / "clusters/=Dogs cats   rats &  mice").rename(out / "clusters/Dogs")
    (out / "clusters/Dogs/x.png").rename(out / "clusters/Vögel 鳥/x.png")
    (out / "clusters/Dogs/=cmd().png").rename(out / "clusters/=cmd().png")
    found = labels_from_file(out, root, records(root))
    assert dict(found.labels) == dict.fromkeys(IDS[1:], NAMES[1])


def test_an_image_folder_elsewhere_labels_photos_of_the_same_names(tmp_path):
    for name in ("cat/1.jpg", "dog/2.jpg"):
        photos.plain(tmp_path / "sorted" / name)
    found = labels_from_file(tmp_path / "sorted", tmp_path / "photos", plain_records(["1.jpg", "2.jpg"]))
    assert dict(found.labels) == {"1.jpg": "cat", "2.jpg": "dog"}


# --- what is damaged or no such thing


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


def test_a_workbook_of_somebody_else_is_read_by_its_columns(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    sheet = book.create_sheet("two")
    for row in (["Label", "x", "File"], ["cat", 1, "a.jpg"], [None, None, None], [7, 2, "b.jpg"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    found = labels_from_file(tmp_path / "a.xlsx", tmp_path, plain_records(["a.jpg", "b.jpg"]))
    assert dict(found.labels) == {"a.jpg": "cat", "b.jpg": "7"}


def test_more_photos_than_excel_has_rows_are_refused_before_anything_is_written(project, out, monkeypatch):
    monkeypatch.setattr("state.transfer.formats.excel._MOST_ROWS", 3)
    with pytest.raises(InputError, match="holds 3 rows, but there are 4 photos; export csv or parquet"):
        export_project(project, out, ["excel"])
    assert not out.exists()


def test_a_photo_that_is_gone_has_no_line_in_the_image_folder(project, root, out):
    (root / "d.png").unlink()
    report = export_project(project, out, ["hugging-face"])
    lines = [json.loads(line) for line in (out / "hugging-face/metadata.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == list(IDS[:3])
    assert [item.path for item in report.skipped] == ["hugging-face/photos/d.png"]


def test_the_page_of_formats_says_what_each_is_written_as_and_read_from():
    text = (Path(__file__).parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert {name: (written != "no", read != "no") for name, written, read in rows} == {
        name: (one.write is not None, one.read is not None) for name, one in FORMATS.items()
    }


@pytest.mark.parametrize("name", WRITTEN)
def test_the_page_of_formats_names_the_files_of_each(project, name):
    from state.revisions.features import load_features
    from state.transfer.assignments import load_assignments
    from state.transfer.formats.base import Content

    revision = revisions.current(project)
    features = load_features(project, revision)
    table = load_assignments(project, revision, features)
    content = Content(project=project, revision=revision, features=features, table=table)
    text = (Path(__file__).parent.parent / "docs" / "formats.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{name}` \| (.+?) \|", text, re.MULTILINE)[1]
    for file in FORMATS[name].write(content):
        top = file if "/" not in file else file.split("/")[0] + "/"
        assert top in row


def test_a_folder_that_was_exported_in_every_format_is_read(project, root, out):
    export_project(project, out, [name for name in WRITTEN if name != "model"])
    name, _ = read_labels(Source(out))
    assert name in READ
    assert np.isin(list(labels_from_file(out, root, records(root)).labels.values()), NAMES).all()
