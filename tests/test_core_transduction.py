"""Groups that words start and looks finish."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import l2_normalize
from kec_core.clustering import transduction
from kec_core.clustering.geometry import nearest_centroids
from kec_core.clustering.transduction import groups_of_words, settle
from tests.planted import same_partition


def blobs(seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(3), 50).astype(np.int32)
    x = np.eye(3, 12)[truth] + noise * rng.normal(size=(150, 12))
    return l2_normalize(x.astype(np.float32)), truth


def posteriors(truth, right, seed=0):
    """Words that are right, if weakly, about a share of the photos."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(truth)) < right, truth, rng.integers(3, size=len(truth)))
    omega = np.full((len(truth), 3), 0.25, dtype=np.float32)
    omega[np.arange(len(truth)), said] = 0.5
    return omega


def test_looks_finish_what_words_begin():
    x, truth = blobs()
    omega = posteriors(truth, 0.6)
    assert (omega.argmax(axis=1) == truth).mean() < 0.85
    labels, _ = nearest_centroids(x, groups_of_words(x, omega))
    assert (labels == truth).mean() > 0.98  # group k is that of concept k, not only up to ids


def test_a_concept_that_fits_every_photo_takes_no_photo_from_the_others():
    x, truth = blobs()
    hub = posteriors(truth, 0.7) * np.array([1e6, 1, 1], dtype=np.float32)
    hub /= hub.sum(axis=1, keepdims=True)
    assert (hub.argmax(axis=1) == 0).all()
    labels, _ = nearest_centroids(x, groups_of_words(x, hub))
    assert (labels == truth).mean() > 0.98


def test_groups_by_looks_are_matched_with_the_concepts():
    x, truth = blobs()
    looks = (truth + 1) % 3
    labels, _ = nearest_centroids(
        x, groups_of_words(x, posteriors(truth, 0.6), by_looks=looks.astype(np.int32))
    )
    assert (labels == truth).mean() > 0.98


def test_without_words_it_is_soft_kmeans():
    x, truth = blobs()
    start = truth.copy()
    start[::10] = 0
    end = settle(x, start, 3, lambda member: np.zeros_like(member))
    assert same_partition(end.member.argmax(axis=1), truth)
    np.testing.assert_allclose(end.member.sum(axis=1), 1, rtol=1e-5)


def test_the_better_end_of_several_starts_is_kept(monkeypatch):
    ends = {0: 0.2, 1: 0.9, 2: 0.9}
    monkeypatch.setattr(
        transduction,
        "settle",
        lambda _x, start, _count, _words: transduction.Settled(
            member=start, centroids=start, objective=ends[start]
        ),
    )
    assert transduction.best_settled(None, (0, 1, 2), 3, None).member == 1
