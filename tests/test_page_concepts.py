"""The workbench as a person meets it: pick, act, look, take back."""

import re
from dataclasses import replace

import pytest

from kec_core.knowledge.edits import AssignImages, MuteConcept, NewCluster
from kec_core.types import Noun
from pages.concepts import attributes
from pages.shared import editing, photo_picker, session
from pages.shared.picked import Selection
from state.jobs.jobs import JobManager
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.work.editing import edit_project, keep, open_live
from state.work.run import run_project
from state.work.workbench import LiveStates, Workbench
from state.workspace.workspace import HOME_VARIABLE
from tests.concepts_page import looked_at, names, page
from tests.page_helpers import CONFIG, app, resources, shown


@pytest.fixture
def project(hash_encoder, colours):
    return colours


def test_without_a_result_it_leads_to_build(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    Project.create(tmp_path / "new", "New")
    test = app("concepts", project="new")
    assert "No concepts yet" in shown(test)
    assert test.button(key="empty_build").label == "Go to Build"


def test_it_opens_on_the_concept_with_the_most_photos(project):
    test = page()
    concept = revisions.current(project).knowledge.by_id[looked_at(test)]
    assert concept.name in [heading.value for heading in test.subheader]
    assert "as the run made it" in shown(test)


def test_a_concept_shows_the_photos_that_were_put_into_it_whatever_its_words_fit(project, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        photo_picker,
        "draw",
        lambda _, images, *, key, label: drawn.update({label: [one.id for one in images]}),
    )
    test = page()
    here = revisions.current(project).knowledge.by_id[looked_at(test)]
    label, won = f"Photos of {here.name}", drawn[f"Photos of {here.name}"]
    test.segmented_control(key="concept_order").set_value("assigned").run()
    assert "You put no photo into it" in shown(test)
    other = next(image.id for image in project.images() if image.id not in won)
    edit_project(project, [AssignImages(images=(other,), concept=here.id)])
    test = page()
    assert other not in drawn[label]
    test.segmented_control(key="concept_order").set_value("assigned").run()
    assert drawn[label] == [other]
    assert "Put here (1)" in test.segmented_control(key="concept_order").options


def test_next_and_previous_go_round(project):
    test = page()
    ids = [concept.id for concept in revisions.current(project).knowledge.concepts]
    here = ids.index(looked_at(test))
    test.button(key="concept_next").click().run()
    assert looked_at(test) == ids[(here + 1) % len(ids)]
    test.button(key="concept_previous").click().run()
    assert looked_at(test) == ids[here]


def test_muting_is_a_revision_that_undo_takes_back_and_redo_brings_again(project):
    test = page()
    test.button(key="concept_mute").click().run()
    assert revisions.current(project).id == "r2"
    assert test.button(key="concept_mute").label == "Unmute"
    assert "Muted" in shown(test)
    test.button(key="undo").click().run()
    assert revisions.current(project).id == "r1"
    assert test.button(key="concept_mute").label == "Mute"
    test.button(key="redo").click().run()
    assert revisions.current(project).id == "r2"


def test_an_attribute_is_added_changed_and_deleted_in_place(project):
    test = page()
    concept = looked_at(test)
    test.text_input(key=f"attribute_new_{concept}").input("round and shiny").run()
    assert test.text_input(key=f"attribute_new_{concept}").value == ""
    (added,) = (a for a in revisions.current(project).knowledge.uni if a.text == "round and shiny")
    test.text_input(key=f"attribute_{added.id}_round and shiny").input("round <b>and</b> dull").run()
    changed = next(a for a in revisions.current(project).knowledge.uni if a.id == added.id)
    assert changed.text == "round <b>and</b> dull"
    test.button(key=f"attribute_delete_{added.id}").click().run()
    assert added.id not in [a.id for a in revisions.current(project).knowledge.uni]
    assert not test.exception


def test_a_repeated_attribute_is_refused_in_words(project):
    test = page()
    concept = looked_at(test)
    for text in ("shiny", "SHINY"):
        test.text_input(key=f"attribute_new_{concept}").input(text).run()
    assert "already there" in shown(test)
    assert test.text_input(key=f"attribute_new_{concept}").value == "SHINY"
    assert revisions.current(project).id == "r2"


@pytest.mark.parametrize("key", ["concept_delete", "concept_rename", "concept_split"])
def test_a_locked_concept_says_why_it_stays_and_can_be_unlocked(project, key):
    test = page()
    test.button(key="concept_lock").click().run()
    before = revisions.current(project)
    test.button(key=key).click().run()
    assert "is locked" in shown(test)
    assert not [field for field in test.text_input if field.label == "Name"]
    assert revisions.current(project).id == before.id
    assert test.button(key="dialog_ok").label == "Unlock"
    assert test.button(key="dialog_cancel")


@pytest.mark.parametrize(
    ("key", "picked", "into", "label"),
    [("concepts_merge", 2, "them", "Merge"), ("concept_delete", 1, "it", "Delete")],
)
def test_merging_and_deleting_say_first_which_constraints_go_along(project, key, picked, into, label):
    first, second = revisions.current(project).knowledge.concepts[:2]
    bench = Workbench(project, LiveStates())
    bench.commit(bench.preview([AssignImages(images=(project.images()[0].id,), concept=first.id)]))
    test = page(selection=Selection(concepts=(first.id, second.id)[:picked]))
    test.button(key=key).click().run()
    assert f"the wish that puts 1 photo into {into}" in shown(test)
    assert test.button(key="dialog_ok").label == label
    assert test.button(key="dialog_cancel")
    assert revisions.current(project).id == "r2"


def test_the_dialog_that_tests_a_phrase_can_be_left(project):
    test = page()
    test.button(key="concept_test").click().run()
    test.button(key="dialog_cancel").click().run()
    assert not [one for one in test.button if one.key == "dialog_cancel"]


@pytest.mark.parametrize("key", ["concept_rename", "concept_add", "concept_split"])
def test_a_dialog_has_the_buttons_to_save_and_to_leave_it_at_once(project, key):
    test = page()
    test.button(key=key).click().run()
    assert not test.button(key="dialog_ok").disabled
    assert test.button(key="dialog_cancel")
    assert not test.exception


def test_collected_edits_are_undone_one_by_one_discarded_or_applied_and_finalise_waits_for_them(project):
    test = page(mode="staged")
    test.button(key="concept_mute").click().run()
    test.button(key="concept_lock").click().run()
    assert revisions.current(project).id == "r1"
    assert "and 1 more" in shown(test)
    test.button(key="undo").click().run()
    assert len(test.session_state["kec_staged"]) == 1
    assert revisions.current(project).id == "r1"
    test.button(key="discard").click().run()
    assert not test.session_state["kec_staged"]
    assert test.button(key="finalise").disabled is False
    test.button(key="concept_mute").click().run()
    assert test.button(key="finalise").disabled
    test.button(key="apply").click().run()
    current = revisions.current(project)
    assert current.id == "r2"
    assert [edit["op"] for edit in current.edits] == ["mute_concept"]


def test_fewer_concepts_merge_the_most_similar(project):
    test = page()
    before = len(names(project))
    dial = next(one for one in test.number_input if one.label == "Concepts")
    dial.set_value(before - 1).run()
    assert len(names(project)) == before - 1
    assert [edit["op"] for edit in revisions.current(project).edits] == ["merge_concepts"]


def test_more_clusters_than_concepts_is_said_and_one_click_asks_for_as_many(project):
    test = page()
    count = len(names(project))
    dial = next(one for one in test.number_input if one.label == "Clusters")
    dial.set_value(count + 1).run()
    assert "the words cannot tell all clusters apart" in shown(test)
    button = test.button(key="ask_for_fewer")
    assert button.label == f"Ask for {count} clusters"
    button.click().run()
    revision = revisions.current(project)
    assert revision.knowledge.n_clusters == revision.facts.n_clusters == count
    assert "the words cannot tell all clusters apart" not in shown(test)


def test_a_group_that_the_person_named_needs_no_concept(project):
    bench = Workbench(project, LiveStates())
    mine = NewCluster(images=tuple(image.id for image in project.images()[:6]), name="mine")
    revision = bench.commit(bench.preview([mine]))
    assert revision.facts.n_clusters > len(names(project))
    assert "the words cannot tell all clusters apart" not in shown(page())


def test_the_weight_can_be_set_and_given_back(project):
    test = page()
    test.slider[0].set_value(1.5).run()
    assert revisions.current(project).knowledge.weight == 1.5
    test.button(key="automatic_weight").click().run()
    assert revisions.current(project).knowledge.weight is None


def test_searching_looks_into_names_descriptions_and_nouns(project):
    test = page()
    name = names(project)[0]
    test.text_input(key="concept_find").input(name[:3]).run()
    assert name in test.dataframe[0].value["Concept"].tolist()
    test.text_input(key="concept_find").input("no such words anywhere").run()
    assert "No concept has these words." in shown(test)


def test_picked_photos_go_to_a_similar_concept(project):
    image = project.images()[0].id
    test = page(selection=Selection(images=(image,)))
    similar = next(button for button in test.button if button.key and button.key.startswith("neighbour_"))
    similar.click().run()
    (constraint,) = revisions.current(project).knowledge.constraints
    assert constraint.kind == "assign"
    assert constraint.images == (image,)
    assert similar.key == f"neighbour_{constraint.concept}"
    assert "1 photo moved" in test.toast[0].value  # as with every other way to say where photos belong
    assert "kec_selection" not in test.session_state
    assert "photos move" in shown(test)


def test_the_keys_are_listed(project):
    test = page()
    test.button(key="keys").click().run()
    assert "put the picked photos into the n-th similar concept" in shown(test)


def test_finalise_clusters_in_full_as_a_job(project, monkeypatch):
    started = []
    monkeypatch.setattr(
        JobManager, "start", lambda _self, _project, kind, params: started.append((kind, params))
    )
    test = page()
    test.button(key="finalise").click().run()
    assert started == [("finalise", {})]


def test_a_second_click_on_apply_does_nothing(project):
    test = page(mode="staged")
    test.button(key="concept_mute").click().run()
    again = test.button(key="apply").click()
    test.session_state["kec_staged"] = ()
    again.run()
    assert not test.exception
    assert revisions.current(project).id == "r1"


def test_a_run_that_finds_the_same_groups_moves_no_photo(project):
    labels = load_clustering(project, revisions.current(project)).labels
    run_project(project, None, replace(CONFIG, seed=7), resources=resources)
    assert (load_clustering(project, revisions.current(project)).labels != labels).any()  # only the ids
    assert re.search(r"photos move</dt><dd>0<", shown(page()))


def test_other_photos_in_the_same_places_are_another_widget(project, monkeypatch):
    keys = []
    monkeypatch.setattr(photo_picker, "_PICKER", lambda *, key, **_: keys.append(key))
    test = page()
    test.run()
    assert keys[0] == keys[1]
    others = [one.id for one in revisions.current(project).knowledge.concepts if one.id != looked_at(test)]
    edit_project(project, [MuteConcept(concept=other) for other in others[1:]])
    test.run()
    assert keys[2] != keys[1]


def test_concepts_that_are_gone_are_not_offered_for_merging(project):
    one = revisions.current(project).knowledge.concepts[0].id
    test = page(selection=Selection(concepts=(one, "c998", "c999")))
    assert "concepts_merge" not in [button.key for button in test.button]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_several_picked_concepts_the_latest_is_looked_at(project, turn):
    picked = tuple(one.id for one in revisions.current(project).knowledge.concepts[:2])[::turn]
    test = page(selection=Selection(concepts=picked))
    assert looked_at(test) == picked[-1]


def test_a_line_that_only_came_into_view_is_no_edit(project, monkeypatch):
    """A run that is interrupted forgets its fields, and the browser then reports their texts as changed."""
    acted = []
    monkeypatch.setattr(editing, "act", lambda _project, edits: acted.append(edits))
    (line, *_) = revisions.current(project).knowledge.uni
    for said in (line.text, f" {line.text} "):
        monkeypatch.setattr(session, "widget", lambda _key, said=said: said)
        attributes._change(project, line, "key")
    assert not acted
    monkeypatch.setattr(session, "widget", lambda _key: "other words")
    attributes._change(project, line, "key")
    assert [edit.text for (edit,) in acted] == ["other words"]


def namesakes(project):
    """Three concepts of one name, as a dictionary without a language model may give; their nouns differ."""
    shown = revisions.current(project)
    nouns = [f"kind {number}" for number in range(3)]
    alike = [
        replace(concept, name="thing", nouns=(Noun(word=noun),))
        for concept, noun in zip(shown.knowledge.concepts, nouns, strict=False)
    ]
    state = open_live(project, shown)
    knowledge = replace(shown.knowledge, concepts=(*alike, *shown.knowledge.concepts[3:]))
    keep(project, shown, replace(state, knowledge=knowledge), (), note="Namesakes")
    return [concept.id for concept in alike]


def test_namesakes_are_told_apart_and_two_of_them_can_be_merged_under_a_free_name(project):
    first, second, _third = namesakes(project)
    test = page()
    table = test.dataframe[0].value
    assert [name for name in table["Concept"] if name.startswith("thing")] == [
        "thing (kind 0)",
        "thing (kind 1)",
        "thing (kind 2)",
    ]
    test.session_state["kec_selection"] = Selection(concepts=(first, second))
    test.run()
    test.button(key="concepts_merge").click().run()
    assert not test.error
    assert not test.selectbox(key="merge_name").value.startswith("thing")
    assert not test.button(key="dialog_ok").disabled
    assert not test.exception
