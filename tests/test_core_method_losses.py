"""Losses of the trained methods against slow float64 loops written from their equations, and by hand."""

import numpy as np
import pytest
import torch

from kec_core.methods import heads
from kec_core.methods.options import SicOptions, TacTrainingOptions, TurtleOptions
from kec_core.methods.sic import adjusted_centres, nearest_with_self, semantic_nouns, sic_loss
from kec_core.methods.tac import cluster_contrast, tac_loss
from kec_core.methods.turtle import LinearClassifiers, generalisation, outer_loss
from tests.planted_methods import Planted


def predictions(rng, rows, n_clusters):
    raw = np.exp(2 * rng.normal(size=(rows, n_clusters)))
    return raw / raw.sum(axis=1, keepdims=True)


def torches(*arrays):
    return [torch.tensor(a, dtype=torch.float64) for a in arrays]


def entropy_of(p):
    return -sum(v * np.log(v) for v in p if v > 0)


def contrast_of(a, b, temperature):
    """methods.md 1.4: the mean over 2K columns of the cross-entropy of the counterpart against all but itself."""
    columns = [a[:, k] / np.sqrt(sum(a[:, k] ** 2)) for k in range(a.shape[1])]
    columns += [b[:, k] / np.sqrt(sum(b[:, k] ** 2)) for k in range(b.shape[1])]
    n_clusters, total = a.shape[1], 0.0
    for i, anchor in enumerate(columns):
        positive = (i + n_clusters) % (2 * n_clusters)
        similar = {j: float(anchor @ other) / temperature for j, other in enumerate(columns) if j != i}
        total -= np.log(np.exp(similar[positive]) / sum(np.exp(v) for v in similar.values()))
    return total / (2 * n_clusters)


@pytest.mark.parametrize(("n_clusters", "temperature"), [(2, 0.5), (7, 0.5), (7, 5.0)])
def test_tac_loss_equals_the_equations(n_clusters, temperature):
    rng = np.random.default_rng(n_clusters)
    p, q, p_near, q_near = (predictions(rng, 11, n_clusters) for _ in range(4))
    expected = contrast_of(p, q_near, temperature) + contrast_of(q, p_near, temperature)
    expected -= np.mean([np.log(sum(p[i] * q[i])) for i in range(11)])
    expected -= 5 * (entropy_of(p.mean(axis=0)) + entropy_of(q.mean(axis=0)))
    found = tac_loss(*torches(p, q, p_near, q_near), temperature=temperature, balance=5.0)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_tac_contrast_by_hand():
    # two clusters, perfectly agreeing columns: the counterpart has cosine 1, the two others 0
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    expected = -np.log(np.exp(2) / (np.exp(2) + 2))
    assert float(cluster_contrast(*torches(sure, sure), 0.5)) == pytest.approx(expected, abs=1e-5)


def test_tac_schedule_follows_the_authors_and_fits_small_collections():
    options = TacTrainingOptions()
    large = options.schedule(50_000, 10)
    assert (large.batch, large.steps, large.temperature, large.neighbours) == (512, 20 * 97, 0.5, 50)
    many = options.schedule(9537, 101)
    assert (many.batch, many.steps, many.temperature) == (8192, 300, 5.0)  # 100 epochs of one batch, lifted
    small = options.schedule(200, 10)
    assert (small.batch, small.steps, small.neighbours) == (200, 300, 20)
    assert TacTrainingOptions(max_steps=50).schedule(50_000, 10).steps == 50


def test_turtle_loss_equals_the_equations():
    rng = np.random.default_rng(0)
    taus = [predictions(rng, 9, 4) for _ in range(2)]
    logits = [rng.normal(size=(9, 4)) for _ in range(2)]
    tau = (taus[0] + taus[1]) / 2
    expected = 0.0
    for each in logits:
        for i in range(9):
            log_p = each[i] - np.log(sum(np.exp(each[i])))
            expected -= sum(tau[i] * log_p) / 9
    expected -= 10 * sum(entropy_of(t.mean(axis=0)) for t in taus)
    found = outer_loss(torches(*logits), torches(*taus), 10.0)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_turtle_inner_steps_equal_torch_adam_on_the_cross_entropy():
    rng = heads.generator(0)
    mine = LinearClassifiers([3], 2, rng)
    z = torch.cat([torch.randn(8, 3, generator=rng), torch.ones(8, 1)], dim=1)
    target = torch.softmax(torch.randn(8, 2, generator=rng), dim=1)
    theirs = mine.weights[0].clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=1e-2)
    mine.fit([z], target, 10, 1e-2)
    for _ in range(10):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(z @ theirs.T, target).backward()
        optimiser.step()
    torch.testing.assert_close(mine.weights[0], theirs.detach(), rtol=1e-5, atol=1e-5)


def test_a_labelling_that_follows_the_photos_generalises_and_a_random_one_does_not():
    planted = Planted(per_class=20)
    quiet = lambda *_: None  # noqa: E731
    real = generalisation([planted.raw], planted.truth.astype(np.int64), 0, quiet)
    random = np.random.default_rng(0).permutation(planted.truth).astype(np.int64)
    assert real > 0.95
    assert generalisation([planted.raw], random, 0, quiet) < 0.5
    assert generalisation([planted.raw], np.zeros(80, dtype=np.int64), 0, quiet) == 0.0


def test_turtle_tries_cold_and_warm_starts():
    tried = TurtleOptions(outer_steps=5).settings()
    assert len(tried) == 4
    assert {(t.inner_rate, t.warm_start) for t in tried} == {
        (1e-3, False),
        (1e-3, True),
        (1e-2, False),
        (1e-2, True),
    }
    assert all(t.outer_steps == 5 for t in tried)


def test_sic_loss_equals_the_equations():
    rng = np.random.default_rng(0)
    logits, near = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    pseudo = np.array([0, 1, 2, 0, 1, 2])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p_near = np.exp(near) / np.exp(near).sum(axis=1, keepdims=True)
    expected = -np.mean([np.log(sum(p[i] * p_near[i])) for i in range(6)])
    expected -= 5 * entropy_of(p.mean(axis=0))
    expected += 0.1 * -np.mean([np.log(p[i, pseudo[i]]) for i in range(6)])
    found = sic_loss(*torches(logits, near), torch.from_numpy(pseudo), 5.0, 0.1)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_sic_semantic_centres_by_hand():
    # two clusters of two photos; share 0.5 of N//K = 2 leaves the surest photo of each
    x = torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0], [1.0, 2.0]])
    logits = torch.tensor([[5.0, 0.0], [1.0, 0.0], [0.0, 5.0], [0.0, 1.0]])
    nouns = torch.tensor([[3.0, 0.3], [4.0, -0.4], [0.2, 5.0], [-1.0, -1.0]])
    found = adjusted_centres(logits, x, nouns, SicOptions(sure_share=0.5, nouns_per_centre=2))
    first = np.array([7.0, -0.1]) / np.hypot(7, 0.1)
    second = np.array([3.2, 5.3]) / np.hypot(3.2, 5.3)  # (0.2, 5) and, by cosine with (0, 1), (3, 0.3)
    np.testing.assert_allclose(found.numpy(), [first, second], atol=1e-5)


def test_sic_semantic_set_drops_nouns_like_all_others_and_far_ones():
    centres = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    nouns = np.array([[5, 0.1, 0], [0.1, 5, 0], [1, 1, 0.1], [0, 0, -1]], np.float32)
    kept = semantic_nouns(centres, nouns, SicOptions(relevant_nouns=2))
    # relevant: nouns 0 and 2 for the first centre, 1 and 2 for the second; 2 is nearly the mean noun
    np.testing.assert_array_equal(kept, nouns[:2])


def test_a_photo_is_its_own_first_neighbour():
    x = np.array([[0.0], [1.0], [3.0], [10.0]], np.float32)
    rows = nearest_with_self(x, 1, lambda *_: None)
    np.testing.assert_array_equal(rows, [[0, 1], [1, 0], [2, 1], [3, 2]])


def test_every_epoch_shuffles_anew_and_drops_the_rest():
    batches = [rows.tolist() for rows in heads.batches(10, 4, 5, heads.generator(0))]
    assert [len(rows) for rows in batches] == [4] * 5
    assert len(set(batches[0] + batches[1])) == 8
    assert len(set(batches[2] + batches[3])) == 8
    assert batches[0] != batches[2]
    assert sorted(next(heads.batches(3, 512, 1, heads.generator(0))).tolist()) == [0, 1, 2]
