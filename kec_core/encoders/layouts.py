"""Features as other tools lay them out: folders of clip-retrieval, samples of FiftyOne."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kec_core.array_files import read_array
from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.paths import is_file, is_folder

SAMPLES: Final = "samples.json"
"""The samples of an exported ``FiftyOneDataset``."""
_COPIES: Final = "data/"
"""Where FiftyOne puts copies of photos."""
_IMAGES, _METADATA, _PATH = "img_emb", "metadata", "image_path"
_USUAL_FIELDS: Final = ("embedding", "embeddings", "clip_embeddings", "features", "vector")
_LEAST_WIDTH = 2
_MOST_BYTES = 1 << 24
"""Of one vector, unpacked: what is larger is no vector of features."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedRows:
    """What a layout holds.

    Attributes:
        features: numbers (N, d).
        names: N names of photos.
        sources: the files it was read from.
    """

    features: NDArray[Any]
    names: Sequence[str]
    sources: tuple[Path, ...]


def is_layout(path: Path) -> bool:
    """Whether features are laid out as a tool does: a folder of theirs, or a JSON file."""
    return path.suffix.lower() == ".json" or (
        is_folder(path) and (is_folder(path / _IMAGES) or is_file(path / SAMPLES))
    )


def read_layout(path: Path) -> NamedRows:
    """Read features and names of photos.

    From a folder of clip-retrieval (``img_emb/*.npy`` with ``metadata/*.parquet``), or from samples of FiftyOne (an
    exported dataset, or its JSON).

    Raises:
        InputError: files or rows do not fit together, names are missing, or it has no features.
    """
    if is_folder(path) and is_folder(path / _IMAGES):
        return _clip_retrieval(path)
    return _fiftyone(path / SAMPLES if is_folder(path) else path)


def _clip_retrieval(folder: Path) -> NamedRows:
    tables, metadata = _numbered(folder / _IMAGES, ".npy"), _numbered(folder / _METADATA, ".parquet")
    if not tables:
        raise InputError(
            f"{folder / _IMAGES} should hold .npy files of clip-retrieval, but has none; export it again."
        )
    if tables.keys() != metadata.keys():
        alone = sorted(tables.keys() ^ metadata.keys())[0]
        has, lacks = (tables, f"{_METADATA}/*.parquet") if alone in tables else (metadata, f"{_IMAGES}/*.npy")
        raise InputError(
            f"Every part of {folder} should have features and metadata, but {has[alone].name} has no {lacks} of its "
            "number; run clip-retrieval with --enable_metadata True."
        )
    features: list[NDArray[Any]] = []
    names: list[str] = []
    for number, file in sorted(tables.items()):
        rows, found = _rows(file), _paths(metadata[number])
        if rows.ndim != 2 or len(rows) != len(found):
            raise InputError(
                f"{file} should have one row per row of {metadata[number].name}, but its shape is {rows.shape} for "
                f"{len(found)} rows; export both again."
            )
        features.append(rows)
        names += found
    widths = {rows.shape[1] for rows in features}
    if len(widths) > 1:
        raise InputError(
            f"All tables of {folder / _IMAGES} should be of one width, but {sorted(widths)} came; export again."
        )
    sources = (*(tables[n] for n in sorted(tables)), *(metadata[n] for n in sorted(metadata)))
    return NamedRows(features=np.concatenate(features), names=names, sources=sources)


def _rows(file: Path) -> NDArray[Any]:
    try:
        return read_array(file)
    except ValueError as error:
        raise InputError(f"{file} cannot be read ({short(error)}); export it again.") from error


def _numbered(folder: Path, suffix: str) -> dict[int, Path]:
    """The files of a folder by the number at the end of their names: img_emb_0.npy belongs to metadata_0.parquet."""
    files = sorted(folder.glob(f"*{suffix}")) if is_folder(folder) else []
    numbered: dict[int, Path] = {}
    for file in files:
        found = re.search(r"(\d+)$", file.stem)
        number = int(found[1]) if found else 0
        if number in numbered:
            raise InputError(
                f"Every part of {folder} should have a number of its own, but {numbered[number].name} and {file.name} are "
                f"both number {number}; move one of them away."
            )
        numbered[number] = file
    return numbered


def _paths(file: Path) -> list[str]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(file)
    if _PATH not in table.column_names:
        raise InputError(
            f"{file} should name the photos in a column {_PATH!r}, but has {', '.join(table.column_names)}; export it again."
        )
    return [str(path or "") for path in table.column(_PATH).to_pylist()]


def _fiftyone(file: Path) -> NamedRows:
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise InputError(f"{file} is no list of samples ({short(error)}); export it again.") from error
    samples = document.get("samples") if isinstance(document, dict) else document
    if not isinstance(samples, list) or not all(isinstance(s, dict) and "filepath" in s for s in samples):
        raise InputError(
            f"{file} should be samples of FiftyOne, each with a filepath, but is something else; "
            "export the dataset as fo.types.FiftyOneDataset."
        )
    field = _field(file, samples)
    used = [sample for sample in samples if sample.get(field) is not None]
    rows = [_vector(file, str(sample["filepath"]), sample[field]) for sample in used]
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    odd = next((s["filepath"] for s, row in zip(used, rows, strict=True) if len(row) != width), None)
    if odd is not None:
        raise InputError(
            f"All vectors of the field {field!r} of {file} should have {width} numbers, but that of {odd!r} has others; "
            "compute them again with one model."
        )
    names = [photo_of_sample(file.parent, str(sample["filepath"])) for sample in used]
    return NamedRows(features=np.stack(rows), names=names, sources=(file,))


def photo_of_sample(folder: Path, filepath: str) -> str:
    """Where the photo of a FiftyOne sample lies; a copy lies in the folder that was exported to."""
    return str(folder.absolute() / filepath) if filepath.startswith(_COPIES) else filepath


def _field(file: Path, samples: Sequence[Mapping[str, Any]]) -> str:
    """The field that holds vectors: a usual name, or the only one."""
    fields = list(dict.fromkeys(name for s in samples for name, value in s.items() if _is_vector(value)))
    named = [name for name in _USUAL_FIELDS if name in fields] or fields
    if not fields or (len(named) > 1 and named == fields and named[0] not in _USUAL_FIELDS):
        raise InputError(
            f"{file} should have one field of embeddings, or one called {_USUAL_FIELDS[0]!r}, but has "
            f"{', '.join(fields) or 'none'}; compute_visualization and the like keep none, "
            "store them with compute_embeddings(model, embeddings_field='embedding')."
        )
    return named[0]


def _is_vector(value: object) -> bool:
    if isinstance(value, list):
        return len(value) >= _LEAST_WIDTH and all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in value
        )
    return isinstance(value, dict) and "$binary" in value


def _vector(file: Path, name: str, value: Any) -> NDArray[np.float32]:  # noqa: ANN401 - JSON
    """A list of numbers, or an array of numpy that was compressed and written in Base64."""
    try:
        if not _is_vector(value):
            raise ValueError(f"a {type(value).__name__} is no vector")
        if isinstance(value, list):
            return np.asarray(value, dtype=np.float32)
        packed = value["$binary"]
        text = packed["base64"] if isinstance(packed, dict) else packed
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        row = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        if row.ndim != 1 or row.dtype.kind not in "fiu":
            raise ValueError(f"it has the shape {row.shape} of {row.dtype}")
        return np.asarray(row, dtype=np.float32)
    except (ValueError, KeyError, TypeError, OverflowError, EOFError, zlib.error, binascii.Error) as error:
        raise InputError(
            f"The embedding of {name!r} in {file} cannot be read ({short(error)}); export the dataset again."
        ) from error
