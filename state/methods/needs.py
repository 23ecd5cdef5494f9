"""What a project can give to the compared methods, how long they take, and the caption files people bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from kec_core.errors import InputError
from kec_core.methods import METHODS
from kec_core.methods.base import Need
from kec_core.paths import is_file
from kec_core.store import write_atomically
from state.methods.labels import read_captions
from state.methods.results import KeptRow, Preset
from state.project.project import Project
from state.revisions.revisions import Revision
from state.transfer.label_files import labels_from_file

T = TypeVar("T")

_CAPTIONS, _PHOTO_CAPTIONS = "captions.txt", "photo-captions.csv"

SIZES = (1_000, 10_000, 50_000)
SECONDS: Mapping[str, tuple[float, float, float]] = {
    "tac-notrain": (0.5, 6, 84),
    "laic-centres": (0.8, 7, 110),
    "laic": (0.4, 5, 72),
    "cae": (1.3, 10, 80),
    "kec-spectral": (0.1, 3.5, 68),
    "kec-agglomerative": (0.1, 7, 7),
    "sic": (3.4, 29, 195),
    "tac": (15, 22, 143),
    "kec-tac": (15, 18, 85),
    "turtle-tac": (31, 312, 395),
    "turtle-kec": (28, 325, 372),
    "turtle": (16, 171, 178),
}
"""Seconds of one seed at ``SIZES`` photos, preset fast: 512 numbers per photo, one core [M]. A variant ("cae-softmax") takes
what its family does."""
USUAL = (0.4, 4.3, 23)
"""What all others take: k-means and what ends with it."""
FULL = {"turtle": 6.0, "tac": 2.0, "kec-tac": 2.0}
"""How many times longer the preset full takes, where the two differ [M]."""


def has_needs(project: Project, revision: Revision) -> frozenset[Need]:
    """What is there for methods to take, besides photos."""
    labels = project.labels(revision.scan)
    present: dict[Need, bool] = {
        "nouns": True,
        "knowledge": bool(revision.knowledge.concepts),
        "class names": any(label is not None for label in labels),
        "captions": captions_file(project) is not None,
        "photo captions": photo_captions_file(project) is not None,
        "labels": bool(labels) and all(label is not None for label in labels),
    }
    return frozenset(need for need, is_there in present.items() if is_there)


def expected_seconds(name: str, n_images: int, preset: Preset, kept: Sequence[KeptRow] = ()) -> float:
    """Seconds that one seed of a method takes: as measured here before, else a rough guess that grows with the photos.

    Args:
        name: a key of ``METHODS``.
        n_images: photos to cluster.
        preset: of its options.
        kept: rows of this project.
    """
    measured = [k.row.seconds for k in kept if k.row.name == name and k.preset == preset]
    if measured:
        return measured[-1]
    rough = interpolate_seconds(_of(SECONDS, name, USUAL), max(n_images, 1))
    return rough * (_of(FULL, name, 1.0) if preset == "full" and METHODS[name].fast is not None else 1.0)


def interpolate_seconds(seconds: tuple[float, float, float], n_images: int) -> float:
    """Seconds at another number of photos: log-log interpolation between measured sizes, proportional outside."""
    least, most = SIZES[0], SIZES[-1]
    within = float(np.exp(np.interp(np.log(n_images), np.log(SIZES), np.log(seconds))))
    return within * (
        n_images / most if n_images > most else max(n_images, 100) / least if n_images < least else 1
    )


def _of(table: Mapping[str, T], name: str, usual: T) -> T:
    """What a table says of a method, else of its family, the start of its name."""
    return table.get(name, table.get(name.split("-")[0], usual))


def captions_file(project: Project) -> Path | None:
    """The captions this project was given, one per line, or None."""
    return _known(project.folder / _CAPTIONS)


def photo_captions_file(project: Project) -> Path | None:
    """The captions of its photos, CSV with columns file and caption, or None."""
    return _known(project.folder / _PHOTO_CAPTIONS)


def keep_captions(project: Project, content: bytes) -> int:
    """Keep a text file of captions with the project; returns how many it holds.

    Raises:
        InputError: not readable as UTF-8 text, or empty; nothing is kept then.
    """
    return _keep(project.folder / _CAPTIONS, content, lambda path: len(read_captions(path)))


def keep_photo_captions(project: Project, content: bytes) -> int:
    """Keep captions of photos with the project; returns how many photos have one.

    Raises:
        InputError: not such a CSV file, or none of its files is a photo of this project; nothing is kept then.
    """
    root = project.images_root
    if root is None:
        raise InputError("This project has no photos yet; choose their folder first.")
    photos = project.images()

    def count(path: Path) -> int:
        found = len(labels_from_file(path, root, photos, column="caption").labels)
        if not found:
            raise InputError("No photo has a caption in this file; write one line per photo.")
        return found

    return _keep(project.folder / _PHOTO_CAPTIONS, content, count)


def _keep(path: Path, content: bytes, count: Callable[[Path], int]) -> int:
    fresh = path.with_name(f".{path.name}.new")
    try:
        write_atomically(fresh, content)
        found = count(fresh)
        fresh.replace(path)
    except InputError as error:
        raise InputError(str(error).replace(str(fresh), "this file")) from error
    finally:
        fresh.unlink(missing_ok=True)
    return found


def _known(path: Path) -> Path | None:
    return path if is_file(path) else None
