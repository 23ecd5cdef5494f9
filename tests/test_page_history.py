"""History page: the tree, going back, names, pins, differences, a script of the edits; conflicts are said."""

import json
from types import SimpleNamespace

import pytest

from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.photos.images import ScanReport
from kec_core.types import Scores
from pages.history.revision_tree import drawing, lay_out
from pages.history.revision_tree import words as line_words
from pages.shared import cached, revision_diff
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import cluster_cards, load_overview
from tests.page_helpers import app, shown
from tests.panel_helpers import edit, words  # noqa: F401 - a fixture
from tests.state_helpers import commit_labels, commit_simple

RENAME = {"op": "rename_concept", "concept": "leaf", "name": "<b>grass</b>"}
WEIGHT = {"op": "set_weight", "knowledge": 1.0}


def step(number, parent, **fields):
    known = {"note": "x", "name": "", "pinned": False, "edits": ()}
    return SimpleNamespace(id=f"r{number}", parent=parent and f"r{parent}", **{**known, **fields})


def places(*parents):
    """(id, lane, lanes that pass, lanes that end) of each line, newest first; parents are numbers."""
    lines = lay_out([step(number, parent) for number, parent in enumerate(parents, 1)])
    return [(line.revision.id, line.lane, line.through, line.joining) for line in lines]


def test_a_straight_history_is_one_lane():
    assert places(None, 1, 2) == [("r3", 0, (), ()), ("r2", 0, (), ()), ("r1", 0, (), ())]


def test_branches_run_side_by_side_and_meet_where_they_began():
    assert places(None, 1, 1, 2, 3) == [
        ("r5", 0, (), ()),
        ("r4", 1, (0,), ()),
        ("r3", 0, (1,), ()),
        ("r2", 1, (0,), ()),
        ("r1", 0, (), (1,)),
    ]


def test_a_lane_that_has_ended_is_used_again():
    found = places(None, 1, 2, 1, 1)
    assert [lane for _, lane, _, _ in found] == [0, 1, 2, 2, 0]
    assert found[-1] == ("r1", 0, (), (1, 2))
    assert places(None, None) == [("r2", 0, (), ()), ("r1", 0, (), ())]


def test_the_first_line_has_nothing_above_and_the_last_nothing_below():
    lines = lay_out([step(1, None), step(2, 1)])
    assert [(line.above, line.below) for line in lines] == [(False, True), (True, False)]
    assert drawing(lines[0], lanes=1, shown=True).count("<i") == 1


def test_how_wide_the_drawing_is_the_window_says():
    root = [step(1, None)]
    lines = lay_out([*root, *(step(number, 1) for number in range(2, 40))])
    every = "".join(drawing(line, lanes=39, shown=False) for line in lines)
    assert "--lanes:39" in every
    assert "px" not in every


def test_the_drawing_says_in_words_what_it_shows():
    (line,) = lay_out([step(1, None)])
    assert 'aria-label="r1, shown now"' in drawing(line, lanes=1, shown=True)
    assert 'aria-label="r1, run"' in drawing(line, lanes=1, shown=False)
    said = line_words(step(1, None, note="<i>", name="a&b", pinned=True), ["just now"], shown=False)
    assert "&lt;i&gt;" in said
    assert "a&amp;b" in said
    assert "pinned" in said


@pytest.fixture
def edited(colours, words):  # noqa: F811 - the fixture
    """r1 the run, r2 a renamed concept, r3 another weight, all on one branch; r3 is shown."""
    edit(colours, RENAME)
    edit(colours, WEIGHT)
    return colours


def test_before_the_first_result_it_leads_to_build(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("history", project="new")
    assert "No history yet" in shown(page)
    assert page.button(key="empty_build").label == "Go to Build"


def test_a_single_revision_says_that_all_will_be_kept(colours):
    page = app("history", project="colours")
    assert "This is the only revision so far" in shown(page)
    assert page.button(key="return_automatic").disabled
    assert page.button(key="restore").disabled


def test_every_revision_stands_in_the_tree_with_time_score_and_photos_moved(edited):
    text = shown(app("history", project="colours"))
    assert text.count('class="kec kec-tree"') == 3
    assert text.index("r3, shown now") < text.index("r2, edited") < text.index("r1, run")
    assert "Set the weight of the knowledge to 1." in text
    assert "just now · ACC 100.0% · +0.0 points · 0 moved" in text
    assert "&lt;b&gt;grass&lt;/b&gt;" in text
    assert "<b>grass" not in text


def test_going_back_shows_an_earlier_revision_and_loses_nothing(edited):
    page = app("history", project="colours")
    page.button(key="choose_r2").click().run()
    assert page.subheader[0].value == "r2"
    page.button(key="restore").click().run()
    assert not page.exception
    assert revisions.current(edited).id == "r2"
    assert len(revisions.history(edited)) == 3
    assert page.button(key="restore").disabled
    page.button(key="return_automatic").click().run()
    assert revisions.current(edited).id == "r1"


def test_the_difference_to_the_parent_is_said_in_words_and_to_any_other(edited):
    page = app("history", project="colours")
    assert "weight of the knowledge was automatic, is 1" in shown(page)
    assert "No photo changed cluster from r2 to r3." in shown(page)
    page.selectbox(key="compared_r3").set_value("r1").run()
    text = shown(page)
    assert "concept &quot;&lt;b&gt;grass&lt;/b&gt;&quot;: was &quot;leaf&quot;" in text
    assert "weight of the knowledge was automatic, is 1" in text


def test_a_group_is_called_as_that_revision_showed_it_also_when_nobody_named_it(colours, words):  # noqa: F811 - the fixture
    first = revisions.get(colours, "r1")
    overview = load_overview(colours, first)
    target, source = cluster_cards(overview, first.knowledge)[:2]
    photos = cached.images(colours, first.scan)
    moved = [photos[row].id for row in overview.members(source.id)[:2]]
    edit(colours, {"op": "move_photos", "images": moved, "cluster": target.id})
    page = app("history", project="colours")
    assert f"2 photos put into &quot;{target.name}&quot;" in shown(page)
    edit(
        colours,
        {"op": "remove_constraint", "constraint": revisions.current(colours).knowledge.constraints[0].id},
    )
    assert revisions.current(colours).note == f'Released 2 photos from "{target.name}".'


def test_scores_of_other_photos_are_not_called_better_or_worse(colours):
    first = revisions.current(colours)
    kept = colours.images()[:48]
    colours.set_images(ScanReport(images=kept))
    fields = {
        "scan": colours.last_scan,
        "scores": Scores(acc=0.5, nmi=0.5, ari=0.5),
        "baseline": first.baseline,
    }
    commit_labels(colours, "r1", [row % 4 for row in range(48)], **fields)
    page = app("history", project="colours")
    assert not page.exception
    assert "ACC 50.0%" in shown(page)
    assert "points" not in shown(page)
    page = app("compare", project="colours")
    assert not page.exception
    assert "r1, other photos" in shown(page)


def test_the_photos_that_moved_are_shown_where_asked_for(edited):
    edit(edited, {"op": "set_clusters", "k": 3})
    page = app("history", project="colours")
    assert "photos of 50 changed cluster from r3 to r4." in shown(page)
    page.session_state["history_moved"] = True
    page.run()
    assert not page.exception
    assert 'aria-label="Photos that moved"' in shown(page)
    assert " → " in shown(page)


def test_names_and_pins_are_kept_and_a_taken_name_is_refused(edited):
    page = app("history", project="colours")
    page.text_input(key="name_r3").set_value("heavier").run()
    page.toggle(key="pin_r3").set_value(True).run()
    assert (revisions.current(edited).name, revisions.current(edited).pinned) == ("heavier", True)
    assert '<span class="kec-name">heavier</span>' in shown(page)
    page.button(key="choose_r1").click().run()
    page.text_input(key="name_r1").set_value("heavier").run()
    assert "Another revision is named" in page.error[0].value
    assert revisions.get(edited, "r1").name == ""
    assert page.text_input(key="name_r1").value == ""


def test_a_pinned_run_is_what_return_leads_to(edited):
    first = revisions.get(edited, "r1")
    commit_simple(edited, "r3", "x", clustering_fp=first.clustering_fp, summary=first.summary)
    revisions.set_pinned(edited, "r4", True)
    edit_from_r4 = app("history", project="colours").button(key="return_automatic")
    assert edit_from_r4.label == "Return to the automatic result (r4)"


def test_the_edits_can_be_taken_along_as_a_script_that_replays(edited):
    page = app("history", project="colours")
    assert page.get("download_button")[0].proto.label == "Edits (2)"
    script = json.loads(revision_diff.script(edited, revisions.current(edited)))
    assert script == {"edits": [RENAME, WEIGHT]}
    again = apply_script(revisions.get(edited, "r1").knowledge, parse_script(script))
    assert again == revisions.current(edited).knowledge
    page.button(key="choose_r1").click().run()
    assert page.get("download_button")[0].proto.disabled


def test_a_window_that_is_behind_is_told_and_changes_nothing(edited):
    page = app("history", project="colours")
    edit(edited, WEIGHT | {"knowledge": 0.5})
    page.button(key="choose_r1").click()
    edited_meanwhile = revisions.current(edited).id
    page.button(key="return_automatic").click().run()
    assert revisions.current(edited).id == edited_meanwhile == "r4"
    assert "changed in another window" in page.error[0].value


def test_a_long_history_is_turned_in_pages(colours):
    first = revisions.get(colours, "r1")
    for number in range(1, 25):
        commit_simple(colours, f"r{number}", "x", clustering_fp=first.clustering_fp)
    page = app("history", project="colours")
    assert shown(page).count('class="kec kec-tree"') == 20
    page.pagination[0].set_value(2).run()
    assert shown(page).count('class="kec kec-tree"') == 5


def test_a_revision_without_its_arrays_is_said_and_the_rest_still_works(colours):
    commit_simple(colours, "r1", "dog", clustering_fp="gone")
    page = app("history", project="colours")
    assert "its arrays are missing" in shown(page)
    assert "run the project again" in page.error[0].value.replace("\\", "")
    assert not page.button(key="return_automatic").disabled
