"""Maps: the graph behind them, planted groups that stay together, old places that are kept, a stop that is felt."""

import numpy as np
import pytest

from kec_core.errors import Cancelled, InputError
from kec_core.maps import neighbours as graph
from kec_core.maps.layout import _keep_compiled, aligned, lay_out, principal_plane
from kec_core.maps.neighbours import find_neighbours
from tests.planted import planted_rows, unit


def share_of_own(places, truth, count=10):
    """How many of the nearest points on the map are of the same planted group."""
    gaps = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    near = np.argsort(gaps, axis=1)[:, :count]
    return (truth[near] == truth[:, None]).mean()


def true_rows(x, count):
    cosines = x @ x.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1)[:, :count]


def test_neighbours_of_a_small_collection_are_exact():
    x = unit(np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], dtype=np.float32))
    found = find_neighbours(x, 2)
    assert found.rows.tolist() == [[1, 3], [0, 3], [3, 1], [2, 1]]
    assert found.recall == 1.0
    assert np.allclose(
        found.distances[0], [np.linalg.norm(x[0] - x[1]), np.linalg.norm(x[0] - x[3])], atol=1e-5
    )


def test_an_approximate_graph_holds_the_true_neighbours(monkeypatch):
    monkeypatch.setattr(graph, "EXACT_ROWS", 100)
    x, _ = planted_rows(n_clusters=8, per_cluster=150, dim=24, noise=0.15)
    found = find_neighbours(x, 20)
    truth = true_rows(x, 20)
    recall = np.mean([len(set(mine) & set(true)) / 20 for mine, true in zip(found.rows, truth, strict=True)])
    assert recall >= 0.95
    assert found.recall >= 0.95
    assert abs(found.recall - recall) < 0.03
    assert not (found.rows == np.arange(len(x))[:, None]).any()
    assert (np.diff(found.distances, axis=1) >= -1e-6).all()


def test_neighbours_without_structure_are_looked_for_everywhere(monkeypatch):
    monkeypatch.setattr(graph, "EXACT_ROWS", 100)
    x = unit(np.random.default_rng(0).normal(size=(600, 40)))
    assert find_neighbours(x, 10).recall >= 0.95


def test_lists_with_too_few_rows_are_not_enough(monkeypatch):
    monkeypatch.setattr(graph, "EXACT_ROWS", 100)
    monkeypatch.setattr(
        graph, "RECALL", 0.0
    )  # two lists of about ten rows each are looked into, for 40 neighbours
    monkeypatch.setattr(graph, "_FIRST_LISTS", 2)
    x = unit(np.random.default_rng(0).normal(size=(300, 16)))
    found = find_neighbours(x, 40)
    assert all(len(set(row) - {number, -1}) == 40 for number, row in enumerate(found.rows.tolist()))
    assert np.isfinite(found.distances).all()
    assert found.distances.max() <= 2


def test_copies_of_a_photo_are_neighbours_of_each_other_not_of_themselves():
    x = np.repeat(unit(np.random.default_rng(1).normal(size=(5, 8))), 3, axis=0)
    found = find_neighbours(x, 2)
    assert [set(row) for row in found.rows[:3].tolist()] == [{1, 2}, {0, 2}, {0, 1}]
    assert np.allclose(found.distances, 0, atol=1e-3)


def test_more_copies_than_neighbours_cost_no_recall(monkeypatch):
    monkeypatch.setattr(graph, "EXACT_ROWS", 100)
    x, _ = planted_rows(n_clusters=8, per_cluster=80, dim=24, noise=0.15)
    x[:300] = x[0]
    found = find_neighbours(x, 10)
    assert found.recall >= 0.95
    assert np.allclose(found.distances[:300], 0, atol=1e-3)
    assert (found.rows[:300] < 300).all()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_planted_groups_stay_together_and_again_gives_the_same_map(method):
    x, truth = planted_rows(n_clusters=4, per_cluster=30, dim=16)
    near = find_neighbours(x, 60)
    places = lay_out(x, method, near)
    assert places.shape == (120, 2)
    assert places.dtype == np.float32
    assert share_of_own(np.random.default_rng(0).normal(size=(120, 2)), truth) < 0.5
    assert share_of_own(places, truth) > 0.95
    assert np.array_equal(places, lay_out(x, method, near))


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_a_map_that_goes_on_from_an_old_one_keeps_the_bearings(method):
    x, truth = planted_rows(n_clusters=4, per_cluster=30, dim=16)
    old = lay_out(x, method, find_neighbours(x, 60))
    changed = unit(x + 0.03 * np.random.default_rng(2).normal(size=x.shape))
    new_graph = find_neighbours(changed, 60)
    warm = lay_out(changed, method, new_graph, start=old)
    cold = lay_out(changed, method, new_graph, seed=5)
    spread = old.std()
    moved = np.linalg.norm(warm - old, axis=1).mean() / spread
    assert moved < 0.35
    assert moved < np.linalg.norm(aligned(cold, old) - old, axis=1).mean() / spread
    assert share_of_own(warm, truth) > 0.95


def test_a_map_that_goes_on_lies_on_the_old_one_as_well_as_it_can():
    x, _ = planted_rows(n_clusters=4, per_cluster=30, dim=16)
    near = find_neighbours(x, 60)
    old = lay_out(x, "umap", near)
    kept = old.copy()
    warm = lay_out(x, "umap", near, start=old)
    assert np.array_equal(old, kept)
    assert not np.array_equal(warm, old)
    assert np.allclose(aligned(warm, old), warm, atol=1e-3 * old.std())


def test_new_photos_start_beside_their_neighbours():
    x, truth = planted_rows(n_clusters=3, per_cluster=30, dim=16)
    near = find_neighbours(x, 60)
    old = lay_out(x, "umap", near)
    old[:5] = np.nan
    places = lay_out(x, "umap", near, start=old)
    assert np.isfinite(places).all()
    assert share_of_own(places, truth) > 0.95


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_a_stop_is_felt_while_photos_are_placed(method):
    x, _ = planted_rows(n_clusters=3, per_cluster=40, dim=16)
    told = []

    def stop(done, total, label):
        told.append((done, total, label))
        if label == "Placing the photos":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="stopped"):
        lay_out(x, method, find_neighbours(x, 60), progress=stop)
    assert told[-1][2] == "Placing the photos"
    assert told[-1][0] < told[-1][1]


def test_a_stop_is_felt_while_neighbours_are_found():
    def stop(done, total, label):
        raise Cancelled(label)

    with pytest.raises(Cancelled, match="Finding neighbours"):
        find_neighbours(planted_rows()[0], 10, progress=stop)


def test_a_turned_mirrored_and_scaled_map_is_laid_back_exactly():
    old = np.array([[0, 0], [4, 0], [4, 1], [0, 3]], dtype=np.float32)
    turned = old @ np.array([[0, 2], [2, 0]], dtype=np.float32) + [7, -3]
    assert np.allclose(aligned(turned.astype(np.float32), old), old, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_very_few_photos_have_places_too(count):
    places = lay_out(unit(np.eye(count, 8) + 0.1), "umap", None)
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_photos_that_are_all_alike_have_places_too(method):
    x = unit(np.ones((20, 4)))
    assert np.isfinite(lay_out(x, method, find_neighbours(x, 60))).all()


def test_the_main_directions_are_those_of_the_largest_spread():
    x = np.array([[-3, 0, 1], [3, 0, 1], [0, 1, 1], [0, -1, 1]], dtype=np.float32)
    plane = principal_plane(x)
    assert np.allclose(np.abs(plane[:, 0]) / np.abs(plane[0, 0]), [1, 1, 0, 0], atol=1e-5)
    assert plane[:, 0].std() == pytest.approx(1, abs=1e-5)


def test_wrong_wishes_are_refused():
    x, _ = planted_rows(per_cluster=4)
    near = find_neighbours(x, 5)
    with pytest.raises(InputError, match=r"'umap' or 'tsne', but 'pca'"):
        lay_out(x, "pca", near)
    with pytest.raises(InputError, match=r"shape \(20, 2\), but has \(3, 2\)"):
        lay_out(x, "umap", near, start=np.zeros((3, 2), np.float32))


def test_where_nothing_can_be_kept_on_disk_maps_are_made_all_the_same(monkeypatch):
    from numba.core import caching
    from umap import layouts

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        layouts.clip.enable_caching()
    _keep_compiled()


def test_the_seed_chooses_the_umap():
    x, _ = planted_rows(n_clusters=4, per_cluster=30, dim=16)
    near = find_neighbours(x, 60)
    assert not np.array_equal(lay_out(x, "umap", near, seed=1), lay_out(x, "umap", near))
