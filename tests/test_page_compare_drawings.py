"""What Compare draws: flows of photos, scores over revisions, clusters against labels; pure functions."""

import json

import numpy as np
import pytest

from kec_core.clustering.metrics import confusion
from kec_core.result.impact import Flow
from pages.compare import class_map, flow_diagram, timeline


def flow(source, target, photos):
    return Flow(source=source, target=target, photos=photos)


def test_small_flows_are_summed_and_no_photo_is_lost():
    flows = [flow(0, n, 10 - n) for n in range(5)]
    assert flow_diagram.fold(flows, 2) == (flows[:2], 8 + 7 + 6)
    assert flow_diagram.fold(flows, 9) == (flows, 0)


def test_bars_are_as_tall_as_their_photos_and_their_names_do_not_touch():
    laid = flow_diagram.lay_out([flow(0, 5, 60), flow(1, 6, 30), flow(0, 6, 9), flow(2, 5, 1)])
    assert [(stop.cluster, stop.photos) for stop in laid.left] == [(0, 69), (1, 30), (2, 1)]
    assert [(stop.cluster, stop.photos) for stop in laid.right] == [(5, 61), (6, 39)]
    assert laid.left[0].height == pytest.approx(69 / 30 * laid.left[1].height)
    middles = [stop.top + stop.height / 2 for stop in laid.left]
    assert min(np.diff(middles)) >= 22
    assert all(0 <= stop.top <= stop.top + stop.height <= laid.height for stop in (*laid.left, *laid.right))


def test_targets_lie_near_to_where_their_photos_come_from():
    laid = flow_diagram.lay_out([flow(0, 8, 9), flow(1, 7, 6), flow(2, 9, 3)])
    assert [stop.cluster for stop in laid.right] == [8, 7, 9]


def test_a_band_leaves_and_arrives_level_and_fills_its_bars():
    drawn = flow_diagram.draw([flow(0, 1, 4)], str, str)
    laid = flow_diagram.lay_out([flow(0, 1, 4)])
    top, height = laid.left[0].top, laid.left[0].height
    assert f"0% {top:.1f}px" in drawn
    assert f"100% {top:.1f}px" in drawn
    assert f"0% {top + height:.1f}px" in drawn


def test_the_flow_diagram_names_both_sides_as_text_and_says_how_much_is_summed():
    flows = [flow(0, 1, 5), flow(2, 1, 3), *(flow(3, number, 1) for number in range(4, 40))]
    drawn = flow_diagram.draw(flows, lambda c: f"<i>old{c}", lambda c: f"new{c}")
    assert drawn.count("clip-path") == flow_diagram.FLOWS + 1
    assert 'title="&lt;i&gt;old0 → new1: 5 photos"' in drawn
    assert "<i>old" not in drawn
    assert 'title="other clusters (14 smaller flows): 14 photos"' in drawn
    assert 'title="other clusters (14 smaller flows) → other clusters: 14 photos"' in drawn


def test_the_timeline_shows_each_value_and_breaks_where_there_is_none():
    points = [
        timeline.Point(revision=f"r{n}", value=value, baseline=0.5, note="<b>cut")
        for n, value in enumerate((0.5, 0.75, None, 0.7, 0.8), start=1)
    ]
    drawn = timeline.draw(points, name="Photos (ACC)", shown=".1%")
    assert drawn.count("<b ") == 4
    assert drawn.count("clip-path") == 2  # r1 to r2 and r4 to r5
    assert drawn.count('title="k-means: 50.0%"') == 5
    assert 'title="r2: 75.0%, &lt;b&gt;cut"' in drawn
    assert [f"{mark:.0%}" for mark in timeline.ticks([0.5, 0.8])] == ["50%", "60%", "70%", "80%"]
    assert '<b style="left:10.00%;top:150.0px"' in drawn
    assert '<b style="left:90.00%;top:0.0px"' in drawn


def test_equal_values_get_a_scale_that_shows_them_as_equal():
    assert timeline.ticks([0.701, 0.702]) == pytest.approx([0.69, 0.695, 0.7, 0.705, 0.71, 0.715])
    assert len(timeline.ticks([12, 3400])) < 7


def test_many_revisions_keep_the_last_id_and_leave_gaps():
    ids = timeline.thinned([f"r{n}" for n in range(1, 61)])
    assert len(ids) == 60
    assert ids[-1] == "r60"
    assert sum(map(bool, ids)) == 20


def test_the_class_map_gets_every_photo_of_every_pair():
    table = confusion(np.array([0, 0, 0, 1, 1], dtype=np.int32), ["a", "a", "b", "b", "b"])
    sent = class_map.content(table, lambda c: f"C{c}<")
    assert (sent["places"], sent["photos"]) == ([0, 1, 3], [2, 1, 2])
    assert (sent["clusters"], sent["labels"]) == (["C0<", "C1<"], ["a", "b"])
    assert sent["numbers"]


def test_the_class_map_of_many_clusters_is_light_to_send():
    names = [f"a label with a name of its own {number}" for number in range(100)]
    rows = np.arange(100, dtype=np.int32)
    table = confusion(
        np.repeat(rows, 2), [names[i] for i in np.stack([rows, (rows + 1) % 100], axis=1).ravel()]
    )
    assert table.counts.shape == (100, 100)
    sent = class_map.content(table, lambda c: f"cluster {c}")
    assert len(json.dumps(sent)) < 10_000
    assert not sent["numbers"]
