"""One person puts groups right in a real browser: merge, split, move; each is said, seen and undone."""

import re
import shutil

import pytest

from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from tests import patience
from tests.browser import open_browser, rest, running_app

pytestmark = [pytest.mark.browser, pytest.mark.weights]


class Groups:
    """A project in a browser, and in which group each of its photos is."""

    def __init__(self, page, project):
        self.page, self.project = page, project

    def now(self):
        shown = revisions.current(self.project)
        ids = [image.id for image in self.project.images(shown.scan)]
        return dict(zip(ids, load_clustering(self.project, shown).labels.tolist(), strict=True))

    def said(self, words):
        """Until this is said in passing, and the page is at rest."""
        self.page.locator(".stToast").get_by_text(re.compile(words)).first.wait_for()
        rest(self.page)

    def latest(self):
        """What the line at the bottom says of the latest edit."""
        return self.page.locator(".st-key-latest_edit").inner_text()

    def undo(self, wanted):
        current = revisions.current(self.project).id
        self.page.locator(".st-key-latest_edit").get_by_text(current).first.wait_for()
        self.page.keyboard.press("z")
        parent = revisions.get(self.project, current).parent
        self.page.locator(".st-key-header").get_by_text(parent, exact=True).first.wait_for()
        rest(self.page)
        assert self.now() == wanted

    def pick(self, count):
        """Pick the first photos; returns their names."""
        photos = self.page.locator(".pick")
        for number in range(count):
            photos.nth(number).click()
        self.page.get_by_text(f"{count} photo{'s' if count > 1 else ''} picked").wait_for()
        rest(self.page)
        return {photos.nth(number).get_attribute("title") for number in range(count)}


@pytest.fixture
def groups(compact_site, compact_encoder, tmp_path):
    shutil.copytree(compact_site / "home", tmp_path / "home")
    with running_app(tmp_path / "home", compact_site) as address, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(patience.MILLISECONDS)
        page.goto(f"{address}/clusters?project=colours")
        page.locator(".st-key-header").get_by_text("r1", exact=True).first.wait_for()
        rest(page)
        yield Groups(page, Project(tmp_path / "home" / "colours"))


def test_groups_are_put_right_and_each_step_is_taken_back(groups):
    page, first = groups.page, groups.now()
    count = len(set(first.values()))
    page.get_by_text(f"{count} clusters").wait_for()

    for nth in (0, 1):
        page.locator('[class*="st-key-tick_"] button').nth(nth).click()
        page.get_by_text(f"{nth + 1} ticked").wait_for()
        rest(page)
    page.keyboard.press("g")
    groups.said("^Merged .+ in one group")
    page.get_by_text(f"{count - 1} clusters").wait_for()
    assert len(set(groups.now().values())) == count - 1
    groups.undo(first)
    page.get_by_text(f"{count} clusters").wait_for()

    card = page.locator('[class*="st-key-card_"]').first
    card.click(position={"x": 40, "y": 40})
    page.locator(".st-key-cluster_split").wait_for()
    rest(page)
    here = int(re.search(r"cluster=(\d+)", page.url).group(1))

    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_text("Part 2").wait_for()
    rest(page)
    assert groups.now() == first
    page.get_by_role("dialog").get_by_role("button", name="Split", exact=True).click()
    groups.said("^Split .+ into 2 groups")
    split = groups.now()
    assert len(set(split.values())) == count + 1
    assert {first[image] for image in first if split[image] != first[image]} == {here}
    groups.undo(first)

    picked = groups.pick(5)
    page.keyboard.press("1")
    groups.said("^Moved 5 photos to .+ 5 photos moved")
    moved = groups.now()
    assert {image for image in first if moved[image] != first[image]} == picked
    assert len({moved[image] for image in picked}) == 1
    assert "5 photos moved" in groups.latest()
    page.get_by_role("button", name="See", exact=True).click()
    page.get_by_role("dialog").get_by_text(re.compile("^5 photos from")).wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    rest(page)
    groups.undo(first)
