"""The review queue: one doubt at a time, accepted, skipped, put off or never seen again; every text is text."""

import re
from dataclasses import replace

import numpy as np
import pytest

from kec_core.knowledge.edits import DeleteConcept, MergeConcepts, SetClusters
from kec_core.result.impact import Impact
from kec_core.suggestions import Suggestion
from kec_core.suggestions.base import Evidence
from kec_core.types import Scores
from pages.concepts.panels import review_queue, suggestion_cache
from state.revisions import revisions
from tests.page_helpers import HOSTILE, shown
from tests.panel_helpers import edit, panel, words  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("words")


def doubt(kind, concepts, change=None, *, reason="for a reason", rows=((0, 1), (13, 14))):
    names = " and ".join(concept.name for concept in concepts)
    return Suggestion(
        key=f"{kind}:{':'.join(concept.id for concept in concepts)}",
        kind=kind,
        gain=0.1,
        question=f"{kind} {names}?",
        reason=reason,
        concepts=tuple(concept.id for concept in concepts),
        evidence=tuple(Evidence(caption=f"side {n}", rows=some) for n, some in enumerate(rows)),
        edit=change,
    )


@pytest.fixture
def doubts(monkeypatch):
    """Three doubts: merge the first two concepts, delete the third, name the fourth; as long as they are there."""

    def suggest(state):
        first, second, *rest = state.knowledge.concepts[:4]
        found = [doubt("merge", [first, second], MergeConcepts(concepts=(first.id, second.id)))]
        if rest:
            found.append(doubt("unused", rest[:1], DeleteConcept(concept=rest[0].id)))
        if len(rest) > 1:
            found.append(doubt("name", rest[1:2]))
        return tuple(found)

    monkeypatch.setattr(suggestion_cache, "suggest", suggest)
    return suggest


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception, page.exception
    return shown(page)


def names(project):
    return [concept.name for concept in revisions.current(project).knowledge.concepts]


def test_a_card_has_question_reason_evidence_and_what_it_would_change(colours, doubts):
    first, second, *_ = names(colours)
    text = shown(panel("review_queue"))
    assert f"merge {first} and {second}" in text.replace("\\", "")
    assert "for a reason" in text
    assert "1 of 3" in text
    assert text.count('role="listitem"') == 4
    assert "Would move no photo." in text


def test_accepting_does_it_and_shows_the_next(colours, doubts):
    page = panel("review_queue")
    before = names(colours)
    assert page.button(key="review_accept").label == "Merge"
    press(page, "review_accept")
    assert len(names(colours)) == len(before) - 1
    assert revisions.current(colours).note.startswith("Merged")


def test_skipping_goes_round_and_back(colours, doubts):
    page = panel("review_queue")
    assert "1 of 3" in shown(page)
    assert page.button(key="review_back").disabled
    assert "2 of 3" in press(page, "review_skip")
    third = press(page, "review_skip")
    assert "3 of 3" in third
    assert "name " in third
    assert "2 of 3" in press(page, "review_back")
    press(page, "review_skip")
    assert "1 of 3" in press(page, "review_skip")
    assert revisions.current(colours).id == "r1"


def test_later_lasts_for_the_window_and_never_for_the_project(colours, doubts):
    page = panel("review_queue")
    text = press(page, "review_later")
    assert "1 of 2" in text
    assert "1 put aside" in text
    text = press(page, "review_never")
    assert "1 of 1" in text
    assert "2 put aside" in text
    other_window = shown(panel("review_queue"))
    assert "1 of 2" in other_window
    assert "merge" in other_window
    assert "1 of 3" in press(page, "review_again")


def test_concepts_that_no_photo_shows_are_cleared_with_one_press(colours, monkeypatch):
    def suggest(state):
        empty = [one for one in state.knowledge.concepts if one.name.startswith("nothing")]
        return tuple(doubt("unused", [one], DeleteConcept(concept=one.id)) for one in empty)

    before = names(colours)
    edit(colours, *({"op": "add_concept", "name": f"nothing {number}"} for number in range(3)))
    monkeypatch.setattr(suggestion_cache, "suggest", suggest)
    page = panel("review_queue")
    assert "No photo shows 3 of the concepts" in shown(page)
    assert "review_accept" not in {button.key for button in page.button}
    press(page, "review_clear")
    assert names(colours) == before
    assert "Nothing looks wrong" in shown(page)


def test_concepts_that_no_photo_shows_may_be_left_for_good(colours, monkeypatch):
    def suggest(state):
        return tuple(
            doubt("unused", [one], DeleteConcept(concept=one.id)) for one in state.knowledge.concepts[:2]
        )

    monkeypatch.setattr(suggestion_cache, "suggest", suggest)
    text = press(panel("review_queue"), "review_clear_never")
    assert "2 put aside" in text
    assert "2 put aside" in shown(panel("review_queue"))
    assert revisions.current(colours).id == "r1"


def test_open_picks_what_it_is_about(colours, doubts):
    page = panel("review_queue")
    press(page, "review_open")
    picked = page.session_state["kec_selection"].concepts
    assert picked == tuple(one.id for one in revisions.current(colours).knowledge.concepts[:2])


def test_in_large_collections_the_change_is_tried_when_asked(colours, doubts, monkeypatch):
    monkeypatch.setattr(review_queue, "QUICK", 10)
    page = panel("review_queue")
    assert "Would move" not in shown(page)
    assert "Would move no photo." in press(page, "review_try")


@pytest.mark.parametrize(
    ("moved", "labelled", "sentence"),
    [
        (0, True, "Would move no photo."),
        (1, True, "Would move 1 photo; in the right cluster 81.2% → 81.5% (ACC)."),
        (12, False, "Would move 12 photos; alike within clusters 60.0% → 59.5%."),
    ],
)
def test_the_change_in_one_sentence(moved, labelled, sentence):
    before, after = Scores(acc=0.812, nmi=0.8, ari=0.7), Scores(acc=0.815, nmi=0.8, ari=0.7)
    impact = Impact(
        moved=np.arange(moved),
        flows=(),
        reassigned=moved,
        scores_before=before if labelled else None,
        scores_after=after if labelled else None,
        coherence_before=0.6,
        coherence_after=0.595,
        concepts=(4, 4),
        clusters=(4, 4),
    )
    assert review_queue.effect(impact) == sentence


def test_an_edit_that_does_not_fit_says_why(colours, monkeypatch):
    last = doubt("mixed", revisions.current(colours).knowledge.concepts[:1], SetClusters(k=1000))
    monkeypatch.setattr(suggestion_cache, "suggest", lambda _state: (last,))
    page = panel("review_queue")
    assert "It cannot be done now" in shown(page)
    press(page, "review_accept")
    assert page.error
    assert revisions.current(colours).id == "r1"


def test_a_noun_that_fits_becomes_the_name_with_one_press(colours, doubts, monkeypatch):
    concept = revisions.current(colours).knowledge.concepts[0]
    monkeypatch.setattr(
        suggestion_cache, "suggest", lambda _state: (doubt("name", [concept], rows=((0, 1),)),)
    )
    monkeypatch.setattr(
        suggestion_cache, "fitting_names", lambda _state, _concept, _count: ("*scarlet*", "red")
    )
    page = panel("review_queue")
    (pills,) = page.button_group
    pills.set_value("*scarlet*").run()
    assert not page.exception
    assert names(colours)[0] == "*scarlet*"


@pytest.mark.parametrize(("kind", "label"), [("split", "Split…"), ("name", "Rename…")])
def test_what_needs_words_opens_the_form(colours, monkeypatch, kind, label):
    concept = revisions.current(colours).knowledge.concepts[0]
    monkeypatch.setattr(suggestion_cache, "suggest", lambda _state: (doubt(kind, [concept]),))
    page = panel("review_queue")
    assert page.button(key="review_form").label == label
    assert not page.text_input
    press(page, "review_form")
    assert page.text_input
    assert revisions.current(colours).id == "r1"


def test_collected_edits_are_counted_in_and_none_is_kept(colours, doubts):
    page = panel("review_queue")
    page.session_state["kec_mode"] = "staged"
    press(page, "review_accept")
    assert len(page.session_state["kec_staged"]) == 1
    assert revisions.current(colours).id == "r1"
    assert "merge" in shown(page)  # of the next two concepts: the first two are one already


def test_when_nothing_looks_wrong_the_least_certain_concepts_are_offered(colours, monkeypatch):
    monkeypatch.setattr(suggestion_cache, "suggest", lambda _state: ())
    page = panel("review_queue")
    assert "Nothing looks wrong" in shown(page)
    offered = [button for button in page.button if (button.key or "").startswith("review_look_")]
    assert len(offered) == 3
    offered[0].click().run()
    assert page.session_state["kec_selection"].concepts == (offered[0].key.removeprefix("review_look_"),)


def test_hostile_words_are_text(colours, monkeypatch):
    concept = replace(revisions.current(colours).knowledge.concepts[0], name=HOSTILE)
    monkeypatch.setattr(
        suggestion_cache, "suggest", lambda _state: (doubt("name", [concept], reason=HOSTILE),)
    )
    text = shown(panel("review_queue"))
    assert "<img src=x" not in text.replace("\\<img", "")
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_real_doubts_are_found_and_found_anew_after_an_edit(colours):
    total = left(panel("review_queue"))
    edit(colours, {"op": "add_concept", "name": "nothing like it"})
    assert left(panel("review_queue")) == total + 1


def left(page):
    (number,) = re.findall(r"1 of (\d+)", shown(page))
    return int(number)
