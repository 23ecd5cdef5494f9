"""A real browser in front of a served app, and the bytes between them: what the benchmarks of pages have in common."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kec_core.errors import ResourceMissing
from state.workspace.environment import HOME_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app.py"
PATIENCE = 120_000  # milliseconds
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
_SETTLED = 1.0  # seconds without a byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A served script: its address, and its process."""

    address: str
    pid: int


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser without a window.

    Raises:
        ResourceMissing: no browser is on this machine.
    """
    from playwright.sync_api import sync_playwright

    path = os.environ.get("KEC_BROWSER") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        raise ResourceMissing("This benchmark needs a Chromium; install one or set KEC_BROWSER to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


def new_page(browser: Any) -> Any:  # noqa: ANN401 - playwright's objects
    """A fresh window, without anything that an earlier one remembers."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(PATIENCE)
    return page


@contextmanager
def served(script: Sequence[str], home: Path) -> Iterator[Server]:
    """Serve a script on a free port of the loopback address.

    Args:
        script: and its options, for ``streamlit run``.
        home: the folder of projects.

    Raises:
        ResourceMissing: it does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", *script, "--server.port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, HOME_VARIABLE: str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield Server(address=f"http://127.0.0.1:{port}", pid=process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(address: str) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ResourceMissing("The app did not start; run 'kec app' to see why.")


class Traffic:
    """Bytes that a page sent and received since ``restart``: its websocket, and the places of the map."""

    def __init__(self, page: Any) -> None:  # noqa: ANN401
        self.restart()
        page.on("websocket", self._listen)
        page.on("response", self._loaded)

    def restart(self) -> None:
        """Count from here."""
        self.sent = self.received = 0
        self._last = time.monotonic()

    def settled(self, page: Any) -> dict[str, int]:  # noqa: ANN401
        """Wait until nothing comes any more; the bytes since ``restart``."""
        self._last = time.monotonic()
        while time.monotonic() - self._last < _SETTLED:
            page.wait_for_timeout(100)
        return {"sent": self.sent, "received": self.received}

    def _listen(self, socket: Any) -> None:  # noqa: ANN401
        socket.on("framesent", lambda frame: self._count("sent", frame))
        socket.on("framereceived", lambda frame: self._count("received", frame))

    def _loaded(self, response: Any) -> None:  # noqa: ANN401
        if response.url.endswith(".bin"):
            self._count("received", b" " * int(response.headers.get("content-length", 0)))

    def _count(self, way: str, frame: bytes | str) -> None:
        setattr(self, way, getattr(self, way) + len(frame))
        self._last = time.monotonic()
