"""Photos uploaded into a project, and what of the uploads was left out: the next scan lists it with its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from kec_core.photos.images import ScanReport
from kec_core.types import SkippedImage
from state.project.database import to_text
from state.project.project import Project
from state.transfer.ingest import Ingested, save_uploads

UPLOADED = "photos"
"""Folder of the uploaded photos inside a project's."""
_KEY = "left_out_of_uploads"


def add_uploads(project: Project, files: Sequence[tuple[str, BinaryIO]]) -> Ingested:
    """Save uploaded photos and archives in the project; see ``save_uploads``.

    What is left out is remembered per upload: the same file uploaded again replaces what was said of it.
    """
    known = _left_out(project)
    taken = save_uploads(files, project.folder / UPLOADED)
    for name, one in taken.items():
        known.pop(name, None)
        if one.skipped or one.others:
            skipped = [[item.path, item.reason] for item in one.skipped]
            known[name] = {"skipped": skipped, "others": dict(one.others)}
    with project.database.writing() as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, to_text(known)))
    return joined(list(taken.values()))


def joined(parts: Sequence[Ingested]) -> Ingested:
    """What came in with several uploads."""
    return Ingested(
        saved=tuple(dict.fromkeys(name for one in parts for name in one.saved)),
        skipped=tuple(item for one in parts for item in one.skipped),
        others=dict(sum((Counter(one.others) for one in parts), Counter())),
        notes=tuple(note for one in parts for note in one.notes),
    )


def with_left_out(report: ScanReport, project: Project, root: Path) -> ScanReport:
    """A scan of the uploaded photos with what was left out of the uploads; any other folder's as it is."""
    if root.resolve() != (project.folder / UPLOADED).resolve():
        return report
    skipped, others = list(report.skipped), Counter(report.others)
    for upload in _left_out(project).values():
        skipped += [SkippedImage(path=path, reason=reason) for path, reason in upload["skipped"]]
        others += Counter(upload["others"])
    ordered = sorted(skipped, key=lambda item: item.path)
    return replace(report, skipped=tuple(ordered), others=dict(others))


def _left_out(project: Project) -> dict[str, Mapping[str, Any]]:
    with project.database.reading() as db:
        row = db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return {} if row is None else dict(json.loads(row["value"]))
