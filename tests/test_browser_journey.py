"""Journeys through the app in a real browser: what a visitor sees, and that nothing leaves the machine."""

import shutil

import pytest

from pages.shared.markup import plain
from tests import patience
from tests.browser import open_browser, open_window, running_app
from tests.page_helpers import HOSTILE

pytestmark = [pytest.mark.browser]
LABEL = (
    f'<div role=note aria-label="{plain("[a] *b* c:d")}&#92;&#92;e :small[:gray[f]]"></div>'
    '<div class=stHtml><div role=note aria-label="**ours**"></div></div>'
)
"""What Streamlit makes of a label with a name in it, and HTML of ours."""


@pytest.fixture(scope="module")
def site(made_project, tmp_path_factory):
    """The app on a workspace with one finished project; photos lie beside it."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(made_project, root / "home" / made_project.name)
    shutil.copytree(made_project.parents[1] / "photos", root / "photos")
    with running_app(root / "home", root) as address:
        yield address, root


class Visit:
    """A window, and what must not happen in it."""

    def __init__(self, browser, address) -> None:
        self.page = open_window(browser, viewport={"width": 1280, "height": 900})
        self.elsewhere: list[str] = []
        self.alerts: list[str] = []
        self.page.on(
            "request", lambda r: self.elsewhere.append(r.url) if not _is_here(r.url, address) else None
        )
        self.page.on("dialog", lambda dialog: (self.alerts.append(dialog.message), dialog.dismiss()))


def _is_here(url, address):
    return url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))


@pytest.fixture(scope="module")
def window(site):
    with open_browser() as browser:
        yield Visit(browser, site[0])


@pytest.fixture
def visit(window):
    yield window
    assert window.elsewhere == []
    assert window.alerts == []


def wait_for_photos(page, selector, count):
    """Until that many photos have really been loaded, also within components."""
    photos = page.locator(selector)
    loaded = "photos => photos.filter(photo => photo.naturalWidth > 0).length"
    for _ in range(patience.MILLISECONDS // 100):
        if photos.evaluate_all(loaded) >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{photos.evaluate_all(loaded)} of {count} photos were loaded")


def test_the_first_visitor_may_come_by_a_deep_link(visit, site):
    visit.page.goto(f"{site[0]}/clusters?project=colours")
    visit.page.get_by_role("link", name="Projects", exact=True).wait_for()
    visit.page.get_by_role("heading", name="Clusters", exact=True).wait_for()
    assert visit.page.get_by_text("_html").count() == 0


def test_from_the_list_to_the_photos_of_a_cluster(visit, site):
    page = visit.page
    page.goto(site[0])
    page.get_by_role("button", name="More about Colours", exact=True).wait_for()
    page.get_by_role("button", name="Open Colours", exact=True).click()
    page.get_by_role("heading", name="Clusters", exact=True).wait_for()
    table = page.get_by_role("table")
    assert "Photos in the right cluster" in table.inner_text()
    assert "k-means" in table.inner_text()
    wait_for_photos(page, ".kec-mosaic img", 4 * 9)
    titles = page.locator(".kec-title").all_inner_texts()
    for title in titles:  # the same buttons on every card, each with a name of its own
        page.get_by_role("button", name=f"Tick {title}", exact=True).wait_for()
    assert len(set(titles)) == 4
    page.get_by_role("button", name=f"Tick {titles[0]}", exact=True).click()
    page.get_by_role("button", name=f"Ticked {titles[0]}", exact=True).click()
    page.get_by_role("button", name=f"Open {titles[0]}", exact=True).click()
    page.get_by_text("Stack near-copies").click()
    wait_for_photos(page, ".pick img", 14)
    assert "cluster=" in page.url
    page.get_by_role("button", name=f"{HOSTILE} large").click()
    shown = page.locator(".large:popover-open")
    assert HOSTILE in shown.inner_text()
    page.keyboard.press("Escape")
    shown.wait_for(state="hidden")
    page.keyboard.press("j")
    page.wait_for_function("([before]) => location.href !== before", arg=[page.url])


def test_new_photos_are_scanned_as_a_job(visit, site):
    page = visit.page
    page.goto(site[0])
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("Second")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("textbox", name="Folder").fill(str(site[1] / "photos"))
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Cannot be used (1)").wait_for()
    page.get_by_text("Next: build the clusters").wait_for()
    wait_for_photos(page, ".kec-gallery img", 8)


def test_accessible_names_hold_no_markdown(visit, site):
    page = visit.page
    page.goto(f"{site[0]}/compare?project=colours")
    page.get_by_role("tab", name="Methods").click()
    for role, before in (("checkbox", ""), ("button", "Help for ")):
        page.get_by_role(role, name=f"{before}Captions, then k-means · reconstruction · seconds").wait_for()
    page.evaluate("label => document.querySelector('.stApp').insertAdjacentHTML('beforeend', label)", LABEL)
    page.get_by_role("note", name="[a] *b* c:d\\e f", exact=True).wait_for(state="attached")
    page.get_by_role("note", name="**ours**", exact=True).wait_for(state="attached")


def test_thumbnails_are_kept_by_the_browser_and_others_are_refused(visit, site):
    page = visit.page
    page.goto(f"{site[0]}/clusters?project=colours&cluster=0")
    wait_for_photos(page, ".pick img", 1)
    source = page.locator(".pick img").first.get_attribute("src")
    answer = page.request.get(site[0] + source)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"] == "image/jpeg"
    for wrong in (source.replace("colours", "other"), source.replace("256.jpg", "9999.jpg")):
        assert page.request.get(site[0] + wrong).status == 404
