"""Exports hold what the revision holds, row by row, and never touch files that are not ours."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import PurePosixPath

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kec_core.clustering import fuse
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.knowledge.edits import parse_script
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ScanReport, scan_images
from kec_core.store import StageResult
from kec_core.types import Clustering, Concept, Grounding, Knowledge, Scores
from state.project.project import Project
from state.revisions import revisions
from state.revisions.features import load_features
from state.revisions.overview import Overview, compute_overview, save_overview
from state.revisions.revisions import NewRevision
from state.transfer import export_files
from state.transfer.assignments import strongest_concepts
from state.transfer.export import export_project
from state.transfer.export_files import MANIFEST
from state.transfer.formats.names import safe_name
from tests import photos

IDS = ("=cmd().png", "b/x.png", "c/X.png", "d.png")
RAW = np.float32([[3, 0], [4, 0.3], [0, 2], [0.2, 5]])
OMEGA = np.float32([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
KAPPA = np.float32([[1, 0], [1, 0], [0, 1], [0, 1]])
LABELS = np.int32([0, 0, 1, 1])
KNOWLEDGE = Knowledge(
    concepts=(Concept(id="c001", name="=Dogs/cats"), Concept(id="c002", name="Birds")), last_id=2
)
EDITS = ({"op": "rename_concept", "concept": "c002", "name": "Birds"},)


def keep_results(project, labels=LABELS):
    """What a run leaves in the store, without a run; returns the clustering's key."""
    store = project.store
    clustering = Clustering(
        labels=labels, centroids=np.eye(2, 4, dtype=np.float32), objective=1.0, method="kmeans", seed=0
    )
    grounding = Grounding(omega=OMEGA, kappa=KAPPA, concept_ids=("c001", "c002"))
    key = "cluster" + "".join(map(str, labels))
    store.save("embed", "embed1", StageResult(arrays={"features": RAW}, data={"ids": list(IDS)}))
    defaults = EncoderDefaults().to_json()
    store.save(
        "ground",
        "ground1",
        StageResult(
            arrays={"omega": OMEGA, "kappa": KAPPA},
            data={"concept_ids": ["c001", "c002"], "embed": "embed1", "defaults": defaults},
        ),
    )
    data = {"objective": 1.0, "method": "kmeans", "seed": 0, "note": "", "ground": "ground1"}
    arrays = {"labels": clustering.labels, "centroids": clustering.centroids}
    store.save("cluster", key, StageResult(arrays=arrays, data=data))
    x = RAW / np.linalg.norm(RAW, axis=1, keepdims=True)
    save_overview(project, key, compute_overview(x, fuse(x, grounding.kappa, 1.0), grounding, clustering))
    return key


def commit(project, key, parent=None, **fields):
    new = NewRevision(
        knowledge=KNOWLEDGE,
        config=RunConfig(),
        clustering_fp=key,
        scan=project.last_scan,
        note="run",
        **fields,
    )
    return revisions.commit(project, new, parent=parent)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "project"
    for number, name in enumerate(IDS):
        photos.plain(folder / "photos" / name, (number, 0, 0))
    made = Project.create(folder, "Zoo")
    made.set_images_root(folder / "photos")
    made.set_images(scan_images(folder / "photos"))
    commit(made, keep_results(made), scores=Scores(acc=1.0, nmi=0.5, ari=0.25))
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


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


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
    assert set(report.to_json()) == {"out", "revision", "images", "files", "skipped", "notes"}
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


# --- folders


def test_every_photo_is_copied_into_the_folder_of_its_cluster(project, root, out):
    report = export_project(project, out, ["folders"])
    assert files(out / "clusters") == [
        "=Dogs cats/=cmd().png",
        "=Dogs cats/x.png",
        "Birds/X.png",
        "Birds/d.png",
    ]
    assert set(report.files) == {"clusters/", "clusters.csv"}
    copied = out / "clusters" / "Birds" / "X.png"
    assert not copied.is_symlink()
    assert copied.read_bytes() == (root / "c/X.png").read_bytes()


def test_photos_of_one_name_in_one_cluster_are_numbered(project, root, out):
    commit(project, keep_results(project, np.int32([0, 1, 1, 1])), parent="r1")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["X (2).png", "d.png", "x.png"]
    assert (out / "clusters/Birds/X (2).png").read_bytes() == (root / "c/X.png").read_bytes()


def test_photos_may_be_linked_instead(project, root, out):
    export_project(project, out, ["folders"], link=True)
    place = out / "clusters" / "Birds" / "d.png"
    assert place.is_symlink()
    assert place.resolve() == (root / "d.png").resolve()


def test_a_photo_that_is_gone_is_listed_and_no_earlier_copy_is_removed(project, root, out):
    export_project(project, out, ["folders"])
    commit(project, keep_results(project, np.int32([0, 0, 0, 1])), parent="r1")
    (root / "c/X.png").unlink()
    report = export_project(project, out, ["folders"])
    assert [item.reason for item in report.skipped] == [
        "the photo 'c/X.png' is not in the photo folder any more"
    ]
    assert "clusters/Birds/X.png" in files(out)
    photos.plain(root / "c/X.png")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["d.png"]


def test_when_all_photos_have_moved_the_person_is_told(project, root, out):
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(InputError, match=r"None of the 4 photos is in .*photos any more.*link the project"):
        export_project(project, out, ["folders"])
    assert not out.exists()
    assert export_project(project, out, ["csv"]).files == ("assignments.csv",)


def test_a_photo_that_leads_out_of_the_photo_folder_is_not_exported(project, root, out, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (root / "d.png").unlink()
    (root / "d.png").symlink_to(tmp_path / "secret")
    report = export_project(project, out, ["folders"])
    assert [item.path for item in report.skipped] == ["clusters/Birds/d.png"]


# --- the folder exported to


def test_an_earlier_export_is_replaced_and_what_it_had_more_is_removed(project, out):
    export_project(project, out, ["csv", "folders"])
    commit(project, keep_results(project, np.int32([0, 0, 0, 0])), parent="r1")
    export_project(project, out, ["folders", "json"])
    assert files(out) == sorted(
        [
            MANIFEST,
            "assignments.csv",
            "assignments.json",
            "clusters.csv",
            "edits.json",
            "knowledge.json",
            "result.json",
        ]
        + [f"clusters/=Dogs cats/{name}" for name in ("=cmd().png", "X (2).png", "d.png", "x.png")]
    )
    assert not (out / "clusters" / "Birds").exists()


def test_files_of_others_are_never_touched(project, out):
    out.mkdir()
    (out / "assignments.csv").write_text("mine")
    with pytest.raises(InputError, match="holds other files; choose another folder, nothing was changed"):
        export_project(project, out, ["csv"])
    assert files(out) == ["assignments.csv"]
    assert (out / "assignments.csv").read_text() == "mine"


def test_files_added_to_an_earlier_export_are_never_touched(project, out):
    export_project(project, out, ["folders"])
    (out / "clusters" / "Birds" / "mine.txt").write_text("mine")
    (out / "assignments.csv").write_text("mine")
    with pytest.raises(
        InputError, match=r"assignments.csv is not a file of an earlier export, so it is not replaced"
    ):
        export_project(project, out, ["csv"])
    assert (out / "assignments.csv").read_text() == "mine"
    commit(project, keep_results(project, np.int32([0, 0, 0, 0])), parent="r1")
    export_project(project, out, ["folders"])
    assert files(out / "clusters" / "Birds") == ["mine.txt"]


def test_a_link_inside_the_folder_does_not_lead_an_export_out(project, out, tmp_path):
    export_project(project, out, ["csv"])
    (tmp_path / "else").mkdir()
    (out / "clusters").symlink_to(tmp_path / "else")
    with pytest.raises(InputError, match="is not replaced"):
        export_project(project, out, ["folders"])
    assert files(tmp_path / "else") == []


@pytest.mark.parametrize(
    "content",
    [
        '{"files": {"csv": ["../victim"]}}',
        '{"files": {"csv": ["/etc/passwd"]}}',
        "[]",
        "no json",
        '{"files": 7}',
    ],
)
def test_a_list_of_files_that_is_not_ours_removes_nothing(project, out, tmp_path, content):
    out.mkdir()
    (tmp_path / "victim").write_text("mine")
    (out / MANIFEST).write_text(content)
    with pytest.raises(InputError, match="should list the files of an earlier export"):
        export_project(project, out, ["csv"])
    assert (tmp_path / "victim").read_text() == "mine"
    assert files(out) == [MANIFEST]


def test_a_file_as_folder_is_refused(project, out):
    out.write_text("mine")
    with pytest.raises(InputError, match="cannot be used"):
        export_project(project, out, ["csv"])
    assert out.read_text() == "mine"


def test_an_export_that_was_stopped_can_be_made_again(project, out):
    def stop(done, total, label):
        assert (total, label) == (6, "Exporting")
        if done == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        export_project(project, out, ["csv", "folders"], progress=stop)
    assert len(files(out)) == 4
    export_project(project, out, ["csv", "folders"])
    assert len(files(out)) == 7


def test_a_full_disk_is_said_and_the_earlier_file_stays_whole(project, out, monkeypatch):
    export_project(project, out, ["csv"])
    before = (out / "assignments.csv").read_bytes()

    def full(file, header, rows):
        file.write("half a")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("state.transfer.formats.tables.write_csv", full)
    with pytest.raises(StoreError, match=r"assignments.csv could not be written \(the disk is full\)"):
        export_project(project, out, ["csv"])
    assert (out / "assignments.csv").read_bytes() == before
    assert files(out) == ["assignments.csv", MANIFEST]


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


def test_the_scanner_knows_an_export_by_its_mark(project, out, root):
    export_project(project, root / "export", ["folders"])
    assert [image.id for image in scan_images(root).images] == list(IDS)
    assert export_files.MANIFEST == "kec-export.json"


# --- copies that still say what they are


def test_copies_keep_their_date_and_a_table_says_which_photo_each_is(project, root, out):
    os.utime(root / "d.png", (1_000_000_000, 1_000_000_000))
    commit(project, keep_results(project, np.int32([0, 1, 1, 1])), parent="r1")
    export_project(project, out, ["folders"])
    assert (out / "clusters/Birds/d.png").stat().st_mtime == 1_000_000_000
    with (out / "clusters.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["copy"]: row["file"] for row in rows} == {
        "clusters/=Dogs cats/=cmd().png": "'=cmd().png",
        "clusters/Birds/x.png": "b/x.png",
        "clusters/Birds/X (2).png": "c/X.png",
        "clusters/Birds/d.png": "d.png",
    }


def test_a_photo_that_is_gone_is_no_copy_in_the_table(project, root, out):
    (root / "d.png").unlink()
    export_project(project, out, ["folders"])
    assert "d.png" not in (out / "clusters.csv").read_text(encoding="utf-8-sig")


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


def test_that_links_are_not_read_again_is_said(project, out):
    assert "kec run reads no links" in export_project(project, out, ["folders"], link=True).notes[0]
    assert export_project(project, out, ["folders"]).notes == ()


@pytest.mark.parametrize(
    ("name", "suffix"), [("?.jpg", ".jpg"), ("...png", ".png"), ("<>:.jpeg", ".jpeg"), (" .webp", ".webp")]
)
def test_a_name_of_nothing_but_odd_characters_keeps_its_suffix(name, suffix):
    assert safe_name(name) == f"unnamed{suffix}"
