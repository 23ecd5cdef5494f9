"""Label Studio: what version 1.23.2 itself wrote is read with equal labels, and it finds the photos of what is exported.

``tests/label_studio_wrote`` is one project of five tasks with a control called "kind", exported in four ways: one task
has no annotation, one has two choices.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from state.project.project import Project
from state.transfer.export import export_project
from state.transfer.label_files import labels_from_file
from tests.exports import make_zoo, read_json, two_concepts

WROTE = Path(__file__).parent / "label_studio_wrote"
LABELS = {"tench/000.jpg": "tench", "church/b c.jpg": "kirk, church", "tench/Ünï & <odd>.jpg": "tench"}
IDS = [*LABELS, "church/none.jpg", "church/two.jpg"]
HEADER = "annotation_id,annotator,choice,image,id\n"


def read(path, ids=IDS):
    records = tuple(ImageRecord(id=one, width=9, height=9, sha256=one, mode="RGB") for one in ids)
    return labels_from_file(path, Path("/elsewhere/photos"), records)


@pytest.mark.parametrize("name", sorted(path.name for path in WROTE.iterdir()))
def test_labels_that_label_studio_wrote_are_read_as_they_were(name):
    found = read(WROTE / name)
    assert dict(found.labels) == LABELS
    assert any("several choices" in note and "church/two.jpg" in note for note in found.notes)


def test_a_choice_that_looks_like_several_is_a_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER + '1,1,"{""choices"": odd",a.jpg,1\n')
    assert dict(read(path, ["a.jpg"]).labels) == {"a.jpg": '{"choices": odd'}


def test_a_table_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(HEADER + "1,1,cat,a.jpg\n")
    with pytest.raises(InputError, match=r"Line 2 of .* should have 5 cells, but is cut short with 4"):
        read(path, ["a.jpg"])


def test_a_table_of_tabs_that_has_not_the_columns_says_which_it_has(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text('"picture"\t"kind, if any"\n"a.jpg"\t"cat"\n')
    with pytest.raises(InputError, match="has 'picture', 'kind, if any'; add them"):
        read(path, ["a.jpg"])


def test_addresses_lead_to_the_photos_below_the_folder_that_holds_the_photo_folder(tmp_path):
    """Label Studio serves no file of the folder that it was told of itself, only of folders below that one."""
    folder = tmp_path / "project"
    make_zoo(folder, two_concepts(("cat", "dog")))
    root = folder / "photos"
    export_project(Project.open(folder), tmp_path / "out", ["label-studio"])
    for task in read_json(tmp_path / "out/label-studio/tasks.json"):
        (local,) = parse_qs(urlsplit(task["data"]["image"]).query)["d"]
        assert root.parent / local == root / task["data"]["file"]
        assert (root.parent / local).is_file()
