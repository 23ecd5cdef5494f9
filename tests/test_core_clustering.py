import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh
from sklearn.cluster import AgglomerativeClustering

from kec_core.arrays import no_progress
from kec_core.clustering import algorithms as hierarchical_module
from kec_core.clustering import algorithms as spectral_module
from kec_core.clustering import (
    cluster,
    estimate_n_clusters,
    fuse,
    match_ids,
    match_labels,
    spherical_kmeans,
)
from kec_core.clustering import estimate as estimate_module
from kec_core.clustering import kmeans as kmeans_module
from kec_core.clustering.algorithms import embedding
from kec_core.clustering.geometry import (
    centroids_of,
    cluster_sums,
    nearest_centroids,
    nearest_neighbours,
    neighbour_graph,
    row_cosines,
)
from kec_core.config import ClusteringConfig
from kec_core.errors import Cancelled, InputError, ShapeError
from tests.planted import planted_rows, same_partition, unit

ALGORITHMS = ("kmeans", "spectral", "agglomerative", "bisecting")


def ids(*values):
    return np.array(values, dtype=np.int32)


def cosine_sum(x, clustering):
    return float((x * clustering.centroids[clustering.labels]).sum(dtype=np.float64))


# ---- geometry ----


def test_geometry_of_a_hand_made_case():
    x = np.array([[1, 0], [0, 1], [0, 2], [-1, 0]], dtype=np.float32)
    labels = ids(0, 2, 2, 0)
    np.testing.assert_allclose(cluster_sums(x, labels, 3), [[0, 0], [0, 0], [0, 3]])
    np.testing.assert_allclose(centroids_of(x, labels, 3), [[0, 0], [0, 0], [0, 1]])
    centroids = np.array([[1, 0], [0, 1]], dtype=np.float32)
    found, cosines = nearest_centroids(x, centroids)
    assert found.tolist() == [0, 1, 1, 1]
    assert cosines.tolist() == [1, 1, 2, 0]
    np.testing.assert_allclose(row_cosines(x, centroids, ids(0, 0, 1, 0)), [1, 0, 2, -1])


def test_neighbours_leave_out_the_row_itself_even_among_duplicates():
    x = unit(np.array([[1, 0], [1, 0], [1, 0], [1, 1], [0, 1]]))
    rows, cosines = nearest_neighbours(x, 2)
    assert sorted(rows[0].tolist()) == [1, 2]
    assert sorted(rows[1].tolist()) == [0, 2]
    assert sorted(rows[2].tolist()) == [0, 1]
    np.testing.assert_allclose(cosines[4, 0], np.sqrt(0.5), rtol=1e-5, atol=1e-6)
    assert rows[4, 0] == 3
    assert nearest_neighbours(x, 99)[0].shape == (5, 4)


# ---- spherical k-means ----


def test_kmeans_finds_planted_clusters_and_says_what_it_reached():
    x, truth = planted_rows()
    found = spherical_kmeans(x, 5, n_init=3)
    assert same_partition(found.labels, truth)
    assert found.labels.dtype == np.int32
    assert found.centroids.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found.centroids, axis=1), 1, rtol=1e-5, atol=1e-6)
    assert found.objective == pytest.approx(cosine_sum(x, found), rel=1e-5)
    assert found.note == ""


def test_kmeans_is_as_good_as_faiss():
    x, _ = planted_rows(n_clusters=20, per_cluster=60, noise=0.35)
    reference = faiss.Kmeans(
        x.shape[1], 20, niter=300, nredo=5, spherical=True, seed=1, max_points_per_centroid=10**6
    )
    reference.train(x)
    best = float(reference.index.search(x, 1)[0].sum())
    assert spherical_kmeans(x, 20, n_init=5).objective >= 0.999 * best


def test_labels_are_the_nearest_centroids_when_converged():
    x, _ = planted_rows(noise=0.5)
    found = spherical_kmeans(x, 7, n_init=2)
    np.testing.assert_array_equal(found.labels, nearest_centroids(x, found.centroids)[0])
    np.testing.assert_allclose(found.centroids, centroids_of(x, found.labels, 7), atol=1e-5)


def test_more_starts_are_never_worse_and_the_seed_decides():
    x, _ = planted_rows(n_clusters=12, per_cluster=15, noise=0.5)
    objectives = [spherical_kmeans(x, 12, n_init=n, seed=5).objective for n in (1, 4, 8)]
    assert objectives == sorted(objectives)
    again = [spherical_kmeans(x, 12, n_init=2, seed=9) for _ in range(2)]
    np.testing.assert_array_equal(again[0].labels, again[1].labels)
    assert again[0].objective == again[1].objective


def test_one_cluster_and_one_cluster_per_row():
    x, _ = planted_rows(per_cluster=4)
    assert spherical_kmeans(x, 1).n_clusters == 1
    each = spherical_kmeans(x, len(x), n_init=2)
    assert each.n_clusters == len(x)
    assert each.objective == pytest.approx(len(x), rel=1e-5)


def test_duplicate_rows_leave_fewer_clusters_and_say_so():
    x = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    found = spherical_kmeans(x, 5, n_init=3)
    assert same_partition(found.labels, np.repeat(np.arange(3), 10))
    assert len(found.centroids) == 3
    assert found.note == "Only 3 of 5 clusters asked for got photos, because many photos look the same."


def test_an_empty_cluster_starts_again_at_the_worst_row():
    x, truth = planted_rows(n_clusters=3, per_cluster=30)
    centres = centroids_of(x, truth, 3)
    init = np.stack([centres[0], centres[1], -(centres.sum(axis=0))])
    found = spherical_kmeans(x, 3, init=unit(init))
    assert same_partition(found.labels, truth)


def test_a_warm_start_goes_on_from_where_it_is_told():
    x, truth = planted_rows()
    told = []
    warm = spherical_kmeans(
        x, 5, init=centroids_of(x, truth, 5), progress=lambda done, total, label: told.append((done, total))
    )
    np.testing.assert_array_equal(warm.labels, truth)
    assert set(told) == {(0, 1)}
    assert len(told) == 2  # one pass to assign, one to see that nothing changes


def test_faiss_compat_fits_on_a_sample_and_assigns_all():
    x, truth = planted_rows(per_cluster=600)
    config = ClusteringConfig(faiss_compat=True, n_init=2)
    found = cluster(x, 5, config)
    assert same_partition(found.labels, truth)
    full = cluster(x, 5, ClusteringConfig(n_init=2))
    assert np.abs(found.centroids @ full.centroids.T).max(axis=1) == pytest.approx(1, abs=0.01)
    assert found.objective < full.objective
    assert found.objective == pytest.approx(cosine_sum(x, found), rel=1e-5)


def test_starts_compared_on_a_sample_are_as_good_as_all_on_all_rows(monkeypatch):
    x, _ = planted_rows(n_clusters=20, per_cluster=120, noise=0.35)
    everywhere = spherical_kmeans(x, 20, n_init=20).objective
    monkeypatch.setattr(kmeans_module, "LARGE", 500)
    monkeypatch.setattr(kmeans_module, "SAMPLE_ROWS", 300)
    monkeypatch.setattr(kmeans_module, "SAMPLE_ROWS_PER_CLUSTER", 15)
    told = []
    sampled = spherical_kmeans(x, 20, n_init=20, progress=lambda done, total, _: told.append((done, total)))
    assert sampled.objective >= 0.998 * everywhere
    assert sampled.objective == pytest.approx(cosine_sum(x, sampled), rel=1e-5)
    np.testing.assert_allclose(sampled.centroids, centroids_of(x, sampled.labels, 20), atol=1e-5)
    assert len(sampled.labels) == len(x)
    assert told == sorted(told)
    assert {total for _, total in told} == {20 + 10 + 5}


def test_no_sample_is_drawn_up_to_the_size_where_all_starts_run_on_all_rows():
    assert kmeans_module._rounds(kmeans_module.LARGE, 10, 20) == [(kmeans_module.LARGE, 20)]
    assert kmeans_module._rounds(kmeans_module.LARGE + 1, 10, 20) == [
        (10_000, 20),
        (kmeans_module.LARGE + 1, 10),
    ]
    assert kmeans_module._rounds(1_000_000, 100, 20) == [
        (15_000, 20),
        (60_000, 10),
        (240_000, 5),
        (1_000_000, 3),
    ]


def test_cancel_is_noticed_in_the_middle_of_a_start():
    x, _ = planted_rows(n_clusters=12, per_cluster=30, noise=0.6)
    calls = []

    def stop(done, total, label):
        calls.append((done, total, label))
        if len(calls) == 14:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        spherical_kmeans(x, 12, n_init=4, progress=stop)
    assert calls[-1] == (0, 4, "Clustering, start 1 of 4")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_kmeans_does_not_care_about_row_order_duplicates_or_precision(seed):
    x, truth = planted_rows(n_clusters=3, per_cluster=8, dim=8, noise=0.05, seed=seed)
    rows = np.random.default_rng(seed).permutation(len(x))
    plain = spherical_kmeans(x, 3, seed=seed).labels
    assert same_partition(plain, truth)
    assert same_partition(spherical_kmeans(x[rows], 3, seed=seed).labels, truth[rows])
    doubled = spherical_kmeans(np.vstack([x, x]), 3, seed=seed).labels
    assert same_partition(doubled, np.concatenate([truth, truth]))
    np.testing.assert_array_equal(spherical_kmeans(x.astype(np.float64), 3, seed=seed).labels, plain)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("k", [0, 21])
def test_impossible_numbers_of_clusters_are_refused_with_an_offer(algorithm, k):
    x, _ = planted_rows(per_cluster=4)
    with pytest.raises(InputError, match=rf"between 1 and the number of photos \(20\), but {k} .*choose 4"):
        cluster(x, k, ClusteringConfig(algorithm=algorithm))


def test_unusable_input_is_refused():
    x, _ = planted_rows(per_cluster=4)
    with pytest.raises(ShapeError, match=r"should have shape \(5, 32\), but have \(4, 32\)"):
        spherical_kmeans(x, 5, init=x[:4])
    with pytest.raises(InputError, match="n_init is 0"):
        spherical_kmeans(x, 5, n_init=0)
    bad = x.copy()
    bad[3, 0] = np.nan
    with pytest.raises(ShapeError, match="row 3 has NaN"):
        spherical_kmeans(bad, 5)


# ---- the other algorithms ----


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_planted_clusters(algorithm):
    x, truth = planted_rows(n_clusters=4, noise=0.08)
    found = cluster(x, 4, ClusteringConfig(algorithm=algorithm, n_init=3), seed=1)
    assert same_partition(found.labels, truth)
    assert found.method == algorithm
    assert found.objective == pytest.approx(cosine_sum(x, found), rel=1e-5)
    again = cluster(x, 4, ClusteringConfig(algorithm=algorithm, n_init=3), seed=1)
    np.testing.assert_array_equal(found.labels, again.labels)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_does_one_cluster_and_one_per_row(algorithm):
    x, _ = planted_rows(per_cluster=3)
    config = ClusteringConfig(algorithm=algorithm, n_init=2)
    assert cluster(x, 1, config).n_clusters == 1
    assert cluster(x, len(x), config).n_clusters == len(x)
    assert cluster(x, len(x) - 1, config).n_clusters == len(x) - 1


def test_spectral_uses_a_sparse_graph_for_many_rows(monkeypatch):
    monkeypatch.setattr(spectral_module, "DENSE_ROWS", 100)
    x, truth = planted_rows(n_clusters=3, per_cluster=60)
    found = cluster(x, 3, ClusteringConfig(algorithm="spectral"))
    assert same_partition(found.labels, truth)
    assert found.note == (
        "Clustered on a graph of 20 visual neighbours per photo. "
        "The graph falls into several parts, which stay apart."
    )


def test_agglomerative_fits_a_sample_of_many_rows_and_says_so(monkeypatch):
    monkeypatch.setattr(hierarchical_module, "AGGLOMERATIVE_ROWS", 60)
    x, truth = planted_rows()
    found = cluster(x, 5, ClusteringConfig(algorithm="agglomerative"))
    assert same_partition(found.labels, truth)
    assert "was fitted on 60 of 200 photos" in found.note


def test_ward_joins_as_sklearn_does():
    x, _ = planted_rows(n_clusters=6, per_cluster=40, noise=0.5)
    theirs = AgglomerativeClustering(9, linkage="ward").fit_predict(x)
    assert same_partition(cluster(x, 9, ClusteringConfig(algorithm="agglomerative")).labels, theirs)


def test_ward_makes_as_many_clusters_as_asked_among_duplicates():
    x = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    assert cluster(x, 5, ClusteringConfig(algorithm="agglomerative")).n_clusters == 5


def test_bisecting_splits_the_widest_cluster_and_stops_at_equal_rows():
    pair = unit(np.array([[1, 0, 0.0], [1, 0.1, 0], [0, 0.2, 1], [0, -0.8, 1]]))
    config = ClusteringConfig(algorithm="bisecting")
    assert same_partition(cluster(pair, 2, config).labels, ids(0, 0, 1, 1))
    assert same_partition(cluster(pair, 3, config).labels, ids(0, 0, 1, 2))
    doubled = cluster(np.repeat(np.eye(2, dtype=np.float32), 3, axis=0), 3, config)
    assert same_partition(doubled.labels, ids(0, 0, 0, 1, 1, 1))
    assert doubled.note.startswith("Only 2 of 3 clusters")


@pytest.mark.parametrize("sparse", [True, False])
def test_the_spectral_embedding_spans_what_scipy_finds_without_iterating(sparse):
    x, _ = planted_rows(n_clusters=4, noise=0.3)
    affinity = neighbour_graph(x, 12) if sparse else np.maximum(x @ x.T, 0)
    dense = (affinity.toarray() if sparse else affinity).astype(np.float64)
    scale = 1 / np.sqrt(dense.sum(axis=1))
    exact = eigh(scale[:, None] * dense * scale)[1][:, -4:]
    found = embedding(affinity, 4, 0, no_progress)
    np.testing.assert_allclose(np.linalg.svd(found.T @ exact)[1], 1, atol=1e-5)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_can_be_stopped_while_it_works(algorithm):
    x, _ = planted_rows(n_clusters=12, per_cluster=30, noise=0.6)
    calls = []

    def stop(done, total, label):
        calls.append(label)
        if len(calls) == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        cluster(x, 12, ClusteringConfig(algorithm=algorithm), progress=stop)


# ---- fusion, ids, number of clusters ----


def test_fusion_of_a_hand_made_case():
    x = np.array([[2, 0], [0, 5], [0, 0]], dtype=np.float32)
    kappa = np.array([[0, 3, 4], [0, 0, 0], [1, 0, 0]], dtype=np.float32)
    fused = fuse(x, kappa, 0.5)
    scale = 1 / np.sqrt(1.25)
    expected = [
        [scale, 0, 0, 0.3 * scale, 0.4 * scale],
        [0, scale, 0, 0, 0],
        [0, 0, 0.5 * scale, 0, 0],
    ]
    np.testing.assert_allclose(fused, expected, rtol=1e-5, atol=1e-6)
    assert fused.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(fused[0]), 1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fuse(x, kappa, 0)[:2, :2], [[1, 0], [0, 1]])
    assert not fuse(x, kappa, 0)[:, 2:].any()


def test_ids_follow_the_photos():
    reference = ids(4, 4, 4, 9, 9, 2, 2)
    labels = ids(1, 1, 1, 0, 0, 0, 3)
    assert match_ids(labels, reference) == {1: 4, 0: 9, 3: 2}
    assert match_labels(labels, reference).tolist() == [4, 4, 4, 9, 9, 9, 2]


def test_clusters_without_a_counterpart_get_ids_never_used():
    reference = ids(0, 0, 0, 0, 3, 3)
    labels = ids(0, 0, 1, 2, 5, 5)
    matched = match_labels(labels, reference)
    assert matched.tolist() == [0, 0, 4, 5, 3, 3]
    assert match_labels(labels, reference, first_new=10).tolist() == [0, 0, 10, 11, 3, 3]


def test_a_cluster_that_shares_nothing_keeps_no_id():
    # 0 and 1 both lie inside reference 0; reference 1 is inside cluster 2 together with reference 2
    assert match_labels(ids(0, 0, 1, 2, 2, 2), ids(0, 0, 0, 1, 2, 2)).tolist() == [0, 0, 3, 2, 2, 2]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.permutations(range(6)))
def test_matching_undoes_renaming(values, names):
    labels = ids(*values)
    renamed = np.array(names, dtype=np.int32)[labels]
    np.testing.assert_array_equal(match_labels(renamed, labels), labels)


def test_the_number_of_clusters_is_found_and_explained():
    x, _ = planted_rows(n_clusters=7, per_cluster=30)
    k, how = estimate_n_clusters(x)
    assert k == 7
    assert how == (
        "7 clusters were estimated: linked to their 8, 12 and 20 most similar ones, 210 photos nearly fall into "
        "7, 7 and 7 groups, and the middle was taken."
    )


def test_groups_within_groups_are_named_as_another_number():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.eye(2, 40), 3, axis=0) + 0.6 * rng.normal(size=(6, 40)) / np.sqrt(40)
    x = unit(np.repeat(kinds, 40, axis=0) + 1.2 * rng.normal(size=(240, 40)) / np.sqrt(40))
    k, how = estimate_n_clusters(x)
    assert k == 2
    assert how.endswith("and the middle was taken. 6 would fit too.")


def test_the_number_of_clusters_is_estimated_on_a_sample_of_large_sets(monkeypatch):
    monkeypatch.setattr(estimate_module, "SAMPLE", 150)
    x, _ = planted_rows(n_clusters=4, per_cluster=100)
    k, how = estimate_n_clusters(x, seed=2)
    assert k == 4
    assert "150 of 400 photos" in how
    assert estimate_n_clusters(x, seed=2) == (k, how)


def test_tiny_and_uniform_sets_have_an_estimate_too():
    x, _ = planted_rows(n_clusters=3, per_cluster=3)
    assert estimate_n_clusters(x) == (
        1,
        "9 photos: too few to estimate the number of clusters, so all are in one.",
    )
    same = np.repeat(x[:1], 30, axis=0)
    assert estimate_n_clusters(same) == (1, "All 30 photos look the same, so they are in one cluster.")


def test_the_neighbour_graph_of_a_hand_made_case():
    x = unit(np.array([[1, 0], [1, 0.1], [1, 0.3], [0, 1]]))
    expected = [[0, 1, 0, 0], [1, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0]]
    np.testing.assert_array_equal(neighbour_graph(x, 1).toarray(), expected)
