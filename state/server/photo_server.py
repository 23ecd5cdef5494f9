"""What the address of a thumbnail leads to: a file made from a photo of an open project, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from kec_core.errors import KecError
from kec_core.photos.images import ImageRecord
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS, build_thumbnails, thumbnail_path
from state.workspace.workspace import OpenProjects

_SHA256 = re.compile("[0-9a-f]{64}")
_LARGEST = 2**63 - 1
"""SQLite knows no larger whole number."""


def find_thumbnail(projects: OpenProjects, project_id: str, sha256: str, side: int) -> Path | None:
    """The JPEG of a photo, made now if it was not; None when there is no such project, photo or size.

    Args:
        projects: those that may be shown.
        project_id: from the address, as ``OpenProjects.id_of`` gives it.
        sha256: of the photo's bytes, from the address.
        side: longest side in pixels, one of ``SIDES``.
    """
    if side not in SIDES or _SHA256.fullmatch(sha256) is None:
        return None
    try:
        project = Project(projects.folder(project_id))
        folder = project.folder / THUMBNAILS
        path = thumbnail_path(folder, sha256, side)
        return path or _make(project, folder, sha256, side)
    except KecError:
        return None


def find_content(projects: OpenProjects, project_id: str, scan: int, row: int) -> str | None:
    """The hash of the photo in a row of a scan; None when there is no such project, scan or row.

    Args:
        projects: those that may be shown.
        project_id: from the address, as ``OpenProjects.id_of`` gives it.
        scan: its number, from the address.
        row: from the address.
    """
    if max(scan, row) > _LARGEST:
        return None
    try:
        with Project(projects.folder(project_id)).database.reading() as db:
            found = db.execute(
                "SELECT sha256 FROM images WHERE scan = ? AND position = ?", (scan, row)
            ).fetchone()
    except KecError:
        return None
    return str(found["sha256"]) if found and found["sha256"] else None


def _make(project: Project, folder: Path, sha256: str, side: int) -> Path | None:
    record = _photo(project, sha256)
    if record is None or project.images_root is None:
        return None
    project.photo_path(record.id)  # refuses a photo that leads out of the photo folder
    build_thumbnails([record], project.images_root, folder, sides=(side,))
    return thumbnail_path(folder, sha256, side)


def _photo(project: Project, sha256: str) -> ImageRecord | None:
    with project.database.reading() as db:
        row = db.execute(
            "SELECT id, width, height, sha256, mode, warning FROM images WHERE sha256 = ? ORDER BY scan DESC LIMIT 1",
            (sha256,),
        ).fetchone()
    return None if row is None else ImageRecord(**dict(row))
