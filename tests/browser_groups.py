"""A project in a real browser, and in which group each of its photos is."""

import re
from contextlib import contextmanager

from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.overview import cluster_names, load_overview
from tests.browser import open_browser, open_window, rest


class Groups:
    """What a person does with groups, and what the project says of it."""

    def __init__(self, address, page, project):
        self.address, self.page, self.project = address, page, project
        self.clicks = 0

    def now(self):
        """The group of every photo."""
        shown = revisions.current(self.project)
        ids = [image.id for image in self.project.images(shown.scan)]
        return dict(zip(ids, load_clustering(self.project, shown).labels.tolist(), strict=True))

    def names(self):
        """The names of the groups that have photos."""
        shown = revisions.current(self.project)
        every = cluster_names(load_overview(self.project, shown), shown.knowledge)
        return {every[cluster] for cluster in self.now().values()}

    def open(self):
        """All groups, at rest."""
        self.page.goto(f"{self.address}/clusters?project={self.project.folder.name}")
        self.page.get_by_text(self.count(self.now())).wait_for()
        rest(self.page)

    def count(self, labels):
        """What the page says of so many groups."""
        return f"{len(set(labels.values()))} clusters"

    def click(self, target, **options):
        """One click of a person, counted."""
        self.clicks += 1
        target.click(**options)

    def said(self, words):
        """Until this is said in passing, and the page is at rest."""
        self.page.locator(".stToast").get_by_text(re.compile(words)).first.wait_for()
        rest(self.page)

    def latest(self):
        """What the line at the bottom says of the latest edit."""
        return self.page.locator(".st-key-latest_edit").inner_text()

    def undo(self, wanted):
        """Take the latest edit back with a key; every photo is where it was."""
        current = revisions.current(self.project).id
        self.page.locator(".st-key-latest_edit").get_by_text(current).first.wait_for()
        self.page.keyboard.press("z")
        parent = revisions.get(self.project, current).parent
        self.page.locator(".st-key-header").get_by_text(parent, exact=True).first.wait_for()
        rest(self.page)
        assert self.now() == wanted

    def pick(self, count):
        """Pick the first photos with two clicks; returns their names."""
        photos = self.page.locator(".pick")
        self.click(photos.first)
        if count > 1:
            self.click(photos.nth(count - 1), modifiers=["Shift"])
        self.page.get_by_text(f"{count} photo{'s' if count > 1 else ''} picked").wait_for()
        rest(self.page)
        return {photos.nth(number).get_attribute("title") for number in range(count)}

    def pick_all_found(self):
        """Pick what was found; returns the names."""
        self.click(self.page.locator(".st-key-find_pick button"))
        self.page.get_by_text("photos picked").wait_for()
        rest(self.page)
        return {one.get_attribute("title") for one in self.page.locator(".pick").all()}


@contextmanager
def groups_in_browser(app, name):
    """A project of this name with four colours, in a browser of its own."""
    project = app.add_project(name)
    with open_browser() as browser:
        yield Groups(app.address, open_window(browser), project)
