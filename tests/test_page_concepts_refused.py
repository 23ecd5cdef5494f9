"""Concepts: edits that do not fit, of a window that is behind, or refused; their words are kept."""

import pytest
from streamlit.testing.v1 import AppTest

from kec_core.errors import InputError
from kec_core.knowledge.edits import DeleteConcept, parse_edit
from pages.shared import editing
from state.revisions import revisions
from state.work.editing import edit_project
from state.work.workbench import LiveStates, Workbench
from tests.concepts_page import looked_at, names, page
from tests.page_helpers import TIMEOUT, shown


@pytest.fixture
def project(hash_encoder, colours):
    return colours


def test_a_window_that_was_reloaded_is_not_another_person(project, monkeypatch):
    class Server:
        @staticmethod
        def is_active_session(connection):
            return connection == "open"

    monkeypatch.setattr(editing.runtime, "exists", lambda: True)
    monkeypatch.setattr(editing.runtime, "get_instance", Server)
    for connection, server, is_other in (
        ("reloaded", editing._SERVER, False),
        ("open", editing._SERVER, True),
        ("reloaded", "another", True),
    ):
        project.lock.take(f"05:34 0f {server} {connection}", "the window opened at 05:34")
        assert (editing.other_editor(project) is not None) == is_other


def test_a_window_that_is_behind_is_told_and_changes_nothing(project):
    mine, theirs = page(), page()
    theirs.button(key="concept_mute").click().run()
    mine.button(key="concept_lock").click().run()
    assert "this window showed r1" in shown(mine)
    assert "is editing" in shown(mine)
    assert revisions.current(project).id == "r2"
    mine.button(key="concept_lock").click().run()
    assert revisions.current(project).id == "r3"


def test_edits_that_fit_no_longer_can_be_discarded(project):
    gone = revisions.current(project).knowledge.concepts[0].id
    test = page(mode="staged", staged=(DeleteConcept(concept=gone),))
    edit_project(project, [DeleteConcept(concept=gone)])
    test.run()
    assert "do not fit any more" in shown(test)
    test.button(key="discard").click().run()
    assert "do not fit any more" not in shown(test)
    assert test.subheader


@pytest.mark.parametrize("field", ["attribute_new_", "attribute_", "pair_new_"])
def test_words_that_no_edit_can_hold_are_refused_in_words(project, field):
    test = page()
    key = next(one.key for one in test.text_input if one.key.startswith(field))
    test.text_input(key=key).input("x" * 5001).run()
    assert not test.exception
    assert "may have 5000 characters" in shown(test)
    assert revisions.current(project).id == "r1"


def test_why_an_edit_does_not_fit_is_said_without_its_place_in_a_script(project):
    bench = Workbench(project, LiveStates())
    with pytest.raises(InputError, match=r'^There is no concept "nobody"'):
        bench.preview([DeleteConcept(concept="nobody")])


def edit_elsewhere(project, concept):
    """What another window keeps meanwhile."""
    edit_project(project, [parse_edit({"op": "add_attribute", "concept": concept, "text": "theirs"})])


def test_an_attribute_refused_for_another_windows_edit_is_said_and_stays_in_its_field(project):
    test = page()
    concept = looked_at(test)
    edit_elsewhere(project, concept)
    field = f"attribute_new_{concept}"
    test.text_input(key=field).input("mine").run()
    assert "changed in another window" in test.error[0].value
    assert "mine" in test.error[0].value
    assert test.text_input(key=field).value == "mine"
    test.text_input(key=field).input("mine again").run()
    assert not test.error
    assert {"theirs", "mine again"} <= {a.text for a in revisions.current(project).knowledge.uni}


def _renaming():
    """The dialog, open in every run: the whole script is run here where the app runs the dialog alone."""
    from pages.concepts import actions
    from pages.shared import editing, session
    from state.revisions import revisions

    project = session.project()
    shown = revisions.current(project)
    if not session.widget("opened"):
        session.set_widget("opened", value=True)
        editing.saw(shown.id)
    actions.rename(project, shown.knowledge.concepts[0])


def test_a_dialog_whose_edit_is_refused_stays_open_with_its_words(project):
    test = AppTest.from_function(_renaming, default_timeout=TIMEOUT)
    test.query_params["project"] = "colours"
    test.run()
    concept = revisions.current(project).knowledge.concepts[0]
    field = f"rename_name_{concept.id}_{concept.name}"
    test.text_input(key=field).input("mine").run()
    edit_elsewhere(project, concept.id)
    test.button(key="dialog_ok").click().run()
    assert "changed in another window" in test.error[0].value
    assert test.text_input(key=field).value == "mine"
    assert "mine" not in names(project)
    test.button(key="dialog_ok").click().run()
    assert "mine" in names(project)
    assert "theirs" in {a.text for a in revisions.current(project).knowledge.uni}
