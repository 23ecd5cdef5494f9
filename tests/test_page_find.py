"""Find: words from the header of any page, photos like others, filters; what is found can be picked and moved."""

from datetime import date

import pytest

from kec_core.errors import ResourceMissing
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ScanReport
from pages.find import timeline
from pages.shared.picked import Selection
from state.work.search import Search, open_search
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


def test_before_anything_is_looked_for_it_says_what_can_be_done_and_shows_photos(page, colours):
    assert "Type what can be seen" in shown(page)
    assert len(found(page)) == len(colours.images())


def test_a_suggested_word_is_looked_for_with_one_click(page):
    suggested = page.button_group(key="find_suggested")
    assert suggested.options
    suggested.select(suggested.options[0]).run()
    assert not page.exception
    assert f"Photos that “{page.text_input(key='find_field').value}” fits best" in shown(page)
    assert "find_suggested" not in {group.key for group in page.button_group}
    page.button(key="find_forget").click().run()
    assert page.button_group(key="find_suggested").value is None


def test_without_the_encoder_the_page_says_so_and_shows_the_photos(colours, words, monkeypatch):  # noqa: F811 - the fixtures
    def missing(*_):
        raise ResourceMissing("The weights are not on this machine; run kec setup.")

    monkeypatch.setattr(Search, "suggested_words", missing)
    page = app("find", project="colours")
    assert "The weights are not on this machine" in shown(page)
    assert found(page)


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
        db.executemany("INSERT OR REPLACE INTO exif (sha256, taken) VALUES (?, ?)", rows)
    page = app("find", project="colours")
    page.date_input(key="find_days").set_value((date(2026, 5, 4), date(2026, 5, 5))).run()
    dated = dict(zip((image.id for image in images), colours.exif(), strict=True))
    assert {dated[image].taken[:10] for image in found(page)} == {"2026-05-04", "2026-05-05"}


@pytest.fixture
def travelled(colours, words):  # noqa: F811 - the fixtures
    """The first photos by two cameras in two towns over three years; the others tell nothing."""
    images = [image for image in colours.images() if "copy" not in image.id]
    told = {
        images[2].id: Exif("2024-02-29T10:00:00", "Leica Q", Place(52.52, 13.405)),
        images[3].id: Exif("2025-03-01T10:00:00", "Leica Q", Place(52.39, 13.065)),
        images[4].id: Exif("2026-12-31T10:00:00", "X100"),
    }
    colours.set_images(ScanReport(images=colours.images(), exif=told))
    return list(told)


def test_cameras_and_places_narrow_what_is_found(travelled):
    near, far, other = travelled
    page = app("find", project="colours")
    page.multiselect(key="find_cameras").set_value(["Leica Q"]).run()
    assert set(found(page)) == {near, far}
    page.selectbox(key="find_place").set_value("Near a place").run()
    page.text_input(key="find_near").set_value("52.5, 13.4").run()
    page.number_input(key="find_within").set_value(10.0).run()
    assert set(found(page)) == {near}
    page.text_input(key="find_near").set_value("").run()
    page.session_state["kec_selection"] = Selection(images=(far,))
    page.run()
    assert set(found(page)) == {far}
    page.text_input(key="find_near").set_value("Berlin").run()
    assert "Latitude and longitude in degrees were expected" in page.error[0].value
    page.button(key="find_no_filter").click().run()
    page.selectbox(key="find_place").set_value("Without a place").run()
    assert other in found(page)
    assert not page.exception


def test_without_cameras_and_places_there_is_nothing_to_choose(page):
    keys = {one.key for one in (*page.multiselect, *page.selectbox)}
    assert not keys & {"find_cameras", "find_place"}


def test_the_timeline_has_a_bar_for_each_period_in_the_colours_of_the_clusters(travelled, colours):
    search = open_search(colours)
    rows = [search.row_of[image] for image in travelled]
    figure = timeline.chart(search, rows, dark=False)
    bars = [(x, y) for bar in figure.data for x, y in zip(bar.x, bar.y, strict=True)]
    assert sorted(bars) == [("2024-02-29", 1), ("2025-03-01", 1), ("2026-12-31", 1)]
    assert {bar.name for bar in figure.data} <= set(search.names)
    page = app("find", project="colours")
    page.session_state["find_timeline_panel"] = True
    page.run()
    assert "more without a date" in shown(page)
    assert not page.exception


@pytest.mark.parametrize(
    ("count", "step", "letters"), [(1, 1, 10), (62, 1, 10), (70, 1, 7), (62, 31, 7), (200, 31, 4)]
)
def test_periods_grow_with_the_time_that_photos_span(count, step, letters):
    moments = [f"{date.fromordinal(730_000 + step * n)}T10:00:00" for n in range(count)]
    if count == 62 and step == 31:
        moments += [f"{one[:8]}01T00:00:00" for one in moments]
    assert timeline.period(moments) == letters


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_bar_stands_for_its_days(written, first, last):
    assert timeline.days_of(written) == (first, last)


def test_without_a_result_it_leads_to_build(empty_home):
    from state.project.project import Project

    Project.create(empty_home / "new", "New")
    assert "Nothing to search yet" in shown(visit(app(project="new"), "find"))
