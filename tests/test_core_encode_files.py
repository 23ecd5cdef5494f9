"""Photos to features: order, unreadable ones, bounded decoding, and going on after a stop."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from PIL import Image

from kec_core.encoders import encode_files, loading
from kec_core.errors import Cancelled, StoreError
from tests import photos
from tests.fakes import HashEncoder


class WatchedEncoder(HashEncoder):
    """Counts what it was given."""

    def __init__(self, dim=8):
        super().__init__(dim)
        self.sizes, self.encoded, self.decoded = [], 0, 0
        self.most_waiting = 0
        self._lock = threading.Lock()

    def preprocess(self, image):
        with self._lock:
            self.sizes.append(image.size)
            self.decoded += 1
        return super().preprocess(image)

    def encode_images(self, pixels):
        self.most_waiting = max(self.most_waiting, self.decoded - self.encoded)
        self.encoded += len(pixels)
        return super().encode_images(pixels)


@pytest.fixture
def paths(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (11, 3))
    return [
        photos.plain(tmp_path / f"{i:02d}.png", tuple(map(int, colour))) for i, colour in enumerate(colours)
    ]


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(loading, "_SHARD", 4)


def one_by_one(paths, dim=8):
    encoder = HashEncoder(dim)
    return np.concatenate(
        [encoder.encode_images(encoder.preprocess(Image.open(path))[None]) for path in paths]
    )


def assert_same_features(ours, expected):
    """Equal up to the order in which a batch of another size, or another processor, adds up."""
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_a_row_per_photo_in_order(paths):
    encoded = encode_files(HashEncoder(8), paths, batch_size=4)
    assert_same_features(encoded.features, one_by_one(paths))
    assert encoded.features.dtype == np.float32
    assert encoded.failed == ()


def test_batches_and_threads_change_nothing(paths):
    first = encode_files(HashEncoder(8), paths, batch_size=1, workers=1)
    second = encode_files(HashEncoder(8), paths, batch_size=64, workers=5)
    assert_same_features(first.features, second.features)


def test_photos_that_cannot_be_read_are_listed_with_the_reason(paths, tmp_path):
    (tmp_path / "empty.jpg").touch()
    mixed = [
        paths[0],
        tmp_path / "empty.jpg",
        paths[1],
        photos.truncated(tmp_path / "cut.jpg"),
        tmp_path / "gone.png",
    ]
    encoded = encode_files(HashEncoder(8), mixed, batch_size=2)
    assert_same_features(encoded.features, one_by_one(paths[:2]))
    assert [index for index, _ in encoded.failed] == [1, 3, 4]
    assert encoded.failed[0][1] == "it is empty (0 bytes); copy it again from its source"


def test_nothing_readable_is_an_empty_table(tmp_path):
    encoded = encode_files(HashEncoder(8), [tmp_path / "gone.png"])
    assert encoded.features.shape == (0, 8)
    assert len(encoded.failed) == 1
    assert encode_files(HashEncoder(8), []).features.shape == (0, 8)


def test_large_photos_are_decoded_smaller_but_never_below_what_the_encoder_sees(tmp_path):
    encoder = WatchedEncoder()
    encode_files(encoder, [photos.plain(tmp_path / "large.jpg", size=(640, 480))])
    ((width, height),) = encoder.sizes
    assert encoder.info.image_side < height < 480
    assert abs(width / height - 640 / 480) < 0.1


def test_only_a_few_batches_are_decoded_ahead(paths):
    encoder = WatchedEncoder()
    encode_files(encoder, paths * 6, batch_size=4, workers=3)
    assert encoder.decoded == 66
    # a batch in hand, two ahead, and the one more that each photo taken lets in
    assert encoder.most_waiting <= 4 + 2 * 4 + 1


class TestGoingOn:
    def test_after_a_stop_finished_shards_are_not_encoded_again(self, paths, tmp_path, small_shards):
        def stop_at_six(done, total, _label):
            assert total == 11
            if done >= 6:
                raise Cancelled

        workspace = tmp_path / "work"
        with pytest.raises(Cancelled):
            encode_files(WatchedEncoder(), paths, batch_size=2, workspace=workspace, progress=stop_at_six)
        encoder = WatchedEncoder()
        encoded = encode_files(encoder, paths, batch_size=2, workspace=workspace)
        assert encoder.decoded == 7  # 11 photos less the first shard of 4
        assert_same_features(encoded.features, one_by_one(paths))

    def test_who_stops_a_small_collection_half_way_keeps_most_of_it(self, tmp_path):
        many = [photos.plain(tmp_path / f"{i:03d}.png", (i, 0, 0)) for i in range(200)]

        def stop(done, _total, _label):
            if done >= 160:
                raise Cancelled

        with pytest.raises(Cancelled):
            encode_files(HashEncoder(8), many, progress=stop, workspace=tmp_path / "work")
        again = WatchedEncoder()
        encode_files(again, many, workspace=tmp_path / "work")
        assert again.encoded == 200 - 128

    def test_progress_counts_what_earlier_runs_did(self, paths, tmp_path, small_shards):
        encode_files(HashEncoder(8), paths[:4], workspace=tmp_path / "work")
        seen = []
        encode_files(
            HashEncoder(8),
            paths,
            batch_size=4,
            workspace=tmp_path / "work",
            progress=lambda d, t, _: seen.append((d, t)),
        )
        assert seen[0] == (4, 11)
        assert seen[-1] == (11, 11)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def test_failures_of_earlier_runs_are_still_reported(self, paths, tmp_path, small_shards):
        (tmp_path / "empty.jpg").touch()
        mixed = [paths[0], tmp_path / "empty.jpg", *paths[1:]]
        first = encode_files(HashEncoder(8), mixed, workspace=tmp_path / "work")
        encoder = WatchedEncoder()
        second = encode_files(encoder, mixed, workspace=tmp_path / "work")
        assert encoder.decoded == 0
        assert second.failed == first.failed
        assert second.failed[0][0] == 1
        np.testing.assert_array_equal(second.features, first.features)

    def test_a_photo_that_changed_is_encoded_again(self, paths, tmp_path, small_shards):
        encode_files(HashEncoder(8), paths, batch_size=4, workspace=tmp_path / "work")
        photos.plain(paths[5], (1, 2, 3))
        os.utime(paths[5], ns=(1, 1))
        encoder = WatchedEncoder()
        encoded = encode_files(encoder, paths, batch_size=4, workspace=tmp_path / "work")
        assert encoder.decoded == 4  # its shard
        assert_same_features(encoded.features, one_by_one(paths))

    def test_another_encoder_starts_afresh(self, paths, tmp_path):
        encode_files(HashEncoder(8), paths, workspace=tmp_path / "work")
        assert encode_files(HashEncoder(5), paths, workspace=tmp_path / "work").features.shape == (11, 5)

    def test_the_table_is_memory_mapped(self, paths, tmp_path, small_shards):
        encoded = encode_files(HashEncoder(8), paths, workspace=tmp_path / "work")
        assert isinstance(encoded.features, np.memmap)
        assert_same_features(encoded.features, one_by_one(paths))

    def test_a_damaged_shard_is_removed_and_named(self, paths, tmp_path):
        encode_files(HashEncoder(8), paths, workspace=tmp_path / "work")
        (shard,) = (tmp_path / "work").glob("shard-*.npz")
        shard.write_bytes(shard.read_bytes()[:50])
        with pytest.raises(StoreError, match="was removed; run again"):
            encode_files(HashEncoder(8), paths, workspace=tmp_path / "work")
        encoded = encode_files(HashEncoder(8), paths, workspace=tmp_path / "work")
        assert_same_features(encoded.features, one_by_one(paths))
