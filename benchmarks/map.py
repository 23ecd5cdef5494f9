"""The map in a real browser: our component beside a plain ``st.plotly_chart`` with the same points, in one run.

``kec bench map [--sizes 50000,200000] [--clusters 100]``. Needs playwright and a Chromium.
Planted projects without photo files (their thumbnails are blank). Seconds: first paint from opening the address to
points on the screen; lasso from letting go of the mouse to the count and the gallery (plain: to the count). Bytes:
what the page sends and receives, by websocket and by address; "next click" is a rerun that has nothing to do with it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.config import RunConfig
from kec_core.errors import ResourceMissing
from kec_core.images import ImageRecord, ScanReport
from kec_core.store import StageResult
from kec_core.types import Concept, Knowledge
from state import revisions
from state.layouts import STAGE
from state.overview import Overview, save_overview
from state.project import Project
from state.revisions import NewRevision
from state.workspace import HOME_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE = 120_000  # milliseconds
SETTLED = 1.0  # seconds without a byte
PLAIN = """
import sys
from pathlib import Path
import numpy as np, plotly.graph_objects as go, streamlit as st
known = np.load(Path(__file__).with_name("points.npz"))
st.button("Unrelated", key="unrelated")
figure = go.Figure(go.Scattergl(x=known["x"], y=known["y"], mode="markers", customdata=np.arange(len(known["x"])),
                                marker=dict(size=3, color=known["c"], colorscale="Turbo")))
figure.update_layout(dragmode="lasso", height=640, margin=dict(l=0, r=0, t=0, b=0))
event = st.plotly_chart(figure, on_select="rerun", selection_mode="lasso", key="map")
st.text(f"picked {len(event.selection.points)}")
"""


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options.

    Raises:
        ResourceMissing: playwright or a browser is not on this machine.
    """
    parser = argparse.ArgumentParser(prog="kec bench map")
    parser.add_argument("--sizes", default="50000,200000")
    parser.add_argument("--clusters", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(options)
    result: dict[str, Any] = {"sizes": {}, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    with _browser() as browser, tempfile.TemporaryDirectory() as folder:
        for size in map(int, arguments.sizes.split(",")):
            places, labels = planted(size, arguments.clusters)
            home = Path(folder) / str(size)
            plant_project(home / "planted", places, labels)
            plant_plain(home, places, labels)
            ours = _served([str(ROOT / "app.py")], home, lambda at: _ours(browser, at))
            plain = _served([str(home / "plain.py")], home, lambda at: _plain(browser, at))
            result["sizes"][str(size)] = {"ours": ours, "plotly_chart": plain}
            print(f"{size} points: ours {ours}, plotly_chart {plain}", file=sys.stderr, flush=True)
    return result


def planted(n_points: int, n_clusters: int) -> tuple[FloatMatrix, IntVector]:
    """Points around one centre per cluster, and the cluster of each."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(-10, 10, size=(n_clusters, 2))
    labels = rng.integers(n_clusters, size=n_points, dtype=np.int32)
    return (centres[labels] + rng.normal(scale=0.5, size=(n_points, 2))).astype(np.float32), labels


def plant_project(folder: Path, places: FloatMatrix, labels: IntVector) -> None:
    """A project with a revision and a map, as far as the Map page looks at it."""
    project = Project.create(folder, "Planted")
    images = tuple(
        ImageRecord(id=f"{row:07d}.jpg", width=64, height=64, sha256=f"{row:064x}", mode="RGB")
        for row in range(len(labels))
    )
    scan = project.set_images(ScanReport(images=images))
    n_clusters = int(labels.max()) + 1
    concepts = tuple(Concept(id=f"c{q:03d}", name=f"thing {q}") for q in range(n_clusters))
    own = np.full(len(labels), 0.8, dtype=np.float32)
    overview = Overview(
        labels=labels,
        own=own,
        rival=own / 2,
        coherence=np.full(n_clusters, 0.7, dtype=np.float32),
        concepts=np.eye(n_clusters, dtype=np.float32),
        concept_ids=tuple(concept.id for concept in concepts),
    )
    save_overview(project, "planted", overview)
    new = NewRevision(
        knowledge=Knowledge(concepts=concepts, last_id=n_clusters),
        config=RunConfig(),
        clustering_fp="planted",
        scan=scan,
        note="Planted",
        summary={"encoder": "", "clusters": n_clusters, "weight": 1.0},
    )
    revision = revisions.commit(project, new, parent=None)
    data = {"space": "combined", "method": "umap", "revision": revision.id, "scan": scan, "recall": 1.0}
    project.store.save(STAGE, "0" * 32, StageResult(arrays={"places": places}, data=data))


def plant_plain(folder: Path, places: FloatMatrix, labels: IntVector) -> None:
    """The straightforward map of the same points: an app of one chart."""
    np.savez(folder / "points.npz", x=places[:, 0], y=places[:, 1], c=labels)
    (folder / "plain.py").write_text(PLAIN, encoding="utf-8")


class _Traffic:
    """Bytes that a page sent and received since ``restart``."""

    def __init__(self, page: Any) -> None:  # noqa: ANN401 - a playwright page
        self.restart()
        page.on("websocket", self._listen)
        page.on("response", self._loaded)

    def restart(self) -> None:
        self.sent = self.received = 0
        self.last = time.monotonic()

    def settled(self, page: Any) -> dict[str, int]:  # noqa: ANN401
        """Wait until nothing comes any more; the bytes since ``restart``."""
        self.last = time.monotonic()
        while time.monotonic() - self.last < SETTLED:
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
        self.last = time.monotonic()


def _ours(browser: Any, address: str) -> dict[str, Any]:  # noqa: ANN401
    return _session(
        browser,
        f"{address}/map?project=planted",
        painted=".map[data-painted]",
        area=".pane .over",
        ready=lambda page: (
            page.get_by_text("picked", exact=False).first.wait_for(),
            page.get_by_role("list", name="Picked photos").wait_for(),
        ),
        click=lambda page: page.get_by_role("button", name="Invert").click(),
    )


def _plain(browser: Any, address: str) -> dict[str, Any]:  # noqa: ANN401
    return _session(
        browser,
        address,
        painted=".js-plotly-plot .gl-canvas",
        area=".js-plotly-plot .nsewdrag",
        ready=lambda page: page.get_by_text("picked ").filter(has_not_text="picked 0").wait_for(),
        click=lambda page: page.get_by_role("button", name="Unrelated").click(),
    )


def _session(
    browser: Any,  # noqa: ANN401
    address: str,
    *,
    painted: str,
    area: str,
    ready: Callable[[Any], object],
    click: Callable[[Any], None],
) -> dict[str, Any]:
    """Open twice (the first time the server imports its libraries), draw a line, then do something else."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.locator(painted).first.wait_for()
    page.close()
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    page.set_default_timeout(PATIENCE)
    traffic = _Traffic(page)
    started = time.perf_counter()
    page.goto(address)
    page.locator(painted).first.wait_for()
    first = time.perf_counter() - started
    loaded = traffic.settled(page)
    traffic.restart()
    lasso = _lasso(page, area, ready)
    drawn = traffic.settled(page)
    traffic.restart()
    click(page)
    clicked = traffic.settled(page)
    page.close()
    return {
        "first_paint_seconds": round(first, 2),
        "lasso_seconds": round(lasso, 2),
        "bytes": {"first": loaded, "lasso": drawn, "next_click": clicked},
    }


def _lasso(page: Any, area: str, ready: Callable[[Any], object]) -> float:  # noqa: ANN401
    """Draw a circle over about a third of the map; seconds from letting go to what follows."""
    box = page.locator(area).first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    radius = 0.3 * min(box["width"], box["height"])
    corners = [
        (middle[0] + radius * math.cos(a * math.tau / 24), middle[1] + radius * math.sin(a * math.tau / 24))
        for a in range(25)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    started = time.perf_counter()
    page.mouse.up()
    ready(page)
    return time.perf_counter() - started


@contextmanager
def _browser() -> Iterator[Any]:
    path = os.environ.get("KEC_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ResourceMissing(
            "This benchmark needs playwright; install it with: pip install -r requirements-dev.txt"
        ) from error
    if path is None:
        raise ResourceMissing("This benchmark needs a Chromium; install one or set KEC_BROWSER to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _served(script: Sequence[str], home: Path, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Serve a script on a free port of the loopback address while ``work`` looks at it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", *script, "--server.port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, HOME_VARIABLE: str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/_stcore/health")
        return work(address)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(address: str) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ResourceMissing("The app did not start; run 'kec app' to see why.")


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
