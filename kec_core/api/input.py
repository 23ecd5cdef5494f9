"""What a notebook gives - photos or features, knowledge in several forms - as the stages take it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, check_matrix, fingerprint, l2_normalize
from kec_core.disk import short
from kec_core.encoders import load_looks
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError, ShapeError
from kec_core.paths import real_path
from kec_core.photos.files import printable
from kec_core.photos.images import ImageRecord, check_images, scan_images
from kec_core.stages import Runner, Stored, embed_photos, embed_second
from kec_core.types import Concept, Knowledge, SkippedImage, concept_id

Photos = str | Path | Sequence[str | Path] | NDArray[Any]
"""A folder, a list of files, or a table of features (N, d)."""
Looks = str | Encoder | NDArray[Any]
"""A second space of looks: its name, an encoder of it, or a table of features (N, d2)."""
_LARGEST = 1e15
"""Rows whose largest number is beyond it, or below its inverse, lose their squares in float32, and all would look the same."""
Names = Sequence[str] | Mapping[str, str]
"""Names of concepts, with or without descriptions."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedPhotos:
    """Photos with their features.

    Attributes:
        stored: raw features and ids, as ``stages.embed_photos`` stores them.
        root: folder of the photos; None for features without photos.
        records: the photos, row by row; empty for features without photos.
        skipped: files that cannot be used, and why.
    """

    stored: Stored
    root: Path | None = None
    records: tuple[ImageRecord, ...] = ()
    skipped: tuple[SkippedImage, ...] = ()

    @property
    def raw(self) -> FloatMatrix:
        """float32 (N, d), as the encoder gave them."""
        features: FloatMatrix = self.stored.arrays["features"]
        return features

    @property
    def files(self) -> tuple[str, ...]:
        """Path of each photo below ``root``, with "/"; the number of the row for features without photos."""
        return tuple(self.stored.data["ids"])


def embed(photos: Photos, encoder: Encoder, runner: Runner) -> EmbeddedPhotos:
    """Photos with their features.

    Args:
        photos: a folder, files, or raw features float32 (N, d) of this encoder.
        encoder: of the features.
        runner: tells progress, and keeps what is made.

    Raises:
        InputError: no sound photo, a file that comes twice, or nothing at all.
        ShapeError: features that are not a finite table of the encoder's width.
    """
    files = as_files(photos)
    if files is None:
        return _features(_as_array(photos), encoder)
    root, names = files
    scan = scan_images(root) if names is None else check_images(root, names)
    stored = embed_photos(runner, scan.images, root, encoder)
    failed = [SkippedImage(**item) for item in stored.data["failed"]]
    kept = set(stored.data["ids"])
    return EmbeddedPhotos(
        stored=stored,
        root=root,
        records=tuple(image for image in scan.images if image.id in kept),
        skipped=tuple(sorted((*scan.skipped, *failed), key=lambda item: item.path)),
    )


def embed_looks(looks: Looks, photos: EmbeddedPhotos, runner: Runner) -> Stored | None:
    """The photos in a second space of looks; None for "", which stands for no second space.

    Args:
        looks: the name of a space, an encoder, or features float32 (N, d2), a row for each of ``photos``.
        photos: those that the first encoder could use.
        runner: tells progress, and keeps what is made.

    Raises:
        InputError: no such space, another number of rows, one of the photos is not in it, or there are no photos to encode.
        ShapeError: features that are not a finite table.
    """
    if isinstance(looks, str) and not looks:
        return None
    if isinstance(looks, np.ndarray) or photos.root is None:
        features = looks_table(looks, len(photos.files))
        nothing = np.zeros(features.shape[1], dtype=np.float32)
        return Stored(
            key=fingerprint("looks", features),
            arrays={"features": features, "mean": nothing},
            data={"name": "", "encoder": ""},
        )
    encoder = load_looks(looks) if isinstance(looks, str) else looks
    return embed_second(runner, photos.records, photos.root, encoder, photos.files)


def looks_table(looks: Looks, n_photos: int) -> FloatMatrix:
    """Looks that came as a table, float32 (N, d2), unit rows.

    Raises:
        InputError: something else came, or another number of rows than photos.
        ShapeError: features that are not a finite table.
    """
    if not isinstance(looks, np.ndarray):
        raise InputError(
            "Features were given instead of photos, so looks should be features too, a row for each; "
            "give a table of them, or give photos."
        )
    features = l2_normalize(check_matrix(looks, "The features of looks"))
    if len(features) != n_photos:
        raise InputError(
            f"A row of looks for each of {n_photos} photos was expected, but {len(features)} rows came; "
            "give one row per photo that can be used."
        )
    return features


def as_files(photos: Photos) -> tuple[Path, list[str] | None] | None:
    """A folder, with the paths below it when files were given; None when it is a table of features.

    Raises:
        InputError: the list is empty, or a file comes twice.
    """
    if isinstance(photos, (str, Path)):
        return as_path(photos), None
    dimensions = getattr(photos, "ndim", None)  # arrays, data frames, sparse tables
    if dimensions not in (None, 1) or (dimensions is None and not isinstance(photos, Sequence)):
        return None
    if not len(photos):
        raise InputError(
            "Photos or features were expected, but nothing came; give a folder, files or a table."
        )
    if not all(isinstance(one, (str, Path)) for one in photos):
        return None
    paths = [_spelled_out(as_path(one)) for one in photos]
    twice = next(
        (path for path, again in zip(sorted(paths), sorted(paths)[1:], strict=False) if path == again), None
    )
    if twice is not None:
        raise InputError(f"Every photo should come once, but {twice} comes twice; leave one of them out.")
    root = Path(os.path.commonpath([path.parent for path in paths]))
    return root, [path.relative_to(root).as_posix() for path in paths]


def as_path(path: str | Path) -> Path:
    """A path in which ~ is the home folder.

    Raises:
        InputError: it is no path.
    """
    if not isinstance(path, (str, Path)) or not str(path):
        raise InputError(
            f"A path was expected, but {path!r} came; give a folder or a file as a text or a Path."
        )
    with suppress(RuntimeError):  # the home of nobody: a name like others
        return Path(path).expanduser()
    return Path(path)


def _spelled_out(path: Path) -> Path:
    """An absolute path without "..", so that one file has one spelling."""
    return real_path(path.parent) / path.name if ".." in path.parts else path.absolute()


def whole(value: Any, what: str, least: int) -> int:  # noqa: ANN401 - whatever a notebook gives
    """A whole number of Python.

    Args:
        value: of any type.
        what: what it is, as the beginning of a sentence.
        least: the smallest that is allowed.

    Raises:
        InputError: it is something else.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if not is_whole or value < least:
        raise InputError(f"{what} should be a whole number of at least {least}, but {value!r} came.")
    return int(value)


def _as_array(table: Any) -> NDArray[Any]:  # noqa: ANN401 - whatever a notebook holds
    try:
        array = np.asarray(table)
    except (
        ValueError,
        TypeError,
        RuntimeError,
    ) as error:  # rows of different lengths, a tensor elsewhere or with gradients
        raise InputError(
            f"A folder, a list of files or a table of numbers was expected, but what came is none ({short(error)}); "
            "give a NumPy array, for example."
        ) from error
    if array.ndim == 0 or array.ndim > 2:  # a sparse table, a generator, pictures
        came = f"an array of shape {array.shape}" if array.ndim else f"{type(table).__name__}"
        raise ShapeError(
            f"A folder, a list of files or a table of numbers was expected, but {came} came; give pictures as files, "
            "and features as a dense array of shape (rows, columns)."
        )
    if np.ma.is_masked(table):
        raise InputError(
            "A table without gaps was expected, but some of its values are masked; fill them or leave their rows out."
        )
    return array


def _in_scale(table: NDArray[Any]) -> NDArray[Any]:
    """The table, multiplied so that float32 holds the squares of its numbers; only directions count.

    Raises:
        InputError: a row is all zeros.
    """
    if table.ndim != 2 or not table.size:
        return table
    most = np.abs(table.astype(np.float64)).max(axis=1)
    if (zeros := np.flatnonzero(most == 0)).size:
        raise InputError(
            f"Each row of features should point somewhere, but row {zeros[0]} is all zeros ({zeros.size:,} of "
            f"{len(table):,} are); drop or recompute that row."
        )
    if np.isfinite(most).all() and (most.max() > _LARGEST or most.min() < 1 / _LARGEST):
        scaled: NDArray[np.float32] = (table / most[:, np.newaxis]).astype(np.float32)
        return scaled
    return table


def _features(table: NDArray[Any], encoder: Encoder) -> EmbeddedPhotos:
    if table.dtype.kind not in "fiub":
        raise InputError(
            f"A folder, a list of files or a table of numbers was expected, but {table.dtype} values came; "
            "give one of the three."
        )
    features = check_matrix(_in_scale(table), "The features", columns=encoder.info.dim)
    if not len(features):
        raise InputError("At least one row of features was expected, but the table is empty.")
    ids = [str(row) for row in range(len(features))]
    data = {"ids": ids, "hashes": ids, "encoder": encoder.info.revision, "failed": []}
    return EmbeddedPhotos(
        stored=Stored(
            key=fingerprint("features", encoder.info.revision, features),
            arrays={"features": features},
            data=data,
        )
    )


def knowledge_of(names: Names) -> Knowledge:
    """Knowledge of nothing but these concepts.

    Raises:
        InputError: no name, an empty one, or one that comes twice in any case.
    """
    if not isinstance(names, Iterable):
        raise InputError(
            f'Knowledge comes from "wordnet" or names of concepts, for example, but {names!r} came.'
        )
    given = names if isinstance(names, Mapping) else list(names)
    described = dict(given) if isinstance(given, Mapping) else dict.fromkeys(_texts(given), "")
    texts = zip(_texts(described), _texts(text or "" for text in described.values()), strict=True)
    cleaned = {" ".join(name.split()): text.strip() for name, text in texts}
    count = len(given)
    if not count or "" in cleaned or len({name.casefold() for name in cleaned}) < count:
        raise InputError(
            f"Different names of concepts were expected, but {list(given)!r} came; give each once, and no empty one."
        )
    return Knowledge(
        concepts=tuple(
            Concept(id=concept_id(number), name=name, description=text, source="user")
            for number, (name, text) in enumerate(cleaned.items(), 1)
        ),
        builder="names",
        last_id=count,
    )


def _texts(names: Iterable[object]) -> list[str]:
    texts: list[str] = []
    for name in names:
        if not isinstance(name, str) or printable(name) != name:
            raise InputError(f"Names of concepts should be texts, but {name!r} came; give names as strings.")
        texts.append(str(name))
    return texts
