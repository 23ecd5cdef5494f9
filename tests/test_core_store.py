import errno
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from kec_core.errors import StoreError
from kec_core.store import FolderStore, StageResult, write_atomically

RESULT = StageResult(arrays={"x": np.arange(6, dtype=np.float32).reshape(2, 3)}, data={"name": "Grüße <b>"})


def test_what_is_saved_is_loaded_memory_mapped(tmp_path):
    store = FolderStore(tmp_path)
    assert store.load("embed", "f0") is None
    saved = store.save("embed", "f0", RESULT)
    for result in (saved, store.load("embed", "f0")):
        np.testing.assert_array_equal(result.arrays["x"], RESULT.arrays["x"])
        assert isinstance(result.arrays["x"], np.memmap)
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
    with pytest.raises(StoreError, match=r"No space left on device.*finished stages are kept"):
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


def test_a_newer_format_is_refused(tmp_path):
    store = FolderStore(tmp_path)
    store.save("embed", "f0", RESULT)
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
