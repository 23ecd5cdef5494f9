"""Ask me: answers move photos and are edits, what is drawn at random is counted, undo takes an answer back."""

from __future__ import annotations

import re

from state.revisions import revisions
from state.revisions.audits import Asked, answers, keep_answers
from state.revisions.overview import load_overview
from state.work.workbench import LiveStates, Workbench
from tests.page_helpers import app, kept_labels, shown
from tests.panel_helpers import words  # noqa: F401 - a fixture


def ask(colours):
    page = app("compare", project="colours")
    page.session_state["compare_tab"] = "Ask me"
    page.run()
    page.button(key="ask_start").click().run()
    assert not page.exception, page.exception
    return page


def test_an_answer_is_an_edit_and_the_photo_is_where_it_was_put(colours, words):  # noqa: F811 - the fixture
    page = ask(colours)
    for _ in range(2):
        page.button(key="ask_1").click().run()
        assert not page.exception, page.exception
        assert re.search("(Moved|Kept) 1 photo (to|in)", page.toast[0].value)
    now = revisions.current(colours)
    told = answers(colours, now)
    assert len(told) == 2
    assert len({one.image for one in told}) == 2
    overview = load_overview(colours, now)
    images = [image.id for image in colours.images(now.scan)]
    put = {image: wish.cluster for wish in now.knowledge.constraints for image in wish.images}
    assert set(put) == {one.image for one in told}
    assert all(int(overview.labels[images.index(image)]) == cluster for image, cluster in put.items())
    assert "Answers" in shown(page)
    Workbench(colours, LiveStates()).undo()
    assert len(answers(colours, revisions.current(colours))) == 1


def test_none_of_these_makes_one_more_group_and_skip_asks_about_another_photo(colours, words):  # noqa: F811
    before = len(set(load_overview(colours, revisions.current(colours)).labels.tolist()))
    page = ask(colours)
    asked = page.button(key="ask_skip").proto.id and shown(page)
    page.button(key="ask_skip").click().run()
    assert revisions.current(colours).id == "r1"
    assert shown(page) != asked
    page.button(key="ask_none").click().run()
    assert not page.exception, page.exception
    assert len(set(load_overview(colours, revisions.current(colours)).labels.tolist())) == before + 1
    page.button(key="ask_none").click().run()
    assert {kept.name for kept in revisions.current(colours).knowledge.kept} == {"new group", "new group 2"}
    page.button(key="ask_stop").click().run()
    assert page.button(key="ask_start")


def test_answers_of_another_branch_do_not_count(colours, words):  # noqa: F811 - the fixture
    first = revisions.current(colours)
    page = ask(colours)
    page.button(key="ask_1").click().run()
    keep_answers(colours, revisions.current(colours), [Asked(image="x", drawn=True, right=True)])
    assert [one.image for one in answers(colours, revisions.current(colours))] == ["x"]
    assert answers(colours, first) == ()


def test_on_the_clusters_page_it_begins_with_the_first_question(colours, words):  # noqa: F811 - the fixture
    page = app("clusters", project="colours")
    page.button(key="clusters_ask").click().run()
    assert not page.exception, page.exception
    assert page.button(key="ask_1")


def test_two_photos_are_kept_together_or_apart_as_the_person_says(colours, words):  # noqa: F811 - the fixture
    page = ask(colours)
    page.segmented_control(key="ask_about").set_value("pair").run()
    assert not page.exception, page.exception
    for key in ("ask_together", "ask_apart"):
        page.button(key=key).click().run()
        assert not page.exception, page.exception
    together, apart = revisions.current(colours).knowledge.constraints
    assert (together.kind, len(together.images), apart.kind, len(apart.images)) == (
        "together", 2, "apart", 2,
    )  # fmt: skip
    assert set(together.images) != set(apart.images)
    labels = kept_labels(colours)
    assert len({labels[image] for image in together.images}) == 1
    assert len({labels[image] for image in apart.images}) == 2
    assert len(answers(colours, revisions.current(colours))) == 2
    asked = shown(page)
    page.button(key="ask_skip").click().run()
    assert shown(page) != asked
    assert revisions.current(colours).id == "r3"
