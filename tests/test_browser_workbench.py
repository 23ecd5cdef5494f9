"""One person at the workbench in a real browser, with the real encoder: correct, look, take back, branch, compare."""

import re

import pytest

from kec_core.knowledge.unique_names import unique_names
from state.revisions import revisions
from tests.browser import open_browser, open_window, rest, wait_until_closed

pytestmark = [pytest.mark.browser, pytest.mark.weights]
MEGABYTE = 1_000_000


class Bench:
    """The workbench as its user sees it; counts what every step sends and receives."""

    def __init__(self, page, project) -> None:
        self.page, self.project = page, project
        self.traffic = 0
        page.on("websocket", self._count)

    def _count(self, socket):
        for event in ("framesent", "framereceived"):
            socket.on(event, lambda data: setattr(self, "traffic", self.traffic + len(data)))

    def leads_to(self, revision, *, heaviest=MEGABYTE):
        """Until the header shows this revision; no step may be heavy."""
        self.page.locator(".st-key-header").get_by_text(revision, exact=True).first.wait_for()
        assert revisions.current(self.project).id == revision
        assert self.traffic < heaviest
        self.traffic = 0

    def press(self, name, within=None):
        """Click the button whose name begins so; help buttons ("Help for ...") hold the names of others."""
        (within or self.page).get_by_role("button", name=re.compile(rf"^{re.escape(name)}")).click()


@pytest.fixture(scope="module")
def site(shared_app):
    project = shared_app.add_project("workbench")
    with open_browser() as browser:
        yield Bench(open_window(browser, viewport={"width": 1500, "height": 1000}), project)


@pytest.fixture
def bench(site, shared_app):
    site.page.goto(f"{shared_app.address}/concepts?project=workbench")
    site.page.get_by_text("What is typical").wait_for()
    rest(site.page)
    return site


def test_a_session_at_the_workbench(bench):
    page = bench.page
    bench.traffic = 0
    knowledge = revisions.current(bench.project).knowledge
    shown = unique_names(knowledge)
    first, second = (shown[concept.id] for concept in knowledge.concepts[:2])

    page.get_by_text("Tree", exact=True).click()
    for name in (first, second):
        page.get_by_text(re.compile(rf"^{re.escape(name)} · \d")).click()
    page.get_by_role("button", name="Merge 2").wait_for()
    rest(page)
    page.keyboard.press("g")
    page.get_by_role("dialog").get_by_text("photos move", exact=True).wait_for()
    bench.press("Merge", page.get_by_role("dialog"))
    bench.leads_to("r2")
    assert len(revisions.current(bench.project).knowledge.concepts) == len(knowledge.concepts) - 1

    wait_until_closed(page)
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_label("Name").fill("<i>red</i> thing")
    rest(page)
    page.get_by_role("dialog").get_by_role("button", name="Save").hover()
    page.mouse.down()  # leaves the field, so the effect is drawn and moves the button away
    page.get_by_role("dialog").get_by_text("photos move", exact=True).wait_for()
    rest(page)
    page.mouse.up()
    bench.leads_to("r3")
    page.get_by_role("heading", name="<i>red</i> thing").wait_for()

    page.get_by_placeholder("+ e.g. red-brown coat").fill("a red patch")
    page.keyboard.press("Enter")
    bench.leads_to("r4")
    bench.press("Mute")
    bench.leads_to("r5")

    for back in ("r4", "r3", "r2", "r1"):
        bench.press("Undo Shortcut")
        bench.leads_to(back)
    bench.press("Redo Shortcut")
    bench.leads_to("r2")

    page.get_by_role("tab", name="Guidance").click()
    page.get_by_role("textbox", name="What matters to you").fill("colours, not shapes")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Apply", exact=True).click()
    bench.leads_to("r6")
    assert revisions.current(bench.project).parent == "r2"

    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("heading", name="History", exact=True).wait_for()
    assert {"r5", "r6"} <= {revision.id for revision in revisions.history(bench.project)}
    page.get_by_text("r5", exact=True).first.wait_for()


def test_what_is_picked_in_a_gallery_becomes_a_concept(bench):
    page = bench.page
    page.locator(".pick").nth(0).click()
    page.locator(".pick").nth(2).click(modifiers=["Shift"])
    page.get_by_text("3 photos picked").wait_for()
    before = revisions.current(bench.project)
    bench.press("Add a concept")
    page.get_by_role("dialog").get_by_label("Name").fill("picked by hand")
    page.keyboard.press("Tab")
    page.get_by_role("dialog").get_by_text("photos move", exact=True).wait_for()
    bench.press("Add", page.get_by_role("dialog"))
    page.get_by_role("heading", name="picked by hand").wait_for()
    after = revisions.current(bench.project)
    assert after.parent == before.id
    assert len(after.knowledge.constraints[-1].images) == 3
