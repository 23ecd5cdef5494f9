"""What the engine for many machines does before and beside a cluster: stores, listing, parts, samples, refusals."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest

import cli
from kec_core.arrays import no_progress
from kec_core.errors import InputError, ResourceMissing, StoreError
from kec_core.photos.exif import Exif, Place
from kec_core.photos.files import HIDDEN, OWN
from kec_core.types import SkippedImage
from state.engine import stores
from state.engine.collection import (
    Collection,
    LatestApplied,
    collection_of,
    latest_applied,
    save_applied,
    save_collection,
)
from state.engine.gathering import allotted, picked
from state.engine.listing import list_photos
from state.engine.shards import Shard, finished, part_of, read_facts, read_shard, save_shard
from state.engine.stores import Store, Unread, store_at
from state.project.project import Project
from tests.doc_pointers import ROOT
from tests.fakes import colour_photos
from tests.state_helpers import image


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    yield store_at(tmp_path / "store" if request.param == "folder" else "memory://store")
    fsspec.filesystem("memory").store.clear()


def test_files_come_back_as_they_were_written(store):
    assert store.files() == []
    store.write("a/b.bin", b"0123")
    assert [file.name for file in store.files()] == ["a/b.bin"]
    assert store.read("a/b.bin") == b"0123"
    assert store.read("a/b.bin", most=2) == b"01"
    assert store.below("a").needed("b.bin") == b"0123"
    store.remove("a/b.bin")
    store.remove("a/b.bin")
    assert isinstance(store.read("a/b.bin"), Unread)
    with pytest.raises(StoreError, match=r"a/b\.bin"):
        store.needed("a/b.bin")


def test_another_content_has_another_stamp(store):
    store.write("a.bin", b"0")
    before = store.files()[0].stamp
    store.write("a.bin", b"00")
    assert store.files()[0].stamp != before


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://key:secret@bucket/photos", "environment"),
        ("ftp://anna:pass@host/photos", "environment"),
        ("nowhere://bucket/photos", "fsspec"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_in_one_sentence(address, words):
    with pytest.raises(InputError, match=words) as refused:
        store_at(address)
    assert "secret" not in str(refused.value)
    assert "pass@" not in str(refused.value)


def test_a_driver_that_is_not_installed_is_named(monkeypatch):
    def opened(address):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", opened)
    with pytest.raises(ResourceMissing, match="s3fs"):
        store_at("s3://bucket/photos")


@pytest.mark.parametrize(
    ("errors", "reads", "asked"),
    [
        ([OSError("503 Slow Down")] * 2, True, 3),
        ([TimeoutError("no answer")] * stores.ATTEMPTS, False, stores.ATTEMPTS),
        ([PermissionError(13, "Forbidden")], False, 1),
        ([FileNotFoundError(2, "No such file")], False, 1),
    ],
)
def test_a_store_that_may_answer_later_is_asked_again(monkeypatch, errors, reads, asked):
    calls, waits = [], []

    class Bucket:
        def cat_file(self, path, start=None, end=None):
            calls.append(path)
            if len(calls) <= len(errors):
                raise errors[len(calls) - 1]
            return b"photo"

    monkeypatch.setattr(stores.time, "sleep", waits.append)
    bucket = Store("s3://bucket")
    bucket.__dict__["_opened"] = (Bucket(), "bucket")
    found = bucket.read("a.jpg")
    assert (found == b"photo") is reads
    assert len(calls) == asked
    assert len(waits) == asked - 1
    assert reads or found.may_pass is not isinstance(errors[0], FileNotFoundError)


def listed(address):
    return list_photos(store_at(address), "encoder-1", progress=no_progress)


def test_a_bucket_is_listed_as_a_folder_is(tmp_path):
    photos = colour_photos(tmp_path / "photos", 3)
    (photos / "album").mkdir()
    (photos / "album/project.db").write_bytes(b"x")
    (photos / "album/copy.png").write_bytes(b"x")
    (photos / ".hidden.png").write_bytes(b"x")
    bucket = fsspec.filesystem("memory")
    for file in photos.rglob("*"):
        if file.is_file():
            bucket.pipe_file(f"/listed/{file.relative_to(photos).as_posix()}", file.read_bytes())
    here, there = listed(photos), listed("memory://listed")
    assert [p.files for p in there.parts] == [p.files for p in here.parts]
    assert there.others == Counter({OWN: 2, HIDDEN: 1})
    assert here.others[OWN] == 2


def test_a_photo_more_changes_one_part_only(tmp_path, monkeypatch):
    monkeypatch.setattr("state.engine.listing.MEAN_PART", 4)
    photos = colour_photos(tmp_path / "photos", 10)
    before = {part.name for part in listed(photos).parts}
    (photos / "leaf/0a.png").write_bytes((photos / "leaf/0.png").read_bytes())
    after = {part.name for part in listed(photos).parts}
    assert len(before) > 4
    assert 1 <= len(after - before) <= 2
    assert len(before - after) == 1


def test_parts_of_another_encoder_have_other_names(tmp_path):
    store = store_at(colour_photos(tmp_path / "photos", 1))
    one, other = (list_photos(store, name, progress=no_progress).parts[0].name for name in ("a", "b"))
    assert one != other


def shard(**fields):
    known = {
        "records": (image("a.png"), image("b.png")),
        "features": np.arange(6, dtype=np.float32).reshape(2, 3),
        "exif": {
            "a.png": Exif("2026-05-01T10:30:00", "Leica Q", Place(52.5, 13.4)),
            "c.png": Exif(camera="X"),
        },
        "skipped": (SkippedImage(path="c.png", reason="it is empty"),),
        "others": Counter({".txt": 2}),
        "is_final": True,
    }
    return Shard(**{**known, **fields})


def test_a_shard_comes_back_and_tells_its_facts(store):
    file = save_shard(store, "part", shard())
    read = read_shard(store, file)
    np.testing.assert_array_equal(read.features, shard().features)
    assert (read.records, read.exif, read.skipped, read.others) == (
        shard().records, shard().exif, shard().skipped, shard().others,
    )  # fmt: skip
    facts = read_facts(store, file)
    assert (facts.photos, facts.skipped, facts.others) == (2, shard().skipped, shard().others)


def test_the_guide_names_the_columns_of_a_shard(store):
    columns = pq.read_table(io.BytesIO(store.needed(save_shard(store, "part", shard())))).column_names
    told = (
        (ROOT / "docs" / "scale.md").read_text(encoding="utf-8").partition("under `features/`: columns ")[2]
    )
    assert re.findall(r"`(\w+)`", told.partition(". ")[0]) == columns


def test_a_part_without_photos_keeps_what_was_skipped(store):
    empty = shard(records=(), features=np.empty((0, 3), dtype=np.float32))
    file = save_shard(store, "part", empty)
    assert read_shard(store, file).features.shape == (0, 3)
    assert read_facts(store, file).skipped == empty.skipped


def test_a_shard_with_unread_photos_is_not_finished_until_they_are_read(store):
    first = save_shard(store, "part", shard(is_final=False))
    assert part_of(first) == "part"
    assert finished(store) == set()
    save_shard(store, "part", shard())
    assert finished(store) == {"part"}
    assert len(store.files()) == 1


def test_a_damaged_shard_is_named(store):
    store.write("part.parquet", b"PAR1 but not really")
    with pytest.raises(StoreError, match=r"part\.parquet .* is damaged"):
        read_shard(store, "part.parquet")
    with pytest.raises(StoreError, match=r"part\.parquet .* is damaged"):
        read_facts(store, "part.parquet")


@pytest.mark.parametrize("size", [1, 7, 50, 99, 100, 1000])
def test_parts_give_their_share_of_a_sample(size):
    counts = [0, 1, 9, 30, 60]
    shares = allotted(counts, size)
    assert sum(shares) == min(size, sum(counts))
    assert all(0 <= share <= count for share, count in zip(shares, counts, strict=True))
    assert all(abs(s - c * min(1, size / 100)) < 1 for s, c in zip(shares, counts, strict=True))


def test_whether_a_photo_is_drawn_hangs_on_the_seed_alone():
    names = [f"{number}.png" for number in range(40)]
    rows = picked(names, 10, 0)
    assert sorted(set(rows.tolist())) == rows.tolist()
    assert len(rows) == 10
    drawn = {names[row] for row in rows}
    assert {list(reversed(names))[row] for row in picked(names[::-1], 10, 0)} == drawn
    assert {names[row] for row in picked(names, 10, 1)} != drawn
    assert picked(names, 50, 0).tolist() == list(range(40))


@pytest.mark.parametrize("results", ["", "memory://museum"], ids=["inside", "elsewhere"])
def test_results_in_a_projects_own_folder_go_where_it_goes(tmp_path, results):
    def place(folder):
        return store_at(results or folder / "collection").address

    project = Project.create(tmp_path / "before", "Museum")
    at = place(project.folder)
    save_collection(
        project, Collection(address="s3://museum", results=at, files="shards.json", photos=9, sample=3)
    )
    save_applied(project, LatestApplied(revision="r1", labels=f"{at}/labels/r1", unlike=0))
    project.folder.rename(tmp_path / "after")
    moved = Project.open(tmp_path / "after")
    assert collection_of(moved).results == place(moved.folder)
    assert latest_applied(moved).labels == f"{place(moved.folder)}/labels/r1"


@pytest.fixture
def photos(tmp_path):
    return colour_photos(tmp_path / "photos", 1)


def refused(capsys, *arguments):
    assert cli.main([str(argument) for argument in arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    return told[-1]


def test_without_its_packages_the_engine_says_what_to_install(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    told = refused(capsys, "run", photos, "--project", tmp_path / "p", "--engine", "ray")
    assert "requirements-ray.txt" in told
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--engine ray"),
        (["--engine", "ray", "--dry-run"], "--dry-run"),
    ],
)
def test_an_address_needs_the_engine_that_reads_it(tmp_path, capsys, options, words):
    told = refused(capsys, "run", "memory://photos", "--project", tmp_path / "p", *options)
    assert words in told
    assert not (tmp_path / "p").exists()
