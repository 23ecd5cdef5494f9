import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from kec_core.clustering.metrics import (
    confusion,
    contingency,
    internal_scores,
    score,
    size_entropy,
)
from kec_core.errors import ShapeError
from kec_core.types import InternalScores
from tests.planted import planted_rows

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=30)


def ids(*values):
    return np.array(values, dtype=np.int32)


def test_scores_of_a_hand_made_case():
    predicted = ids(0, 0, 0, 1, 1, 1)
    truth = ids(5, 5, 7, 7, 7, 7)
    # contingency [[2, 1], [0, 3]]: matched 2 + 3 of 6
    # pairs: together in both 1 + 3 = 4, rows 3 + 3 = 6, columns 1 + 6 = 7, all 15
    expected_ari = (4 - 6 * 7 / 15) / ((6 + 7) / 2 - 6 * 7 / 15)
    h_rows = np.log(2)
    h_columns = -(1 / 3 * np.log(1 / 3) + 2 / 3 * np.log(2 / 3))
    mutual = (
        2 / 6 * np.log((2 / 6) / (1 / 2 * 1 / 3))
        + 1 / 6 * np.log((1 / 6) / (1 / 2 * 2 / 3))
        + 3 / 6 * np.log((3 / 6) / (1 / 2 * 2 / 3))
    )
    found = score(predicted, truth)
    assert found.acc == pytest.approx(5 / 6, abs=1e-5)
    assert found.ari == pytest.approx(expected_ari, abs=1e-5)
    assert found.nmi == pytest.approx(mutual / ((h_rows + h_columns) / 2), abs=1e-5)
    geometric = score(predicted, truth, nmi_average="geometric")
    assert geometric.nmi == pytest.approx(mutual / np.sqrt(h_rows * h_columns), abs=1e-5)
    np.testing.assert_array_equal(contingency(predicted, truth), [[2, 1], [0, 3]])


def test_accuracy_accepts_fewer_and_more_clusters_than_labels():
    truth = ids(0, 0, 1, 1, 2, 2)
    assert score(ids(0, 0, 0, 0, 0, 0), truth).acc == pytest.approx(2 / 6, abs=1e-5)
    assert score(ids(0, 1, 2, 3, 4, 5), truth).acc == pytest.approx(3 / 6, abs=1e-5)


def test_accuracy_is_the_best_matching_not_the_greedy_one():
    # greedy would take 5 (row 0, column 0) and then only 0; the best takes 4 + 4
    predicted = ids(*[0] * 9, *[1] * 4)
    truth = ids(*[0] * 5, *[1] * 4, *[0] * 4)
    assert score(predicted, truth).acc == pytest.approx(8 / 13, abs=1e-5)


def test_text_labels_are_accepted():
    assert score(ids(3, 3, 9), np.array(["cat", "cat", "dog"])).acc == 1.0


@settings(max_examples=40, deadline=None)
@given(LABELS, st.randoms(use_true_random=False))
def test_scores_ignore_names_and_order(values, random):
    predicted = np.array(values)
    truth = np.array([random.randint(0, 3) for _ in values])
    renamed = np.array([7, 3, 11, 0, 5])[predicted]
    rows = np.array(random.sample(range(len(values)), len(values)))
    plain = score(predicted, truth)
    for other in (score(renamed, truth), score(predicted[rows], truth[rows])):
        assert (other.acc, other.nmi, other.ari) == pytest.approx((plain.acc, plain.nmi, plain.ari), abs=1e-5)
    assert 0 <= plain.acc <= 1
    assert -1e-9 <= plain.nmi <= 1 + 1e-9
    assert score(predicted, predicted).acc == 1


@pytest.mark.parametrize("truth", [ids(1, 2), ids(), np.zeros((3, 1))])
def test_labels_of_another_length_are_refused(truth):
    with pytest.raises(ShapeError, match="one label per photo"):
        score(ids(1, 2, 3), truth)


def test_internal_scores_prefer_the_planted_partition():
    x, truth = planted_rows()
    good = internal_scores(x, truth)
    bad = internal_scores(x, np.roll(truth, 1))
    assert good.silhouette > 0.5 > bad.silhouette
    assert good.davies_bouldin < bad.davies_bouldin
    assert good.calinski_harabasz > bad.calinski_harabasz
    assert good.size_entropy == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("labels", [np.arange(100) % 4, np.repeat([0, 1], [1, 99])])
def test_overlap_and_separation_are_those_of_scikit_learn(labels):
    x, _ = planted_rows(per_cluster=20)
    found = internal_scores(x, labels.astype(np.int32))
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(x, labels), rel=1e-4)
    assert found.calinski_harabasz == pytest.approx(calinski_harabasz_score(x, labels), rel=1e-4)


def test_overlap_and_separation_of_equal_photos_are_defined():
    same = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (6, 1))
    found = internal_scores(same, ids(0, 0, 0, 1, 1, 1))
    assert found.davies_bouldin == 0
    assert np.isfinite(found.calinski_harabasz)


def test_silhouette_of_a_hand_made_case():
    x = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    assert internal_scores(x, ids(4, 4, 2, 2)).silhouette == pytest.approx(1.0, abs=1e-5)
    assert internal_scores(x, ids(4, 2, 4, 2)).silhouette == pytest.approx(-0.5, abs=1e-5)


def test_silhouette_is_measured_on_a_sample_of_large_sets():
    x, truth = planted_rows(per_cluster=1100)
    first, again = internal_scores(x, truth, seed=3), internal_scores(x, truth, seed=3)
    assert first == again
    assert first.silhouette == pytest.approx(internal_scores(x, truth, seed=4).silhouette, abs=0.02)


def test_undefined_internal_scores_are_none():
    x, _ = planted_rows(per_cluster=2)
    assert internal_scores(x, np.zeros(len(x), np.int32)) == InternalScores()
    alone = internal_scores(x, np.arange(len(x), dtype=np.int32))
    assert alone.silhouette is None
    assert alone.size_entropy == pytest.approx(1.0, abs=1e-5)


def test_size_entropy_of_a_hand_made_case():
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    assert size_entropy(ids(0, 0, 0, 9)) == pytest.approx(expected, abs=1e-5)
    assert size_entropy(ids(2, 2)) == 0.0


def test_confusion_puts_matched_pairs_on_the_diagonal_largest_first():
    predicted = ids(3, 3, 3, 7, 7, 9, 9, 9, 9, 9)
    truth = ["cat", "cat", "dog", "dog", "dog", "ape", "ape", "ape", "ape", "cat"]
    found = confusion(predicted, truth)
    assert found.clusters == (9, 3, 7)
    assert found.labels == ("ape", "cat", "dog")
    assert found.counts.tolist() == [[4, 1, 0], [0, 2, 1], [0, 0, 2]]
    assert found.matched == 3


def test_confusion_appends_what_has_no_partner():
    found = confusion(ids(0, 0, 1, 2, 2, 2), ["a", "a", "a", "b", "b", "b"])
    assert (found.clusters, found.labels, found.matched) == ((2, 0, 1), ("b", "a"), 2)
    assert found.counts.tolist() == [[3, 0], [0, 2], [0, 1]]
    more_labels = confusion(ids(0, 0, 0), ["x", "y", "y"])
    assert (more_labels.labels, more_labels.matched) == (("y", "x"), 1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=30))
def test_the_diagonal_of_the_confusion_is_the_accuracy(pairs):
    predicted, truth = ids(*(p for p, _ in pairs)), [t for _, t in pairs]
    found = confusion(predicted, truth)
    assert np.trace(found.counts) / len(pairs) == pytest.approx(
        score(predicted, np.array(truth)).acc, abs=1e-5
    )
    assert found.counts.sum() == len(pairs)
