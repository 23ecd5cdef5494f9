"""Take a result home in the formats of ``state/transfer/formats/table.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError
from kec_core.types import SkippedImage
from kec_core.wording import counted
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from state.transfer.assignments import load_assignments
from state.transfer.export_files import WriteFile, write_files
from state.transfer.formats.base import Content
from state.transfer.formats.table import FORMATS, WRITTEN

LINKS_NOTE = (
    "The folders hold links to the photos: kec run reads no links that lead out of a folder, and they break when the "
    "photos move. To use a cluster's folder as a collection of its own, export copies."
)

LISTED = 8
"""Earlier files that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was exported.

    Attributes:
        out: the folder.
        revision: id of the exported revision.
        images: number of its photos.
        files: files below ``out``; the photos of the cluster folders count as one entry "clusters/".
        skipped: photos that are not in the photo folder any more, and formats that need them.
        kept: files of an earlier export that stay; folders that hold nothing else count as one entry, as in ``files``.
        notes: what the person should know, in sentences.
    """

    out: Path
    revision: str
    images: int
    files: tuple[str, ...]
    skipped: tuple[SkippedImage, ...]
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that ``kec export --json`` prints."""
        return {**asdict(self), "out": str(self.out)}


def export_project(
    project: Project,
    out: Path,
    formats: Sequence[str],
    *,
    revision: str | None = None,
    link: bool = False,
    progress: Progress = no_progress,
) -> ExportReport:
    """Write a revision to a folder; files of an earlier export there are replaced, other files never.

    Args:
        project: whose result.
        out: a folder that is new, empty, or an earlier export.
        formats: of ``WRITTEN``.
        revision: id or name; by default the current one.
        link: "folders" holds symbolic links to the photos instead of copies.
        progress: told about files; may raise Cancelled.

    Raises:
        InputError: an unknown format, no result yet, ``out`` holds other files, or only folders are asked for and no
            photo is where it was.
        StoreError: a result is missing or damaged, the disk is full or not writable.
    """
    _check_formats(formats)
    shown = revisions.get(project, revision) if revision else revisions.current(project)
    if shown is None:
        raise InputError(f"The project {project.name!r} has no result to export yet; run it first.")
    features = load_features(project, shown)
    table = load_assignments(project, shown, features)
    content = Content(project=project, revision=shown, features=features, table=table, link=link)
    plan, refused = _plan(content, formats)
    written = write_files(
        out,
        plan,
        {"project": project.name, "revision": shown.id},
        progress=progress,
    )
    tops = dict.fromkeys(_entry(name) for name in written.files)
    kept = tuple(dict.fromkeys(name if _entry(name) in tops else _entry(name) for name in written.kept))
    links = bool(link and {"folders", "hugging-face"} & set(plan))
    return ExportReport(
        out=out,
        revision=shown.id,
        images=len(table.files),
        files=tuple(tops),
        skipped=(*refused, *written.skipped),
        kept=kept,
        notes=tuple(filter(None, (LINKS_NOTE if links else "", _staying(kept, len(written.kept))))),
    )


def _staying(kept: Sequence[str], count: int) -> str:
    """Which files of an earlier export stay, in words; "" for none."""
    if not kept:
        return ""
    more = f" and {len(kept) - LISTED:,} more" if len(kept) > LISTED else ""
    return f"Of an earlier export {counted(count, 'file stays', 'files stay')}: {', '.join(kept[:LISTED])}{more}."


def _plan(
    content: Content, formats: Sequence[str]
) -> tuple[dict[str, Mapping[str, WriteFile]], list[SkippedImage]]:
    """The files of each format, and the formats that cannot be written; raises when that is all of them."""
    plan: dict[str, Mapping[str, WriteFile]] = {}
    refused: list[InputError] = []
    skipped: list[SkippedImage] = []
    for name in dict.fromkeys(formats):
        try:
            write = FORMATS[name].write
            assert write is not None
            plan[name] = write(content)
        except InputError as error:
            refused.append(error)
            skipped.append(SkippedImage(path=f"format {name}", reason=str(error)))
    if not plan:
        raise refused[0]
    return plan, skipped


def _check_formats(formats: Sequence[str]) -> None:
    unknown = [name for name in formats if name not in WRITTEN]
    if unknown or not formats:
        came = f"{unknown[0]!r} came" if unknown else "none came"
        raise InputError(f"Formats to export were expected, but {came}; known formats: {', '.join(WRITTEN)}.")


def _entry(name: str) -> str:
    first, slash, _rest = name.partition("/")
    return first + slash
