"""Random edits by processes that are killed: ``python -m tests.edit_storm [--edits 1000] [--kills 20] [--seed 0]``.

A child previews and commits random edits on a project, as a window of the app does, and writes a line for every commit
that returned: an acknowledged edit. It is killed at a random moment, the project is opened and looked at, and another
child goes on. Prints one JSON object; fails when an acknowledged edit is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import faiss  # noqa: F401 - imported here so that the children need not
import sklearn.metrics  # noqa: F401

from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.work import editing
from state.work.workbench import LiveStates, Workbench
from tests.fakes import HashEncoder, colour_photos
from tests.random_edits import random_edit
from tests.run_child import run
from tests.state_helpers import replayed

editing.loaded_encoder = lambda _name: HashEncoder()


def storm(folder: Path, *, edits: int, kills: int, seed: int) -> dict:
    """Make the edits, with the kills spread over them; returns what was seen."""
    rng = random.Random(seed)
    log = folder / "acknowledged.jsonl"
    log.touch()
    run(folder / "project", colour_photos(folder / "photos"), folder / "reports")
    targets = sorted(rng.sample(range(1, edits), kills))
    unheard = 0
    for number, target in enumerate([*targets, edits]):
        child = os.fork()
        if child == 0:
            edit_on(folder / "project", log, edits, random.Random(1000 * seed + number))
            os._exit(0)
        if target < edits:
            lap = wait_for(log, target, child)
            time.sleep(rng.uniform(0, 1.2 * lap))  # anywhere in the edit that follows
            os.kill(child, signal.SIGKILL)  # nobody has waited for it yet, so the number is still its own
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == (0 if target == edits else -signal.SIGKILL), f"a child ended with {status}"
        unheard += check(Project.open(folder / "project"), acknowledged(log))
    return {"edits": len(acknowledged(log)), "kills": kills, "unheard": unheard, **checked_to_the_end(folder)}


def edit_on(folder: Path, log: Path, edits: int, rng: random.Random) -> None:
    """Edit until so many edits are acknowledged; each line is written when the commit has returned."""
    project = Project.open(folder)
    bench = Workbench(project, LiveStates())
    images = [image.id for image in project.images()]
    left = edits - len(acknowledged(log))
    with log.open("a") as lines:
        while left > 0:
            edit = random_edit(rng, bench.shown().knowledge, images)
            try:
                kept = bench.commit(bench.preview([edit]))
            except InputError:
                continue
            lines.write(json.dumps([kept.id, edit.to_json()]) + "\n")
            lines.flush()
            left -= 1


def wait_for(log: Path, count: int, child: int) -> float:
    """Wait until so many edits are acknowledged; returns about how many seconds an edit takes."""
    began, before = time.monotonic(), len(acknowledged(log))
    while len(acknowledged(log)) < count:
        assert os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "a child failed"
        time.sleep(0.01)
    return (time.monotonic() - began) / max(1, count - before)


def acknowledged(log: Path) -> list:
    """[revision, edit] of every whole line."""
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]


def check(project: Project, heard: list) -> int:
    """Every acknowledged edit is a revision; returns 1 when one was kept that nobody was told of."""
    kept = {info.id: list(info.edits) for info in revisions.history(project)}
    lost = [revision for revision, edit in heard if kept.get(revision) != [edit]]
    assert not lost, f"acknowledged edits are lost: {lost}"
    shown = revisions.current(project)
    assert shown is not None
    unheard = shown.id != (heard[-1][0] if heard else "r1")
    if unheard and heard:
        assert shown.parent == heard[-1][0]
    return int(unheard)


def checked_to_the_end(folder: Path) -> dict:
    """Replaying the journal gives the same knowledge, every clustering is whole, and undo reaches the first revision."""
    project = Project.open(folder / "project")
    shown = revisions.current(project)
    first = revisions.get(project, "r1")
    journal = parse_script({"edits": list(revisions.journal(project, shown.id))})
    assert replayed(project, journal) == shown.knowledge
    for info in revisions.history(project):
        assert len(load_clustering(project, info).labels) == 40
    steps = 0
    while revisions.steps(project).undo is not None:
        revisions.undo(project)
        steps += 1
    assert revisions.current(project).knowledge == first.knowledge
    assert steps == len(journal)
    return {"revisions": len(revisions.history(project)), "undone": steps, "reached": "r1"}


def main(options: list[str]) -> None:
    parser = argparse.ArgumentParser()
    for name, value in (("edits", 1000), ("kills", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args(options)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(storm(Path(folder), **vars(arguments))))


if __name__ == "__main__":
    main(sys.argv[1:])
