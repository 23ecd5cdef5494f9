"""Take a result home: tables, knowledge, edits, features, a report, and the photos in a folder per cluster."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from kec_core.arrays import Progress, no_progress
from kec_core.encoders import load_encoder
from kec_core.errors import InputError
from kec_core.paths import is_file, real_path
from kec_core.result.group_model_file import model_bytes
from kec_core.types import SkippedImage
from state.project.project import Project
from state.revisions import revisions
from state.revisions.features import Features, load_features
from state.revisions.group_models import model_of
from state.revisions.revisions import Revision
from state.transfer.assignments import Assignments, load_assignments
from state.transfer.csv_cells import Cell, write_csv
from state.transfer.export_files import WriteFile, write_files
from state.transfer.report import write_report

CLUSTER_FOLDERS = "clusters"
COPIES_TABLE = "clusters.csv"
LINKS_NOTE = (
    "The folders hold links to the photos: kec run reads no links that lead out of a folder, and they break when the "
    "photos move. To use a cluster's folder as a collection of its own, export copies."
)
_MAX_NAME_BYTES = 120
_MAX_SUFFIX_BYTES = 10
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_NAMELESS = re.compile(r"[ .]*\.[A-Za-z0-9]{1,9} *")
"""Nothing is left of a name but its suffix: "?.jpg"."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was exported.

    Attributes:
        out: the folder.
        revision: id of the exported revision.
        images: number of its photos.
        files: files below ``out``; the photos of the cluster folders count as one entry "clusters/".
        skipped: photos that are not in the photo folder any more, and formats that need them.
        notes: what the person should know, in sentences.
    """

    out: Path
    revision: str
    images: int
    files: tuple[str, ...]
    skipped: tuple[SkippedImage, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that ``kec export --json`` prints."""
        return {**asdict(self), "out": str(self.out)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Content:
    project: Project
    revision: Revision
    features: Features
    table: Assignments
    link: bool


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
        formats: of ``FORMATS``.
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
    content = _Content(project=project, revision=shown, features=features, table=table, link=link)
    plan, refused = _plan(content, formats)
    written = write_files(
        out,
        plan,
        {"project": project.name, "revision": shown.id},
        progress=progress,
    )
    tops = dict.fromkeys(_entry(name) for name in written.files)
    return ExportReport(
        out=out,
        revision=shown.id,
        images=len(table.files),
        files=tuple(tops),
        skipped=(*refused, *written.skipped),
        notes=(LINKS_NOTE,) if link and "folders" in plan else (),
    )


def _plan(
    content: _Content, formats: Sequence[str]
) -> tuple[dict[str, Mapping[str, WriteFile]], list[SkippedImage]]:
    """The files of each format, and the formats that cannot be written; raises when that is all of them."""
    plan: dict[str, Mapping[str, WriteFile]] = {}
    refused: list[InputError] = []
    skipped: list[SkippedImage] = []
    for name in dict.fromkeys(formats):
        try:
            plan[name] = FORMATS[name](content)
        except InputError as error:
            refused.append(error)
            skipped.append(SkippedImage(path=f"format {name}", reason=str(error)))
    if not plan:
        raise refused[0]
    return plan, skipped


def _check_formats(formats: Sequence[str]) -> None:
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        came = f"{unknown[0]!r} came" if unknown else "none came"
        raise InputError(f"Formats to export were expected, but {came}; known formats: {', '.join(FORMATS)}.")


def _entry(name: str) -> str:
    first, slash, _rest = name.partition("/")
    return first + slash


# --- formats


def _csv(content: _Content) -> Mapping[str, WriteFile]:
    def write(path: Path) -> None:
        columns = content.table.columns()
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            write_csv(file, tuple(columns), zip(*columns.values(), strict=True))

    return {"assignments.csv": write}


def _parquet(content: _Content) -> Mapping[str, WriteFile]:
    def write(path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {"cluster": pa.int32(), "confidence": pa.float32()}
        columns = content.table.columns()
        arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), path)

    return {"assignments.parquet": write}


def _json(content: _Content) -> Mapping[str, WriteFile]:
    columns = content.table.columns()
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    edits = [dict(edit) for edit in revisions.journal(content.project, content.revision.id)]
    return {
        "assignments.json": partial(_write_json, {"assignments": rows}),
        "knowledge.json": partial(_write_json, content.revision.knowledge.to_json()),
        "edits.json": partial(_write_json, {"edits": edits}),
        "result.json": partial(_write_json, _result(content)),
    }


def _result(content: _Content) -> dict[str, Any]:
    revision = content.revision
    sizes = np.bincount(content.table.clusters, minlength=len(content.table.names)).tolist()
    return {
        "project": content.project.name,
        "revision": revision.id,
        "created": revision.created,
        "note": revision.note,
        "images": len(content.table.files),
        "clusters": [
            {"cluster": cluster, "name": content.table.names[cluster], "images": size}
            for cluster, size in enumerate(sizes)
            if size
        ],
        "scores": asdict(revision.scores) if revision.scores else None,
        "baseline": asdict(revision.baseline) if revision.baseline else None,
        "internal": asdict(revision.internal) if revision.internal else None,
        "summary": dict(revision.summary),
        "config": revision.config.to_json(),
    }


def _write_json(document: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _npz(content: _Content) -> Mapping[str, WriteFile]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                ids=np.array(content.table.files, dtype=np.str_),
                labels=content.table.clusters,
                x=content.features.visual(),
                looks=content.features.looks(),
                kappa=content.features.grounding.kappa,
            )

    return {"features.npz": write}


def _report(content: _Content) -> Mapping[str, WriteFile]:
    return {
        "report.html": partial(
            write_report, content.project, content.revision, content.features, content.table
        )
    }


def _folders(content: _Content) -> Mapping[str, WriteFile]:
    """``clusters/NAME/PHOTO`` for every photo, numbered where names are alike, and a table of what is a copy of what."""
    table, root = content.table, content.project.images_root
    if root is None or not any(is_file(root / file) for file in table.files):
        raise InputError(
            f"None of the {len(table.files)} photos is in {root} any more, so they cannot go into folders; "
            "link the project to the folder that holds them now: kec run FOLDER --project PROJECT, or the Data page."
        )
    folders = _unique([safe_name(name) for name in table.names])
    cells = zip(table.files, table.clusters.tolist(), strict=True)
    wanted = [
        f"{CLUSTER_FOLDERS}/{folders[cluster]}/{safe_name(PurePosixPath(file).name)}"
        for file, cluster in cells
    ]
    bring = _link if content.link else _copy
    places = _unique(wanted)
    rows = [
        (place, file, cluster, table.names[cluster])
        for place, file, cluster in zip(places, table.files, table.clusters.tolist(), strict=True)
    ]
    copies: dict[str, WriteFile] = {
        place: partial(bring, root, file) for place, file in zip(places, table.files, strict=True)
    }
    return {**copies, COPIES_TABLE: partial(_write_copies, rows)}


def _write_copies(rows: Sequence[Sequence[Cell]], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        made = (row for row in rows if os.path.lexists(path.parent / str(row[0])))
        write_csv(file, ("copy", "file", "cluster", "cluster_name"), made)


def _copy(root: Path, image_id: str, path: Path) -> None:
    source = _source(root, image_id)
    try:
        photo = source.open("rb")
        status = source.stat()
    except OSError as error:
        raise InputError(f"the photo {image_id!r} cannot be read ({error.strerror})") from error
    with photo, path.open("wb") as file:
        shutil.copyfileobj(photo, file)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _link(root: Path, image_id: str, path: Path) -> None:
    path.symlink_to(_source(root, image_id))


def _source(root: Path, image_id: str) -> Path:
    path = real_path(root / image_id)
    if not path.is_relative_to(real_path(root)) or not is_file(path):
        raise InputError(f"the photo {image_id!r} is not in the photo folder any more")
    return path


def safe_name(name: str) -> str:
    """A file or folder name that every common file system takes, as close to ``name`` as possible; never empty."""
    clean = _NOT_IN_NAMES.sub(" ", name).encode("utf-8", "replace").decode("utf-8")
    if _NAMELESS.fullmatch(clean):
        clean = f"unnamed.{clean.strip(' .')}"
    clean = clean.strip(" .") or "unnamed"
    if len(clean.encode("utf-8")) > _MAX_NAME_BYTES:
        suffix = PurePosixPath(clean).suffix.encode("utf-8")
        suffix = suffix if len(suffix) <= _MAX_SUFFIX_BYTES else b""
        stem = clean.encode("utf-8")[: _MAX_NAME_BYTES - len(suffix)].decode("utf-8", "ignore")
        clean = stem.rstrip(" .") + suffix.decode("utf-8")
    return f"_{clean}" if _RESERVED.fullmatch(clean) else clean


def _unique(names: Sequence[str]) -> list[str]:
    """Number names that are alike, also when only their case differs: "a.jpg", "A (2).jpg"."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    unique = []
    for name in names:
        path, free = PurePosixPath(name), name
        while free.casefold() in taken:
            last[name.casefold()] = last.get(name.casefold(), 1) + 1
            free = str(path.with_name(f"{path.stem} ({last[name.casefold()]}){path.suffix}"))
        taken.add(free.casefold())
        unique.append(free)
    return unique


def _model(content: _Content) -> Mapping[str, WriteFile]:
    def write(path: Path) -> None:
        encoder = load_encoder(content.revision.facts.encoder)
        path.write_bytes(model_bytes(model_of(content.project, content.revision, encoder)))

    return {"model.npz": write}


FORMATS: dict[str, Callable[[_Content], Mapping[str, WriteFile]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
    "npz": _npz,
    "folders": _folders,
    "report": _report,
    "model": _model,
}
"""What each format writes."""
