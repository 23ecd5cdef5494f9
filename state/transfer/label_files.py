"""Labels come in: from the names of folders, or from a file of any format. For scoring only, never given to a method.

Captions of photos come in by the same reader. Every row is used, or counted in a note with an example.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kec_core.errors import InputError
from kec_core.photos.images import ImageRecord
from kec_core.photos.names import PhotoNames
from kec_core.wording import counted
from state.transfer.csv_cells import plain
from state.transfer.formats.base import Row, Source, first_few, quoted
from state.transfer.formats.table import FORMATS, read_labels

MISSING = frozenset(("nan", "none", "n/a", "na", "#n/a", "<na>", "null", "nat"))
"""Labels, without case, that programs write where there is no label."""

_UNSEEN = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad\u200e\u200f"))
"""Marks of no width that tables and web pages leave in a text; joiners are no such marks, for scripts and emoji need them."""


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """Labels by image id, and what the person should know about the rest of the file, in sentences."""

    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()


def labels_from_folders(records: Iterable[ImageRecord]) -> dict[str, str]:
    """The folder of each photo, relative to the photo folder, by image id; photos at the top have no label."""
    folders = {record.id: _plain_text(str(PurePosixPath(record.id).parent)) for record in records}
    return {image_id: folder for image_id, folder in folders.items() if folder != "."}


def labels_from_file(
    path: Path, root: Path, records: Sequence[ImageRecord], *, column: str = "label"
) -> LabelsRead:
    """Labels by image id from a file or folder in any format that is read (``state/transfer/formats``).

    Args:
        path: what it is, its content decides. A table needs columns ``file`` and ``label`` (others are ignored).
        root: the photo folder. Photos are found as ``PhotoNames`` says.
        records: the photos in use.
        column: name of the column that is read, for files of something else than labels.

    Returns:
        Labels of the named photos; an empty cell is no label, nor is a word of ``MISSING`` in a column of labels. The
        notes say which format it was unless CSV, and count the rows that name no photo or several.

    Raises:
        InputError: no format that is read, no row names a photo, or a photo has two labels; none is taken then.
    """
    name, read = read_labels(Source(path, column))
    names = PhotoNames((record.id for record in records), root)
    found: dict[str, Row] = {}
    unused: dict[str, list[Row]] = {}
    for row in (replace(row, label=_plain_text(row.label)) for row in read.rows):
        ids = _find(names, row.file)
        _check_lines(path, row, column, is_photo=bool(ids))
        if len(ids) != 1:
            kind = "fit several photos (write the path)" if ids else "name no photo in use"
            unused.setdefault(kind, []).append(row)
        elif ids[0] in found and found[ids[0]].label != row.label:
            raise InputError(
                f"Each photo should have one {column}, but {path} gives {quoted(ids[0])} two: "
                f"{quoted(found[ids[0]].label)} in {found[ids[0]].where}, {quoted(row.label)} in {row.where}; "
                f"correct one of them, no {column} was taken."
            )
        else:
            found[ids[0]] = row
    _need_some(path, column, len(read.rows), found, unused)
    notes = [f"{path.name} was read as {FORMATS[name].title}."] if name != "csv" else []
    notes += read.notes
    notes += [
        f"Of {counted(len(read.rows), 'row')} of {path.name} {len(rows):,} {kind}, not used: {first_few(rows)}."
        for kind, rows in unused.items()
    ]
    labels = {image_id: row.label for image_id, row in found.items() if row.label}
    if not labels:
        notes.append(f"Of {counted(len(found), 'photo')} that {path.name} names none has a {column} there.")
    if column != "label":
        return LabelsRead(labels, tuple(notes))
    kept = {image_id: label for image_id, label in labels.items() if label.casefold() not in MISSING}
    return LabelsRead(kept, (*notes, *_missing_notes(labels)))


def _plain_text(label: str) -> str:
    """A label in the one form in which equal texts are equal: letters composed, without marks that nobody sees."""
    return unicodedata.normalize("NFC", label.translate(_UNSEEN)).strip()


def _need_some(
    path: Path, column: str, n_rows: int, found: Mapping[str, Row], unused: Mapping[str, Sequence[Row]]
) -> None:
    if not n_rows:
        raise InputError(f"A {column}s file needs rows below its first line, but {path} has none; add them.")
    if not found:
        said = "; ".join(f"{len(rows):,} {kind}: {first_few(rows)}" for kind, rows in unused.items())
        raise InputError(
            f"Each row of {path} should name one photo of the collection, but of {n_rows:,} rows {said}; "
            f"correct the file names, no {column} was taken."
        )


def _missing_notes(labels: Mapping[str, str]) -> Iterator[str]:
    counts = Counter(label for label in labels.values() if label.casefold() in MISSING)
    for word, count in counts.items():
        yield (
            f"{count:,} {'photo has' if count == 1 else 'photos have'} the label {word!r}: taken as no label; "
            f"if it is a class, give it a longer name, for example '{word} class'."
        )


def _find(names: PhotoNames, file: str) -> tuple[str, ...]:
    return names.find(file) or (names.find(plain(file)) if plain(file) != file else ())


def _check_lines(path: Path, row: Row, column: str, *, is_photo: bool) -> None:
    """A cell that goes on over several lines has most often swallowed rows after an unclosed quote."""
    file_breaks = "\n" in row.file and not is_photo
    if file_breaks or (column == "label" and ("\n" in row.label or "\r" in row.label)):
        raise InputError(
            f"A {column} should be one line, but the row that begins in {row.where} of {path} goes on over several "
            f"({quoted(row.label if not file_breaks else row.file)}): a quote is opened there and not closed; "
            f"correct it, no {column} was taken."
        )
