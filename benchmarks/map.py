"""The map in a real browser: our component beside a plain ``st.plotly_chart`` with the same points, in one run.

``kec bench map [--sizes 50000,200000] [--clusters 100]``. Needs playwright and a Chromium.
Planted projects without photo files (their thumbnails are blank). Seconds: first paint from opening the address to
points on the screen; lasso from letting go of the mouse to the count and the gallery (plain: to the count). Bytes:
what the page sends and receives, by websocket and by address; "next click" is a rerun that has nothing to do with it.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browsing import APP, Traffic, new_page, open_browser, served
from benchmarks.common import options_parser
from benchmarks.planted import plant_map, plant_photos, planted_places
from kec_core.arrays import FloatMatrix, IntVector
from kec_core.config import RunConfig
from kec_core.types import Concept, Knowledge
from state.revisions import revisions
from state.revisions.overview import Overview, save_overview
from state.revisions.revisions import NewRevision

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
        ResourceMissing: no browser is on this machine.
    """
    arguments = options_parser("map", sizes="50000,200000", clusters=100).parse_args(options)
    result: dict[str, Any] = {"sizes": {}, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        for size in map(int, arguments.sizes.split(",")):
            places, labels = planted_places(size, arguments.clusters)
            home = Path(folder) / str(size)
            plant_project(home / "planted", places, labels)
            plant_plain(home, places, labels)
            with served([str(APP)], home) as server:
                ours = _ours(browser, server.address)
            with served([str(home / "plain.py")], home) as server:
                plain = _plain(browser, server.address)
            result["sizes"][str(size)] = {"ours": ours, "plotly_chart": plain}
            print(f"{size} points: ours {ours}, plotly_chart {plain}", file=sys.stderr, flush=True)
    return result


def plant_project(folder: Path, places: FloatMatrix, labels: IntVector) -> None:
    """A project with a revision and a map, as far as the Map page looks at it."""
    project, scan = plant_photos(folder, len(labels))
    n_clusters = int(labels.max()) + 1
    concepts = tuple(Concept(id=f"c{q:03d}", name=f"thing {q}") for q in range(n_clusters))
    own = np.full(len(labels), 0.8, dtype=np.float32)
    overview = Overview(
        labels=labels,
        own=own,
        rival=np.full(len(labels), 0.4, dtype=np.float32),
        coherence=np.full(n_clusters, 0.7, dtype=np.float32),
        concepts=np.eye(n_clusters, dtype=np.float32),
        votes=np.eye(n_clusters, dtype=np.float32),
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
    plant_map(project, revisions.commit(project, new, parent=None), places)


def plant_plain(folder: Path, places: FloatMatrix, labels: IntVector) -> None:
    """The straightforward map of the same points: an app of one chart."""
    np.savez(folder / "points.npz", x=places[:, 0], y=places[:, 1], c=labels)
    (folder / "plain.py").write_text(PLAIN, encoding="utf-8")


def _ours(browser: Any, address: str) -> dict[str, Any]:  # noqa: ANN401
    return _session(
        browser,
        f"{address}/map?project=planted",
        painted=".map[data-painted]",
        area=".pane .over",
        ready=lambda page: (
            page.get_by_text("picked", exact=False).first.wait_for(),
            page.get_by_role("group", name="Picked photos").wait_for(),
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
    page = new_page(browser)
    page.goto(address)
    page.locator(painted).first.wait_for()
    page.close()
    page = new_page(browser)
    traffic = Traffic(page)
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


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
