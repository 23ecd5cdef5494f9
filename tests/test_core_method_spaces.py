"""The feature spaces of CAE and LAIC against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize, no_progress, softmax_rows
from kec_core.clustering.metrics import score
from kec_core.errors import Cancelled, InputError
from kec_core.methods import run_method
from kec_core.methods.cae import column_potentials, counterparts, fuse_views
from kec_core.methods.laic import adaptive_count, relational, reliable
from kec_core.methods.options import CaeOptions, LaicOptions
from tests.planted_methods import Planted


def unit(rng, rows, width):
    return l2_normalize(rng.normal(size=(rows, width)).astype(np.float32))


# ---- LAIC, methods.md 5.2


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 20), st.sampled_from([0.01, 1.0, 10.0]), st.integers(0, 99))
def test_laic_rows_have_the_geometry_of_the_ridge_coefficients(width, n_nouns, gamma, seed):
    rng = np.random.default_rng(seed)
    x, u = unit(rng, 15, width), unit(rng, n_nouns, width)
    gram = u.astype(np.float64) @ u.T
    coefficients = x @ u.T @ np.linalg.inv(gram + gamma * np.eye(n_nouns))  # C, (N, m)
    y = relational(x, u, gamma)
    scale = np.abs(coefficients).max() ** 2
    np.testing.assert_allclose(y @ y.T, coefficients @ coefficients.T, atol=2e-4 * scale + 1e-6)


def test_laic_coefficients_solve_the_ridge_problem():
    rng = np.random.default_rng(0)
    x, u = unit(rng, 5, 6).astype(float), unit(rng, 9, 6).astype(float)
    c = x @ u.T @ np.linalg.inv(u @ u.T + np.eye(9))
    slope = -2 * (x - c @ u) @ u.T + 2 * c  # of ||X - C U||^2 + ||C||^2 at its minimum
    np.testing.assert_allclose(slope, 0, atol=1e-9)


def test_laic_keeps_photos_whose_neighbours_agree_and_some_of_every_cluster():
    pseudo = np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)
    neighbours = np.array([[1, 2], [0, 2], [0, 3], [4, 5], [3, 0], [0, 1]])
    kept = reliable(pseudo, neighbours, LaicOptions(threshold=0.7))
    np.testing.assert_array_equal(kept, [0, 1, 3])
    lonely = reliable(pseudo, np.array([[3], [3], [3], [0], [0], [0]]), LaicOptions())
    np.testing.assert_array_equal(lonely, [0, 3])  # none agrees: the first of each stays


def test_laic_chooses_the_number_of_neighbours_that_still_agree():
    agree = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    # shares where all k agree: 1, 3/4, 2/4, 0; times k: 1, 1.5, 1.5, 0
    assert adaptive_count(agree) == 2


@pytest.mark.parametrize("changes", [{}, {"rounds": 2}, {"adaptive_k": True}, {"balance": 2.0}])
def test_laic_learns_centres_that_find_the_classes(changes):
    planted = Planted(noise=0.8)
    made = run_method("laic-centres", planted.inputs(), 4, options=LaicOptions(steps=20, **changes))
    assert score(made.labels, planted.truth).acc > 0.95
    assert made.note.startswith("Surrogate: free centres, no prompts.")


# ---- CAE, methods.md 4.3, 4.4


def test_cae_without_the_column_constraint_is_the_softmax_retrieval():
    planted = Planted(noise=1.0)
    inputs = planted.inputs()
    texts = l2_normalize(inputs.nouns[:6])
    options = CaeOptions(alignment="softmax", times_similarity=False, epsilon=0.1)
    expected = l2_normalize(softmax_rows(inputs.test.x @ texts.T / np.float32(0.1)) @ texts)
    np.testing.assert_allclose(counterparts(inputs, texts, options, 0, no_progress), expected, atol=1e-5)


def test_cae_plan_is_even_over_texts_and_photos():
    rng = np.random.default_rng(0)
    x, texts = unit(rng, 40, 8), unit(rng, 7, 8)
    options = CaeOptions(tolerance=1e-9, sinkhorn_steps=2000)
    potentials = column_potentials(x, texts, 0.1, options, no_progress)
    plan = softmax_rows(x @ texts.T / np.float32(0.1) + potentials) / 40
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 40, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 7, rtol=1e-4)


def test_cae_plan_by_hand():
    # symmetric similarities: the potentials are equal, and the plan is the softmax itself
    x = np.eye(2, dtype=np.float32)
    potentials = column_potentials(x, x, 0.5, CaeOptions(), no_progress)
    np.testing.assert_allclose(potentials, [0, 0], atol=1e-5)
    # two photos at the first text and none at the second: each must still give half of its weight to it
    crowded = np.array([[1, 0], [1, 0]], np.float32)
    potentials = column_potentials(crowded, x, 0.5, CaeOptions(), no_progress)
    plan = softmax_rows(crowded @ x.T / np.float32(0.5) + potentials)
    np.testing.assert_allclose(plan, 0.5, atol=1e-5)


def test_cae_potentials_can_be_stopped_between_iterations():
    rng = np.random.default_rng(0)
    calls = []

    def stop(done, total, label):
        calls.append(done)
        if len(calls) == 2:
            raise Cancelled("stopped by the person")

    options = CaeOptions(tolerance=0.0, sinkhorn_steps=10_000_000)
    with pytest.raises(Cancelled):
        column_potentials(unit(rng, 2000, 4), unit(rng, 100, 4), 0.01, options, stop)


def test_cae_weighs_each_view_by_its_closeness_to_their_mean():
    a, b, c = (np.array([[1, 0]], np.float32), np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32))
    prototype = np.array([2, 1]) / np.sqrt(5)
    weights = np.exp(np.array([prototype[0], prototype[0], prototype[1]]) / 0.5)
    weights /= weights.sum()
    expected = np.concatenate([weights[0] * a, weights[1] * b, weights[2] * c], axis=1)
    found = fuse_views([a, b, c], CaeOptions(gamma=0.5))
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
    even = fuse_views([a, b, c], CaeOptions(weights="uniform"))
    np.testing.assert_allclose(even, np.array([[1, 0, 1, 0, 0, 1]]) / np.sqrt(3), atol=1e-5)
    summed = fuse_views([a, b, c], CaeOptions(weights="uniform", fusion="sum"))
    np.testing.assert_allclose(summed, [prototype], atol=1e-5)


def test_cae_says_when_it_has_no_captions_and_needs_some_text():
    inputs = Planted().inputs(captions=())
    assert run_method("cae", inputs, 4).note.startswith("Without captions, because none were given.")
    with pytest.raises(InputError, match="CAE needs nouns or captions"):
        run_method("cae", inputs, 4, options=CaeOptions(use_nouns=False))
    with pytest.raises(InputError, match="'cae-no-nouns' needs captions"):
        run_method("cae-no-nouns", inputs, 4)
