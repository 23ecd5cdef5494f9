"""K-means that goes on: the same as plain Lloyd, from groups of any number, around photos that are placed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.clustering.warm_start import continue_kmeans, resized_centroids
from kec_core.errors import InputError


def random_rows(seed: int, rows: int, dim: int) -> np.ndarray:
    return l2_normalize(np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32))


def plain_lloyd(x: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Every row against every centroid in float64, until nothing changes."""
    centroids = centroids.astype(np.float64)
    labels = np.full(len(x), -1)
    while True:
        nearest = (x @ centroids.T).argmax(axis=1)
        if (nearest == labels).all():
            return labels
        labels = nearest
        sums = np.stack([x[labels == k].sum(axis=0, dtype=np.float64) for k in range(len(centroids))])
        centroids = sums / np.linalg.norm(sums, axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_the_bounds_change_nothing(seed):
    rng = np.random.default_rng(seed)
    centres = random_rows(seed, 5, 6)
    x = l2_normalize(centres[rng.integers(5, size=300)] + 0.5 * random_rows(seed + 1, 300, 6))
    start = l2_normalize(centres + 0.3 * random_rows(seed + 2, 5, 6))
    found = continue_kmeans(x, start)
    assert (found.labels == plain_lloyd(x, start)).mean() > 0.99  # a row on a border may round either way
    own = (x * found.centroids[found.labels]).sum(axis=1)
    assert found.objective == pytest.approx(own.sum(), rel=1e-4)
    assert (found.labels == (x @ found.centroids.T).argmax(axis=1)).mean() > 0.99


def test_a_stable_clustering_stays():
    x = random_rows(0, 200, 8)
    once = continue_kmeans(x, random_rows(1, 6, 8))
    again = continue_kmeans(x, once.centroids)
    assert (once.labels == again.labels).all()
    assert again.objective == pytest.approx(once.objective, abs=1e-5)


def test_many_rows_may_end_before_the_last_of_them_stays():
    x, start = random_rows(3, 4000, 6), random_rows(4, 5, 6)
    whole, first = continue_kmeans(x, start), continue_kmeans(x, start, max_iter=1)
    early = continue_kmeans(x, start, settled_share=0.05)
    assert first.objective < early.objective < whole.objective


def test_an_empty_cluster_takes_a_part_of_the_widest():
    x = np.array([[1, 0, 0], [1, 0.1, 0], [1, -0.1, 0], [0.5, 0, 1]], dtype=np.float32)
    x = l2_normalize(x)
    nowhere = np.array([[1, 0, 0], [-1, 0, 0]], dtype=np.float32)
    assert continue_kmeans(x, nowhere).labels.tolist() == [0, 0, 0, 1]


def test_equal_rows_leave_a_cluster_empty():
    x = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (4, 1))
    found = continue_kmeans(x, np.eye(2, dtype=np.float32))
    assert len(set(found.labels.tolist())) == 1


def test_rows_that_are_settled_stay_settled():
    x = random_rows(3, 100, 5)

    def settle(nearest, centroids):
        labels = nearest.copy()
        labels[:10] = 2
        return labels

    found = continue_kmeans(x, random_rows(4, 4, 5), settle=settle)
    assert (found.labels[:10] == 2).all()
    mean = x[found.labels == 2].sum(axis=0)
    assert found.centroids[2] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


BLOBS = np.eye(4, dtype=np.float32)


def four_blobs() -> tuple[np.ndarray, np.ndarray]:
    """Forty rows around four axes; axes 2 and 3 lie close together."""
    axes = l2_normalize(BLOBS + np.array([[0], [0], [0], [1]], dtype=np.float32) * BLOBS[2])
    labels = np.repeat(np.arange(4, dtype=np.int32), 10)
    return l2_normalize(axes[labels] + 0.05 * random_rows(5, 40, 4)), labels


def test_as_many_groups_as_there_are_keep_their_means():
    x, labels = four_blobs()
    names = np.array([7, 3, 9, 1], dtype=np.int32)  # ids need not be 0..K-1
    centroids = resized_centroids(x, names[labels], 4)
    assert sorted((x @ centroids.T).argmax(axis=1)[::10].tolist()) == [0, 1, 2, 3]


def test_fewer_groups_join_the_two_that_lose_least():
    x, labels = four_blobs()
    joined = continue_kmeans(x, resized_centroids(x, labels, 3)).labels
    assert (joined[20:] == joined[20]).all()
    assert len(set(joined[[0, 10, 20]].tolist())) == 3


def test_more_groups_cut_the_widest():
    x, labels = four_blobs()
    together = np.where(labels == 3, 2, np.where(labels == 1, 0, labels)).astype(
        np.int32
    )  # 0 and 1 are farther
    cut = continue_kmeans(x, resized_centroids(x, together, 3)).labels
    assert len({int(cut[0]), int(cut[10]), int(cut[20])}) == 3
    assert (cut[20:] == cut[20]).all()


@pytest.mark.parametrize("n_clusters", [1, 2, 5, 39, 40])
def test_any_number_of_groups_can_be_had(n_clusters):
    x, labels = four_blobs()
    centroids = resized_centroids(x, labels, n_clusters)
    assert centroids.shape == (n_clusters, 4)
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(np.ones(n_clusters), abs=1e-5)


def test_equal_photos_cannot_be_cut_but_do_not_stop_the_work():
    x = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (5, 1))
    assert resized_centroids(x, np.zeros(5, np.int32), 3).shape == (3, 2)


@pytest.mark.parametrize("n_clusters", [0, 41])
def test_impossible_numbers_are_refused(n_clusters):
    x, labels = four_blobs()
    with pytest.raises(InputError, match=rf"between 1 and the number of photos \(40\), but {n_clusters}"):
        resized_centroids(x, labels, n_clusters)
