"""Damaged projects: whatever byte of whatever file is hurt, a project is shown or refused in a sentence, and opens again."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commands.describe import describe_project
from kec_core.errors import KecError
from kec_core.types import StageReport
from state.project.project import Project
from state.project.recovery import keep_copy
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from tests.fuzz_edits import refused
from tests.fuzz_photos import mutated
from tests.state_helpers import commit_labels, new_revision, scan


def fuzz_projects(rounds: int, seed: int) -> Iterator[str]:
    """Hurt one file of a project each time; yields "used" when all of it could still be shown, else "refused"."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        sound = make_project(Path(place) / "sound")
        for number in range(rounds):
            folder = Path(place) / f"damaged-{number}"
            shutil.copytree(sound, folder)
            hurt(folder, rng)
            yield look(folder)
            shutil.rmtree(folder)


def make_project(folder: Path) -> Path:
    """Three photos, labels, two revisions, a backup and a journal."""
    project = Project.create(folder, "Birds")
    project.set_images(scan("a", "b", "c"))
    project.set_labels({"a": "wren", "b": "owl"})
    commit_labels(project, None, [0, 1, 0])
    keep_copy(project.database)
    config = new_revision(project).config
    project.record_stage(
        StageReport(stage="embed", fingerprint="f", seconds=1, reused=False), "fresh", config
    )
    commit_labels(project, "r1", [0, 1, 1], edits=[{"op": "set_clusters", "k": 2}])
    return folder


def hurt(folder: Path, rng: random.Random) -> None:
    """Change, cut, empty or remove one file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    database = folder / "project.db"
    file = database if rng.random() < 0.5 else rng.choice(files)
    way = rng.random()
    if way < 0.05:
        file.unlink()
    elif way < 0.1:
        file.write_bytes(b"")
    elif way < 0.5:
        file.write_bytes(mutated(file.read_bytes(), rng))
    else:
        content = bytearray(file.read_bytes())
        for _ in range(rng.choice((1, 1, 3))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)


def look(folder: Path) -> str:
    """Show and change a project twice: the second time after what was set aside."""
    outcomes = [_look(folder) for _ in range(2)]
    return min(outcomes)


def _look(folder: Path) -> str:
    try:
        project = Project.open(folder)
        for part in ("concepts", "attributes", "clusters", "history"):
            describe_project(project, part)
        assert project.stage_reports() is not None
        shown = revisions.current(project)
        revisions.journal(project, shown.id)
        load_clustering(project, shown)
        revisions.set_name(project, shown.id, "looked at")
    except KecError as error:
        return refused(error, 1500)
    return "used"
