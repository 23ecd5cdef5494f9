"""What the app offers to take home: single files made when they are asked for, and a folder written by a job."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError
from kec_core.paths import exists
from state.jobs.progress import JobContext
from state.project.project import Project
from state.transfer.export import export_project
from state.transfer.formats.names import safe_name
from state.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file to take home.

    Attributes:
        file: its name in an export.
        format: the format of ``state.transfer.export`` it belongs to.
        title: what it is, in plain words.
        about: what it holds and what it is for.
        mime: its media type.
    """

    file: str
    format: str
    title: str
    about: str
    mime: str


DOWNLOADS = (
    Download(
        file="report.html",
        format="report",
        title="Report",
        about="Clusters with photos, concepts, scores, parameters and the edit log in one page. It opens without internet, "
        "loads nothing and runs nothing, so it can be mailed.",
        mime="text/html",
    ),
    Download(
        file="assignments.csv",
        format="csv",
        title="Table (CSV)",
        about="One row per photo: cluster, its name, how surely, strongest concept, your label. For a spreadsheet.",
        mime="text/csv",
    ),
    Download(
        file="assignments.parquet",
        format="parquet",
        title="Table (Parquet)",
        about="The same table with types, for pandas, DuckDB and the like.",
        mime="application/vnd.apache.parquet",
    ),
    Download(
        file="knowledge.json",
        format="json",
        title="Knowledge (JSON)",
        about="Concepts, attributes, groups, guidance and your wishes on photos.",
        mime="application/json",
    ),
    Download(
        file="edits.json",
        format="json",
        title="Edits to replay (JSON)",
        about="Everything you changed, in order: kec edit PROJECT --script edits.json repeats it on a copy of this project at its "
        "first revision. Another project has ids of its own.",
        mime="application/json",
    ),
    Download(
        file="result.json",
        format="json",
        title="Scores and options (JSON)",
        about="Clusters with their sizes, scores beside k-means, every option of the run.",
        mime="application/json",
    ),
    Download(
        file="features.npz",
        format="npz",
        title="Features (NPZ)",
        about="Visual features x, the looks that were clustered, and knowledge features kappa with photo names and clusters, for numpy; no pickle inside.",
        mime="application/octet-stream",
    ),
)


def content_of(project: Project, revision: str, download: Download) -> bytes:
    """Make one file.

    Args:
        project: which.
        revision: id of its revision.
        download: which file.

    Raises:
        StoreError: a result is missing or damaged, or there is no room for the file.
    """
    with tempfile.TemporaryDirectory(prefix="kec-export-") as folder:
        out = Path(folder) / "out"
        export_project(project, out, [download.format], revision=revision)
        return (out / download.file).read_bytes()


def file_name(project: Project, revision: str, download: Download) -> str:
    """A name that tells project and revision: "birds r3 report.html"."""
    return safe_name(f"{project.name} {revision} {download.file}")


def check_target(workspace: Workspace, target: str) -> Path:
    """The folder that the app may write an export to.

    Raises:
        InputError: nothing was given, it is not a whole path, or it lies outside the allowed folders.
    """
    given = target.strip()
    if not given or not (given.startswith("~") or Path(given).is_absolute()):
        raise InputError(
            f"A whole path of a folder was expected, but {given or 'nothing'!r} came; for example /home/me/export."
        )
    try:
        path = (
            Path(given).expanduser().resolve()
        )  # a new folder followed by ".." leads elsewhere once it is made
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.lstat()  # a name that is too long for any file raises
        there = next(parent for parent in (path, *path.parents) if exists(parent))
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"No folder can be at {given!r} ({error}); check the spelling of the path."
        ) from error
    return workspace.check_allowed(there) / path.relative_to(there)


def export_job(context: JobContext) -> dict[str, Any]:
    """The job "export"; params: out (folder), formats, revision (id), link (links instead of copies)."""
    return write_folder(context.project, context.params, context.progress)


def write_folder(
    project: Project, params: Mapping[str, Any], progress: Progress = no_progress
) -> dict[str, Any]:
    """Write an export, with the params of the job "export"; returns what is in it and what is not, as JSON.

    Raises:
        InputError, StoreError: as ``export_project``.
    """
    return export_project(
        project,
        Path(params["out"]),
        params["formats"],
        revision=params["revision"],
        link=params["link"],
        progress=progress,
    ).to_json()
