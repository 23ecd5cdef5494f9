"""Clusters page: scores beside k-means, cards, an opened cluster; names of photos and concepts are text."""

from dataclasses import replace

from pages import _gallery
from state import revisions
from state.project import Project
from tests.page_helpers import app, shown
from tests.state_helpers import commit_simple


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


def test_an_opened_cluster_shows_its_photos_and_leads_back(colours):
    page = app("clusters", project="colours")
    button = next(button for button in page.button if (button.key or "").startswith("open_cluster_"))
    button.click().run()
    assert not page.exception
    assert shown(page).count('role="listitem"') == 14
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


def test_the_least_certain_photos_come_first_when_asked(colours):
    page = app("clusters", project="colours", cluster="0")
    typical = shown(page)
    page.segmented_control(key="cluster_order").set_value("boundary").run()
    assert not page.exception
    assert shown(page) != typical


def test_large_clusters_are_turned_in_pages(colours, monkeypatch):
    monkeypatch.setattr(_gallery, "PER_PAGE", 5)
    page = app("clusters", project="colours", cluster="0")
    assert shown(page).count('role="listitem"') == 5
    turner = page.pagination[0]
    turner.set_value(3).run()
    assert shown(page).count('role="listitem"') in (2, 4)


def test_hostile_names_are_text(colours):
    page = app("clusters", project="colours")
    button = next(button for button in page.button if (button.key or "").startswith("open_cluster_"))
    text = shown(button.click().run())
    assert "&lt;img src=x onerror=alert(1)&gt; *_`[a](b)`.png" in text
    assert "<img src=x" not in text


def test_a_cluster_that_is_not_there_shows_all(colours):
    assert app("clusters", project="colours", cluster="77").title[0].value == "Clusters"


def test_a_revision_without_its_arrays_says_what_to_do(colours):
    commit_simple(colours, "r1", "dog", clustering_fp="gone")
    page = app("clusters", project="colours")
    assert "run the project again" in page.error[0].value.replace("\\", "")
