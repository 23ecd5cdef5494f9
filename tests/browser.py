"""The app as a real process, and a real browser in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from state.project.project import Project
from state.server.access import IMAGES_ROOTS_VARIABLE
from state.workspace.workspace import HOME_VARIABLE
from tests import patience
from tests.browser_setup import find_browser

ROOT = Path(__file__).resolve().parents[1]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def running_app(home: Path, images_root: Path) -> Iterator[str]:
    """Serve the app on a free port of the loopback address; yields its address."""
    with Path(os.devnull).open("wb") as nowhere, running_server(home, images_root, nowhere) as (address, _):
        yield address


@contextmanager
def running_server(
    home: Path, images_root: Path, log: IO[bytes]
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same; what the server says goes into ``log``. Yields address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, HOME_VARIABLE: str(home), IMAGES_ROOTS_VARIABLE: str(images_root)}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_served(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        server.wait(timeout=patience.SECONDS)


def wait_until_served(address: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers at this address."""
    end = time.monotonic() + patience.SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, "the app ended at once"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the app did not answer within {patience.SECONDS} s")


@dataclass(frozen=True, kw_only=True)
class SharedApp:
    """The app at an address; tests take projects of their own in it, copies of one that is finished.

    Attributes:
        address: of the server.
        home: its workspace.
        template: folder of the project that is copied.
    """

    address: str
    home: Path
    template: Path

    def add_project(self, name: str) -> Project:
        """A copy of the finished project, which the app shows as ``?project=NAME``."""
        shutil.copytree(self.template, self.home / name)
        return Project(self.home / name)


AT_REST = """() => document.querySelector('[data-keyboard=ready] [data-test-script-state=notRunning]')
    && !document.querySelector('[data-testid=stSkeleton]')"""


def rest(page) -> None:
    """Until the page is drawn: the script has ended, the code of every widget is there, keys are listened to."""
    page.wait_for_function(AT_REST)


def wait_until_closed(page) -> None:
    """Until no dialog or popover is open and the page is at rest, as a person waits before the next key."""
    page.get_by_role("dialog").wait_for(state="hidden")
    rest(page)


@contextmanager
def open_browser():
    """A browser; without one the test is skipped, but fails where CI promised one."""
    path = find_browser()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a browser, but none was found; python -m tests.browser_setup installs one.")
        pytest.skip("no browser on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def open_window(browser, **options):
    """A window with a profile of its own; it asks for less motion, as painting animations takes most of a test's time."""
    page = browser.new_page(
        **{"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
    )
    page.set_default_timeout(patience.MILLISECONDS)
    return page
