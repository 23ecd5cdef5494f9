"""Points in the plane: exact inside and outside, samples that leave no group out, names at their groups."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.maps.planar import FULL, anchors, drawn_rows, inside, quantised

corner = st.tuples(st.integers(0, 12), st.integers(0, 12))


def slowly_inside(point, polygon):
    """The even-odd rule, one point and edge at a time, in exact fractions."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y0 <= y) != (y1 <= y) and x < x0 + Fraction((y - y0) * (x1 - x0), y1 - y0):
            odd = not odd
    return odd


@given(st.lists(corner, min_size=3, max_size=9))
@settings(max_examples=150, deadline=None)
def test_inside_is_the_even_odd_rule_exactly(polygon):
    grid = np.array([(x, y) for x in range(13) for y in range(13)])
    assert inside(grid, polygon).tolist() == [slowly_inside(point, polygon) for point in grid.tolist()]


def test_a_line_that_crosses_itself_holds_its_two_wings():
    bow = [(0, 0), (10, 10), (10, 0), (0, 10)]
    assert inside(np.array([(2, 5), (8, 5), (5, 1), (5, 9), (20, 5)]), bow).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_line_of_two_points_holds_nothing():
    assert not inside(np.array([(1, 1)]), [(0, 0), (2, 2)]).any()
    assert not inside(np.array([(1, 1)]), []).any()


def test_places_keep_their_shape():
    places = quantised(np.array([[0, 0], [10, 5], [5, 2.5]], dtype=np.float32))
    assert places.dtype == np.uint16
    assert places[0, 0] == 0
    assert places[1, 0] == FULL
    assert places[:, 1].tolist() == [16384, 49151, 32768]


def test_one_place_for_all_lies_in_the_middle():
    assert quantised(np.zeros((3, 2), np.float32)).tolist() == [[32768, 32768]] * 3


def test_every_group_is_drawn_and_small_ones_whole():
    groups = np.repeat(np.arange(3, dtype=np.int32), [9000, 985, 15])
    drawn = drawn_rows(groups, 1000)
    assert drawn.sum() == 1000
    counts = np.bincount(groups[drawn])
    assert counts[2] == 15
    assert counts[0] > counts[1] > 50


def test_all_are_drawn_when_there_are_few():
    assert drawn_rows(np.zeros(7, np.int32), 7).all()


def test_nearly_the_same_photos_are_drawn_after_an_edit():
    groups = np.random.default_rng(0).integers(20, size=20_000).astype(np.int32)
    before = drawn_rows(groups, 2000)
    groups[:300] = 20
    after = drawn_rows(groups, 2000)
    assert (before & after).sum() > 1800


def test_names_lie_at_a_photo_of_their_group_the_largest_first():
    places = np.array([[0, 0], [10, 0], [20, 0], [500, 500]], dtype=np.uint16)
    assert anchors(places, np.array([1, 1, 1, 0]), 3) == [(1, 10, 0), (0, 500, 500)]
