"""What a project can give to the compared methods, how long they take, and the caption files people bring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from kec_core.errors import InputError
from kec_core.methods import METHODS
from kec_core.methods.base import Need
from kec_core.store import write_atomically
from state.label_files import labels_from_csv
from state.method_labels import read_captions
from state.method_results import KeptRow, Preset
from state.project import Project
from state.revisions import Revision

_CAPTIONS, _PHOTO_CAPTIONS = "captions.txt", "photo-captions.csv"

SECONDS = {"cae": 5.0, "sic": 100.0, "tac": 60.0, "kec-tac": 60.0, "turtle": 100.0, "laic-centres": 3.0}
"""Rough seconds of one seed for 1,000 photos on two cores, preset fast, by method or by the start of its name; others
take about a second [M]."""
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
    rough = _of(SECONDS, name, 1.0) * max(n_images, 100) / 1000
    return rough * (_of(FULL, name, 1.0) if preset == "full" and METHODS[name].fast is not None else 1.0)


def _of(table: dict[str, float], name: str, usual: float) -> float:
    exact = table.get(name)
    if exact is not None:
        return exact
    family = name.split("-")[0]
    return table.get(family, usual) if name != "tac-notrain" else usual


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
        found = len(labels_from_csv(path, root, photos, column="caption"))
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
    return path if path.is_file() else None
