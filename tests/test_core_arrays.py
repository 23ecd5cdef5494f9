import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kec_core.arrays import as_labels, blocks, check_matrix, fingerprint, l2_normalize, softmax_rows
from kec_core.errors import ShapeError

MATRICES = arrays(np.float32, (4, 3), elements=st.floats(-50, 50, width=32))


def test_unit_rows_by_hand():
    unit = l2_normalize(np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-5, atol=1e-6)
    assert unit.dtype == np.float32


def test_softmax_by_hand_and_without_overflow():
    logits = np.array([[0, np.log(3)], [1000, 1000]], dtype=np.float32)
    np.testing.assert_allclose(softmax_rows(logits), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-5, atol=1e-6)


def test_softmax_can_be_written_over_its_input():
    logits = np.random.default_rng(0).normal(size=(1300, 7)).astype(np.float32)
    kept = logits.copy()
    expected = softmax_rows(logits)
    np.testing.assert_array_equal(logits, kept)
    assert softmax_rows(logits, out=logits) is logits
    np.testing.assert_array_equal(logits, expected)


@settings(max_examples=30, deadline=None)
@given(MATRICES, st.floats(-20, 20, width=32))
def test_softmax_rows_sum_to_one_and_ignore_a_shift(logits, shift):
    weights = softmax_rows(logits.copy())
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(softmax_rows(logits + np.float32(shift)), weights, atol=1e-4)


@pytest.mark.parametrize(("n", "size"), [(0, 4), (3, 4), (4, 4), (9, 4)])
def test_blocks_cover_everything_once(n, size):
    seen = [i for block in blocks(n, size) for i in range(n)[block]]
    assert seen == list(range(n))


def test_check_matrix_names_the_bad_row():
    x = np.zeros((5, 2))
    x[3, 1] = np.nan
    with pytest.raises(ShapeError, match="row 3 has NaN or infinity"):
        check_matrix(x, "The embeddings")
    with pytest.raises(ShapeError, match=r"shape \(rows, 7\), but has shape \(5, 2\)"):
        check_matrix(np.zeros((5, 2)), "The embeddings", columns=7)


def test_fingerprint_depends_on_bytes_shape_and_dtype():
    base = fingerprint(np.zeros((2, 3), np.float32))
    assert base == fingerprint(np.zeros((2, 3), np.float32))
    assert base != fingerprint(np.zeros((3, 2), np.float32))
    assert base != fingerprint(np.zeros((2, 3), np.int32))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    with pytest.raises(TypeError, match="cannot fingerprint a set"):
        fingerprint({"a": {1}})


def test_labels_are_numbered_in_sorted_order():
    np.testing.assert_array_equal(as_labels(["fish", "bird", "fish"]), [1, 0, 1])
