"""Knowledge gets more weight only where it agrees with the looks; planted photos and words tell the two apart."""

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import agreeing_weight, fuse, spherical_kmeans
from kec_core.clustering.no_harm import explained
from kec_core.errors import Cancelled
from kec_core.metrics import score

TRUTH = np.repeat(np.arange(4), 40)


def around(labels, spread, seed):
    rng = np.random.default_rng(seed)
    rows = np.eye(16, dtype=np.float32)[labels] + spread * rng.normal(size=(len(labels), 16)).astype(
        np.float32
    )
    return l2_normalize(rows)


def test_what_a_grouping_explains_by_hand():
    x = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    assert explained(x, np.array([0, 0, 1, 1], dtype=np.int32), 2) == pytest.approx(4 - 8**0.5)
    assert explained(x, np.array([0, 1, 0, 1], dtype=np.int32), 2) == pytest.approx(0, abs=1e-6)


def test_words_that_say_what_the_looks_say_count_as_much_as_they_do():
    looks, words = around(TRUTH, 0.1, seed=0), around(TRUTH, 0.05, seed=1)
    assert agreeing_weight(looks, words, 4, 0.25) == 1.0


def test_words_that_contradict_the_looks_get_no_weight_at_which_they_would_win():
    looks = around(TRUTH, 0.25, seed=0)
    words = around(np.arange(160) % 4, 0.02, seed=1)
    weight = agreeing_weight(looks, words, 4, 0.25)
    assert weight == 0.25
    alone = score(spherical_kmeans(looks, 4, seed=0).labels, TRUTH).acc
    with_words = score(spherical_kmeans(fuse(looks, words, weight), 4, seed=0).labels, TRUTH).acc
    at_full = score(spherical_kmeans(fuse(looks, words, 1.0), 4, seed=0).labels, TRUTH).acc
    assert with_words >= alone - 0.015
    assert at_full < alone - 0.5


def test_words_that_split_what_looks_leave_open_bring_the_truth():
    looks = around(TRUTH // 2, 0.15, seed=0)  # pairs of groups look alike
    words = around(TRUTH, 0.05, seed=1)
    weight = agreeing_weight(looks, words, 4, 0.5)
    assert score(spherical_kmeans(fuse(looks, words, weight), 4, seed=0).labels, TRUTH).acc > 0.95
    assert score(spherical_kmeans(looks, 4, seed=0).labels, TRUTH).acc < 0.85


def test_a_weight_above_every_step_is_kept():
    looks = around(TRUTH, 0.1, seed=0)
    assert agreeing_weight(looks, looks, 4, 1.0) == 1.0


def test_a_large_collection_is_sampled(monkeypatch):
    monkeypatch.setattr("kec_core.clustering.no_harm.MAX_SAMPLE", 60)
    seen = []
    real = spherical_kmeans

    def watched(x, *arguments, **options):
        seen.append(len(x))
        return real(x, *arguments, **options)

    monkeypatch.setattr("kec_core.clustering.no_harm.spherical_kmeans", watched)
    looks, words = around(TRUTH, 0.1, seed=0), around(TRUTH, 0.05, seed=1)
    assert agreeing_weight(looks, words, 4, 0.25) == 1.0
    assert set(seen) == {60}


def test_it_can_be_cancelled():
    def stop(_done, _total, _label):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        agreeing_weight(around(TRUTH, 0.1, 0), around(TRUTH, 0.1, 1), 4, 0.25, progress=stop)
