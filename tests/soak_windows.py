"""A person in front of a project, in a browser: switches pages, edits, notes what was confirmed and how long it took."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from playwright.async_api import Error as BrowserError
from playwright.async_api import Locator, Page

from tests import patience

POLLING = 100
"""Milliseconds between two looks at a page: a look at each frame, which is the default, would make the browsers draw all the time."""
SETTLED = '() => document.querySelector(".stApp")?.dataset.testScriptState === "notRunning"'
REVISION = '() => (document.querySelector(".st-key-header")?.innerText.match(/\\br\\d+\\b/) || [""])[0]'
REFUSED = '() => [...document.querySelectorAll("[data-testid=stAlertContentError]")].map(box => box.innerText).join(" ")'
ANSWERED = f"before => ({REVISION})() !== before || ({REFUSED})() !== ''"
HEADINGS = "() => [...document.querySelectorAll('h3')].map(heading => heading.innerText).join('|')"
PAGES = {
    "Concepts": "What is typical",
    "Map": "Map",
    "Clusters": "Clusters",
    "Compare": "Compare",
    "History": "History",
}
"""The pages that are switched between, and a text that shows when each is there."""


@dataclass
class Record:
    """What the windows saw.

    Attributes:
        seconds: per kind of action, how long each took.
        confirmed: project, and a text that its journal must hold.
        counts: actions done, failed, refused.
        troubles: what no person should see.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)


class Window:
    """One person in front of one project."""

    def __init__(self, page: Page, project: str, number: int, record: Record) -> None:
        self.page, self.project, self.number, self.record = page, project, number, record
        self.rng = random.Random(number)
        self.edits = 0
        page.set_default_timeout(patience.MILLISECONDS)
        page.on("pageerror", lambda error: record.troubles.append(f"script error: {error}"))

    async def work(self, address: str, until: float) -> None:
        """Do what people do until the time is up."""
        await self.page.goto(f"{address}/concepts?project={self.project}")
        await self._there("Concepts")
        actions = {
            self.switch: 10,
            self.rename: 5,
            self.attribute: 3,
            self.mute: 2,
            self.cluster: 1,
            self.undo: 1,
            self.redo: 1,
            self.reload: 1,
        }
        while time.monotonic() < until:
            action = self.rng.choices(list(actions), list(actions.values()))[0]
            try:
                await action()
            except BrowserError as error:
                self.record.counts[f"{action.__name__} failed"] += 1
                self.record.troubles.append(f"{action.__name__}: {str(error).splitlines()[0]}")
                await self.page.goto(f"{address}/concepts?project={self.project}")
            else:
                self.record.counts[action.__name__] += 1
            if await self.page.locator("[data-testid=stException]").count():
                self.record.troubles.append(f"an exception on the page after {action.__name__}")
            await asyncio.sleep(self.rng.uniform(0.2, 1.5))

    async def switch(self) -> None:
        """Go to another page."""
        name = self.rng.choice([name for name in PAGES if f"/{name.lower()}" not in self.page.url])
        await self._go(name)

    async def reload(self) -> None:
        """Load the page again, as a new window does."""
        await self.page.reload()
        await self.page.locator(".st-key-header").wait_for()
        await self._settled()

    async def rename(self) -> None:
        """Give a concept a new name, in the dialog."""
        dialog = await self._dialog("concept_rename")
        began = time.monotonic()
        text = self._words()
        await dialog.get_by_label("Name").fill(text)
        await self.page.keyboard.press("Tab")
        await dialog.get_by_text("photos move", exact=True).wait_for()
        self.record.seconds["preview"].append(time.monotonic() - began)
        began, before = time.monotonic(), await self.page.evaluate(REVISION)
        await dialog.get_by_role("button", name="Save").click()
        await self._answer("edit", began, before, text)

    async def attribute(self) -> None:
        """Add what is typical of a concept."""
        await self._concept()
        began, before, text = time.monotonic(), await self.page.evaluate(REVISION), self._words()
        await self.page.get_by_placeholder("+ e.g. red-brown coat").fill(text)
        await self.page.keyboard.press("Enter")
        await self._answer("edit", began, before, text)

    async def mute(self) -> None:
        """Mute a concept, or take it back."""
        await self._concept()
        began, before = time.monotonic(), await self.page.evaluate(REVISION)
        await self._click("concept_mute")
        await self._answer("edit", began, before, "mute_concept")

    async def cluster(self) -> None:
        """Open a cluster's photos, and close them again."""
        await self._go("Clusters")
        buttons = self.page.get_by_role("button", name=re.compile("^Open "))
        began = time.monotonic()
        await buttons.nth(self.rng.randrange(await buttons.count())).click()
        await self.page.locator(".pick").first.wait_for()
        await self._settled()
        self.record.seconds["open cluster"].append(time.monotonic() - began)
        await self._click("cluster_back")  # an opened cluster stays open, and has a heading of its own
        await self._there("Clusters")

    async def undo(self) -> None:
        """Take back the latest edit."""
        await self._step("undo")

    async def redo(self) -> None:
        """Take an undo back."""
        await self._step("redo")

    async def _step(self, key: str) -> None:
        await self._settled()
        button = self.page.locator(f".st-key-{key} button").first
        if await button.is_disabled():
            return
        began, before = time.monotonic(), await self.page.evaluate(REVISION)
        await button.click()
        await self._answer(key, began, before, "")

    async def _dialog(self, key: str) -> Locator:
        await self._concept()
        await self._click(key)
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_label("Name").wait_for()
        return dialog

    async def _concept(self) -> None:
        """Look at another concept; a refusal that was shown is gone then."""
        if "/concepts" not in self.page.url:
            await self._go("Concepts")
        began = time.monotonic()
        before = await self.page.evaluate(HEADINGS)
        await self._click("concept_next")
        await self.page.wait_for_function(f"before => ({HEADINGS})() !== before", arg=before, polling=POLLING)
        await self._settled()
        self.record.seconds["next concept"].append(time.monotonic() - began)

    async def _go(self, name: str) -> None:
        began = time.monotonic()
        await self.page.get_by_role("link", name=name, exact=True).click()
        await self._there(name)
        self.record.seconds["page switch"].append(time.monotonic() - began)

    async def _there(self, name: str) -> None:
        if name == "Concepts":
            await self.page.get_by_text(PAGES[name]).wait_for()
        else:
            await self.page.get_by_role("heading", name=PAGES[name], exact=True).wait_for()
        await self._settled()

    async def _settled(self) -> None:
        await self.page.wait_for_function(SETTLED, polling=POLLING)

    async def _click(self, key: str) -> None:
        await self.page.locator(f".st-key-{key} button").first.click()

    async def _answer(self, kind: str, began: float, before: str, text: str) -> None:
        """Wait until the window shows what became of an edit; remember it when it was confirmed."""
        await self.page.wait_for_function(ANSWERED, arg=before, polling=POLLING)
        await self._settled()
        self.record.seconds[kind].append(time.monotonic() - began)
        refused = await self.page.evaluate(REFUSED)
        if refused:
            self.record.counts[
                "refused" if "changed in another window" in refused else f"told: {refused}"
            ] += 1
            if await self.page.get_by_role("dialog").count():
                await self.page.keyboard.press("Escape")
        elif text:
            self.record.confirmed.append((self.project, text))

    def _words(self) -> str:
        """A text that no other edit has."""
        self.edits += 1
        return f"thing {self.number} {self.edits}"
