"""Image features that were computed elsewhere, read from a file; texts by an encoder of the person's choice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, Progress, blocks, fingerprint, no_progress
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import PHOTO, Encoder, EncoderInfo, Pixels
from kec_core.encoders.tables import Table, read_table
from kec_core.errors import InputError
from kec_core.memory import release_pages
from kec_core.photos.names import PhotoNames
from kec_core.types import Noun
from kec_core.wording import counted

if TYPE_CHECKING:
    from PIL import Image


ORDER = "the order of the paths, folder by folder (as of torchvision's ImageFolder and sorted(Path.rglob()))"
"""What rows without names are taken to follow."""

_LENGTHS = (1e-15, 1e15)
"""Rows whose length lies outside lose their squares in float32, and all would look the same."""

Photo = tuple[str, str]
"""Id and content key of a photo."""
EarlierRow = tuple[str, str, int]
"""Id and content key of a photo, and the row that was its own."""


def in_order(ids: Sequence[str]) -> list[str]:
    """Photos in the order that rows without names are taken to follow: paths compared part by part."""
    return sorted(ids, key=lambda image_id: image_id.split("/"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowsOfPhotos:
    """What a file holds for photos.

    Attributes:
        features: raw float32 (n_used, d) in the order of the photos, those in ``reasons`` left out.
        rows: row of each photo that has one, usable or not, by id.
        reasons: why a photo is not used, by id.
        note: how rows were found, and what was odd, for people.
        has_names: whether the file names its rows.
    """

    features: FloatMatrix
    rows: Mapping[str, int]
    reasons: Mapping[str, str]
    note: str
    has_names: bool


def load_readymade(file: Path, text: Encoder | None) -> ReadymadeEncoder:
    """Read image features from a file or folder (see ``tables.read_table``).

    Args:
        file: N rows of width d; with or without the names of the photos.
        text: the encoder whose texts share the space of the features; without one there is no knowledge, only images.

    Raises:
        InputError: the file is not usable, or the text encoder's width is not the file's.
    """
    table = read_table(file)
    width = table.features.shape[1]
    if text is not None and text.info.dim != width:
        raise InputError(
            f"{file} has features of width {width}, but {text.info.caption} gives texts of width "
            f"{text.info.dim}; name the encoder that the features were made with."
        )
    return ReadymadeEncoder(file, table, text)


class ReadymadeEncoder:
    """Gives each photo the row that a file holds for it."""

    def __init__(self, file: Path, table: Table, text: Encoder | None) -> None:
        """See ``load_readymade``; a table without names has its rows in the order of ``in_order``."""
        digests = []
        for one in table.sources:
            with one.open("rb") as content:
                digests.append(hashlib.file_digest(content, "sha256").hexdigest())
        read = [*digests[1:], "names"] if table.names is not None else []
        self._file = file
        self._table = table
        self._text = text
        self._info = EncoderInfo(
            name=f"embeddings:{file}" + (f"#{text.info.name}" if text else ""),
            dim=table.features.shape[1],
            defaults=text.info.defaults if text else EncoderDefaults(),
            caption=f"{file.name}, texts by {text.info.caption}" if text else file.name,
            revision=fingerprint("embeddings", digests[0], text.info.revision if text else "", *read),
            image_side=0,
            noun_templates=text.info.noun_templates if text else PHOTO,
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    def rows_of(
        self, photos: Sequence[Photo], root: Path, earlier: Sequence[EarlierRow] = ()
    ) -> RowsOfPhotos:
        """Which row belongs to which photo: by name when rows have names, else as before, else by order.

        Args:
            photos: (id, content key) of each photo.
            root: the photo folder.
            earlier: rows that photos had when this file was read before; counts only for rows without names.

        Raises:
            InputError: rows have no names and are another number than the photos, or names and photos do not fit at
                all, or two rows fit one photo.
        """
        if self._table.names is not None:
            found, notes = self._by_name([image_id for image_id, _ in photos], root)
        elif earlier:
            found, notes = self._as_before(photos, earlier)
        else:
            found, notes = self._by_order([image_id for image_id, _ in photos])
        return self._checked([image_id for image_id, _ in photos], found, notes)

    def _by_name(self, ids: Sequence[str], root: Path) -> tuple[dict[str, int], list[str]]:
        names = self._table.names or ()
        photos = PhotoNames(ids, root, numbers=self._table.numbers)
        found: dict[str, int] = {}
        lost: list[str] = []
        for row, name in enumerate(names):
            fits = photos.find(name)
            if len(fits) > 1:
                raise InputError(
                    f"Row {row} of {self._file}, {name!r}, fits two photos, {fits[0]} and {fits[1]}; name photos by "
                    "their path relative to the photo folder."
                )
            if fits and fits[0] in found:
                raise InputError(
                    f"Rows {found[fits[0]]} and {row} of {self._file}, {names[found[fits[0]]]!r} and {name!r}, fit one "
                    f"photo, {fits[0]}; every photo needs one row."
                )
            if fits:
                found[fits[0]] = row
            else:
                lost.append(name)
        if not found:
            raise InputError(
                f"{self._file} should name the photos, but its names, for example {names[0]!r}, fit none of the "
                f"{len(ids)} photos, for example {ids[0]!r}; name rows by the photos' paths."
            )
        notes = [f"{self._file.name}: rows belong to photos by name."]
        if lost:
            notes.append(
                f"Of its {counted(len(names), 'row')} {len(lost):,} fit no photo, not used, for example {lost[0]!r}."
            )
        return found, notes

    def _by_order(self, ids: Sequence[str]) -> tuple[dict[str, int], list[str]]:
        n_rows = len(self._table.features)
        if len(ids) != n_rows:
            raise InputError(
                f"{self._file} has {counted(n_rows, 'row')} without names, for {counted(len(ids), 'photo')}; "
                "give one row per photo in the order of their paths, or a file that names them."
            )
        ordered = in_order(ids)
        note = (
            f"{self._file.name} has no names: {ORDER} was assumed, the first row is {ordered[0]}, the last "
            f"{ordered[-1]}; if that is not so, name the rows."
        )
        return {image_id: row for row, image_id in enumerate(ordered)}, [note]

    def _as_before(
        self, photos: Sequence[Photo], earlier: Sequence[EarlierRow]
    ) -> tuple[dict[str, int], list[str]]:
        """By the content of the photo, copies by their path too; a photo whose content is new by its path alone."""
        exact = {(image_id, content): row for image_id, content, row in reversed(earlier)}
        by_content = {content: row for _, content, row in reversed(earlier)}
        found = {
            image_id: exact.get((image_id, content), by_content.get(content, -1))
            for image_id, content in photos
        }
        taken = set(found.values())
        by_path = {image_id: row for image_id, _, row in reversed(earlier) if row not in taken}
        changed = [image_id for image_id, row in found.items() if row < 0 and image_id in by_path]
        found |= {image_id: by_path[image_id] for image_id in changed}
        notes = [f"{self._file.name} has no names: photos keep the rows they had, found by their content."]
        if changed:
            notes.append(
                f"{len(changed):,} changed since and kept the row of the path, for example {changed[0]}; "
                "compute its features again if it shows something else now."
            )
        return {image_id: row for image_id, row in found.items() if row >= 0}, notes

    def _checked(self, ids: Sequence[str], found: Mapping[str, int], notes: Sequence[str]) -> RowsOfPhotos:
        reasons = {
            image_id: f"{self._file.name} has no row for it" for image_id in ids if image_id not in found
        }
        faults = self._faults(found)
        reasons |= faults
        more = [
            f"Zero, NaN, infinite or out of scale: {counted(len(faults), 'row')} of {self._file.name}; listed with the photos."
        ]
        extra = [f"Not taken as features: {', '.join(self._table.unused)}."] if self._table.unused else []
        table = self._table.features
        used = np.array([found[image_id] for image_id in ids if image_id not in reasons], dtype=np.int64)
        in_place = len(used) == len(table) and bool((np.diff(used) == 1).all())
        return RowsOfPhotos(
            features=table if in_place else table[used],  # in their order they need no copy
            rows=dict(found),
            reasons=reasons,
            note=" ".join([*notes, *(more if faults else []), *extra]),
            has_names=self._table.names is not None,
        )

    def _faults(self, found: Mapping[str, int]) -> dict[str, str]:
        """Why photos cannot be used although they have a row, by id."""
        ids, rows = list(found), np.fromiter(found.values(), dtype=np.int64, count=len(found))
        least, most = _LENGTHS
        faults: dict[str, str] = {}
        for block in blocks(len(rows)):
            with np.errstate(invalid="ignore", over="ignore"):
                lengths = np.linalg.norm(self._table.features[rows[block]].astype(np.float64), axis=1)
            for place in np.flatnonzero(~((lengths >= least) & (lengths <= most))) + block.start:
                row = int(rows[place])
                faults[ids[place]] = f"its row {row} in {self._file.name} {_fault(self._table.features[row])}"
        release_pages(self._table.features)
        return faults

    def preprocess(self, image: Image.Image) -> Pixels:  # noqa: ARG002 - the protocol asks for it
        """Raises InputError: the table holds features of known photos only."""
        raise self._no_pixels()

    def encode_images(self, pixels: Pixels) -> FloatMatrix:  # noqa: ARG002 - the protocol asks for it
        """Raises InputError: the table holds features of known photos only."""
        raise self._no_pixels()

    def _no_pixels(self) -> InputError:
        return InputError(
            f"{self._file} holds features of known photos only; choose another encoder for new photos."
        )

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """See Encoder; InputError when no text encoder was named."""
        return self._text_encoder().encode_texts(texts)

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:
        """See Encoder; InputError when no text encoder was named."""
        return self._text_encoder().covers(nouns, progress=progress)

    def _text_encoder(self) -> Encoder:
        if self._text is None:
            raise InputError(
                f"{self._file} holds image features only and no encoder for texts was named; "
                f"write embeddings:{self._file}#ENCODER with the encoder that the features were made with."
            )
        return self._text


def _fault(row: FloatVector) -> str:
    """Why a row cannot be compared with others in float32."""
    if not np.isfinite(row).all():
        return "has NaN or infinity"
    length = float(np.linalg.norm(row.astype(np.float64)))
    if not length:
        return "is all zeros"
    return f"has a length of {length:.0e}; scale the rows to about 1"
