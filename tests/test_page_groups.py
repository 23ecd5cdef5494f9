"""Groups put right on the Clusters page: merge, split, move, new groups, sorting into a list; each is said and undone."""

import textwrap

import pytest
from streamlit.testing.v1 import AppTest

from pages.clusters.sorting import listed_names
from pages.shared.markup import plain
from state.revisions import revisions
from state.revisions.overview import cluster_cards, load_overview
from tests.page_helpers import TIMEOUT, app, kept_labels, pick, shown
from tests.panel_helpers import edit, words  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("words")


def test_ticked_cards_become_one_group_and_that_is_said(colours):
    before = kept_labels(colours)
    page = app("clusters", project="colours")
    page.button(key="tick_0").click().run()
    assert page.button(key="clusters_merge").disabled
    page.button(key="tick_2").click().run()
    page.button(key="clusters_merge").click().run()
    assert not page.exception
    after = kept_labels(colours)
    assert len(set(after.values())) == 3
    assert len({after[image] for image, cluster in before.items() if cluster in (0, 2)}) == 1
    moved = sum(cluster == 2 for cluster in before.values())
    assert f"{moved} photos moved" in page.toast[0].value
    assert page.button(key="tick_0").label == "Tick"
    page.button(key="undo").click().run()
    assert kept_labels(colours) == before


@pytest.mark.parametrize("first", [0, 2])
def test_the_card_that_was_ticked_first_gives_the_merged_group_its_name(colours, first):
    name = next(card.name for card in cards_of(colours) if card.id == first)
    page = app("clusters", project="colours")
    for card in (first, *({0, 1, 2} - {first})):
        page.button(key=f"tick_{card}").click().run()
    page.button(key="clusters_merge").click().run()
    assert name in {card.name for card in cards_of(colours)}
    assert first in kept_labels(colours).values()


def test_a_group_that_no_word_fits_gives_no_name_to_what_is_merged_with_it(colours):
    edit(colours, {"op": "rename_concept", "concept": "leaf", "name": "unclear (12 photos)"})
    unclear, other = sorted(cards_of(colours), key=lambda card: card.name != "unclear")[:2]
    page = app("clusters", project="colours")
    for card in (unclear, other):
        page.button(key=f"tick_{card.id}").click().run()
    page.button(key="clusters_merge").click().run()
    assert all(not kept.name for kept in revisions.current(colours).knowledge.kept)


def test_an_opened_cluster_is_split_by_looks(colours):
    before = kept_labels(colours)
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_split").click().run()
    assert kept_labels(colours) == before
    page.button(key="dialog_ok").click().run()
    after = kept_labels(colours)
    assert len(set(after.values())) == 5
    assert {image for image in before if after[image] != before[image]} < {
        i for i in before if before[i] == 0
    }
    assert "into 2 groups" in page.toast[0].value


def test_picked_photos_move_by_button_and_stay_and_are_not_picked_any_more(colours):
    before = kept_labels(colours)
    some = [image for image, cluster in before.items() if cluster == 0][:5]
    page = pick(app("clusters", project="colours", cluster="0"), *some)
    assert not any(b.key == "group_move_0" for b in page.button)
    page.button(key="group_move_2").click().run()
    after = kept_labels(colours)
    assert {after[image] for image in some} == {2}
    assert {image for image in before if after[image] != before[image]} == set(some)
    assert page.session_state["kec_selection"].images == () if "kec_selection" in page.session_state else True
    assert "5 photos moved" in page.toast[0].value


def test_what_a_window_that_is_behind_did_not_do_is_said_with_the_names_it_showed(colours):
    revision = revisions.current(colours)
    named = {one.id: one.name for one in cluster_cards(load_overview(colours, revision), revision.knowledge)}
    page = pick(app("clusters", project="colours", cluster="0"), next(iter(kept_labels(colours))))
    edit(colours, {"op": "set_weight", "knowledge": 0.5})
    page.button(key="group_move_2").click().run()
    assert plain(f'Not done: Moved 1 photo to "{named[2]}".') in page.error[0].value


def test_picked_photos_become_a_group_with_those_that_follow_if_wanted(colours):
    before = kept_labels(colours)
    some = [image for image, cluster in before.items() if cluster == 0][:6]
    page = pick(app("clusters", project="colours", cluster="0"), *some)
    page.session_state["group_new"] = True
    page.run()
    page.text_input(key="group_name").set_value("mine").run()
    page.button(key="group_make").click().run()
    after = kept_labels(colours)
    assert len(set(after.values())) == 5
    made = {after[image] for image in some}
    assert len(made) == 1
    assert not made & set(before.values())
    assert [one.name for one in revisions.current(colours).knowledge.kept] == ["mine"]


def test_a_name_that_is_taken_is_refused_beside_its_field_and_nothing_is_made(colours):
    before = kept_labels(colours)
    page = app("clusters", project="colours", cluster="1")
    page.session_state["cluster_naming"] = 1
    page.run()
    page.text_input(key="cluster_name_1").set_value("mine")
    page.button(key="cluster_name_save").click().run()
    page = pick(page, *[image for image, cluster in before.items() if cluster == 1][:3])
    page.session_state["group_new"] = True
    page.run()
    page.text_input(key="group_name").set_value("Mine").run()
    assert "already a cluster" in page.error[0].value
    assert page.button(key="group_make").disabled
    page.text_input(key="group_name").set_value("other").run()
    assert not page.error
    page.button(key="group_make").click().run()
    assert not page.session_state["group_new"]


def test_a_new_group_called_like_another_says_so_before_it_is_made(colours):
    page = pick(app("clusters", project="colours", cluster="0"), *list(kept_labels(colours))[:2])
    page.session_state["group_new"] = True
    page.run()
    name = next(card.name for card in cards_of(colours) if card.id == 1)
    page.text_input(key="group_name").set_value(f" {name.upper()} ").run()
    assert f"“{name}” is a group already, and would get a number" in shown(page)
    page.text_input(key="group_name").set_value("other").run()
    assert "is a group already" not in shown(page)


@pytest.mark.parametrize("name", ["x" * 201, "\u200b"])
def test_a_name_that_no_group_can_have_is_refused_beside_its_field(colours, name):
    page = pick(app("clusters", project="colours", cluster="0"), *list(kept_labels(colours))[:2])
    page.session_state["group_new"] = True
    page.run()
    page.text_input(key="group_name").set_value(name).run()
    assert page.error[0].value.startswith("name ")
    assert page.button(key="group_make").disabled
    assert not page.button(key="group_none").disabled
    page.text_input(key="group_name").set_value("other").run()
    page.text_input(key="group_name").set_value(name)
    page.button(key="group_make").click().run()  # as Enter does, before the page was drawn with the name
    assert not page.exception
    assert page.error
    assert revisions.current(colours).id == "r1"


def test_a_name_that_no_concept_can_have_is_refused_beside_its_field(colours):
    page = pick(app("clusters", project="colours", cluster="0"), *list(kept_labels(colours))[:2])
    page.session_state["selection_new"] = True
    page.run()
    page.text_input(key="selection_concept_name").set_value("x" * 201).run()
    assert page.error[0].value.startswith("name ")
    assert page.button(key="selection_concept_add").disabled
    assert not page.button(key="group_none").disabled


def test_words_that_no_part_can_be_called_by_are_refused_beside_their_fields(colours):
    page = app("clusters", project="colours", cluster="0")
    for key, value in {"way": "words", "word_0_One": "light", "word_0_Other": "Light"}.items():
        page.session_state[f"split_{key}"] = value
    page.button(key="cluster_split").click().run()
    assert "twice" in page.error[0].value
    assert page.button(key="dialog_ok").disabled


def cards_of(project):
    shown_revision = revisions.current(project)
    overview = load_overview(project, shown_revision)
    return cluster_cards(overview, shown_revision.knowledge, project.labels(shown_revision.scan))


def test_two_clusters_are_merged_from_one_of_them(colours):
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_merge").click().run()
    other = page.selectbox(key="merge_with").value
    page.button(key="dialog_ok").click().run()
    after = kept_labels(colours)
    assert other not in after.values()
    assert len(set(after.values())) == 3


def test_a_new_name_moves_no_photo_and_says_nothing_of_it(colours):
    edit(colours, {"op": "rename_cluster", "cluster": 0, "name": "mine"})
    text = shown(app("clusters", project="colours"))
    assert "to &quot;mine&quot;" in text
    assert "photos moved" not in text


def test_a_group_that_no_word_fits_says_what_that_means(colours):
    assert "No word fits these photos" not in shown(app("clusters", project="colours"))
    edit(colours, {"op": "rename_concept", "concept": "leaf", "name": "unclear (12 photos)"})
    cluster = next(card.id for card in cards_of(colours) if card.name == "unclear")
    assert shown(app("clusters", project="colours")).count("No word fits these photos") == 1
    assert "No word fits these photos" in shown(app("clusters", project="colours", cluster=str(cluster)))


def test_what_the_latest_edit_moved_can_be_seen_and_taken_back(colours):
    before = kept_labels(colours)
    some = [image for image, cluster in before.items() if cluster == 0][:2]
    page = pick(app("clusters", project="colours", cluster="0"), *some)
    here = next(card.name for card in cards_of(colours) if card.id == 0)
    assert f"2 in {here}" in shown(page)
    page.button(key="group_move_2").click().run()
    assert "2 photos moved" in shown(page)
    page.button(key="see_moved").click().run()
    assert f"2 photos from {here} to" in shown(page)
    page.button(key="latest_undo").click().run()
    assert kept_labels(colours) == before


def test_photos_that_fit_no_group_go_into_one_of_their_own(colours):
    before = kept_labels(colours)
    for cluster in (0, 1):
        some = [image for image, one in before.items() if one == cluster][:1]
        page = pick(app("clusters", project="colours", cluster=str(cluster)), *some)
        page.button(key="group_none").click().run()
    after = kept_labels(colours)
    apart = {image for image in before if after[image] not in set(before.values())}
    assert len(apart) == 2
    assert len({after[image] for image in apart}) == 1


def test_keys_of_groups_stay_the_same_while_one_group_is_worked_on(colours):
    def keys(page):
        return [b.key for b in page.button if (b.key or "").startswith("group_move_")]

    before = kept_labels(colours)
    page = app("clusters", project="colours", cluster="0")
    first = keys(page)
    assert len(first) == 3
    for image in [image for image, cluster in before.items() if cluster == 0][:6]:
        page = pick(page, image)
        page.button(key=first[-1]).click().run()
        assert keys(page) == first


# --- all clusters


def test_a_group_that_gets_another_name_by_an_edit_says_so(colours):
    card = cards_of(colours)[0]
    concept = next(one for one in revisions.current(colours).knowledge.concepts if one.name == card.name)
    edit(colours, {"op": "rename_concept", "concept": concept.id, "name": "scarlet"})
    for page in ("clusters", "concepts", "find"):
        assert f"“{card.name}” is now called “scarlet”" in shown(app(page, project="colours"))
    edit(colours, {"op": "rename_cluster", "cluster": card.id, "name": "mine"})
    assert "is now called" not in shown(app("clusters", project="colours"))


def sorting_dialog():
    """The dialog, open in every run of the page."""
    page = AppTest.from_string(
        textwrap.dedent("""
        from pages.clusters import sorting
        from pages.shared import editing, session
        from state.revisions import revisions
        session.take_notices()
        project = session.project()
        editing.saw(revisions.current(project).id)
        sorting.sort(project, revisions.current(project))
        """),
        default_timeout=TIMEOUT,
    )
    page.query_params["project"] = "colours"
    return page.run()


def test_all_photos_are_sorted_into_a_list_after_a_look_at_it(colours):
    opened = app("clusters", project="colours").button(key="clusters_sort_into").click().run()
    assert opened.button(key="dialog_ok").disabled
    before = kept_labels(colours)
    names = [concept.name for concept in revisions.current(colours).knowledge.concepts][:2]
    page = sorting_dialog()
    page.text_area(key="sort_names").set_value("Katze\nBus").run()
    assert "would move. Not in the dictionary: &quot;Katze&quot;" in shown(page)
    page.text_area(key="sort_names").set_value(", ".join(names)).run()
    assert "would move" in shown(page)
    assert kept_labels(colours) == before
    page.button(key="dialog_ok").click().run()
    assert {card.name for card in cards_of(colours)} <= {*names, "none of these"}
    assert len(set(kept_labels(colours).values())) > 1


@pytest.mark.parametrize("ticked", [True, False])
def test_none_of_these_on_the_list_is_the_group_that_is_made_besides(colours, ticked):
    page = sorting_dialog()
    page.checkbox(key="sort_none").set_value(ticked)
    page.text_area(key="sort_names").set_value("None of these\nred").run()
    assert not page.error
    page.button(key="dialog_ok").click().run()
    (edit,) = revisions.current(colours).edits
    assert edit == {"op": "sort_into", "names": ["red"], "none": True}


def test_a_name_that_cannot_be_one_is_refused_beside_the_list(colours):
    page = sorting_dialog()
    page.text_area(key="sort_names").set_value(f"red\n{'x' * 201}").run()
    assert "may have 200 characters" in page.error[0].value
    assert page.button(key="dialog_ok").disabled
    assert revisions.current(colours).id == "r1"


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (("dog\n cat  fish \n\ndog\nDog",), ("dog", "cat fish")),
        (("dog, cat,, dog",), ("dog", "cat")),
        (("bird, big\ncat",), ("bird, big", "cat")),
        (("", "dog", "dog\ncat"), ("dog", "cat")),
        (("", ""), ()),
    ],
)
def test_names_come_one_per_line_or_with_commas_and_each_once(texts, names):
    assert listed_names(*texts) == names
