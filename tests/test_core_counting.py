"""The number of groups that words tell apart: hand-made similarities, planted groups with nouns of their own."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.mapping.choosing import count_by_words, fallen, gains_of

DIM = 48


def planted(groups, *, per_group=30, noise=0.5, noun_noise=0.4, odd_nouns=150):
    """Photos of so many groups, a noun beside each that shares about half of its direction, and many odd nouns."""
    rng = np.random.default_rng(3)
    centres = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0].T[:groups]
    truth = np.repeat(np.arange(groups), per_group)
    photos = centres[truth] + noise * rng.normal(size=(len(truth), DIM)) / np.sqrt(DIM)
    beside = centres + noun_noise * rng.normal(size=centres.shape) / np.sqrt(DIM)
    odd = rng.normal(size=(odd_nouns, DIM)) / np.sqrt(DIM)
    x = l2_normalize((photos - photos.mean(axis=0)).astype(np.float32))
    return x, l2_normalize(np.concatenate([beside, 0.6 * odd]).astype(np.float32))


def test_gains_are_what_each_noun_adds_to_the_best_so_far():
    similar = np.array([[0.6, -0.2, 0.0], [0.4, 0.5, -1.0], [0.9, 0.5, 0.1]], dtype=np.float32)
    np.testing.assert_allclose(gains_of(similar), [0.6 / 3, 0.5 / 3, 0.4 / 3], rtol=1e-5)


def test_the_number_is_where_further_nouns_gain_next_to_nothing():
    gains = np.array(
        [5, 4, 3, 2, 1, 0.1, 0.1, 0.1, 0.1], dtype=np.float32
    )  # the first three gain 4 in the mean
    assert fallen(gains) == 5
    assert (
        fallen(np.array([5, 4, 3, 2, 1, 0.1, 2.0, 0.1, 0.1, 0.1], dtype=np.float32)) == 7
    )  # one poor noun ends nothing
    assert fallen(np.ones(20, dtype=np.float32)) is None
    assert fallen(np.array([5, 4], dtype=np.float32)) is None


@pytest.mark.parametrize("groups", [3, 5, 12, 25])
def test_planted_groups_are_counted(groups):
    x, nouns = planted(groups)
    assert 0 <= count_by_words(x, nouns, largest=60) - groups <= max(1, groups // 8)


def test_nouns_of_one_name_count_once():
    x, nouns = planted(6)
    names = [f"noun {i}" for i in range(len(nouns))]
    doubled = np.concatenate([nouns, nouns])
    alone, both = (
        count_by_words(x, table, largest=40, names=called)
        for table, called in ((nouns, names), (doubled, [*names, *(name.upper() for name in names)]))
    )
    assert alone == both


def test_too_few_nouns_tell_nothing():
    x, nouns = planted(12)
    assert count_by_words(x, nouns[:4], largest=60) is None
    assert count_by_words(x, nouns, largest=8) is None


def test_a_large_collection_is_counted_from_a_sample(monkeypatch):
    monkeypatch.setattr("kec_core.mapping.choosing.SAMPLE", 150)
    x, nouns = planted(5, per_group=100)
    assert count_by_words(x, nouns, largest=40, seed=4) == count_by_words(x, nouns, largest=40, seed=4) == 5
