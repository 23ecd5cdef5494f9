"""Makes the pictures of the tutorial: ``python -m docs.screenshots`` runs the app on the demo project in a real browser.

Needs ``kec setup --demo`` and a Chromium. The demo project is made anew in a folder of its own.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from provision.demo_photos import ensure_demo
from state.revisions import revisions
from state.revisions.layouts import make_layout
from state.work.demo import DEMO_FOLDER, ensure_demo_project
from state.workspace.workspace import Workspace
from tests import patience
from tests.browser import open_browser, rest, running_app

DOCS = Path(__file__).resolve().parent
SIZE = {"width": 1360, "height": 850}
QUALITY = 80


def _nothing(_page: Any) -> None:  # noqa: ANN401 - a page of playwright
    """Show the page as it opens."""


def _find_flowers(page: Any) -> None:  # noqa: ANN401
    page.get_by_label("Find photos").first.fill("a yellow flower")
    page.keyboard.press("Enter")
    page.locator("img[src*='/thumb/']").first.wait_for()


def _painted(page: Any) -> None:  # noqa: ANN401
    page.locator("[data-coming='0']").first.wait_for()


PICTURES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "projects": ("projects", _nothing),
    "concepts": ("concepts", _nothing),
    "map": ("map", _painted),
    "clusters": ("clusters", _nothing),
    "find": ("find", _find_flowers),
    "history": ("history", _nothing),
}
"""Name of a picture, the page it shows, and what is done there first."""


def main() -> None:
    """Make all of them."""
    photos = ensure_demo(print).path
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        project = ensure_demo_project(Workspace(home), photos, print, lambda *_: None)
        make_layout(project, revisions.current(project), "combined", "tsne")
        with running_app(home, photos) as address, open_browser() as browser:
            page = browser.new_page(viewport=SIZE)
            page.set_default_timeout(patience.MILLISECONDS)
            for name, (path, prepare) in PICTURES.items():
                page.goto(f"{address}/{path}?project={DEMO_FOLDER}")
                page.get_by_test_id("stAppViewContainer").wait_for()
                rest(page)
                prepare(page)
                rest(page)
                page.wait_for_timeout(2000)  # photos in sight begin to load
                page.wait_for_load_state("networkidle")
                with Image.open(io.BytesIO(page.screenshot())) as taken:
                    taken.convert("RGB").save(DOCS / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
