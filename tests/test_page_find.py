"""Find: words from the header of any page, photos like others, filters; what is found can be picked and moved."""

from datetime import date

import pytest

from pages.shared.picked import Selection
from tests.fakes import COLOURS
from tests.page_helpers import app, shown, visit
from tests.panel_helpers import words  # noqa: F401 - a fixture

COLOUR = next(iter(COLOURS))


@pytest.fixture
def page(colours, words):  # noqa: F811 - the fixtures
    return app("find", project="colours")


def look_for(page, text):
    return page.text_input(key="find_field").set_value(text).run()


def found(page):
    page.button(key="find_pick").click().run()
    assert not page.exception
    return page.session_state["kec_selection"].images


def test_before_anything_is_looked_for_it_says_what_can_be_done(page):
    assert "Type what can be seen" in shown(page)
    assert "find_pick" not in {button.key for button in page.button}


def test_words_typed_on_any_page_lead_to_the_photos_they_fit(colours, words):  # noqa: F811 - the fixtures
    page = app("data", project="colours")
    look_for(page, f" {COLOUR} ")
    assert not page.exception
    assert f"Photos that “{COLOUR}” fits best" in shown(page)
    assert page.text_input(key="find_field").value == COLOUR
    visit(page, "find").segmented_control(key="find_top").set_value(20).run()
    best = found(page)
    assert len(best) == 20
    assert all(image.startswith(f"{COLOUR}/") for image in best[:10])


def test_picked_photos_find_others_like_them_and_clear_forgets_them(page):
    look_for(page, COLOUR)
    first = found(page)[:2]
    page.session_state["kec_selection"] = Selection(images=first)
    page.run()
    page.button(key="selection_like").click().run()
    assert not page.exception
    assert "Photos like these 2 photos" in shown(page)
    assert page.text_input(key="find_field").value == ""
    assert not set(first) & set(found(page))
    page.button(key="find_forget").click().run()
    assert "Type what can be seen" in shown(page)


def test_filters_alone_find_photos_and_no_filter_takes_them_back(page):
    page.text_input(key="find_file").set_value(f"{COLOUR}/").run()
    every = found(page)
    assert every
    assert all(image.startswith(f"{COLOUR}/") for image in every)
    page.text_input(key="find_file").set_value("nowhere").run()
    assert "No photo has all of this" in shown(page)
    page.button(key="find_no_filter").click().run()
    assert page.text_input(key="find_file").value == ""
    assert not page.exception


def test_labels_and_clusters_narrow_what_words_find(page):
    other = list(COLOURS)[1]
    look_for(page, COLOUR)
    page.multiselect(key="find_labels").set_value([other]).run()
    assert {image.split("/")[0] for image in found(page)} == {other}
    assert not page.date_input  # no photo tells when it was taken


def test_days_can_be_chosen_where_photos_tell_when_they_were_taken(colours, words):  # noqa: F811 - the fixtures
    images = colours.images()
    with colours.database.writing() as db:
        rows = [
            (image.sha256, f"2026-05-{day:02d}T12:00:00") for day, image in enumerate(images[:9], start=1)
        ]
        db.executemany("INSERT OR REPLACE INTO taken VALUES (?, ?)", rows)
    page = app("find", project="colours")
    page.date_input(key="find_days").set_value((date(2026, 5, 4), date(2026, 5, 5))).run()
    dated = dict(zip((image.id for image in images), colours.taken(), strict=True))
    assert {dated[image][:10] for image in found(page)} == {"2026-05-04", "2026-05-05"}


def test_without_a_result_it_leads_to_build(empty_home):
    from state.project.project import Project

    Project.create(empty_home / "new", "New")
    assert "Nothing to search yet" in shown(visit(app(project="new"), "find"))
