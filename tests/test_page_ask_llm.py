"""Asking the language model in the workbench: the answer is taken line by line, and nothing of the person's is lost."""

from __future__ import annotations

import json

import pytest

from kec_core.knowledge.edits import AddAttribute, LockConcept, RenameConcept
from kec_core.llm.endpoint import KEY_VARIABLE
from pages.concepts.panels import ask_llm
from pages.shared import session
from state.llm.settings import LLMSettings, save_llm_settings
from state.revisions import revisions
from state.work.editing import edit_project
from tests.llm_server import LLMServer, Reply, case_of, error
from tests.page_helpers import app, make_job, shown, visit


@pytest.fixture(autouse=True)
def plain(hash_encoder, monkeypatch):
    """No key, and texts encoded as the project's photos were."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(ask_llm, "QUICK_SECONDS", 25.0)


@pytest.fixture
def served(colours):
    """A server that ``colours`` is set to; its script is changed by tests."""
    with LLMServer() as server:
        save_llm_settings(colours.folder.parent, LLMSettings(url=server.url, model="tiny"))
        yield server


def known(project):
    return revisions.current(project).knowledge


def panel(project, *places):
    """The workbench with the panel open, concepts picked by their place."""
    from pages.shared.picked import Selection

    test = app("projects", project="colours")
    test.session_state["concept_side"] = "Ask"
    ids = tuple(known(project).concepts[place].id for place in places)
    test.session_state["kec_selection"] = Selection(concepts=ids)
    visit(test, "concepts")
    assert not test.exception, test.exception
    return test


def ask(test, kind="", wish=""):
    if kind:
        test.radio(key="ask_llm_kind").set_value(kind).run()
    if wish:
        test.text_area(key="ask_llm_wish").set_value(wish)
    test.button(key="ask_llm_go").click().run()
    assert not test.exception, test.exception


def boxes(test):
    return [box for box in test.checkbox if box.key and box.key.startswith("ask_llm_line")]


def accept(test):
    test.button(key="ask_llm_accept").click().run()
    assert not test.exception, test.exception


def saying(**answer):
    return lambda body, attempt: Reply(content=json.dumps(answer))


def test_without_a_model_it_leads_to_the_settings(colours):
    test = panel(colours, 0)
    assert "No language model is chosen yet" in shown(test)
    assert "ask_llm_go" not in [button.key for button in test.button]


def test_another_name_and_description_are_taken_apart(colours, served):
    served.script = saying(concept="<b>ruby</b> *leaf*", description="deep red all over")
    old = known(colours).concepts[0]
    test = panel(colours, 0)
    ask(test, wish="in one word")
    assert case_of(served.bodies[0]).endswith("The wish here: in one word")
    name, description = boxes(test)
    assert (name.value, description.value) == (True, True)
    assert old.name in name.label
    assert "\\<b\\>ruby" in name.label
    assert revisions.current(colours).id == "r1"
    name.uncheck().run()
    assert test.button(key="ask_llm_accept").label == "Accept 1 of 2"
    accept(test)
    new = known(colours).concepts[0]
    assert (new.name, new.description) == (old.name, "deep red all over")
    assert boxes(test) == []
    assert test.button(key="ask_llm_go").label == "Ask"


def test_an_answer_that_cannot_be_taken_now_stays(colours, served, monkeypatch):
    served.script = saying(concept="ruby", description="deep red all over")
    test = panel(colours, 0)
    ask(test)
    monkeypatch.setattr(session.jobs(), "active", lambda _project: make_job())
    monkeypatch.setattr(session.jobs(), "status", lambda _project, _job: make_job())
    accept(test)
    assert known(colours).concepts[0].name != "ruby"
    assert test.button(key="ask_llm_accept").label == "Accept"


def test_words_of_the_person_are_kept_unless_ticked(colours, served):
    concept = known(colours).concepts[0]
    edit_project(colours, [RenameConcept(concept=concept.id, name="mine", description="my own words")])
    served.script = saying(concept="ruby", description="deep red all over")
    test = panel(colours, 0)
    ask(test)
    assert [box.value for box in boxes(test)] == [False, False]
    assert "your own words" in shown(test)
    assert test.button(key="ask_llm_accept").disabled
    boxes(test)[0].check().run()
    accept(test)
    assert (known(colours).concepts[0].name, known(colours).concepts[0].description) == (
        "ruby",
        "my own words",
    )


def test_new_attributes_replace_what_no_person_wrote(colours, served):
    concept = known(colours).concepts[0]
    edit_project(colours, [AddAttribute(concept=concept.id, text="my own attribute")])
    before = [a.text for a in known(colours).uni if a.concept == concept.id]
    served.script = saying(attributes=["glossy red skin", "a short green stem"])
    test = panel(colours, 0)
    ask(test, "attributes")
    assert all("my own attribute" not in box.label for box in boxes(test))
    accept(test)
    after = [a.text for a in known(colours).uni if a.concept == concept.id]
    assert "my own attribute" in after
    assert "glossy red skin" in after
    assert len(after) == max(len(before), 3)


def test_a_pair_is_set_apart(colours, served):
    first, second = known(colours).concepts[:2]
    served.script = saying(attributes=["warmth of the colour"])
    test = panel(colours, 0, 1)
    assert f"what sets **{first.name}** apart from **{second.name}**" in shown(test)
    ask(test)
    assert case_of(served.bodies[0]).startswith(f"First: {first.name}")
    accept(test)
    pair = tuple(sorted((first.id, second.id)))
    assert "warmth of the colour" in [a.text for a in known(colours).bi if a.pair == pair]


def test_a_split_keeps_what_no_part_takes(colours, served):
    concept = next(c for c in known(colours).concepts if len(c.nouns) > 1)
    place = known(colours).concepts.index(concept)
    first, *others = [noun.word for noun in concept.nouns]
    parts = [{"name": "early kind", "nouns": [first]}, {"name": "late kind", "nouns": others}]
    served.script = saying(parts=parts)
    test = panel(colours, place)
    ask(test, "split")
    assert len(boxes(test)) == 2
    assert f"~~{concept.name}~~" in shown(test)
    boxes(test)[1].uncheck().run()
    assert f"“{concept.name}” stays, with {', '.join(others)}" in shown(test)
    accept(test)
    names = [c.name for c in known(colours).concepts]
    assert "early kind" in names
    assert concept.name in names
    assert "late kind" not in names


def test_nothing_new_is_said(colours, served):
    concept = known(colours).concepts[0]
    served.script = saying(concept=concept.name, description=concept.description)
    test = panel(colours, 0)
    ask(test)
    assert "proposes nothing that is not there already" in shown(test)
    test.button(key="ask_llm_back").click().run()
    assert test.button(key="ask_llm_go").label == "Ask"


def test_the_servers_words_are_shown_and_asking_again_is_possible(colours, served):
    served.script = lambda body, attempt: error(401, "no credit <i>left</i>")
    test = panel(colours, 0)
    ask(test)
    assert any("no credit \\<i\\>left" in e.value for e in test.error)
    assert "ask_llm_accept" not in [button.key for button in test.button]
    test.button(key="ask_llm_back").click().run()
    assert test.button(key="ask_llm_go").label == "Ask"


def test_a_slow_question_can_be_taken_back(colours, served, monkeypatch):
    monkeypatch.setattr(ask_llm, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(ask_llm, "CANCEL_SECONDS", 0.0)
    served.script = lambda body, attempt: Reply(stall=True)
    test = panel(colours, 0)
    ask(test)
    assert "Asking tiny" in test.status[0].label
    assert test.status[0].state == "running"
    test.button(key="ask_llm_cancel").click().run()
    assert any("taken back" in e.value for e in test.error)


def test_an_answer_waits_when_another_concept_is_looked_at(colours, served):
    served.script = saying(concept="ruby", description="deep red all over")
    test = panel(colours, 0)
    ask(test)
    first, second = known(colours).concepts[:2]
    from pages.shared.picked import Selection

    test.session_state["kec_selection"] = Selection(concepts=(second.id,))
    test.run()
    assert f"An answer about “{first.name}” is waiting" in shown(test)
    test.button(key="ask_llm_show").click().run()
    assert "ruby" in boxes(test)[0].label


def test_locked_concepts_and_crowds_are_not_asked_about(colours, served):
    edit_project(colours, [LockConcept(concept=known(colours).concepts[0].id)])
    assert "is locked, so it is not asked about" in shown(panel(colours, 0))
    assert "Pick one concept, or two" in shown(panel(colours, 0, 1, 2))
    assert served.requests == 0
