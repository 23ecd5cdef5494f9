import errno
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from kec_core.errors import StoreError
from kec_core.store import FolderStore, StageResult, write_atomically, write_cache

RESULT = StageResult(arrays={"x": np.arange(6, dtype=np.float32).reshape(2, 3)}, data={"name": "Grüße <b>"})


@pytest.mark.parametrize(("mapped_above", "is_mapped"), [(0, True), (2**20, False)])
def test_what_is_saved_is_loaded_read_only_and_mapped_when_it_is_large(
    tmp_path, monkeypatch, mapped_above, is_mapped
):
    monkeypatch.setattr("kec_core.store.MAPPED_BYTES", mapped_above)
    store = FolderStore(tmp_path)
    assert store.load("embed", "f0") is None
    saved = store.save("embed", "f0", RESULT)
    for result in (saved, store.load("embed", "f0")):
        np.testing.assert_array_equal(result.arrays["x"], RESULT.arrays["x"])
        assert isinstance(result.arrays["x"], np.memmap) is is_mapped
        assert not result.arrays["x"].flags.writeable
        assert result.data == RESULT.data
    assert store.load("embed", "f1") is None
    assert store.load("ground", "f0") is None


def test_saving_removes_the_unfinished_work_of_this_stage_only(tmp_path):
    store = FolderStore(tmp_path)
    (store.workspace("embed", "f0") / "shard").write_text("half")
    (store.workspace("embed", "f1") / "shard").write_text("half")
    assert (store.workspace("embed", "f0") / "shard").read_text() == "half"
    store.save("embed", "f0", RESULT)
    assert not store.workspace_path("embed", "f0").exists()
    assert store.workspace_path("embed", "f1").exists()


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match=r"the disk is full.*finished stages are kept"):
        store.save("embed", "f0", RESULT)
    assert list(tmp_path.iterdir()) == []
    assert store.load("embed", "f0") is None


def test_a_damaged_result_is_set_aside_and_can_be_made_again(tmp_path):
    store = FolderStore(tmp_path)
    store.save("embed", "f0", RESULT)
    (tmp_path / "embed-f0" / "x.npy").write_bytes(b"not an array")
    with pytest.raises(StoreError, match="set aside"):
        store.load("embed", "f0")
    assert store.load("embed", "f0") is None
    assert (tmp_path / "embed-f0.damaged" / "x.npy").read_bytes() == b"not an array"
    assert store.save("embed", "f0", RESULT).data == RESULT.data


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-2] ^= 1  # within the last number, or the closing of the document
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


NOTICED_WITHOUT_CHECKSUMS = [(cut, "x.npy"), (empty, "x.npy")] + [
    (harm, "data.json") for harm in (cut, flip, empty, Path.unlink)
]
NOTICED_BY_CHECKSUM = [(flip, "x.npy"), (Path.unlink, "x.npy")] + [
    (harm, "checksums.json") for harm in (cut, flip, empty)
]


@pytest.mark.parametrize(
    ("harm", "name", "with_checksums"),
    [(*case, True) for case in NOTICED_WITHOUT_CHECKSUMS + NOTICED_BY_CHECKSUM]
    + [(*case, False) for case in NOTICED_WITHOUT_CHECKSUMS],
)
def test_every_file_of_a_result_that_is_damaged_is_noticed(tmp_path, harm, name, with_checksums):
    store = FolderStore(tmp_path)
    store.save("embed", "f0", RESULT)
    if not with_checksums:
        (tmp_path / "embed-f0" / "checksums.json").unlink()
    harm(tmp_path / "embed-f0" / name)
    with pytest.raises(
        StoreError, match=r"stage 'embed' cannot be read \(.+\); it was set aside in .* computed again"
    ):
        store.load("embed", "f0")
    assert store.load("embed", "f0") is None
    assert store.save("embed", "f0", RESULT).data == RESULT.data


def test_a_full_disk_that_numpy_does_not_name_is_said(tmp_path, monkeypatch):
    store = FolderStore(tmp_path)
    usage = shutil.disk_usage(tmp_path)

    def full(*_args, **_kwargs):
        raise OSError("6 requested and 0 written")

    monkeypatch.setattr(np, "save", full)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=0))
    with pytest.raises(StoreError, match="the disk is full"):
        store.save("embed", "f0", RESULT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=2**30))
    with pytest.raises(StoreError, match="6 requested and 0 written"):
        store.save("embed", "f0", RESULT)


def test_a_newer_format_is_refused(tmp_path):
    store = FolderStore(tmp_path)
    store.save("embed", "f0", RESULT)
    (tmp_path / "embed-f0" / "checksums.json").unlink()
    path = tmp_path / "embed-f0" / "data.json"
    path.write_text(json.dumps({"format_version": 99, "data": {}}))
    with pytest.raises(StoreError, match="format 99"):
        store.load("embed", "f0")


def test_a_pickled_array_is_never_loaded(tmp_path):
    store = FolderStore(tmp_path)
    store.save("embed", "f0", RESULT)
    np.save(tmp_path / "embed-f0" / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(StoreError):
        store.load("embed", "f0")


def test_readers_never_see_half_a_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([65 + i]) * 200_000 for i in range(4)]
    write_atomically(path, contents[0])
    stop = threading.Event()
    seen = set()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(10):
        for content in contents:
            write_atomically(path, content)
    stop.set()
    reader.join()
    assert seen <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_place_is_one_sentence(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        write_atomically(Path(blocker) / "below", b"")


def test_a_cache_that_cannot_be_written_only_warns(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    write_cache(tmp_path / "file" / "below", b"")
    assert "could not be written" in caplog.text
