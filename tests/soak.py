"""Many windows on one server for a long time: ``python -m tests.soak [--minutes 20] [--browsers 6]``.

Half of the windows share one project, each other one has its own. They switch pages and edit, as people do, while the
server's memory and open files are measured. An edit counts as confirmed when its window showed a new revision and no
refusal; at the end every confirmed edit must be in the history of its project. Prints one JSON object and ends with
status 1 when a confirmed edit is lost, the server or a page showed a traceback, or memory or open files still grow
after the tenth minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import async_playwright

from state.project.project import Project
from state.revisions import revisions
from state.work.demo import DEMO_FOLDER
from state.workspace.workspace import Workspace
from tests import run_environment
from tests.browser import FLAGS, running_server
from tests.browser_setup import find_browser
from tests.soak_windows import Record, Window

SAMPLE_SECONDS = 5.0
SETTLED_SECONDS = 600.0
"""From then on memory and open files must not grow."""
MORE = {"handles": (1.1, 10), "memory": (1.05, 0)}
"""How much the last third of the settled time may hold of what the first holds, and beyond that: noise, not growth. Six windows
open and close some connections each."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The server at one moment.

    Attributes:
        second: since the windows were opened.
        memory: resident, in MB.
        cpu: seconds that the server has computed since it was started; load by others does not change it.
        handles: open files, sockets and event queues; ``kinds`` by their names, the most frequent.
    """

    second: float
    memory: float
    cpu: float
    handles: int
    threads: int
    kinds: dict[str, int]


def look_at(process: psutil.Process, began: float) -> Sample:
    """Measure the server."""
    kinds: Counter[str] = Counter()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = link.readlink()
        except FileNotFoundError:  # closed meanwhile
            continue
        kinds[re.sub(r"-?[0-9a-f]{12,}|\[\d+\]", "", "/".join(target.parts[-2:]))] += 1
    mapped = Counter(
        f"mapped {re.sub(r'-[0-9a-f]{12,}', '', '/'.join(Path(part.path).parts[-2:]))}"
        for part in process.memory_maps(grouped=False)
        if part.path.endswith(".npy")
    )
    return Sample(
        second=round(time.monotonic() - began, 1),
        memory=round(process.memory_info().rss / 2**20, 1),
        cpu=round(sum(process.cpu_times()[:2]), 1),
        handles=kinds.total(),
        threads=process.num_threads(),
        kinds=dict((kinds + mapped).most_common(8)),
    )


async def watch(process: psutil.Process, samples: list[Sample], until: float) -> None:
    """Measure the server now and then; say it each half minute."""
    began = time.monotonic()
    while time.monotonic() < until:
        samples.append(look_at(process, began))
        if len(samples) % 6 == 1:
            print(json.dumps(asdict(samples[-1])), file=sys.stderr, flush=True)
        await asyncio.sleep(SAMPLE_SECONDS)


async def play(
    address: str, projects: Sequence[str], record: Record, process: psutil.Process, until: float
) -> list[Sample]:
    """All windows at once, each a browser context of its own; returns what was measured meanwhile."""
    samples: list[Sample] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)

        async def one(number: int, project: str) -> None:
            context = await browser.new_context(viewport={"width": 1500, "height": 1000})
            await Window(await context.new_page(), project, number, record).work(address, until)

        windows = (one(number, project) for number, project in enumerate(projects))
        await asyncio.gather(watch(process, samples, until), *windows)
        await browser.close()
    return samples


def lost_edits(home: Path, record: Record) -> list[tuple[str, str]]:
    """The confirmed edits that are in no revision of their project."""
    said = {
        name: json.dumps([list(map(dict, info.edits)) for info in revisions.history(Project(home / name))])
        for name in {project for project, _ in record.confirmed}
    }
    return [(project, text) for project, text in record.confirmed if f'"{text}"' not in said[project]]


def growth(samples: Sequence[Sample]) -> list[str]:
    """What still grows after the tenth minute, in words; nothing is said of a shorter soak."""
    settled = [sample for sample in samples if sample.second >= SETTLED_SECONDS]
    third = len(settled) // 3
    grown = []
    for name, (most, besides) in MORE.items():
        if third:
            first, last = (
                statistics.median(getattr(sample, name) for sample in part)
                for part in (settled[:third], settled[-third:])
            )
            if last > most * first + besides:
                grown.append(f"{name} grew from {first} to {last} after minute {SETTLED_SECONDS / 60:.0f}")
    return grown


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """How often, and how long it took, in seconds."""
    ordered = sorted(seconds)
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
        "most": round(ordered[-1], 2),
    }


def soak(folder: Path, *, minutes: float, browsers: int) -> dict[str, Any]:
    """Copies of the demo project, the server, the windows; returns what was seen and what is wrong."""
    demo = Workspace().home / DEMO_FOLDER
    if not Project.is_project(demo):
        raise SystemExit("The soak needs the demo project; run 'kec setup --demo' first.")
    shared = browsers // 2
    projects = ["shared"] * shared + [f"own{number}" for number in range(browsers - shared)]
    for name in set(projects):
        shutil.copytree(demo, folder / "home" / name)
    log, record = folder / "server.log", Record()
    with log.open("wb") as file, running_server(folder / "home", folder, file) as (address, server):
        until = time.monotonic() + 60 * minutes
        samples = asyncio.run(play(address, projects, record, psutil.Process(server.pid), until))
    said = log.read_text(encoding="utf-8", errors="replace")
    lost = lost_edits(folder / "home", record)
    wrong = [f"lost: {edit}" for edit in lost] + growth(samples)
    if "Traceback" in said:
        wrong.append(f"a traceback in the server's log: {said[said.index('Traceback') :][:2000]}")
    return {
        "seconds": {kind: summary(times) for kind, times in record.seconds.items()},
        "counts": dict(record.counts),
        "confirmed": len(record.confirmed),
        "lost": len(lost),
        "samples": [asdict(sample) for sample in samples[:: max(1, len(samples) // 20)]],
        "wrong": wrong + record.troubles,
    }


def main(options: Sequence[str]) -> int:
    """Run it and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--browsers", type=int, default=6)
    arguments = parser.parse_args(options)
    with tempfile.TemporaryDirectory() as folder:
        run_environment.compile_once(Path(folder))
        seen = soak(Path(folder), **vars(arguments))
    print(json.dumps(seen, indent=1))
    return 1 if seen["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
