"""Hugging Face: an image folder with ``metadata.jsonl``, and datasets saved on disk (Arrow)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kec_core.errors import InputError
from kec_core.paths import exists, is_file, is_folder
from state.transfer.formats.base import Content, Labels, Row, Source, first_few
from state.transfer.formats.names import safe_path, unique
from state.transfer.formats.tables import read_csv_table, read_parquet, read_records, text_of

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

FOLDER = "hugging-face"
_METADATA = {"metadata.jsonl": read_records, "metadata.csv": read_csv_table, "metadata.parquet": read_parquet}


def write(content: Content) -> Mapping[str, WriteFile]:
    """Photos and a line for each: ``load_dataset("imagefolder", data_dir=...)`` reads them. ``label`` is the cluster."""
    from state.transfer.formats.photos import bring_photos

    places = unique([f"photos/{safe_path(file)}" for file in content.table.files])
    copies = bring_photos(content, [f"{FOLDER}/{place}" for place in places])
    columns = content.table.columns()
    lines = []
    for at, (place, row) in enumerate(zip(places, content.rows(), strict=True)):
        line: dict[str, Any] = {"file_name": place, "label": row.label, "file": row.file}
        line |= {name: columns[name][at] for name in ("cluster", "confidence", "concept")}
        lines.append(line | ({"own_label": content.labels[at]} if content.table.labels else {}))
    return {**copies, f"{FOLDER}/metadata.jsonl": partial(_write_lines, lines)}


def _write_lines(lines: list[dict[str, Any]], path: Path) -> None:
    """A line for each photo that is there: a line without its photo makes the whole dataset unreadable."""
    made = [line for line in lines if exists(path.parent / str(line["file_name"]))]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made)
    path.write_text(text, encoding="utf-8")


def read_image_folder(source: Source) -> Labels | None:
    """The metadata of a folder, or of each of its splits.

    Raises:
        InputError: none of them has labels, or one is damaged.
    """
    if not source.is_folder:
        return None
    folders = [source.path, *sorted(path for path in source.path.glob("*") if is_folder(path))]
    found = [folder / name for folder in folders for name in _METADATA if is_file(folder / name)]
    tables = [(file.parent, _METADATA[file.name](Source(file, source.column))) for file in found]
    if not tables:
        return None
    unlabelled = [
        f"{file.parent.name}/{file.name}" for file, table in zip(found, tables, strict=True) if not table[1]
    ]
    if len(unlabelled) == len(tables):
        raise InputError(
            f"The metadata of {source.path} should have file_name and {source.column} in their rows, but "
            f"{first_few(unlabelled)} {'has' if len(unlabelled) == 1 else 'have'} not both; add them, no {source.column} was taken."
        )
    rows = [
        Row(f"{row.where} of {folder.name}", _located(folder, row.file), row.label)
        for folder, table in tables
        for row in (table.rows if table else ())
    ]
    notes = [f"Without {source.column}s, and so not used: {first_few(unlabelled)}."] if unlabelled else []
    return Labels(rows, (*notes, *(note for _, table in tables if table for note in table.notes)))


def _located(folder: Path, file: str) -> str:
    """A name relative to the metadata as a whole path; other names as they are."""
    return str((folder / file).absolute()) if is_file(folder / file) else file


def read_saved(source: Source) -> Labels | None:
    """A dataset that ``save_to_disk`` wrote, with a column of images or of their names, and one of labels."""
    from state.transfer.saved_datasets import is_saved_dataset, photo_names

    if not source.is_folder or not is_saved_dataset(source.path):
        return None
    named = photo_names(source.path)
    return Labels([row for split, names in named.items() for row in _split(source, split, names)])


def _split(source: Source, folder: Path, names: Sequence[str]) -> Iterator[Row]:
    from state.transfer.saved_datasets import features_of, naming_column, rows_of

    features = features_of(folder)
    if naming_column(features) is None or source.column not in features:
        raise InputError(
            f"{folder} should be a dataset saved on disk with columns image (or file) and {source.column}, but has "
            f"{', '.join(features) or 'none'}; no {source.column} was taken."
        )
    cells = (row[source.column] for row in rows_of(folder, [source.column]))
    for at, (name, cell) in enumerate(zip(names, cells, strict=True)):
        yield Row(f"row {at} of {folder.name}", name, _label(features[source.column], cell))


def _label(feature: object, value: object) -> str:
    """A label, by its name where the column is a ``ClassLabel``; -1 is how datasets write "none"."""
    names = feature.get("names") if isinstance(feature, dict) else None
    if not isinstance(names, list) or not isinstance(value, int):
        return text_of(value)
    return text_of(names[value]) if 0 <= value < len(names) else ""
