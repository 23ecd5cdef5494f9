"""Thumbnails: once per content, resumable, and no way to other files through a hash."""

from __future__ import annotations

import pytest
from PIL import Image

from kec_core.errors import Cancelled, StoreError
from kec_core.photos.images import scan_images
from state.project import thumbnails
from state.project.thumbnails import SIDES, build_thumbnails, thumbnail_path
from tests import photos


def size(path):
    with Image.open(path) as image:
        return image.size


@pytest.fixture
def scanned(tmp_path):
    root = tmp_path / "photos"
    photos.save(root / "a.png", photos.gradient(300, 600))
    photos.plain(root / "b.png")
    photos.plain(root / "copy of b.png")
    return root, scan_images(root).images


def test_every_photo_gets_each_size_once_per_content(tmp_path, scanned):
    root, records = scanned
    calls = []
    assert build_thumbnails(records, root, tmp_path / "t", progress=lambda *c: calls.append(c)) == ()
    assert len(list((tmp_path / "t").rglob("*"))) == 2 * 2 + len({r.sha256[:2] for r in records})
    assert calls == [(1, 2, "Making thumbnails"), (2, 2, "Making thumbnails")]
    sizes = [size(thumbnail_path(tmp_path / "t", records[0].sha256, side)) for side in SIDES]
    assert sizes == [(128, 256), (300, 600)]
    assert size(thumbnail_path(tmp_path / "t", records[2].sha256, SIDES[1])) == (40, 40)


def test_a_second_call_makes_only_what_is_missing(tmp_path, scanned):
    root, records = scanned
    build_thumbnails(records[:1], root, tmp_path / "t", sides=(64,))
    kept = thumbnail_path(tmp_path / "t", records[0].sha256, 64)
    before = kept.stat().st_mtime_ns
    calls = []
    build_thumbnails(records, root, tmp_path / "t", sides=(64,), progress=lambda *c: calls.append(c))
    assert calls == [(1, 1, "Making thumbnails")]
    assert kept.stat().st_mtime_ns == before


def test_work_stopped_half_way_stays_and_an_empty_file_is_made_again(tmp_path, scanned):
    root, records = scanned

    def stop(done, total, label):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        build_thumbnails(records[:1], root, tmp_path / "t", progress=stop)
    made = thumbnail_path(tmp_path / "t", records[0].sha256, SIDES[0])
    made.write_bytes(b"")
    assert thumbnail_path(tmp_path / "t", records[0].sha256, SIDES[0]) is None
    build_thumbnails(records, root, tmp_path / "t")
    assert size(made) == (128, 256)


def test_a_photo_that_is_gone_is_reported_and_the_others_are_made(tmp_path, scanned):
    root, records = scanned
    (root / "a.png").unlink()
    failed = build_thumbnails(records, root, tmp_path / "t")
    assert [(item.path, item.reason) for item in failed] == [
        ("a.png", "it cannot be read (No such file or directory)")
    ]
    assert thumbnail_path(tmp_path / "t", records[0].sha256, SIDES[0]) is None
    assert thumbnail_path(tmp_path / "t", records[1].sha256, SIDES[0]) is not None


@pytest.mark.parametrize(
    "sha256", ["", "../" * 21 + "x", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 64 + "/.."]
)
def test_only_a_hash_names_a_thumbnail(tmp_path, sha256):
    (tmp_path / "t" / "00").mkdir(parents=True)
    (tmp_path / "t" / "00" / f"{'0' * 64}-128.jpg").write_bytes(b"x")
    assert thumbnail_path(tmp_path / "t", "0" * 64, 128) is not None
    assert thumbnail_path(tmp_path / "t", "0" * 64, 129) is None
    assert thumbnail_path(tmp_path / "t", sha256, 128) is None


def test_a_full_disk_is_said_and_no_part_stays(tmp_path, scanned, monkeypatch):
    root, records = scanned

    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(thumbnails.Path, "write_bytes", full)
    with pytest.raises(StoreError, match=r"could not be written \(the disk is full\); free some space"):
        build_thumbnails(records, root, tmp_path / "t")
    assert [p for p in (tmp_path / "t").rglob("*") if p.is_file()] == []
