"""Image features that were computed elsewhere, read from a file; texts by an encoder of the person's choice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.config import PHOTO, EncoderDefaults
from kec_core.encoders.base import Encoder, EncoderInfo, Pixels
from kec_core.encoders.tables import read_table
from kec_core.errors import InputError
from kec_core.types import Noun

if TYPE_CHECKING:
    from PIL import Image


def load_readymade(file: Path, text: Encoder | None) -> ReadymadeEncoder:
    """Read image features from ``.npy``, ``.npz`` or ``.parquet`` (see ``tables.read_table``).

    Args:
        file: N rows of width d; with or without the names of the photos.
        text: the encoder whose texts share the space of the features; without one there is no knowledge, only images.

    Raises:
        InputError: the file is not usable, or the text encoder's width is not the file's.
    """
    features, ids = read_table(file)
    if text is not None and text.info.dim != features.shape[1]:
        raise InputError(
            f"{file} has features of width {features.shape[1]}, but {text.info.caption} gives texts of width "
            f"{text.info.dim}; name the encoder that the features were made with."
        )
    return ReadymadeEncoder(file, features, ids, text)


class ReadymadeEncoder:
    """Gives each photo the row that a file holds for it."""

    def __init__(
        self, file: Path, features: FloatMatrix, ids: tuple[str, ...] | None, text: Encoder | None
    ) -> None:
        """See ``load_readymade``; ``ids`` None: rows are in the order of the photos."""
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        self._file = file
        self._features = features
        self._row_of = {name: row for row, name in enumerate(ids)} if ids is not None else None
        self._text = text
        self._info = EncoderInfo(
            name=f"embeddings:{file}" + (f"#{text.info.name}" if text else ""),
            dim=features.shape[1],
            defaults=text.info.defaults if text else EncoderDefaults(),
            caption=f"{file.name}, texts by {text.info.caption}" if text else file.name,
            revision=fingerprint("embeddings", digest, text.info.revision if text else ""),
            image_side=0,
            noun_templates=text.info.noun_templates if text else PHOTO,
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    def features_of(self, paths: Sequence[Path]) -> tuple[FloatMatrix, tuple[str, ...]]:
        """The rows of photos, by name when the file names them, else by order.

        Returns:
            Raw float32 (n_found, d), and for each photo "" or why it has no row.

        Raises:
            InputError: the file has no names and another number of rows, or a name fits two photos.
        """
        if self._row_of is None:
            if len(paths) != len(self._features):
                raise InputError(
                    f"{self._file} has {len(self._features)} rows without names, but there are {len(paths)} photos; "
                    "give one row per photo in the order of their paths, or a file that names them."
                )
            return self._features, ("",) * len(paths)
        rows = [self._row(path) for path in paths]
        self._refuse_shared_rows(paths, rows)
        found = [row for row in rows if row is not None]
        return self._features[found], tuple(
            "" if row is not None else f"{self._file.name} has no row for it" for row in rows
        )

    def _row(self, path: Path) -> int | None:
        assert self._row_of is not None
        return next((self._row_of[name] for name in _names(path) if name in self._row_of), None)

    def _refuse_shared_rows(self, paths: Sequence[Path], rows: Sequence[int | None]) -> None:
        first: dict[int, Path] = {}
        for path, row in zip(paths, rows, strict=True):
            if row is not None and first.setdefault(row, path) != path:
                raise InputError(
                    f"Row {row} of {self._file} fits two photos, {first[row]} and {path}; name photos by their path "
                    "relative to the photo folder."
                )

    def preprocess(self, image: Image.Image) -> Pixels:  # noqa: ARG002 - the protocol asks for it
        """Not possible: InputError."""
        raise self._no_pixels()

    def encode_images(self, pixels: Pixels) -> FloatMatrix:  # noqa: ARG002 - the protocol asks for it
        """Not possible: InputError."""
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


def _names(path: Path) -> Iterator[str]:
    """What a file may call a photo, most telling first: ever shorter ends of its path, with and without suffix."""
    parts = path.parts
    for start in range(len(parts)):
        name = "/".join(parts[start:]) if start else path.as_posix()
        yield name
        yield name.removesuffix(path.suffix)
