import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from kec_core.errors import InputError
from kec_core.result.audit import Judged, draw_sample, estimate, wilson


def clusters(*sizes):
    return np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)


def drawn(labels, size, seed=0):
    rows = draw_sample(labels, size, seed=seed)
    return np.bincount(labels[rows], minlength=labels.max() + 1).tolist()


def test_the_sample_follows_the_sizes_of_the_clusters():
    assert drawn(clusters(50, 30, 20), 10) == [5, 3, 2]
    assert drawn(clusters(60, 39, 1), 10) == [6, 3, 1]  # wanted 6, 3.9, 0.1: the smallest gets its one photo


def test_every_cluster_is_heard_and_no_photo_twice():
    assert drawn(clusters(1, 1, 500), 2) == [1, 1, 1]
    assert drawn(clusters(2, 3), 99) == [2, 3]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(1, 60), st.integers(0, 5))
def test_a_sample_has_the_size_asked_for_where_it_can(sizes, size, seed):
    labels = clusters(*sizes)
    rows = draw_sample(labels, size, seed=seed)
    assert len(set(rows.tolist())) == len(rows) == min(max(size, len(sizes)), sum(sizes))
    assert min(drawn(labels, size, seed)) >= 1


def test_the_same_seed_draws_the_same_photos_and_another_one_others():
    labels = clusters(200, 200)
    assert draw_sample(labels, 20, seed=4).tolist() == draw_sample(labels, 20, seed=4).tolist()
    assert draw_sample(labels, 20, seed=4).tolist() != draw_sample(labels, 20, seed=5).tolist()


def test_the_order_is_mixed():
    firsts = draw_sample(clusters(100, 100), 40, seed=1)[:20]
    assert 0 < (firsts < 100).sum() < 20


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(InputError, match="at least one photo, but 0 were asked for; try 60"):
        draw_sample(clusters(5), 0)


@pytest.mark.parametrize(("right", "judged"), [(0, 9), (7, 9), (9, 9), (41, 60)])
def test_the_interval_is_wilsons(right, judged):
    expected = binomtest(right, judged).proportion_ci(method="wilson")
    assert wilson(right / judged, judged) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_each_cluster_counts_by_its_size():
    # weights .9 and .1: .9 * 8/10 + .1 * 5/10 = .77; effective size 1 / (.81/10 + .01/10) = 12.195...
    found = estimate({1: Judged(size=900, judged=10, right=8), 2: Judged(size=100, judged=10, right=5)})
    assert found.share == pytest.approx(0.77)
    assert (found.low, found.high) == pytest.approx(wilson(0.77, 1 / 0.082))
    assert (found.covered, found.judged) == (1.0, 20)


def test_in_proportion_it_is_the_plain_interval():
    found = estimate({0: Judged(size=80, judged=8, right=6), 1: Judged(size=20, judged=2, right=1)})
    plain = binomtest(7, 10).proportion_ci(method="wilson")
    assert (found.share, found.low, found.high) == pytest.approx((0.7, plain.low, plain.high))


def test_clusters_without_a_judgement_are_left_out_and_said():
    found = estimate({0: Judged(size=75, judged=3, right=3), 1: Judged(size=25, judged=0, right=0)})
    assert (found.share, found.covered) == (1.0, 0.75)
    assert estimate({0: Judged(size=75, judged=0, right=0)}) is None
