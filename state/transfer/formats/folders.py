"""A folder per cluster or class, as of torchvision's ImageFolder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kec_core.errors import InputError
from kec_core.paths import is_file, is_folder
from state.transfer.csv_cells import Cell, plain, write_csv
from state.transfer.formats.base import Content, Labels, Row, Source
from state.transfer.formats.names import safe_name, unique
from state.transfer.formats.tables import read_csv_table

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

CLUSTER_FOLDERS = "clusters"
COPIES_TABLE = "clusters.csv"


def write(content: Content) -> Mapping[str, WriteFile]:
    """``clusters/NAME/PHOTO`` for every photo, numbered where names are alike, and a table of what is a copy of what."""
    from state.transfer.formats.photos import bring_photos

    table = content.table
    folders = unique([safe_name(name) for name in table.names])
    clusters = table.clusters.tolist()
    places = unique(
        [
            f"{CLUSTER_FOLDERS}/{folders[cluster]}/{safe_name(PurePosixPath(file).name)}"
            for file, cluster in zip(table.files, clusters, strict=True)
        ]
    )
    rows = [
        (place, file, cluster, table.names[cluster])
        for place, file, cluster in zip(places, table.files, clusters, strict=True)
    ]
    return {**bring_photos(content, places), COPIES_TABLE: partial(_write_copies, rows)}


def _write_copies(rows: Sequence[Sequence[Cell]], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        made = (row for row in rows if os.path.lexists(path.parent / str(row[0])))
        write_csv(file, ("copy", "file", "cluster", "cluster_name"), made)


def read(source: Source) -> Labels | None:
    """The folder of each photo below a folder; photos at the top have no label.

    In an earlier export, or its folder ``clusters``, a copy stands for its photo, also when it was moved to another
    cluster's folder by hand.
    """
    from kec_core.photos.formats import is_named_photo

    if not source.is_folder:
        return None
    inside = source.path.name == CLUSTER_FOLDERS and is_file(source.path.parent / COPIES_TABLE)
    home = source.path.parent if inside else source.path
    exported = is_file(home / COPIES_TABLE) and is_folder(home / CLUSTER_FOLDERS)
    top = home / CLUSTER_FOLDERS if exported else home
    originals, names = _exported(home / COPIES_TABLE) if exported else ({}, {})
    rows = []
    for path in sorted(top.rglob("*")):
        if not is_named_photo(path.name) or not is_file(path):
            continue
        copy = path.relative_to(home).as_posix()
        folder = path.parent.relative_to(top).as_posix()
        file = originals.get(copy) or originals.get(path.name) or str(path.absolute())
        label = "" if folder == "." else names.get(folder, folder)
        rows.append(Row(f"the folder {folder!r}", file, label))
    return Labels(rows) if rows else None


def _exported(table: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The photo that each copy is of, by its place and by its name where that is unique; the cluster of each folder.

    A spreadsheet may have saved the table anew, in any form in which labels are read.
    """
    try:
        names, copies = (
            read_csv_table(Source(table, column)) or Labels(()) for column in ("cluster_name", "copy")
        )
    except InputError as error:
        raise InputError(
            f"{table} should say which copy is of which photo, as it was exported, but does not: {error}"
        ) from error
    named: dict[str, list[str]] = {}
    for row in copies.rows:
        named.setdefault(PurePosixPath(row.label).name, []).append(plain(row.file))
    originals = {name: files[0] for name, files in named.items() if len(files) == 1}
    originals |= {row.label: plain(row.file) for row in copies.rows}
    folders = (PurePosixPath(row.label).parent.name for row in copies.rows)
    return originals, dict(zip(folders, (row.label for row in names.rows), strict=True))
