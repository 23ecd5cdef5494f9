"""Photos at an address: assigned where they lie, or taken into a project on this machine."""

from __future__ import annotations

import json

import fsspec
import pytest

import cli
from kec_core.arrays import no_progress
from kec_core.errors import InputError
from state.engine.collection import Collection, save_collection
from state.engine.new_photos import add_photos, assign_photos
from state.engine.stores import store_at
from state.revisions import revisions
from tests.fakes import COLOURS
from tests.grown import photo


@pytest.fixture
def project(grown_project):
    return grown_project


@pytest.fixture
def bucket(tmp_path):
    """The same photos in a folder and in a bucket: a few of each colour, an odd one, a broken one, a text."""
    folder = tmp_path / "week 48"
    for number in range(3):
        for name in COLOURS:
            photo(folder / f"{name}{number}.png", name, 50 + number)
    photo(folder / "odd.png", (250, 250, 250))
    (folder / "broken.jpg").write_bytes(b"no photo")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    store = store_at("memory://museum/week 48")
    for file in folder.iterdir():
        store.write(file.name, file.read_bytes())
    yield store
    fsspec.filesystem("memory").store.clear()


def test_photos_at_an_address_are_assigned_as_those_of_a_folder(project, bucket, tmp_path, capsys):
    told = []
    for place in (bucket.address, str(tmp_path / "week 48")):
        assert cli.main(["assign", str(project.folder), place, "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert told[0]["images"] == 3 * len(COLOURS) + 1
    assert told[0]["unlike"] == ["odd.png"]
    assert [item["path"] for item in told[0]["skipped"]] == ["broken.jpg"]
    assert len(revisions.history(project)) == 1, "nothing is kept"


def test_photos_at_an_address_join_a_project_and_what_it_has_is_not_copied_again(project, bucket, capsys):
    root = project.images_root
    bucket.write("again.png", (root / "ocean/1.png").read_bytes())
    assert cli.main(["add", str(project.folder), bucket.address, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    names = {f"week 48/{name}{number}.png" for name in COLOURS for number in range(3)}
    assert set(told["added"]) == names | {"week 48/odd.png"}
    assert told["removed"] == []
    assert told["unlike"] == ["week 48/odd.png"]
    assert told["encoded"] == len(names) + 1
    assert "broken.jpg" in [item["path"] for item in told["skipped"]]
    assert project.images_root == root
    assert all((root / name).is_file() for name in names)
    assert not list(project.folder.glob(".adding-*"))


def test_a_bucket_with_the_photos_of_a_project_does_not_become_its_folder(project):
    root = project.images_root
    store = store_at("memory://copy")
    for file in root.rglob("*.png"):
        store.write(file.relative_to(root).as_posix(), file.read_bytes())
    report = add_photos(project, store.address)
    assert not report.differences
    assert project.images_root == root
    fsspec.filesystem("memory").store.clear()


def test_names_that_lead_out_of_the_folder_are_listed_and_not_written(project, bucket):
    bucket.write("C:/out.png", bucket.needed("odd.png"))
    report = add_photos(project, bucket.address)
    assert "leads out" in {item.path: item.reason for item in report.skipped}["C:/out.png"]
    assert not list(project.folder.rglob("out.png"))


@pytest.mark.parametrize("use", [add_photos, assign_photos])
def test_an_address_without_photos_is_refused_in_one_sentence(project, use):
    store_at("memory://empty").write("notes.txt", b"mine")
    place = project if use is add_photos else project.folder
    more = {} if use is add_photos else {"progress": no_progress}
    with pytest.raises(InputError, match="A folder with photos"):
        use(place, "memory://empty", **more)
    fsspec.filesystem("memory").store.clear()


def test_only_photos_of_its_address_join_a_project_of_a_collection(project, bucket):
    kept = Collection(
        address="s3://museum/photos", results="s3://museum/kec", files="f", photos=900, sample=48
    )
    save_collection(project, kept)
    for place in (bucket.address, str(project.images_root)):
        with pytest.raises(InputError, match="s3://museum/photos"):
            add_photos(project, place)
