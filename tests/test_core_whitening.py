"""Whitened looks: what differs between look-alikes counts less than what differs between kinds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans, whitening
from kec_core.clustering.whitening import FEWEST, WIDTH, whitened

KINDS = np.repeat(np.arange(4), 75)


def photos_in_all_weathers() -> np.ndarray:
    """Four kinds, 75 photos of each; in twelve ways photos of one kind differ as much as the kinds."""
    rng = np.random.default_rng(0)
    rows = 0.05 * rng.normal(size=(300, 24))
    rows[np.arange(300), KINDS] += 0.6
    rows[:, 8:20] += 0.4 * rng.normal(size=(300, 12))
    x = l2_normalize(rows.astype(np.float32))
    return l2_normalize(x - x.mean(axis=0))


def found(x: np.ndarray) -> float:
    return adjusted_rand_score(KINDS, spherical_kmeans(x, 4, n_init=5, seed=0).labels)


def test_kinds_are_found_that_weather_hides():
    x = photos_in_all_weathers()
    assert found(x) < 0.5
    assert found(whitened(x)) > 0.95


def test_a_sample_of_a_large_collection_tells_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(whitening, "SAMPLE", 250)
    assert found(whitened(photos_in_all_weathers())) > 0.95


def test_rows_are_unit_and_as_narrow_as_the_photos_allow():
    rng = np.random.default_rng(1)
    x = l2_normalize(rng.normal(size=(FEWEST, 128)).astype(np.float32))
    looks = whitened(x)
    assert looks.shape == (FEWEST, FEWEST // 4)
    assert looks.dtype == np.float32
    assert np.allclose(np.linalg.norm(looks, axis=1), 1, atol=1e-5)
    wide = whitened(l2_normalize(rng.normal(size=(4 * WIDTH + 40, 128)).astype(np.float32)))
    assert wide.shape[1] == WIDTH
    assert whitened(x[:, :5]).shape == (FEWEST, 5)


def test_a_few_photos_keep_their_looks():
    x = photos_in_all_weathers()[: FEWEST - 1]
    looks = whitened(x)
    assert np.shares_memory(looks, x)
    np.testing.assert_array_equal(looks, x)


def test_photos_that_are_all_alike_stay_alike():
    looks = whitened(np.tile(np.eye(1, 16, dtype=np.float32), (FEWEST, 1)))
    assert np.isfinite(looks).all()
    assert np.abs(looks - looks[0]).max() == 0
