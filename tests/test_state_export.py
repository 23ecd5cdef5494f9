"""Exports hold what the revision holds, row by row, and never touch files that are not ours."""

from __future__ import annotations

import csv
import json
from pathlib import PurePosixPath

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kec_core.config import RunConfig
from kec_core.errors import InputError, StoreError
from kec_core.knowledge.edits import parse_script
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ScanReport
from kec_core.store import StageResult
from kec_core.types import Grounding, Knowledge
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from state.revisions.overview import Overview
from state.transfer.assignments import strongest_concepts
from state.transfer.export import export_project
from state.transfer.formats.names import safe_name
from tests.exports import (
    IDS,
    KAPPA,
    KNOWLEDGE,
    LABELS,
    RAW,
    commit,
    keep_results,
    read_json,
)

EDITS = ({"op": "rename_concept", "concept": "c002", "name": "Birds"},)

# --- tables


def test_a_table_row_per_photo(project, out):
    project.set_labels({"b/x.png": "dog", "d.png": "=bird"})
    report = export_project(project, out, ["csv", "parquet", "json"])
    expected = [
        ("=cmd().png", 0, "=Dogs/cats", "=Dogs/cats", None),
        ("b/x.png", 0, "=Dogs/cats", "=Dogs/cats", "dog"),
        ("c/X.png", 1, "Birds", "Birds", None),
        ("d.png", 1, "Birds", "Birds", "=bird"),
    ]
    keys = ("file", "cluster", "cluster_name", "concept", "label")
    for rows in (
        pq.read_table(out / "assignments.parquet").to_pylist(),
        read_json(out / "assignments.json")["assignments"],
    ):
        assert [tuple(row[key] for key in keys) for row in rows] == expected
        assert all(0.9 < row["confidence"] <= 1 for row in rows)
    assert report.images == 4
    assert report.skipped == ()
    assert set(report.to_json()) == {"out", "revision", "images", "files", "skipped", "kept", "notes"}
    assert json.loads(json.dumps(report.to_json()))["revision"] == "r1"


def test_csv_cells_cannot_become_formulas(project, out):
    project.set_labels({"d.png": "=bird"})
    export_project(project, out, ["csv"])
    with (out / "assignments.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "cluster", "cluster_name", "confidence", "concept", "label"]
    assert rows[1][0] == "'=cmd().png"
    assert rows[1][2] == "'=Dogs/cats"
    assert rows[4][5] == "'=bird"
    assert [row[1] for row in rows[1:]] == ["0", "0", "1", "1"]


def test_without_labels_there_is_no_label_column(project, out):
    export_project(project, out, ["parquet"])
    assert "label" not in pq.read_table(out / "assignments.parquet").column_names


def test_what_cameras_wrote_has_columns_of_its_own(project, out):
    images = project.images()
    exif = {images[1].id: Exif("2026-05-01T10:30:00", "Leica Q", Place(0.0, 13.4))}
    project.set_images(ScanReport(images=images, exif=exif))
    export_project(project, out, ["csv", "parquet"])
    table = pq.read_table(out / "assignments.parquet").to_pydict()
    assert table["camera"] == ["", "Leica Q", "", ""]
    assert table["longitude"] == [None, 13.4, None, None]
    assert table["latitude"] == [None, 0.0, None, None]
    with (out / "assignments.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["taken"] for row in csv.DictReader(file)][1] == "2026-05-01T10:30:00"


def test_confidence_is_the_simplified_silhouette():
    overview = Overview(
        labels=np.int32([0, 0, 0, 1]),
        own=np.float32([1.0, 0.75, 0.2, 1.0]),
        rival=np.float32([0.5, 0.5, 0.4, 1.0]),
        coherence=np.ones(2, np.float32),
        concepts=np.ones((2, 1), np.float32),
        votes=np.ones((2, 1), np.float32),
        concept_ids=("c001",),
    )
    assert np.allclose(overview.confidence, [1.0, 0.5, 0.0, 0.0])


def test_photos_without_concepts_have_an_empty_one():
    grounding = Grounding(
        omega=np.zeros((3, 0), np.float32), kappa=np.zeros((3, 2), np.float32), concept_ids=()
    )
    assert strongest_concepts(grounding, Knowledge()) == ("", "", "")


# --- knowledge, edits, features


def test_knowledge_and_edits_can_be_read_again(project, out):
    commit(project, keep_results(project), parent="r1", edits=EDITS)
    export_project(project, out, ["json"])
    assert Knowledge.from_json(read_json(out / "knowledge.json")) == KNOWLEDGE
    script = read_json(out / "edits.json")
    assert script == {"edits": [dict(EDITS[0])]}
    assert len(parse_script(script)) == 1
    result = read_json(out / "result.json")
    assert result["revision"] == "r2"
    assert result["clusters"] == [
        {"cluster": 0, "name": "=Dogs/cats", "images": 2},
        {"cluster": 1, "name": "Birds", "images": 2},
    ]
    assert RunConfig.from_json(result["config"]) == RunConfig()


def test_features_need_no_pickle_and_their_rows_belong_to_the_ids(project, out):
    export_project(project, out, ["npz"])
    with np.load(out / "features.npz", allow_pickle=False) as found:
        assert set(found) == {"ids", "labels", "x", "looks", "kappa"}
        assert found["ids"].tolist() == list(IDS)
        assert found["labels"].tolist() == LABELS.tolist()
        assert np.allclose(found["x"], RAW / np.linalg.norm(RAW, axis=1, keepdims=True), atol=1e-5)
        assert np.array_equal(found["looks"], found["x"])
        assert np.array_equal(found["kappa"], KAPPA)
        assert found["x"].dtype == np.float32


def test_an_earlier_revision_can_be_exported(project, out):
    commit(project, keep_results(project, np.int32([0, 1, 1, 1])), parent="r1")
    assert export_project(project, out, ["parquet"], revision="r1").revision == "r1"
    assert pq.read_table(out / "assignments.parquet")["cluster"].to_pylist() == LABELS.tolist()


# --- what cannot be exported


@pytest.mark.parametrize(("formats", "came"), [(["csv", "docx"], "'docx' came"), ([], "none came")])
def test_unknown_formats_are_refused_with_the_known_ones(project, out, formats, came):
    with pytest.raises(InputError, match=f"{came}; known formats: csv, parquet, json, npz, folders, report"):
        export_project(project, out, formats)
    assert not out.exists()


def test_a_project_without_a_result_is_told_to_run(tmp_path, out):
    with pytest.raises(InputError, match="'Empty' has no result to export yet; run it first"):
        export_project(Project.create(tmp_path / "empty", "Empty"), out, ["csv"])


def test_missing_or_unfitting_results_are_said(project, out):
    revision = revisions.current(project)
    project.store.save(
        "embed", "embed1", StageResult(arrays={"features": RAW[:3]}, data={"ids": list(IDS[:3])})
    )
    with pytest.raises(StoreError, match="The 4 rows of revision r1 do not fit its 4 photos"):
        export_project(project, out, ["csv"])
    project.store.save("cluster", "loose", StageResult(data={"method": "kmeans"}))
    loose = commit(project, "loose", parent=revision.id)
    with pytest.raises(StoreError, match=r"The ground result .* is missing .* run the project again"):
        load_features(project, loose)


# --- names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Red deer", "Red deer"),
        ("a/b\\c:d", "a b c d"),
        ("..", "unnamed"),
        (" .hidden. ", "hidden"),
        ("CON.txt", "_CON.txt"),
        ("new\nline\0", "new line"),
        ('<b>"hi"?*|', "b hi"),
        ("é" * 100, "é" * 60),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("😀", "😀"),
    ],
)
def test_names_suit_every_file_system(name, expected):
    assert safe_name(name) == expected


@given(st.text(max_size=20) | st.text("./\\ \0.:a", max_size=8) | st.text("é.", min_size=100, max_size=200))
def test_a_safe_name_is_one_part_of_a_path(name):
    safe = safe_name(name)
    assert safe
    assert PurePosixPath(safe).name == safe
    assert safe not in (".", "..")
    assert "\\" not in safe
    assert safe == safe.strip(" .")
    assert len(safe.encode("utf-8")) <= 121


def test_tables_open_in_excel_as_utf_8(project, out):
    export_project(project, out, ["csv", "folders"])
    for name in ("assignments.csv", "clusters.csv"):
        assert (out / name).read_bytes().startswith(b"\xef\xbb\xbf")


def test_what_needs_no_photos_is_exported_when_they_are_away(project, root, out):
    root.rename(root.with_name("elsewhere"))
    report = export_project(project, out, ["csv", "folders", "json", "npz", "parquet"])
    assert "assignments.csv" in report.files
    assert "features.npz" in report.files
    assert [item.path for item in report.skipped] == ["format folders"]
    assert "kec run FOLDER --project PROJECT" in report.skipped[0].reason


@pytest.mark.parametrize(
    ("name", "suffix"), [("?.jpg", ".jpg"), ("...png", ".png"), ("<>:.jpeg", ".jpeg"), (" .webp", ".webp")]
)
def test_a_name_of_nothing_but_odd_characters_keeps_its_suffix(name, suffix):
    assert safe_name(name) == f"unnamed{suffix}"
