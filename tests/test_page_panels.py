"""The other panels of the workbench: test bench, guidance and field words, wishes on photos, concept tree."""

import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from kec_core.errors import ResourceMissing
from kec_core.knowledge.edits import parse_script
from kec_core.result.concept_photos import BINS, Probe
from kec_core.types import Group
from pages.concepts.panels import constraints, phrase_probe, tree_actions, workbench_view
from state.jobs.jobs import JobManager
from state.revisions import revisions
from tests.page_helpers import HOSTILE, TIMEOUT, make_job, shown
from tests.panel_helpers import edit, panel, words  # noqa: F401 - a fixture
from tests.tiny_wordnet import write_wordnet

pytestmark = pytest.mark.usefixtures("words")


def knowledge(project):
    return revisions.current(project).knowledge


def concept(project, name):
    return next(one.id for one in knowledge(project).concepts if one.name == name)


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception, page.exception
    return shown(page)


def fill(page, key, value):
    element = next(one for one in (*page.text_input, *page.text_area) if one.key == key)
    element.set_value(value).run()
    assert not page.exception, page.exception
    return shown(page)


# --- test bench


@pytest.fixture
def bench(colours):
    """The test bench for leaf against ocean."""
    return panel("phrase_probe", concept(colours, "leaf"), concept(colours, "ocean"))


def test_a_phrase_is_seen_on_the_photos_before_it_is_added(colours, bench):
    assert "before it is added anywhere" in shown(bench)
    leaf = concept(colours, "leaf")
    text = fill(bench, f"probe_phrase_{leaf}", "the colour of a leaf")
    assert "It tells “leaf” from “ocean” in 100% of the cases." in text.replace("\\", "")
    assert text.count('role="listitem"') == 2 * phrase_probe.SHOWN
    assert "kec-histogram" in text
    assert "12 photos" in text
    press(bench, "probe_add")
    press(bench, "probe_add_pair")
    assert "the colour of a leaf" in [one.text for one in knowledge(colours).uni if one.concept == leaf]
    assert "the colour of a leaf" in [one.text for one in knowledge(colours).bi]


def test_a_phrase_that_is_there_already_is_refused_in_words(colours, bench):
    known = next(one for one in knowledge(colours).uni if one.concept == concept(colours, "leaf"))
    fill(bench, f"probe_phrase_{known.concept}", known.text)
    assert "is already there" in press(bench, "probe_add")


def test_a_phrase_that_no_attribute_can_hold_is_refused_in_words(bench, colours):
    leaf = concept(colours, "leaf")
    assert "5000" in fill(bench, f"probe_phrase_{leaf}", "green " * 1000)
    assert not bench.exception


def test_another_concept_can_be_chosen_and_by_default_the_most_similar_one_is(colours):
    page = panel("phrase_probe", concept(colours, "leaf"))
    assert len(page.selectbox[0].options) == 3
    page.selectbox[0].set_value(concept(colours, "crimson")).run()
    assert "crimson" in fill(page, f"probe_phrase_{concept(colours, 'leaf')}", "red")


def test_a_concept_without_photos_cannot_be_tested(colours):
    edit(colours, {"op": "mute_concept", "concept": "leaf"})
    assert "this one has none" in shown(panel("phrase_probe", concept(colours, "leaf")))


def test_without_another_concept_there_is_nothing_to_tell_apart(colours):
    edit(colours, *({"op": "mute_concept", "concept": name} for name in ("crimson", "ocean", "lemon")))
    assert "no other concept" in shown(panel("phrase_probe", concept(colours, "leaf")))


@pytest.mark.parametrize(
    ("auc", "words_of_it"),
    [
        (0.83, "It tells “a” from “b” in 83% of the cases."),
        (0.53, "It tells “a” from “b” no better than chance (53% of the cases)."),
        (0.1, "It fits “b” better: it tells it from “a” in 90% of the cases."),
    ],
)
def test_the_chance_to_tell_two_concepts_apart_in_words(auc, words_of_it):
    assert phrase_probe.verdict(auc, "a", "b") == words_of_it


def test_bars_are_shares_of_each_concept_and_names_are_text():
    first, second = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    first[[2, 3]] = 3, 1
    second[5] = 10
    found = Probe(
        auc=0.5,
        edges=np.linspace(0, 1, BINS + 1, dtype=np.float32),
        first=first,
        second=second,
        top=np.empty(0, np.int64),
        bottom=np.empty(0, np.int64),
    )
    markup = phrase_probe.histogram(found, HOSTILE, "b")
    assert [markup.count(f"height:{share:.1f}%") for share in (37.5, 12.5, 50.0)] == [1, 1, 1]
    assert markup.count("<span title=") == BINS
    assert "<img" not in markup


# --- guidance


def test_guidance_is_applied_at_once_and_shown_as_understood(colours):
    page = panel("guidance")
    assert page.button(key="guidance_apply").disabled
    text = fill(page, page.text_area[0].key, "group by leaf; ignore crimson")
    assert ">prefer</span><ul><li>leaf</li>" in text
    assert ">avoid</span><ul><li>crimson</li>" in text
    press(page, "guidance_apply")
    assert knowledge(colours).guidance == "group by leaf; ignore crimson"
    assert page.text_area[0].value == "group by leaf; ignore crimson"
    assert "No word to prefer" in fill(page, page.text_area[0].key, "the of and")


def test_guidance_says_what_counts_more_or_less_and_what_it_does_not_touch(colours):
    page = panel("guidance")
    text = fill(page, page.text_area[0].key, "group by leaf; ignore crimson; zebra")
    more, less = (text.partition(label)[2].partition("</ul>")[0] for label in ("counts more", "counts less"))
    assert "leaf × 4" in more
    assert "crimson × 0.25" in less
    assert "leaf ×" not in less
    assert "is about “zebra”" in text
    assert "is about “leaf”" not in text


def test_words_that_are_not_applied_yet_outlive_another_edit(colours):
    page = panel("guidance")
    fill(page, page.text_area[0].key, "group by leaf")
    edit(colours, {"op": "rename_concept", "concept": concept(colours, "leaf"), "name": "foliage"})
    page.run()
    assert page.text_area[0].value == "group by leaf"


def test_guidance_that_cannot_be_kept_is_refused_in_words(colours):
    page = panel("guidance")
    fill(page, page.text_area[0].key, "x" * 6000)
    assert "may have 5000 characters" in press(page, "guidance_apply")
    assert revisions.current(colours).id == "r1"


@pytest.fixture
def started(monkeypatch):
    """The jobs that the page starts, instead of starting them."""
    asked = []
    monkeypatch.setattr(
        JobManager, "start", lambda _self, _project, kind, params, **_: asked.append((kind, params))
    )
    return asked


def test_a_rebuild_keeps_the_words_first(colours, started):
    page = panel("guidance")
    fill(page, page.text_area[0].key, "prefer leaf")
    press(page, "guidance_rebuild")
    assert started == [("rebuild", {})]
    assert knowledge(colours).guidance == "prefer leaf"
    press(page, "guidance_rebuild")
    assert len(started) == 2
    assert revisions.current(colours).id == "r2"


def test_a_rebuild_with_a_language_model_needs_one(colours, started):
    config = colours.settings()
    colours.save_settings(replace(config, knowledge=replace(config.knowledge, builder="llm")))
    assert "none is chosen" in press(panel("guidance"), "guidance_rebuild")
    assert started == []


def test_no_rebuild_while_edits_are_collected_or_a_job_runs(colours, monkeypatch):
    page = panel("guidance")
    page.session_state["kec_staged"] = parse_script({"edits": [{"op": "set_weight", "knowledge": 0.1}]})
    page.run()
    assert page.button(key="guidance_rebuild").disabled
    assert "Apply or discard" in page.button(key="guidance_rebuild").help
    del page.session_state["kec_staged"]
    monkeypatch.setattr(JobManager, "active", lambda _self, _project: make_job())
    page.run()
    assert page.button(key="guidance_rebuild").disabled


# --- words of the field


@pytest.fixture
def dictionary(monkeypatch, tmp_path):
    """A tiny WordNet in place of the real one."""
    from kec_core.wordnet.wordnet import load_wordnet

    write_wordnet(tmp_path / "wordnet")
    monkeypatch.setattr(workbench_view, "load_wordnet", lambda: load_wordnet(tmp_path / "wordnet"))
    workbench_view.wordnet.clear()
    yield
    workbench_view.wordnet.clear()


def _dialog():
    from pages.concepts.panels import vocabulary, workbench_view
    from pages.shared import editing, session

    project = session.project()
    bench = editing.workbench(project)
    editing.saw(bench.shown().id)
    vocabulary.ask(workbench_view.look(project, bench))


def words_of_the_field():
    """The dialog, open."""
    page = AppTest.from_function(_dialog, default_timeout=TIMEOUT)
    page.query_params["project"] = "colours"
    return page.run()


def read_terms(page):
    """Each term with how it is read."""
    return re.findall("<dt>(.*?)</dt><dd><div>(.*?)</div>", shown(page))


def test_terms_are_checked_first_and_then_become_concepts(colours, dictionary):
    page = words_of_the_field()
    fill(page, "vocabulary_text", "Leaf\nleaf litter\nzebra: a striped horse\nzebra\n<b>x</b>")
    assert read_terms(page) == [
        ("Leaf", "already a concept"),
        ("leaf litter", "reads like “leaf”"),
        ("zebra", "new"),
        ("&lt;b&gt;x&lt;/b&gt;", "new"),
    ]
    assert page.button(key="vocabulary_add").label == "Add 2 concepts"
    page.checkbox(key="vocabulary_doubtful").check().run()
    press(page, "vocabulary_add")
    added = {one.name: one.description for one in knowledge(colours).concepts}
    assert {"leaf litter", "zebra", "<b>x</b>"} <= set(added)
    assert added["zebra"] == "a striped horse"
    assert page.button(key="vocabulary_add").disabled


def test_the_panel_opens_the_words_and_says_how_many_a_rebuild_uses(colours, dictionary):
    config = colours.settings()
    colours.save_settings(replace(config, mapping=replace(config.mapping, vocabulary="zebra\ndog")))
    page = panel("guidance")
    assert "2 lines used by rebuilds" in shown(page)
    press(page, "vocabulary_open")
    assert next(one for one in page.text_area if one.key == "vocabulary_text").value == "zebra\ndog"


def test_a_term_without_a_description_takes_the_dictionarys_if_wanted(colours, dictionary):
    page = words_of_the_field()
    fill(page, "vocabulary_text", "dog")
    assert "<dt>dog</dt><dd><div>new</div><div>" in shown(page)
    page.checkbox(key="vocabulary_glosses").uncheck().run()
    assert "<dt>dog</dt><dd><div>new</div></dd>" in shown(page)


def test_terms_become_nouns_of_a_rebuild_and_can_be_taken_back(colours, dictionary, started):
    page = words_of_the_field()
    fill(page, "vocabulary_text", "zebra")
    page.segmented_control(key="vocabulary_use").set_value("nouns").run()
    page.segmented_control(key="vocabulary_mode").set_value("only").run()
    press(page, "vocabulary_rebuild")
    assert started == [("rebuild", {})]
    assert colours.settings().mapping.vocabulary == "zebra"
    assert colours.settings().mapping.vocabulary_mode == "only"
    other_window = words_of_the_field()
    assert ("zebra", "new") in read_terms(other_window)
    fill(other_window, "vocabulary_text", "")
    press(other_window, "vocabulary_rebuild")
    assert colours.settings().mapping.vocabulary == ""


def test_a_list_that_cannot_be_read_or_added_says_why(colours, dictionary):
    page = words_of_the_field()
    assert "has a description but no word" in fill(page, "vocabulary_text", ": lost")
    assert "cannot be added" in fill(page, "vocabulary_text", "y" * 300)


# --- wishes


def test_without_wishes_it_says_how_one_is_made(colours):
    text = shown(panel("constraints"))
    assert "No wishes for single photos" in text
    assert "keep them together" in text


@pytest.fixture
def wished(colours):
    ids = [image.id for image in colours.images()]
    edit(
        colours,
        {"op": "rename_concept", "concept": "leaf", "name": HOSTILE},
        {"op": "together", "images": ids[:3]},
        {"op": "apart", "images": [ids[0], ids[20]]},
        {"op": "assign", "images": ids[30:31], "concept": HOSTILE},
    )
    return ids


def test_wishes_are_listed_with_photos_and_can_be_shown_and_removed(colours, wished):
    page = panel("constraints")
    text = shown(page)
    assert "3 wishes" in text
    assert [text.count(words_of_it) for words_of_it in ("Stay together", "Stay apart", "Belong to")] == [
        1,
        1,
        1,
    ]
    assert text.count('role="listitem"') == 6
    assert "<img src=x" not in text.replace("\\<img", "")
    first = knowledge(colours).constraints[0]
    press(page, f"wish_show_{first.id}")
    assert page.session_state["kec_selection"].images == tuple(wished[:3])
    assert "2 wishes" in press(page, f"wish_remove_{first.id}")
    assert [one.kind for one in knowledge(colours).constraints] == ["apart", "assign"]


def test_many_wishes_are_turned_in_pages(colours, wished, monkeypatch):
    monkeypatch.setattr(constraints, "PER_PAGE", 2)
    page = panel("constraints")
    assert "Belong to" not in shown(page)
    page.pagination[0].set_value(2).run()
    assert "Belong to" in shown(page)


# --- tree


@pytest.fixture
def flat(colours):
    """Without the groups that the run proposed."""
    edit(colours, {"op": "group_concepts", "groups": []})
    return colours


@pytest.fixture
def grouped(flat):
    edit(
        flat,
        {"op": "add_group", "name": HOSTILE},
        {"op": "add_group", "name": "cool", "parent": HOSTILE},
        {"op": "set_group", "concepts": ["leaf", "ocean"], "group": "cool"},
        {"op": "set_group", "concepts": ["crimson"], "group": HOSTILE},
    )
    return flat


def test_concepts_are_shown_in_their_groups_with_photos(grouped):
    page = panel("tree")
    labels = [one.label for one in page.expander]
    assert labels[1] == "**cool** · 24 photos"
    assert "<img src=x" not in labels[0].replace("\\<img", "")
    assert labels[0].endswith("· 38 photos")
    by_label = [option.content for group in page.button_group for option in group.proto.options]
    assert "lemon · 12" in by_label
    assert "leaf · 12" in by_label


def test_picks_in_several_groups_are_one_selection(grouped):
    page = panel("tree")
    leaf, lemon = concept(grouped, "leaf"), concept(grouped, "lemon")
    for place, name in (
        (1, leaf),
        (3, lemon),
    ):  # at 0 stands by what photos are told apart, at 2 another group
        page.button_group[place].set_value([name]).run()
        assert not page.exception, page.exception
    assert page.session_state["kec_selection"].concepts == (leaf, lemon)


def test_a_group_is_made_of_what_is_picked_moved_renamed_and_dissolved(flat):
    page = panel("tree")
    page.button_group[0].set_value([concept(flat, "leaf"), concept(flat, "ocean")]).run()
    fill(page, "tree_new_name_0", "cool")
    press(page, "tree_new_ok")
    assert [(group.name, group.source) for group in knowledge(flat).groups] == [("cool", "user")]
    (group,) = knowledge(flat).groups
    assert {one.name for one in knowledge(flat).concepts if one.group == group.id} == {"leaf", "ocean"}
    press(page, "tree_move_ok")
    assert not any(one.group for one in knowledge(flat).concepts)
    fill(page, f"tree_rename_{group.id}_cool", "cold")
    assert knowledge(flat).groups[0].name == "cold"
    press(page, "tree_dissolve")
    assert knowledge(flat).groups == ()
    assert "The group was not made" in press(page, "tree_new_ok")


def test_a_group_counts_as_one_concept_and_its_photos_are_counted_once(grouped):
    page = panel("tree")
    level = next(one for one in page.button_group if one.key.startswith("tree_level"))
    level.set_value("1").run()
    assert not page.exception, page.exception
    assert [group.collapsed for group in knowledge(grouped).groups] == [False, True]
    assert "Counts as one concept." in shown(page)
    assert [one.label for one in page.expander][1] == "**cool** · 24 photos"


def test_groups_are_proposed_by_the_program(flat, monkeypatch):
    def missing():
        raise ResourceMissing("no dictionary here")

    monkeypatch.setattr(workbench_view, "wordnet", missing)  # then likeness groups them
    page = panel("tree")
    assert "let the program propose groups" in shown(page)
    press(page, "tree_automatic")
    assert [group.source for group in knowledge(flat).groups] == ["automatic"] * len(page.expander)
    assert page.expander


def test_which_level_counts():
    open_one, closed = Group(id="g1", name="a"), Group(id="g2", name="b", collapsed=True)
    assert tree_actions.present_level([[open_one]]) == "concepts"
    assert tree_actions.present_level([[closed], [open_one]]) == "0"
    assert tree_actions.present_level([[open_one], [closed]]) == "1"
    assert tree_actions.present_level([[open_one, closed]]) is None
    assert tree_actions.present_level([[closed], [closed]]) is None


def test_photos_that_no_concept_clearly_wins_can_be_picked(colours):
    edit(colours, {"op": "add_concept", "name": "leaf too", "description": "something leaf"})
    page = panel("tree")
    before = page.button(key="tree_unclear").label
    assert "a word of their own" in shown(page)
    press(page, "tree_unclear")
    assert len(page.session_state["kec_selection"].images) == int(before.split()[0])
