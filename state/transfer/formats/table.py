"""The one table of formats: what can be exported, and what labels can be read from."""

from __future__ import annotations

from typing import Final

from kec_core.errors import InputError
from state.transfer.formats import (
    coco,
    excel,
    fiftyone,
    folders,
    hugging_face,
    label_studio,
    own,
    tables,
    xmp,
)
from state.transfer.formats.base import Format, Labels, Source

FORMATS: Final[dict[str, Format]] = {
    "csv": Format(title="Table (CSV)", write=tables.write_csv_table, read=tables.read_csv_table),
    "parquet": Format(title="Table (Parquet)", write=tables.write_parquet, read=tables.read_parquet),
    "json": Format(title="Knowledge, edits, scores (JSON)", write=own.write_documents),
    "npz": Format(title="Features (NPZ)", write=own.write_features),
    "folders": Format(title="Photos in a folder per cluster", write=folders.write, read=folders.read),
    "report": Format(title="Report", write=own.write_report),
    "model": Format(title="Groups for new photos (model)", write=own.write_model),
    "excel": Format(title="Excel", write=excel.write, read=excel.read),
    "fiftyone": Format(title="FiftyOne", write=fiftyone.write, read=fiftyone.read),
    "label-studio": Format(title="Label Studio", write=label_studio.write, read=label_studio.read),
    "coco": Format(title="COCO categories", write=coco.write, read=coco.read),
    "hugging-face": Format(
        title="Hugging Face image folder", write=hugging_face.write, read=hugging_face.read_image_folder
    ),
    "datasets": Format(title="Hugging Face dataset on disk", read=hugging_face.read_saved),
    "xmp": Format(title="XMP sidecars", write=xmp.write, read=xmp.read),
    "json-lines": Format(title="JSON lines", read=tables.read_records),
}

WRITTEN: Final = tuple(name for name, one in FORMATS.items() if one.write)
READ: Final = tuple(name for name, one in FORMATS.items() if one.read)
_LAST = ("folders", "csv")
"""They take any folder and any text, so the others are tried before them."""
_TABLES = ("csv", "parquet", "excel", "json-lines")
"""Formats with columns of any name."""


def read_labels(source: Source) -> tuple[str, Labels]:
    """The format of a source, and its rows.

    Raises:
        InputError: it has none of the formats, or is damaged.
    """
    wanted = READ if source.column == "label" else _TABLES
    for name in sorted(wanted, key=lambda one: (one in _LAST, READ.index(one))):
        read = FORMATS[name].read
        if name == "csv" and (source.is_folder or source.looks_like_json):
            continue
        if read is not None and (labels := read(source)) is not None:
            return name, labels
    raise InputError(
        f"A {source.column}s file of one of these formats was expected: {', '.join(wanted)}; but {source.path} is none "
        f"of them; docs/formats.md says what each of them holds."
    )
