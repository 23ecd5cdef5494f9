"""The map in a real browser: hover shows a photo, a line picks photos, a concept made of them recolours the map in place."""

import json
from itertools import combinations

import numpy as np
import pytest

from kec_core.maps.planar import inside
from pages.map.routes import places
from state.revisions import revisions
from state.revisions.layouts import find_layout, make_layout
from tests.browser import open_browser, open_window

pytestmark = [pytest.mark.browser, pytest.mark.weights]
MEGABYTE = 1_000_000
PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].join()"


@pytest.fixture(scope="module")
def project(shared_app):
    project = shared_app.add_project("map")
    for space in ("combined", "visual"):
        make_layout(project, revisions.current(project), space, "tsne")
    return project


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(shared_app, project, browser):
    opened = open_window(browser, viewport={"width": 1400, "height": 1000})
    opened.goto(f"{shared_app.address}/map?project=map")
    opened.locator(".map[data-painted]").wait_for()
    yield opened
    opened.close()


def left_half(area):
    """Corners of a line around the left half of an element, in pixels of the page."""
    box = area.bounding_box()
    left, top, bottom = box["x"] + 8, box["y"] + 8, box["y"] + box["height"] - 8
    middle = box["x"] + box["width"] / 2
    return [(left, top), (middle, top), (middle, bottom), (left, bottom)]


def draw(page, corners):
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()


def pixel_of(project, area):
    """Where every photo of the first map lies on the page: the map fits all of them, 40 pixels from its border."""
    found = find_layout(project, revisions.current(project), "combined", "tsne")
    at = places(project, found.key).astype(float)
    low, high = at.min(axis=0), at.max(axis=0)
    box = area.bounding_box()
    scale = min((box["width"] - 80) / (high - low)[0], (box["height"] - 80) / (high - low)[1])
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    return (at - (low + high) / 2) * scale + middle


def test_from_a_line_to_a_concept_and_new_colours(page, project):
    area = page.locator(".over").first
    traffic = []
    page.on("response", lambda answer: traffic.append(answer.url))
    spots = pixel_of(project, area)

    page.mouse.move(*spots[0])
    card = page.locator(".card")
    card.wait_for()
    card.locator("img").evaluate("img => img.decode()")
    assert card.locator("img").evaluate("img => img.naturalWidth") > 0

    corners = left_half(area)
    wanted = int(inside(spots, corners).sum())
    assert 0 < wanted < len(spots)
    before = page.locator(".pane canvas").first.evaluate(PIXELS)
    draw(page, corners)
    page.get_by_text(f"{wanted} photos picked").wait_for()
    gallery = page.get_by_role("group", name="Picked photos")
    gallery.wait_for()
    assert gallery.locator(".pick").count() == wanted
    assert page.locator(".pane canvas").first.evaluate(PIXELS) != before

    page.get_by_role("button", name="New concept").click()
    page.get_by_label("Name of the concept").fill("<b>middle</b>")
    page.keyboard.press("Enter")  # at once: the button cannot be pressed yet
    page.locator(".st-key-header").get_by_text("r2", exact=True).first.wait_for()
    assert revisions.current(project).knowledge.concepts[-1].name == "<b>middle</b>"
    page.get_by_role("button", name="Places as of r1").wait_for()
    assert not [url for url in traffic if url.endswith(".bin")]  # the places stayed in the browser

    pane = page.locator(".pane").first
    assert pane.get_attribute("data-photos") == str(len(spots))  # so few are drawn as photos
    names = json.loads(pane.get_attribute("data-names"))
    assert len(names) > 1
    for one, other in combinations(names, 2):
        apart = abs(one["x"] - other["x"]) >= one["half"] + other["half"], abs(one["y"] - other["y"]) >= 18
        assert any(apart), (one, other)
    page.get_by_role("button", name="Photos", exact=True).click()
    page.locator(".pane[data-photos='0']").first.wait_for()

    page.get_by_text("Nothing is picked").first.wait_for()
    page.locator(".entry .pick").first.click()
    page.get_by_text("picked").first.wait_for()
    page.locator(".over").first.press("Escape")
    page.get_by_text("Nothing is picked").first.wait_for()


def test_two_maps_side_by_side(page):
    page.get_by_text("Looks", exact=True).click()
    page.locator(".pane").nth(1).wait_for()
    titles = page.locator(".pane .title").all_inner_texts()
    assert [title.split(" · ")[0] for title in titles] == ["Both", "Looks"]
