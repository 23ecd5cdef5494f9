"""FiftyOne: what its own library wrote is read with equal labels and vectors, and it reads what is exported.

``tests/fiftyone_library.py`` says how the files of ``tests/fiftyone_wrote`` are made again.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kec_core.encoders import load_encoder
from kec_core.photos.images import scan_images
from state.transfer.export import export_project
from state.transfer.label_files import labels_from_file
from tests import photos
from tests.exports import IDS, make_zoo, read_json, two_concepts
from tests.fiftyone_library import LABELS, VECTORS, WROTE

NAMES = ("Dogs/cats | rats", "Vögel 鳥")
LABELLED = {name: label for name, label in LABELS.items() if label is not None}
FLAT = {"1.png": "cats/1.png", "2.png": "cats/2.png", "1-2.png": "dogs/1.png", "鳥 é.png": "Vögel/鳥 é.png"}
"""What FiftyOne calls copies that it puts into one folder."""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fiftyone") / "project"
    make_zoo(folder, two_concepts(NAMES))
    return folder


@pytest.fixture
def folder(tmp_path):
    for name in LABELS:
        photos.plain(tmp_path / "photos" / name)
    return tmp_path / "photos"


def labels(name, folder):
    return labels_from_file(WROTE / name, folder, scan_images(folder).images)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in WROTE.iterdir() if path.is_dir() and "flat" not in path.name)
)
def test_labels_that_fiftyone_wrote_are_read_as_they_were(folder, name):
    read, mark = labels(name, folder), "?" * (name == "classes-details")
    wanted = {photo: label + mark for photo, label in LABELLED.items()}
    if name == "classes-several":
        del wanted["dogs/1.png"]
        assert any("several classifications" in note and "dogs/1.png" in note for note in read.notes)
    assert dict(read.labels) == wanted
    is_told = any("1 name no photo in use" in note and "/gone/0" in note for note in read.notes)
    assert is_told != (name in ("classes-copies", "samples-copies", "samples-legacy"))


@pytest.mark.parametrize("name", ["samples", "samples-copies", "samples-legacy", "samples-one"])
def test_vectors_that_fiftyone_wrote_are_read_as_they_were(folder, name):
    """Packed arrays, or lists where there are only these, in an export with copies or without."""
    found = load_encoder(f"embeddings:{WROTE / name}").rows_of([(one, one) for one in LABELS], folder)
    assert not found.reasons
    np.testing.assert_array_equal(found.features, np.array(list(VECTORS.values()), np.float32))


@pytest.mark.parametrize("top", ["data", ".", ".."])
def test_copies_in_one_folder_are_found_from_it_and_from_above(tmp_path, top):
    exported = tmp_path / "all" / "out"
    for name in FLAT:
        photos.plain(exported / "data" / name)
    for name in ("classes-flat/labels.json", "samples-flat/samples.json"):
        (exported / Path(name).name).write_bytes((WROTE / name).read_bytes())
    root = (exported / top).resolve()
    records = scan_images(root).images
    original = {one.id: FLAT[Path(one.id).name] for one in records}
    wanted = {one: LABELLED[name] for one, name in original.items() if name in LABELLED}
    for file in ("labels.json", "samples.json"):
        assert dict(labels_from_file(exported / file, root, records).labels) == wanted
    found = load_encoder(f"embeddings:{exported}").rows_of([(one, one) for one in original], root)
    np.testing.assert_array_equal(found.features, np.float32([VECTORS[name] for name in original.values()]))


def test_the_truth_is_taken_also_where_it_is_a_list(tmp_path, folder):
    document = read_json(WROTE / "samples-one/samples.json")
    for sample in document["samples"]:
        sample["guess"] = {"_cls": "Classification", "label": "guess"}
        if "one" in sample:
            sample["ground_truth"] = sample.pop("one")
    (tmp_path / "samples.json").write_text(json.dumps(document), encoding="utf-8")
    found = labels_from_file(tmp_path / "samples.json", folder, scan_images(folder).images)
    assert dict(found.labels) == LABELLED


def test_attributes_are_called_like_no_field_of_fiftyone(project, out):
    """It refuses a whole dataset with one that is."""
    project.set_labels({"d.png": "finch"})
    export_project(project, out, ["fiftyone"])
    found = read_json(out / "fiftyone/labels.json")["labels"].values()
    assert not {name for one in found for name in one["attributes"]} & set(read_json(WROTE / "fields.json"))


@pytest.mark.skipif(
    "FIFTYONE_PYTHON" not in os.environ,
    reason="FIFTYONE_PYTHON names no Python with FiftyOne; tests/fiftyone_library.py says how to install it",
)
def test_fiftyone_reads_what_is_exported(project, root, out):
    project.set_labels({"d.png": "finch"})
    export_project(project, out, ["fiftyone", "json"])
    done = subprocess.run(
        [os.environ["FIFTYONE_PYTHON"], "tests/fiftyone_library.py", str(out / "fiftyone")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    assert read["classes"] == list(NAMES)
    assert set(read["samples"]) == {str(root / name) for name in IDS}
    for row in read_json(out / "assignments.json")["assignments"]:
        found = read["samples"][str(root / row["file"])]
        wanted = {name: row[name] for name in ("file", "cluster", "confidence", "concept")}
        wanted |= {"label": row["cluster_name"]} | (
            {"ground_truth": "finch"} if row["file"] == "d.png" else {}
        )
        assert {name: value for name, value in found.items() if value is not None} == wanted
