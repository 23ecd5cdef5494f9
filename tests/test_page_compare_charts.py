"""The charts of Compare: flows of photos, scores over revisions, clusters against labels; pure functions."""

import numpy as np
import pytest

from kec_core.clustering.metrics import confusion
from kec_core.result.impact import Flow
from pages.compare import charts

HOSTILE = "<a href='javascript:alert(1)'>%{x} & co</a>"
SAFE = "&lt;a href='javascript:alert(1)'&gt;%{x} &amp; co…"


def flow(source, target, photos):
    return Flow(source=source, target=target, photos=photos)


def drawn(flows, **names):
    figure = charts.flows(flows, names.get("old", str), names.get("new", str), dark=False)
    return figure.data[0]


def test_the_flow_chart_carries_each_photo_from_its_old_cluster_to_its_new_one():
    sankey = drawn([flow(7, 5, 60), flow(1, 6, 30), flow(7, 6, 9)], old=lambda c: f"old {c}")
    assert list(sankey.node.label) == ["old 7", "old 1", "5", "6"]
    ends = [
        (sankey.node.label[a], sankey.node.label[b])
        for a, b in zip(sankey.link.source, sankey.link.target, strict=False)
    ]
    assert ends == [("old 7", "5"), ("old 1", "6"), ("old 7", "6")]
    assert list(sankey.link.value) == [60, 30, 9]
    assert sankey.node.color[0] != sankey.node.color[2]


def test_the_smallest_flows_are_summed_and_no_photo_is_lost():
    flows = [flow(n, n + 1, 500 - n) for n in range(charts.FLOWS + 7)]
    sankey = drawn(flows)
    assert len(sankey.link.value) == charts.FLOWS + 1
    assert sum(sankey.link.value) == sum(one.photos for one in flows)
    assert sankey.node.label[-2:] == ("other clusters (7 smaller flows)", "other clusters")


def test_a_hundred_clusters_have_room_in_the_flow_chart():
    figure = charts.flows([flow(n, (n + 1) % 100, 100) for n in range(100)], str, str, dark=True)
    assert len(figure.data[0].node.label) == 200
    assert figure.layout.height >= 100 * 20


def test_the_timeline_shows_each_value_and_breaks_where_there_is_none():
    points = [
        charts.Point(revision=f"r{n}", value=value, baseline=0.5, note=HOSTILE)
        for n, value in enumerate((0.5, 0.75, None, 0.7), start=1)
    ]
    ours, kmeans = charts.timeline(points, name="Photos (ACC)", shown=".1%", dark=False).data
    assert (ours.x, ours.y) == (("r1", "r2", "r3", "r4"), (0.5, 0.75, None, 0.7))
    assert not ours.connectgaps
    assert kmeans.y == (0.5,) * 4
    assert kmeans.line.dash == "dash"
    assert ours.customdata[0] == SAFE
    assert HOSTILE[:9] not in ours.hovertemplate


def test_scores_that_hardly_differ_are_drawn_as_equal():
    points = [
        charts.Point(revision=f"r{n}", value=v, baseline=None, note="") for n, v in enumerate((0.701, 0.702))
    ]
    low, high = charts.timeline(points, name="ACC", shown=".1%", dark=False).layout.yaxis.range
    assert high - low >= charts.LEAST_RANGE
    assert (low + high) / 2 == pytest.approx(0.7015)


def test_the_class_map_shows_every_photo_of_every_pair():
    table = confusion(np.array([0, 0, 0, 1, 1], dtype=np.int32), ["a", "a", "b", "b", "b"])
    figure = charts.class_map(table, lambda _: "same name", dark=False)
    (heat,) = figure.data
    assert heat.customdata.tolist() == [[2, 1], [0, 2]]
    assert heat.z[0] == pytest.approx([2 / 3, 1 / 3])
    assert np.isnan(heat.z[1][0])
    assert figure.layout.yaxis.ticktext == ("same name", "same name")
    assert figure.layout.yaxis.tickvals == (0, 1)
    assert heat.texttemplate == "%{text}"
    assert heat.textfont.color == figure.layout.font.color
    assert [list(row) for row in heat.text] == [["2", "1"], ["", "2"]]


def test_a_hundred_clusters_and_labels_fit_a_light_class_map():
    rows = np.arange(100, dtype=np.int32)
    labels = [
        f"a label with a name of its own {i}" for i in np.stack([rows, (rows + 1) % 100], axis=1).ravel()
    ]
    table = confusion(np.repeat(rows, 2), labels)
    figure = charts.class_map(table, lambda c: f"cluster {c}", dark=True)
    assert figure.data[0].customdata.shape == (100, 100)
    assert not figure.data[0].texttemplate
    assert 1400 < figure.layout.height < 2000
    assert len(figure.to_json()) < 200_000


@pytest.mark.parametrize(("name", "angle"), [("musical instrument", 90), ("owl", 0)])
def test_names_that_would_lie_on_one_another_stand_upright_above_the_class_map(name, angle):
    rows = np.arange(12, dtype=np.int32)
    figure = charts.class_map(confusion(rows, [f"{name} {i}" for i in rows]), str, dark=False)
    assert figure.layout.xaxis.tickangle == angle


def test_names_of_anybody_are_text_in_every_chart():
    table = confusion(np.array([0, 1], dtype=np.int32), [HOSTILE, "b"])
    figure = charts.class_map(table, lambda _: HOSTILE, dark=False)
    assert figure.layout.yaxis.ticktext[0] == SAFE
    assert SAFE in figure.layout.xaxis.ticktext
    sankey = drawn([flow(0, 1, 2)], old=lambda _: HOSTILE, new=lambda _: HOSTILE)
    assert set(sankey.node.label) == {SAFE}
