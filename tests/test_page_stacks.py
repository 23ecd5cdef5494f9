"""Near-copies in galleries: one tile and one in a second count, opened and switched off; verbs act on all of a stack."""

from __future__ import annotations

import json

import pytest

from pages.shared import gallery
from state.project.near_copies import stacked, without_near_copies
from tests.page_helpers import app, pick, set_near_copies, shown

CLUSTER = "0"


@pytest.fixture
def members(colours):
    """Ids of the photos of a cluster in their order; the first, third and fourth are near-copies."""
    ids = [photo["alt"] for photo in tiles(app("clusters", project="colours", cluster=CLUSTER))]
    set_near_copies(colours, [[ids[0], ids[2], ids[3], "of another cluster.png"]])
    return ids


def tiles(page):
    parts = [json.loads(part.proto.json) for part in page.get("bidi_component") if part.proto.json]
    return next(part["photos"] for part in parts if "photos" in part)


def test_stacks_are_at_the_place_of_their_first_photo():
    group_of = {"b": 0, "d": 0, "c": 1, "x": 1}
    assert stacked(["a", "b", "c", "d"], group_of) == [(0,), (1, 3), (2,)]
    assert without_near_copies(["a", "b", "c", "d", "x"], group_of) == 3
    assert stacked([], group_of) == []


def test_a_stack_is_one_tile_with_its_number_and_both_counts_are_said(members):
    page = app("clusters", project="colours", cluster=CLUSTER, stacked=True)
    drawn = tiles(page)
    assert [tile["alt"] for tile in drawn] == [members[0], members[1], *members[4:]]
    assert [tile["count"] for tile in drawn] == [3] + [1] * (len(members) - 3)
    assert f"{len(members) - 2} without near-copies" in shown(page)
    everything = app("clusters", project="colours", stacked=True)
    assert f"{len(members)} photos, {len(members) - 2} without near-copies · " in shown(everything)


def test_an_opened_stack_lies_beside_each_other_and_is_closed_again(members):
    page = app("clusters", project="colours", cluster=CLUSTER, stacked=True)
    page.session_state["kec_open_stacks"] = frozenset({members[0]})
    page.run()
    drawn = tiles(page)
    assert [tile["alt"] for tile in drawn[:4]] == [members[0], members[2], members[3], members[1]]
    assert [tile["stack"] for tile in drawn[:4]] == [members[0]] * 3 + [""]
    assert {tile["count"] for tile in drawn} == {1}


def test_the_switch_shows_each_photo_by_itself_and_is_not_there_without_near_copies(colours, members):
    page = app("clusters", project="colours", cluster=CLUSTER, stacked=True)
    switch = next(one for one in page.toggle if one.label == "Stack near-copies")
    switch.set_value(False).run()
    assert [tile["alt"] for tile in tiles(page)] == members
    assert page.session_state[gallery.UNSTACKED]
    assert "without near-copies" not in shown(page)
    set_near_copies(colours, [])
    page.run()
    assert not [one for one in page.toggle if one.label == "Stack near-copies"]


def test_a_stack_is_picked_wholly_or_in_part_and_that_is_said(members):
    page = app("clusters", project="colours", cluster=CLUSTER, stacked=True)
    pick(page, members[0], members[2])
    assert (tiles(page)[0]["picked"], tiles(page)[0]["partly"]) == (False, True)
    pick(page, members[0], members[1], members[2], members[3])
    assert (tiles(page)[0]["picked"], tiles(page)[0]["partly"]) == (True, False)
    assert any("4 photos picked" in badge.value for badge in page.markdown)
    assert "2 without near-copies" in shown(page)
