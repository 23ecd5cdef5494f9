"""Small makers shared by the tests of state."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from kec_core.config import RunConfig
from kec_core.images import ImageRecord, ScanReport
from kec_core.types import Concept, Knowledge
from state import revisions
from state.revisions import NewRevision

NOBODY = 65534


def image(image_id):
    return ImageRecord(id=image_id, width=8, height=8, sha256=f"hash of {image_id}", mode="RGB")


def scan(*ids):
    return ScanReport(images=tuple(image(i) for i in ids))


def knowledge(*names):
    concepts = tuple(Concept(id=f"c{i:03d}", name=name) for i, name in enumerate(names, 1))
    return Knowledge(concepts=concepts, last_id=len(names))


def new_revision(project, *names, edits=(), **fields):
    known = {
        "clustering_fp": "fp",
        "scan": project.last_scan,
        "note": " ".join(names) or "run",
        "config": RunConfig(),
    }
    return NewRevision(knowledge=knowledge(*names), edits=tuple(edits), **{**known, **fields})


def commit_simple(project, parent, *names, **fields):
    return revisions.commit(project, new_revision(project, *names, **fields), parent=parent)


@contextmanager
def as_ordinary_user():
    """A folder of its own, and the rights of nobody: root ignores file modes."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)
