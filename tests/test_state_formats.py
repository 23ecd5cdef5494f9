"""Formats of other tools: what is exported is read by the tool's own library, and comes back with labels and names equal."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
from pathlib import Path
from xml.dom import minidom

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest

from kec_core.errors import InputError
from kec_core.photos.images import scan_images
from state.project.project import Project
from state.revisions import revisions
from state.transfer.export import export_project
from state.transfer.formats import xmp
from state.transfer.formats.base import Source
from state.transfer.formats.table import FORMATS, READ, WRITTEN, read_labels
from state.transfer.label_files import labels_from_file
from tests.exports import IDS, commit, keep_results, make_zoo, read_json, two_concepts

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
    make_zoo(folder, two_concepts(NAMES))
    return folder


def records(root):
    return scan_images(root).images


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


@pytest.mark.parametrize("name", ["csv", "parquet", "excel"])
def test_names_of_groups_come_back_from_tables_without_labels(project, root, out, name):
    export_project(project, out, [name])
    file = next(path for path in out.iterdir() if path.name.startswith("assignments."))
    assert dict(labels_from_file(file, root, records(root)).labels) == CLUSTER_OF


def test_every_format_of_labels_is_tried_here_or_is_a_table(project):
    assert set(READ) - set(BACK) == {"csv", "parquet", "datasets", "json-lines"}
    assert set(BACK) <= set(WRITTEN)


def test_clusters_of_one_name_are_told_apart(project, root, out):
    one = revisions.current(project)
    commit(project, keep_results(project), parent=one.id, knowledge=two_concepts(("Bird", "Bird")))
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

    project.set_labels({"b/x.png": "=dog", "d.png": "00123"})
    export_project(project, out, ["hugging-face", "parquet"])
    split = datasets.load_dataset(
        "imagefolder", data_dir=str(out / "hugging-face"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert dict(zip(split["file"], split["label"], strict=True)) == CLUSTER_OF
    assert {row["file"]: row["image"].size for row in split} == {
        file: (40 + at, 30) for at, file in enumerate(IDS)
    }
    plain = pq.read_table(out / "assignments.parquet").to_pylist()
    rows = {row["file"]: row for row in plain}
    for row in split:
        told = rows.pop(row["file"])
        told |= {"label": told["cluster_name"], "own_label": told["label"]}
        assert [row[key] or "" for key in ("cluster", "label", "concept", "own_label")] == [
            told[key] or "" for key in ("cluster", "label", "concept", "own_label")
        ]
        assert row["confidence"] == pytest.approx(float(told["confidence"]))
    assert rows == {}
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


@pytest.mark.parametrize("beside", ["x.png.xmp", "x.xmp", "x.png.XMP", "X.Xmp"])
def test_a_photo_that_has_a_sidecar_gets_none_and_is_told(project, root, out, beside):
    (root / "b" / beside).write_text("mine")
    report = export_project(project, out, ["xmp"])
    assert [item.path for item in report.skipped] == ["xmp/b/x.png.xmp"]
    assert f"has a sidecar '{beside}' already" in report.skipped[0].reason
    assert not (out / "xmp/b/x.png.xmp").exists()
    assert (out / "xmp/d.png.xmp").exists()
    assert (root / "b" / beside).read_text() == "mine"


def test_a_link_in_the_place_of_a_sidecar_is_one_also_where_it_leads_nowhere(project, root, out, tmp_path):
    (root / "b/x.png.xmp").symlink_to(tmp_path / "away.xmp")
    assert [item.path for item in export_project(project, out, ["xmp"]).skipped] == ["xmp/b/x.png.xmp"]


def test_a_sidecar_is_called_as_its_photo_also_where_other_systems_take_no_such_name(tmp_path, out):
    odd = ("a.png", "b/a<1>: b?.png", "b/con.png", f"{'x' * 251}.png")
    make_zoo(tmp_path / "odd", ids=odd)
    report = export_project(Project.open(tmp_path / "odd"), out, ["xmp"])
    assert [item.path for item in report.skipped] == [f"xmp/{odd[3]}.xmp"]
    assert "is no name that files may have there (File name too long)" in report.skipped[0].reason
    found = {path.relative_to(out / "xmp").as_posix() for path in (out / "xmp").rglob("*.xmp")}
    assert found == {f"{one}.xmp" for one in odd[:3]}


_PLAIN = re.compile("<dc:subject>.*</dc:subject>", re.DOTALL)


_LIGHTROOM = re.compile("<lr:hier.*</lr:hierarchicalSubject>", re.DOTALL)


@pytest.mark.parametrize(
    ("rewrite", "sign"),
    [
        (lambda text: text, ""),
        (lambda text: _PLAIN.sub("", text), "|\u00a6"),
        (lambda text: _PLAIN.sub("", _LIGHTROOM.sub("", text)), "/\u2215"),
        (lambda text: re.sub(r' dc:source="(.*?)">', r"><dc:source>\1</dc:source>", text), ""),
    ],
    ids=["suffix in capitals", "no plain keyword", "digiKam's keyword alone", "attributes as elements"],
)
def test_sidecars_that_another_program_wrote_anew_are_read(project, root, out, rewrite, sign):
    """A name comes back as it is called, or, from a keyword alone, with the sign that stands for its separator."""
    export_project(project, out, ["xmp"])
    for path in sorted(out.rglob("*.xmp")):
        path.with_suffix(".XMP").write_text(rewrite(path.read_text("utf-8")), "utf-8")
        path.unlink()
    found = dict(labels_from_file(out / "xmp", root, records(root)).labels)
    assert found == {
        one: name.translate(str.maketrans(*sign)) if sign else name for one, name in CLUSTER_OF.items()
    }


def test_a_sidecar_with_two_clusters_gives_no_label_and_is_told(project, root, out):
    export_project(project, out, ["xmp"])
    path = out / "xmp/d.png.xmp"
    more = "<rdf:li>Clusters|dog</rdf:li>"
    path.write_text(path.read_text("utf-8").replace("<rdf:li>Clusters|", f"{more}<rdf:li>Clusters|"), "utf-8")
    found = labels_from_file(out / "xmp", root, records(root))
    assert set(found.labels) == set(IDS) - {"d.png"}
    assert (
        "With several keywords below Clusters, and so without a label: 1 photo, 'd.png' in the"
        in found.notes[1]
    )


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
    assert labels["labels"]["00000003"]["attributes"]["ground_truth"] == "finch"


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
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=photos/%3Dcmd%28%29.png"


@pytest.mark.parametrize("given", [".", "clusters"])
def test_a_copy_moved_to_another_folder_by_hand_has_the_label_of_that_folder(project, root, out, given):
    export_project(project, out, ["folders"])
    (out / "clusters/=Dogs cats   rats &  mice").rename(out / "clusters/Dogs")
    (out / "clusters/Dogs/x.png").rename(out / "clusters/Vögel 鳥/x.png")
    (out / "clusters/Dogs/=cmd().png").rename(out / "clusters/=cmd().png")
    found = labels_from_file(out / given, root, records(root))
    assert dict(found.labels) == dict.fromkeys(IDS[1:], NAMES[1])


@pytest.mark.parametrize(("between", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-8")])
def test_the_table_of_copies_may_be_saved_anew_by_a_spreadsheet(project, root, out, between, encoding):
    export_project(project, out, ["folders"])
    table = out / "clusters.csv"
    rows = list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))
    with table.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=between).writerows(rows)
    assert dict(labels_from_file(out, root, records(root)).labels) == CLUSTER_OF


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has nothing"),
        ("id,name\n1,a\n", "has 'id', 'name'"),
        ("copy,file,cluster_name\nclusters/a/a.png,a.png", "cut short with 2"),
    ],
)
def test_a_table_of_copies_that_is_none_is_one_sentence(project, root, out, text, said):
    export_project(project, out, ["folders"])
    (out / "clusters.csv").write_text(text)
    with pytest.raises(InputError, match=f"clusters.csv should say which copy is of which photo.*{said}"):
        labels_from_file(out, root, records(root))


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
    from state.revisions.clusterings import load_features
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
