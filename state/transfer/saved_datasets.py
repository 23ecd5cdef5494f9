"""Hugging Face datasets saved on disk (``save_to_disk``, Arrow): their rows, and their pictures as photos."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.paths import is_file
from kec_core.photos.formats import HEAD_BYTES, is_photo
from kec_core.types import SkippedImage
from state.transfer.photo_folder import (
    Ingested,
    none_usable,
    path_parts,
    safe_path,
    take,
    why_not,
    writing_to,
)

_STATE, _INFO, _SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
NAMES = ("file", "file_name")
"""Columns that name photos, the first that is there."""
_ABSOLUTE = re.compile(r"[/\\]+[^/\\]|[A-Za-z]:[/\\]+[^/\\]")


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder is what ``save_to_disk`` wrote."""
    return any(is_file(path / name) for name in (_STATE, _SPLITS))


def splits_of(path: Path) -> list[Path]:
    """The folders of the splits of a dataset; itself where it has none.

    Raises:
        InputError: the list of splits cannot be read.
    """
    if not is_file(path / _SPLITS):
        return [path]
    try:
        return [
            path / str(name) for name in json.loads((path / _SPLITS).read_text(encoding="utf-8"))["splits"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path / _SPLITS, error) from error


def features_of(split: Path) -> dict[str, Any]:
    """What the columns of a split hold, by their name.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return dict(json.loads((split / _INFO).read_text(encoding="utf-8"))["features"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(split, error) from error


def rows_of(split: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a split, a part of it in memory at a time.

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    import pyarrow as pa

    try:
        for file in json.loads((split / _STATE).read_text(encoding="utf-8"))["_data_files"]:
            with pa.memory_map(str(split / file["filename"])) as content:
                for batch in pa.ipc.open_stream(content):
                    yield from batch.select(list(columns)).to_pylist()
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _unreadable(split, error) from error


def photo_names(dataset: Path) -> dict[Path, list[str]]:
    """What the photo of each row of each split is called: as the row tells where no other does, else by the row's number.

    Of a path on the machine that made the dataset the last part counts.

    Raises:
        InputError: it cannot be read.
    """
    told = {split: _told_names(split) for split in splits_of(dataset)}
    differing = _differing(told)
    return {split: _unique_names(split, names, differing) for split, names in told.items()}


def _unique_names(split: Path, told: Sequence[str], differing: Container[str]) -> list[str]:
    count = Counter(told)
    return [
        name
        if name and count[name] == 1 and name not in differing
        else f"{split.name}/{row:09}{PurePosixPath(name).suffix}"
        for row, name in enumerate(told)
    ]


def _differing(told: Mapping[Path, Sequence[str]]) -> set[str]:
    """Names that several splits tell of different pictures; the same picture in several splits is one photo."""
    splits = Counter(name for names in told.values() for name in set(names))
    pictures: dict[str, set[bytes]] = {name: set() for name, count in splits.items() if count > 1}
    for split, names in told.items() if pictures else ():
        for name, content in zip(names, _contents(split), strict=False):
            if name in pictures:
                pictures[name].add(sha256(content).digest())
    return {name for name, found in pictures.items() if len(found) > 1}


def _told_names(split: Path) -> list[str]:
    column = naming_column(features_of(split))
    if column is None:
        return []
    told = (_told_name(row[column]) for row in rows_of(split, [column]))
    return [path_parts(name)[-1] if _ABSOLUTE.match(name) else name for name in told]


def naming_column(features: Mapping[str, Any]) -> str | None:
    """The column that names photos: one of names, else of pictures, else one that is called so."""
    named = next((name for name in NAMES if name in features), None)
    return named or _picture_column(features) or ("image" if "image" in features else None)


def _picture_column(features: Mapping[str, Any]) -> str | None:
    return next((name for name, kind in features.items() if _is_image(kind)), None)


def unpack_dataset(dataset: Path, folder: Path) -> Ingested:
    """Write the pictures of a dataset below ``folder``: all that are sound, or none when it fails half-way.

    Args:
        dataset: see ``is_saved_dataset``.
        folder: the photo folder, made if missing; existing files are never overwritten.

    Raises:
        InputError: it cannot be read, or has no column of pictures, or no usable picture.
        StoreError: the disk is full or not writable.
    """
    skipped: list[SkippedImage] = []
    with writing_to(folder) as staging:
        staged = []
        for number, (split, names) in enumerate(photo_names(dataset).items()):
            for row, (name, content) in enumerate(zip(names, _pictures(split), strict=True)):
                if why := why_not(name) or _why_no_picture(name, content):
                    skipped.append(SkippedImage(path=name, reason=why))
                else:
                    file = staging / f"{number}-{row}"
                    file.write_bytes(content)
                    staged.append((file, safe_path(name)))
        if not staged:
            raise InputError(none_usable(skipped, Counter()))
        return take(staged, folder, skipped)


def _pictures(split: Path) -> Iterator[bytes]:
    """The bytes of every picture of a split; b"" where the dataset holds none."""
    features = features_of(split)
    if _picture_column(features) is None:
        raise InputError(
            f"A dataset with a column of pictures (Image) was expected, but {split} has {', '.join(features) or 'none'}; "
            "choose another one."
        )
    yield from _contents(split)


def _contents(split: Path) -> Iterator[bytes]:
    """The same; nothing for a split without a column of pictures."""
    column = _picture_column(features_of(split))
    if column is None:
        return
    for row in rows_of(split, [column]):
        picture = row[column]
        yield (picture.get("bytes") if isinstance(picture, dict) else picture) or b""


def _told_name(value: object) -> str:
    """The name of a photo in a cell: the path of a picture, or the text itself."""
    found = value.get("path") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _is_image(kind: object) -> bool:
    return isinstance(kind, dict) and kind.get("_type") == "Image"


def _why_no_picture(name: str, content: bytes) -> str:
    if not content:
        return "the dataset holds no picture of it, at most a path; choose the folder of the pictures"
    return "" if is_photo(PurePosixPath(name).name, content[:HEAD_BYTES]) else "its content is no photo"


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} should be a dataset saved on disk (Hugging Face), but cannot be read ({type(error).__name__}: "
        f"{short(error)}); save it again with save_to_disk."
    )
