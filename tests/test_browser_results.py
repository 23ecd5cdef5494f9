"""One person looks through the result in a real browser: reads and names a cluster, compares, judges by eye."""

import re

import pytest

from kec_core.knowledge.edits import SetClusters
from pages.shared import navigation
from state.revisions import revisions
from state.revisions.audits import load_audit
from state.revisions.clusterings import load_clustering
from state.revisions.layouts import make_layout
from state.work.editing import edit_project
from tests.browser import open_browser, open_window, rest

pytestmark = [pytest.mark.browser, pytest.mark.weights]
NAME = "<b>warm</b> things"


@pytest.fixture(scope="module")
def project(shared_app, compact_encoder):
    """A map of the run, and after it an edit that moves photos."""
    project = shared_app.add_project("results")
    make_layout(project, revisions.current(project), "combined", "tsne")
    edit_project(project, [SetClusters(k=3)])
    return project


@pytest.fixture(scope="module")
def page():
    with open_browser() as browser:
        yield open_window(browser, viewport={"width": 1400, "height": 1000})


def go(page, name):
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def test_a_cluster_is_read_named_ticked_off_and_found_again(page, shared_app, project):
    page.goto(f"{shared_app.address}/clusters?project=results")
    page.get_by_role("button", name=re.compile("^Open ")).first.click()
    page.get_by_role("heading", name="What it is about").wait_for()
    page.get_by_role("heading", name=re.compile("What sets it apart from .+")).wait_for()
    tables = page.locator(".kec-apart")
    tables.nth(1).wait_for()
    assert tables.nth(1).locator("tr").count() > 1  # words, each with how well it fits here and there
    assert re.search(r"\d+%", tables.nth(1).inner_text())

    page.keyboard.press("e")
    field = page.get_by_role("textbox", name="Name of this cluster")
    field.fill(NAME)
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".kec-heading", has_text=NAME).wait_for()
    page.get_by_role("button", name=re.compile("^Done")).click()
    page.get_by_text("1 of 3 done").wait_for()
    cluster = int(re.search(r"cluster=(\d+)", page.url).group(1))
    kept = revisions.current(project).knowledge.kept
    assert [(one.id, one.name, one.done) for one in kept] == [(cluster, NAME, True)]

    page.reload()
    page.locator(".kec-heading", has_text=NAME).wait_for()
    page.get_by_role("button", name=re.compile("^All clusters")).click()
    card = page.locator(".kec-card", has_text=NAME)
    card.wait_for()
    assert "done" in card.inner_text()
    go(page, "Map")
    page.locator(".map[data-painted]").wait_for()
    page.locator(".entry", has_text=NAME).wait_for()


def test_photos_are_as_large_as_the_slider_says_after_a_reload_too(page, shared_app, project):
    cluster = int(load_clustering(project, revisions.current(project)).labels[0])
    page.goto(f"{shared_app.address}/clusters?project=results&cluster={cluster}")
    slider = page.get_by_role("slider", name="Size of the photos").first
    slider.wait_for()
    small = page.locator(".pick").first.bounding_box()["width"]
    slider.press("End")
    assert page.locator(".pick").first.bounding_box()["width"] > 1.5 * small
    page.reload()
    page.locator(".pick").first.wait_for()
    assert page.locator(".pick").first.bounding_box()["width"] > 1.5 * small


def test_a_tab_is_open_after_a_reload_too_and_one_that_is_not_there_is_the_first(page, shared_app, project):
    address = f"{shared_app.address}/compare?project=results"
    page.goto(address)
    page.get_by_role("tab", name="Methods").click()
    page.wait_for_url(re.compile("compare_tab=Methods"))
    page.reload()
    page.get_by_role("tab", name="Methods", selected=True).wait_for()
    page.goto(f"{address}&compare_tab=Nothing")
    page.get_by_role("tab", name="Result", selected=True).wait_for()


def test_two_results_are_compared_and_five_photos_judged(page, shared_app, project):
    shown = revisions.current(project).id  # naming and ticking clusters are edits too
    page.goto(f"{shared_app.address}/compare?project=results")
    page.locator(".st-key-compare_timeline .point").nth(1).wait_for()
    choice = page.get_by_role("combobox", name=re.compile(f"^{shown}, shown now, against"))
    choice.click()
    page.get_by_role("option", name=re.compile("^r1 · ")).click()
    page.locator(".st-key-compare_flows .sankey-link").first.wait_for()
    page.locator(".st-key-compare_confusion .heatmaplayer image").first.wait_for()
    said = page.get_by_text(re.compile(f"changed cluster from r1 to {shown}")).inner_text()
    moved = int(re.match(r"(\d+)", said).group(1))
    assert moved > 0
    gallery = page.get_by_role("list", name="Photos that moved")
    gallery.get_by_role("listitem").first.wait_for()
    assert gallery.get_by_role("listitem").count() == moved
    gallery.locator("img").first.evaluate("img => img.decode()")

    page.get_by_role("tab", name="Without labels").click()
    wanted = page.get_by_role("spinbutton", name="Photos to judge")
    wanted.fill("5")
    wanted.press("Enter")
    page.get_by_role("button", name="Start judging").click()
    for number, key in enumerate("yynyy"):
        page.get_by_text(f"{number} of 5 judged").wait_for()
        page.keyboard.press(key)
        if key == "n":
            page.get_by_text("Where does it belong?").wait_for()
            page.keyboard.press("1")
    page.get_by_text("5 of 5 judged").wait_for()
    page.get_by_text("95 % interval").first.wait_for()
    audit = load_audit(project, shown)
    assert [audit.answers[question.image] for question in audit.questions] == [True, True, False, True, True]
    found = audit.estimate()
    page.get_by_text(f"{found.low:.0%} to {found.high:.0%}").first.wait_for()
    page.get_by_role("list", name="Photos in the wrong place").get_by_role("listitem").first.wait_for()


UNTOUCHABLE = """[...document.querySelectorAll('.stMain button, .stMain [role=tab]')].filter((one) => {
    const box = one.getBoundingClientRect(), around = getComputedStyle(one, '::after');
    const grown = around.position === 'absolute' ? -2 * parseFloat(around.top) || 0 : 0;
    return box.width && !one.closest('.stNumberInput, .stSelectbox, .stMultiSelect') && Math.min(box.width, box.height) + grown < 24;
}).map((one) => one.ariaLabel || one.innerText)"""


def ends_of(page, line):
    """Where the buttons and the figures of a line end, in pixels from the left of the window."""
    page.locator(line).get_by_role("button").first.wait_for()
    rest(page)
    return page.eval_on_selector_all(
        f"{line} button, {line} dd",
        "all => all.map((one) => [one.tagName, one.getBoundingClientRect().right])",
    )


def test_no_page_scrolls_sideways_on_a_phone_and_what_an_edit_did_can_be_seen_and_undone(
    page, shared_app, project
):
    edit_project(project, [SetClusters(k=2)])
    page.set_viewport_size({"width": 390, "height": 844})
    wide, untouchable = [], []
    for name in navigation.paths()[2:]:
        page.goto(f"{shared_app.address}/{'' if name == 'projects' else name}?project=results")
        page.locator(".st-key-header").get_by_text("Colours", exact=True).wait_for()
        rest(page)
        widths = page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')].map((one) => one.scrollWidth)"
        )
        wide += [(name, width) for width in widths if width > 390]
        untouchable += [(name, button) for button in page.evaluate(UNTOUCHABLE)]
        if name == "clusters":
            assert [right for _, right in ends_of(page, ".st-key-latest_edit") if right > 390] == []
        if name == "concepts":
            assert [
                right for tag, right in ends_of(page, ".st-key-impact") if tag == "BUTTON" and right > 390
            ] == []
            page.set_viewport_size({"width": 1100, "height": 844})
            assert any(tag == "DD" and right < 1100 for tag, right in ends_of(page, ".st-key-impact"))
            page.set_viewport_size({"width": 390, "height": 844})
    assert not wide
    assert not untouchable


def test_find_begins_with_photos_in_sight_on_a_phone(page, shared_app, project):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{shared_app.address}/find?project=results")
    photo, bar = page.locator(".pick").first, page.get_by_test_id("stBottom")
    photo.wait_for()
    rest(page)
    page.wait_for_function(
        "([photo, bar]) => photo.getBoundingClientRect().top + 92 < bar.getBoundingClientRect().top",  # the usual size
        arg=[photo.element_handle(), bar.element_handle()],
    )
