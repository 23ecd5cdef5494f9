"""Near-copies: a burst counts as one photo in the mean and while groups are searched; all near-copies are listed."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from kec_core.arrays import l2_normalize
from kec_core.clustering import cluster, estimate_n_clusters
from kec_core.clustering.bursts import SAMPLE, burst_weights, find_bursts, merged_bursts, one_of_each
from kec_core.config import ClusteringConfig, EncoderDefaults
from kec_core.encoders.base import collection_mean, visual_features
from kec_core.stages.near_copies import find_near_copies

CENTRED = EncoderDefaults(centre=True)
DIM = 200


def planted(copies, others, *, noise=0.25, seed=0):
    """Raw features, not negative as those of the compact encoder: copies of one photo, then other photos."""
    rng = np.random.default_rng(seed)
    photos = np.abs(rng.normal(size=(others + 1, DIM))) ** 3
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    blur = noise / np.sqrt(DIM) * rng.normal(size=(copies, DIM))
    return np.concatenate([np.maximum(photos[:1] + blur, 0), photos[1:]]).astype(np.float32)


def clusters_of(labels, rows):
    return set(labels[rows].tolist())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("others", [3, 5, 8, 10])
@pytest.mark.parametrize("algorithm", ["kmeans", "agglomerative", "bisecting"])
def test_a_burst_is_one_group_and_the_others_are_told_apart(others, seed, algorithm):
    features = planted(40, others, seed=seed)
    bursts = find_bursts(features)
    assert bursts.tolist() == [0] * 40 + [-1] * others
    x = visual_features(features, CENTRED)
    found = cluster(x, others + 1, ClusteringConfig(algorithm=algorithm), bursts=bursts).labels
    assert len(clusters_of(found, slice(0, 40))) == 1
    assert len(clusters_of(found, slice(40, None))) == others
    assert not clusters_of(found, slice(0, 40)) & clusters_of(found, slice(40, None))


@pytest.mark.parametrize("others", [3, 5, 8, 10, 40])
def test_the_number_of_clusters_that_is_chosen_does_not_cut_it(others):
    features = planted(40, others)
    bursts = find_bursts(features)
    x = visual_features(features, CENTRED)
    k, how = estimate_n_clusters(x, bursts=bursts)
    assert 2 <= k <= others + 1, how
    found = cluster(x, k, ClusteringConfig(), bursts=bursts).labels
    assert len(clusters_of(found, slice(0, 40))) == 1
    assert clusters_of(found, slice(40, None)) - clusters_of(found, slice(0, 40))


def test_without_care_it_would_be_cut():
    """What the remedy is for; should this fail, it is not needed any more."""
    features = planted(40, 5)
    x = l2_normalize(features - features.mean(axis=0))
    found = cluster(x, 3, ClusteringConfig()).labels
    assert len(clusters_of(found, slice(0, 40))) > 1


def test_in_the_mean_a_burst_counts_once():
    features = planted(40, 5, noise=0.01)
    expected = (features[:40].mean(axis=0) + features[40:].sum(axis=0)) / 6
    np.testing.assert_allclose(collection_mean(features, CENTRED), expected, atol=1e-5)
    alone = planted(1, 60)
    np.testing.assert_allclose(collection_mean(alone, CENTRED), alone.mean(axis=0), atol=1e-6)


def test_more_clusters_than_different_photos_cut_it_since_they_were_asked_for():
    features = planted(40, 5)
    x = visual_features(features, CENTRED)
    assert cluster(x, 9, ClusteringConfig(), bursts=find_bursts(features)).n_clusters == 9


def test_bursts_are_found_in_large_collections_and_whatever_the_order():
    features = planted(600, 2 * SAMPLE)
    order = np.random.default_rng(1).permutation(len(features))
    found = find_bursts(features[order])
    np.testing.assert_array_equal(found >= 0, order < 600)
    assert find_bursts(planted(50, 2 * SAMPLE)).max() == -1  # too small a share to matter


@pytest.mark.parametrize("count", [0, 1, 4])
def test_few_photos_are_no_burst(count):
    features = np.ones((count, 8), np.float32)
    assert find_bursts(features).tolist() == [-1] * count
    assert find_near_copies(features).tolist() == ([0] * count if count > 1 else [-1] * count)


def test_features_that_all_lie_close_together_are_no_near_copies():
    rng = np.random.default_rng(0)
    features = (10 + rng.normal(size=(60, DIM))).astype(np.float32)  # every cosine is about 0.99
    assert find_bursts(features).max() == -1


def test_several_bursts_are_told_apart_and_rows_stand_for_them():
    one, other = planted(20, 3, seed=0), planted(30, 3, seed=1)
    bursts = find_bursts(np.concatenate([one, other]))
    assert bursts.tolist() == [1] * 20 + [-1] * 3 + [0] * 30 + [-1] * 3
    np.testing.assert_allclose(burst_weights(bursts)[[0, 20, 23]], [1 / 20, 1, 1 / 30])
    assert len(one_of_each(bursts)) == 8
    assert len(one_of_each(bursts, most=9)) == 6 + 18
    rows, row_of = merged_bursts(l2_normalize(np.concatenate([one, other])), bursts)
    assert rows.shape == (8, DIM)
    assert len(set(row_of[:20].tolist())) == 1
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(8), abs=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_near_copies_of_large_collections_are_those_that_every_pair_tells(monkeypatch, share):
    rng = np.random.default_rng(0)
    photos = planted(1, 3000)
    again = rng.choice(len(photos), int(share * len(photos)))  # some twice and more: pairs, triples, series
    blur = 0.3 / np.sqrt(DIM) * rng.normal(size=(len(again), DIM))
    unit = photos / np.linalg.norm(photos, axis=1, keepdims=True)
    features = np.concatenate([unit, unit[again] + blur]).astype(np.float32)
    exact = find_near_copies(features)
    assert (exact >= 0).sum() >= 1.5 * len(again)
    monkeypatch.setattr(sys.modules[find_near_copies.__module__], "EXACT_ROWS", 100)
    np.testing.assert_array_equal(find_near_copies(features), exact)


def test_near_copies_are_listed_largest_group_first():
    pairs = planted(2, 30, seed=3)
    triple = planted(3, 30, seed=4)
    burst = planted(20, 30, seed=5)
    groups = find_near_copies(np.concatenate([pairs, triple, burst]))
    assert groups[:2].tolist() == [2, 2]
    assert groups[32:35].tolist() == [1, 1, 1]
    assert groups[65:85].tolist() == [0] * 20
    assert np.count_nonzero(groups >= 0) == 25


# ---- real pictures through the real encoder ------------------------------------------------------------------------


def scene(seed):
    """A drawn picture: a sky, hills and a few things of random kinds and colours."""
    rng = np.random.default_rng(seed)

    def colour():
        return tuple(int(v) for v in rng.integers(0, 256, 3))

    image = Image.new("RGB", (320, 240), colour())
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y, w, h = (int(v) for v in rng.integers(0, [320, 240, 160, 120]))
        shape = [draw.rectangle, draw.ellipse][int(rng.integers(2))]
        shape((x, y, x + w + 5, y + h + 5), fill=colour(), outline=colour(), width=3)
    return image


def shot(image, number):
    """The same picture a moment later: cropped, lighter or darker, saved again."""
    rng = np.random.default_rng(number)
    left, top, right, bottom = (int(v) for v in rng.uniform(0, 0.04, 4) * 320)
    cropped = image.crop((left, top, image.width - right, image.height - bottom))
    content = io.BytesIO()
    ImageEnhance.Brightness(cropped).enhance(rng.uniform(0.92, 1.08)).save(
        content, "JPEG", quality=int(rng.integers(60, 95))
    )
    return Image.open(content).convert("RGB")


@pytest.mark.weights
def test_real_shots_of_one_picture_are_one_group_and_others_stay_others(compact_encoder):
    images = [shot(scene(0), number) for number in range(40)] + [scene(seed) for seed in range(1, 6)]
    features = np.concatenate(
        [compact_encoder.encode_images(compact_encoder.preprocess(image)[None]) for image in images]
    )
    bursts = find_bursts(features)
    assert np.count_nonzero(bursts[:40] >= 0) >= 38
    assert (bursts[40:] < 0).all()
    x = visual_features(features, compact_encoder.info.defaults)
    k, how = estimate_n_clusters(x, bursts=bursts)
    for n_clusters in (2, k, 6):
        found = cluster(x, n_clusters, ClusteringConfig(), bursts=bursts).labels
        assert len(clusters_of(found, slice(0, 40))) == 1, how
        assert len(clusters_of(found, slice(40, None)) - clusters_of(found, slice(0, 40))) >= n_clusters - 2
