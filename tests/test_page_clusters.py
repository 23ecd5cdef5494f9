"""Clusters page: scores beside k-means, cards, an opened cluster in words, why a photo is where it is; names are text."""

import json
from dataclasses import replace

import pytest

from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from pages.clusters import card_grid
from pages.shared import photo_picker
from pages.shared.keyboard import CLUSTER_NAME
from pages.shared.markup import plain
from state.project.project import Project
from state.revisions import revisions
from state.revisions.cluster_marks import cluster_marks, mark_cluster
from state.revisions.overview import cluster_cards, load_overview
from state.work import editing
from state.work.workbench import LiveStates, Workbench
from tests.page_helpers import HOSTILE, app, pick, shown
from tests.panel_helpers import edit, words  # noqa: F401 - a fixture
from tests.state_helpers import commit_simple

pytestmark = pytest.mark.usefixtures("words")


def photos_of(page):
    """The photos of the gallery to pick from, as they are sent to the browser."""
    return next(sent["photos"] for sent in sent_to(page) if "photos" in sent)


def sent_to(page):
    """What the components of the page get."""
    parts = page.get("bidi_component")
    return [json.loads(part.proto.json) for part in parts if part.proto.json]


def view_of(page):
    """Where the page begins, as the browser is told."""
    return next(sent for sent in sent_to(page) if "shown" in sent)


def names_of(page):
    return [photo["alt"] for photo in photos_of(page)]


def open_first(page):
    return next(b for b in page.button if (b.key or "").startswith("open_cluster_")).click().run()


def test_an_opened_cluster_begins_at_its_top_and_naming_it_in_the_field(colours):
    page = app("clusters", project="colours")
    assert view_of(page) == {"shown": "colours clusters", "back": True, "start": ""}
    opened = view_of(open_first(page))
    assert opened["shown"] not in ("", "colours clusters")
    assert not opened["back"]
    page.button(key="cluster_rename").click().run()
    naming = view_of(page)
    assert naming["shown"] != opened["shown"]
    assert CLUSTER_NAME in [field.label for field in page.text_input]  # where keys are written
    page.button(key="cluster_back").click().run()
    assert view_of(page)["shown"] == "colours clusters"


def test_before_the_first_run_it_leads_to_build(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("clusters", project="new")
    assert "No clusters yet" in shown(page)
    assert page.button(key="empty_build").label == "Go to Build"


def test_with_labels_kec_stands_beside_k_means(colours):
    text = shown(app("clusters", project="colours"))
    assert "Photos in the right cluster" in text
    assert '<th scope="col">k-means</th>' in text
    assert "100.0%" in text


def test_without_labels_the_scores_that_need_none_are_explained(colours):
    colours.set_labels({})
    shown_revision = revisions.current(colours)
    revisions.set_scores(colours, "r1", None, replace(shown_revision.baseline, scores=None))
    text = shown(app("clusters", project="colours"))
    assert "silhouette" in text
    assert "whether they are the ones you want" in text
    assert "100% alike" in text or "alike" in text


def test_a_card_per_cluster_with_name_size_and_purity(colours):
    text = shown(app("clusters", project="colours"))
    for name, photos in (("crimson", 14), ("leaf", 12), ("ocean", 12), ("lemon", 12)):
        assert f"{photos} photos · 100% {name}" in text


def test_new_labels_show_at_once(colours):
    page = app("clusters", project="colours")
    assert "100% leaf" in shown(page)
    colours.set_labels({image.id: "all the same" for image in colours.images()})
    assert "100% all the same" in shown(page.run())


def test_many_clusters_are_turned_in_pages(colours, monkeypatch):
    monkeypatch.setattr(card_grid, "CARDS_PER_PAGE", 3)
    page = app("clusters", project="colours")
    assert sum((b.key or "").startswith("open_cluster_") for b in page.button) == 3
    page.pagination[0].set_value(2).run()
    assert sum((b.key or "").startswith("open_cluster_") for b in page.button) == 1


def test_clusters_that_are_done_can_be_hidden(colours):
    mark_cluster(colours, "r1", 0, done=True)
    page = app("clusters", project="colours")
    assert "1 of 4 done" in shown(page)
    assert shown(page).count("✓ done") == 1
    keys = {}
    for show in ("open", "done", "all"):
        page.segmented_control(key="clusters_show").set_value(show).run()
        keys[show] = {b.key for b in page.button if (b.key or "").startswith("open_cluster_")}
    assert keys["done"] == {"open_cluster_0"}
    assert keys["open"] == {"open_cluster_1", "open_cluster_2", "open_cluster_3"}
    assert keys["all"] == keys["done"] | keys["open"]


def test_a_filter_that_leaves_nothing_says_so(colours):
    page = app("clusters", project="colours")
    page.segmented_control(key="clusters_show").set_value("done").run()
    assert "No cluster is ticked off yet." in shown(page)
    for cluster in range(4):
        mark_cluster(colours, "r1", cluster, done=True)
    page.segmented_control(key="clusters_show").set_value("open").run()
    assert "All clusters are done." in shown(page)


# --- one cluster


def test_an_opened_cluster_shows_its_photos_and_leads_back(colours):
    page = open_first(app("clusters", project="colours"))
    assert not page.exception
    assert len(photos_of(page)) == 14
    page.button(key="cluster_back").click().run()
    assert page.title[0].value == "Clusters"


def test_next_and_previous_walk_through_the_clusters_and_around(colours):
    page = app("clusters", project="colours", cluster="0")
    first = shown(page)
    seen = set()
    for _ in range(4):
        page.button(key="cluster_next").click().run()
        seen.add(page.query_params["cluster"])
    assert seen == {"0", "1", "2", "3"}
    page.button(key="cluster_next").click().run()
    page.button(key="cluster_previous").click().run()
    assert shown(page) == first


def test_next_leads_to_what_is_left_to_do(colours):
    for cluster in (1, 2):
        mark_cluster(colours, "r1", cluster, done=True)
    page = app("clusters", project="colours")
    page.segmented_control(key="clusters_show").set_value("open").run()
    page.button(key="open_cluster_0").click().run()
    for expected in ("3", "0"):
        page.button(key="cluster_next").click().run()
        assert page.query_params["cluster"] == expected
    page.button(key="cluster_done").click().run()
    page.button(key="cluster_next").click().run()
    assert page.query_params["cluster"] == "3"


def test_a_cluster_is_ticked_off_and_back(colours):
    page = app("clusters", project="colours", cluster="2")
    page.button(key="cluster_done").click().run()
    assert "1 of 4 done" in shown(page)
    assert page.button(key="cluster_done").label == "Not done"
    assert [(one.id, one.done) for one in revisions.current(colours).knowledge.kept] == [(2, True)]
    page.button(key="cluster_done").click().run()
    assert [(one.id, one.done) for one in revisions.current(colours).knowledge.kept] == [(2, False)]
    assert [step.note for step in revisions.history(colours)[1:]] == [
        'Ticked "leaf" off.',
        '"leaf" is not done any more.',
    ]


def test_a_tick_of_a_project_of_before_is_taken_back(colours):
    mark_cluster(colours, "r1", 2, done=True)
    page = app("clusters", project="colours", cluster="2")
    page.button(key="cluster_done").click().run()
    assert page.button(key="cluster_done").label == "Done"


def test_a_cluster_gets_a_name_of_its_own(colours):
    page = app("clusters", project="colours", cluster="0")
    assert [field.key for field in page.text_input] == ["find_field"]
    page.button(key="cluster_rename").click().run()
    page.text_input(key="cluster_name_0").set_value("<b>My *reds*</b>")
    page.button(key="cluster_name_save").click().run()
    assert "&lt;b&gt;My *reds*&lt;/b&gt;" in shown(page)
    assert "<b>My" not in shown(page)
    assert [field.key for field in page.text_input] == ["find_field"]
    assert [(one.id, one.name) for one in revisions.current(colours).knowledge.kept] == [
        (0, "<b>My *reds*</b>")
    ]
    page.button(key="undo").click().run()
    assert "My *reds*" not in shown(page)


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_name_that_stays_as_it_is_makes_no_revision(colours, name):
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_rename").click().run()
    if name is not None:
        page.text_input(key="cluster_name_0").set_value(name)
    page.button(key="cluster_name_save").click().run()
    assert revisions.current(colours).id == "r1"
    assert [field.key for field in page.text_input] == ["find_field"]


def test_a_name_of_before_that_stays_as_it_is_is_kept(colours):
    mark_cluster(colours, "r1", 0, name="Zanzibar")
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_rename").click().run()
    page.button(key="cluster_name_save").click().run()
    assert revisions.current(colours).id == "r1"
    assert "Zanzibar" in shown(page)
    page.button(key="cluster_rename").click().run()
    page.text_input(key="cluster_name_0").set_value("")
    page.button(key="cluster_name_save").click().run()
    assert cluster_marks(colours, revisions.current(colours).id).names == {}


def test_a_name_that_is_taken_is_refused_and_can_be_changed(colours):
    mark_cluster(colours, "r1", 1, name="mine")
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_rename").click().run()
    page.text_input(key="cluster_name_0").set_value("mine")
    page.button(key="cluster_name_save").click().run()
    assert "There is already a cluster" in page.error[0].value
    assert page.text_input(key="cluster_name_0").value == "mine"
    page.button(key="cluster_name_cancel").click().run()
    assert [field.key for field in page.text_input] == ["find_field"]
    assert cluster_marks(colours, "r1").names == {1: "mine"}


def test_a_name_stays_with_its_cluster_through_an_edit(colours):
    mark_cluster(colours, "r1", 0, name="kept")
    bench = Workbench(colours, LiveStates())
    edit = {"op": "add_attribute", "concept": "crimson", "text": "crimson shade"}
    bench.commit(bench.preview(parse_script({"edits": [edit]})))
    page = app("clusters", project="colours", cluster="0")
    assert "kept" in shown(page)


def test_a_cluster_is_told_in_words_and_set_apart_from_its_nearest(colours):
    page = app("clusters", project="colours", cluster="0")
    text = shown(page)
    headings = [heading.value for heading in page.subheader]
    assert "What it is about" in headings
    assert any(heading.startswith("What sets it apart from") for heading in headings)
    assert 'title="Mean share of this concept in the photos (posterior omega)."' in text
    nearest = page.button(key="cluster_nearest")
    assert nearest.label.startswith("Open ")
    nearest.click().run()
    assert page.query_params["cluster"] != "0"


def test_the_photos_come_in_three_orders(colours):
    page = app("clusters", project="colours", cluster="0")
    typical = names_of(page)
    page.segmented_control(key="cluster_order").set_value("boundary").run()
    boundary = names_of(page)
    page.segmented_control(key="cluster_order").set_value("outlier").run()
    assert names_of(page)[0] == typical[-1]
    assert names_of(page) != typical
    assert boundary != typical
    assert sorted(boundary) == sorted(typical)


def test_large_clusters_are_turned_in_pages(colours, monkeypatch):
    monkeypatch.setattr(photo_picker, "PER_PAGE", 5)
    page = app("clusters", project="colours", cluster="0")
    assert len(photos_of(page)) == 5
    page.pagination[0].set_value(3).run()
    assert len(photos_of(page)) in (2, 4)


def test_all_photos_of_a_cluster_can_be_picked_and_put_back(colours):
    page = app("clusters", project="colours", cluster="0")
    page.button(key="cluster_select").click().run()
    assert sorted(page.session_state["kec_selection"].images) == sorted(names_of(page))
    assert all(photo["picked"] for photo in photos_of(page))
    page.button(key="selection_clear").click().run()
    assert not any(photo["picked"] for photo in photos_of(page))


def test_hostile_names_are_text(colours):
    page = open_first(app("clusters", project="colours"))
    hostile = next(name for name in names_of(page) if HOSTILE in name)
    text = shown(pick(page, hostile))
    assert "&lt;img src=x onerror=alert(1)&gt; *_`[a](b)`.png" in text
    assert "<img src=x" not in text


def test_a_cluster_that_never_was_is_said_and_all_are_shown(colours):
    page = app("clusters", project="colours", cluster="77")
    assert page.title[0].value == "Clusters"
    assert page.info[0].value.startswith(plain("This project has no cluster 77; below are the"))
    page.button(key="gone_back").click().run()
    assert not page.info
    assert "cluster" not in page.query_params


def test_a_cluster_that_is_gone_says_where_its_photos_are(colours):
    overview = load_overview(colours, (first := revisions.get(colours, "r1")))
    kept, lost = cluster_cards(overview, first.knowledge)[:2]
    edit(colours, {"op": "merge_clusters", "clusters": [kept.id, lost.id], "name": "one of two"})
    gone = lost.id if lost.id not in load_overview(colours, revisions.current(colours)).labels else kept.id
    page = app("clusters", project="colours", cluster=str(gone))
    names = {kept.id: (kept.name, kept.size), lost.id: (lost.name, lost.size)}
    name, photos = names[gone]
    said = f"The cluster “{name}” is not in this result: its {photos} photos are in “one of two”."
    assert page.info[0].value == plain(said)
    assert not view_of(page)["back"]  # where it was left before is elsewhere, and this stands at the top
    assert len([b for b in page.button if (b.key or "").startswith("open_cluster_")]) > 1


def test_a_revision_without_its_arrays_says_what_to_do(colours):
    commit_simple(colours, "r1", "dog", clustering_fp="gone")
    page = app("clusters", project="colours")
    assert "run the project again" in page.error[0].value.replace("\\", "")


def test_without_the_weights_the_photos_are_still_there(colours, monkeypatch):
    def missing(_name):
        raise InputError("The weights of this encoder are not here; fetch them.")

    monkeypatch.setattr(editing, "load_encoder", missing)
    page = app("clusters", project="colours", cluster="0")
    assert "weights of this encoder" in page.error[0].value
    assert len(photos_of(page)) == 12


# --- why a photo is where it is


def test_a_picked_photo_is_explained_and_its_parts_come_to_its_nearness(colours):
    page = app("clusters", project="colours", cluster="0")
    text = shown(pick(page, names_of(page)[3]))
    assert "Nearness to lemon" in text
    assert "the photo itself" in text
    assert "its description" in text


def test_the_photo_that_was_picked_last_is_explained(colours):
    page = app("clusters", project="colours", cluster="0")
    first, second, third = names_of(page)[:3]
    pick(page, second)
    pick(page, first, second)
    assert f'alt="{first}"' in shown(page)
    pick(page, first, second, third)
    assert f'alt="{third}"' in shown(page)
    pick(page, first, second)
    assert f'alt="{second}"' in shown(page)


def test_it_says_why_not_elsewhere(colours):
    page = app("clusters", project="colours", cluster="0")
    pick(page, names_of(page)[0])
    page.segmented_control(key="why_view").set_value("rival").run()
    assert "Leans to lemon" in shown(page)
    assert len(page.selectbox(key="why_other_0").options) == 3


def test_it_says_what_a_score_is_made_of(colours):
    page = app("clusters", project="colours", cluster="0")
    pick(page, names_of(page)[0])
    page.segmented_control(key="why_view").set_value("concept").run()
    text = shown(page)
    assert "Score of lemon" in text
    assert "Attributes do not count in this score" in text


def test_an_encoder_that_knows_no_places_says_so(colours):
    page = app("clusters", project="colours", cluster="0")
    assert "features of whole photos only" in shown(pick(page, names_of(page)[0]))
