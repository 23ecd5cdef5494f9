"""Every page on a large collection in a real browser: how long until its content is there, and what is sent for it.

``kec bench pages [--images 50000] [--concepts 100] [--clusters 100] [--encoder compact] [--only clusters,map]``. Needs
playwright and a Chromium. A planted project without photo files (their thumbnails are grey). Every page is opened once
to warm the server. Then "open" is a fresh window from its address to the page's content; "switch" a click in the
navigation when it was open before, the median of 3; "next page" turns the gallery of a cluster. "cpu" are seconds of the
server's process, which a busy machine does not change. Bytes: by websocket and of the map's places, for one switch.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.browsing import APP, Server, Traffic, new_page, open_browser, served
from benchmarks.common import options_parser
from benchmarks.planted import Size, plant_project
from kec_core.errors import InputError

BUDGETS = {"open": 3.0, "switch": 1.0, "next_page": 0.5, "bytes": 1_000_000}
"""Seconds, and bytes of a rerun after the first paint."""
REPEATS = 3
_NAME = "planted"
_WINDOW = 2000  # milliseconds
_CALM = "[data-testid=stApp][data-test-script-state=notRunning]"
_UNFINISHED = "[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is looked at.

    Attributes:
        page: its name in the address, and in lower case in the navigation.
        content: CSS of what must be there, besides the calm after a run: a title and the page's main element.
        more: what its address says besides the project.
    """

    page: str
    content: tuple[str, ...]
    more: str = ""


PLACES = {
    "projects": Place(page="projects", content=("h1", ".kec-mosaic")),
    "data": Place(page="data", content=("h1", ".kec-gallery")),
    "build": Place(page="build", content=("h1", ".st-key-build_step")),
    "concepts": Place(page="concepts", content=("[data-testid=stDataFrame] canvas", ".pick")),
    "map": Place(page="map", content=("h1", ".map[data-painted]")),
    "clusters": Place(page="clusters", content=("h1", ".kec-mosaic")),
    "cluster": Place(page="clusters", content=(".st-key-cluster_nearest", ".pick"), more="&cluster=0"),
    "compare": Place(
        page="compare", content=(".st-key-compare_timeline .main-svg", ".st-key-compare_confusion .main-svg")
    ),
    "history": Place(page="history", content=("h1", ".kec-tree")),
    "export": Place(page="export", content=("h1", ".st-key-export_write")),
    "find": Place(page="find", content=("h1", ".st-key-find_top")),
    "settings": Place(page="settings", content=("h1",)),
}


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options.

    Raises:
        InputError: an unknown page.
        ResourceMissing: playwright, a browser or the encoder is not on this machine.
    """
    parser = options_parser("pages", images=50000, concepts=100, clusters=100, encoder="compact")
    parser.add_argument("--only", default=",".join(PLACES), help="some of the pages, by commas")
    arguments = parser.parse_args(options)
    places = chosen(arguments.only)
    size = Size(photos=arguments.images, concepts=arguments.concepts, clusters=arguments.clusters)
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        plant_project(Path(folder) / _NAME, size, encoder=arguments.encoder)
        with served([str(APP)], Path(folder)) as server:
            measured = _Visitor(browser, server).visit(places)
    print(table(measured), file=sys.stderr)
    known = {"images": size.photos, "concepts": size.concepts, "clusters": size.clusters}
    load = round(os.getloadavg()[0], 1)
    return {**known, "cores": os.cpu_count(), "load": load, "budgets": BUDGETS, "pages": measured}


def chosen(names: str) -> dict[str, Place]:
    """Places by their names, separated by commas.

    Raises:
        InputError: one of them is unknown.
    """
    wanted = [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in PLACES]
    if unknown:
        raise InputError(f"Unknown page {unknown[0]!r}; known pages: {', '.join(PLACES)}.")
    return {name: PLACES[name] for name in wanted}


def table(measured: dict[str, dict[str, Any]]) -> str:
    """The figures as lines of text; ``!`` is over the budget."""
    lines = [f"{'page':<10}{'open s':>9}{'cpu':>7}{'switch s':>10}{'cpu':>7}{'kB':>7}{'next s':>9}"]
    for name, facts in measured.items():
        cells = [
            _cell(facts["open"], "open", 9),
            f"{facts['open_cpu']:>7.2f}",
            _cell(facts["switch"], "switch", 10),
            f"{facts['switch_cpu']:>7.2f}",
            _cell(facts["bytes"], "bytes", 7),
            _cell(facts["next_page"], "next_page", 9) if "next_page" in facts else "",
        ]
        lines.append(f"{name:<10}" + "".join(cells))
    return "\n".join(lines)


def _cell(value: float, budget: str, width: int) -> str:
    shown = f"{value / 1000:.0f}" if budget == "bytes" else f"{value:.2f}"
    return f"{shown}{'!' if value > BUDGETS[budget] else ''}".rjust(width)


class _Visitor:
    """Looks at pages of the planted project."""

    def __init__(self, browser: Any, server: Server) -> None:  # noqa: ANN401 - playwright's objects
        import psutil

        self._browser = browser
        self._server = server
        self._process = psutil.Process(server.pid)

    def visit(self, places: dict[str, Place]) -> dict[str, dict[str, Any]]:
        """Open every page to warm the server, then measure."""
        for place in places.values():
            self._opened(place)
        measured = {name: self._opened(place) for name, place in places.items()}
        page = new_page(self._browser)
        traffic = Traffic(page)
        page.goto(self._address(next(iter(places.values()))))
        laps: dict[str, list[dict[str, float]]] = {name: [] for name in places}
        for _ in range(REPEATS + 1):  # the first round is the first look of this window
            for name, place in places.items():
                laps[name].append(self._switched(page, traffic, place))
        for name, found in laps.items():
            measured[name] |= {key: round(median(lap[key] for lap in found[1:]), 3) for key in found[0]}
        page.close()
        if "cluster" in places:
            measured["cluster"] |= self._turned()
        return measured

    def _opened(self, place: Place) -> dict[str, float]:
        page = new_page(self._browser)
        page.wait_for_timeout(_WINDOW)  # the browser builds its own window, which takes seconds of a core

        def opened() -> None:
            page.goto(self._address(place))
            self._there(page, place)

        seconds, cpu = self._timed(opened)
        page.close()
        print(
            f"{place.page}{place.more}: {seconds:.2f} s, {cpu:.2f} s of the server",
            file=sys.stderr,
            flush=True,
        )
        return {"open": round(seconds, 3), "open_cpu": round(cpu, 3)}

    def _switched(self, page: Any, traffic: Traffic, place: Place) -> dict[str, float]:  # noqa: ANN401
        """Seconds from the click to the page; a cluster is opened from the page of all of them."""
        traffic.restart()
        link = page.get_by_role("link", name=place.page.capitalize(), exact=True)
        if place.more:
            link = page.get_by_role("button", name="Open", exact=True).first

        def switched() -> None:
            link.click()
            self._there(page, place)

        seconds, cpu = self._timed(switched)
        bytes_moved = sum(traffic.settled(page).values())
        if place.more:
            page.get_by_role("button", name="All clusters").click()
            self._there(page, PLACES["clusters"])
        return {"switch": seconds, "switch_cpu": cpu, "bytes": bytes_moved}

    def _turned(self) -> dict[str, float]:
        """The next page of a cluster's photos, the median of 3."""
        place = PLACES["cluster"]
        page = new_page(self._browser)
        page.goto(self._address(place))
        self._there(page, place)

        def turned() -> None:
            before = page.locator(".pick").first.get_attribute("title")
            page.get_by_role("button", name="Next page").click()
            page.locator(f'.grid .tile:first-child .pick:not([title="{before}"])').wait_for()

        laps = []
        for _ in range(REPEATS):
            laps.append(self._timed(turned)[0])
            self._there(page, place)
        page.close()
        return {"next_page": round(median(laps), 3)}

    def _there(self, page: Any, place: Place) -> None:  # noqa: ANN401
        """Wait until the page shows what it is for, and nothing runs or is unfinished any more."""
        page.wait_for_url(f"**/{'' if place.page == 'projects' else place.page}?**")
        for content in place.content:
            page.locator(content).first.wait_for()
        page.locator(_CALM).wait_for()
        page.wait_for_function(f"document.querySelector('{_UNFINISHED}') === null")

    def _timed(self, work: Callable[[], None]) -> tuple[float, float]:
        """Seconds by the clock and of the server's process."""
        used, started = self._cpu(), time.perf_counter()
        work()
        return time.perf_counter() - started, self._cpu() - used

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _address(self, place: Place) -> str:
        name = "" if place.page == "projects" else place.page
        return f"{self._server.address}/{name}?project={_NAME}{place.more}"


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
