"""The paper's image sets as folders train/CLASS and test/CLASS, fetched through torchvision where it has them (methods.md 8.3)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from kec_core.arrays import Progress
from kec_core.errors import InputError, ResourceMissing

Item = tuple[Any, str]
"""A photo, as a path or a PIL image, and its class."""
Parts = dict[str, Iterable[Item]]
"""Photos of "train" and of "test"."""

DONE = "complete"
"""A file of this name says that a folder holds the whole set."""


def fetch(name: str, root: Path, progress: Progress) -> Path:
    """The folder of one of the paper's sets, fetched and laid out if it is not there yet.

    Args:
        name: a key of ``SETS``.
        root: folder of all sets; torchvision keeps its downloads below it too.
        progress: told per photo; may raise Cancelled.

    Raises:
        InputError: not one of the sets that torchvision has.
        ResourceMissing: it could not be downloaded or read.
    """
    if name not in SETS:
        raise InputError(
            f"Unknown or unavailable set {name!r}; torchvision has these sets of the paper: {', '.join(SETS)}."
        )
    folder = root / name
    if (folder / DONE).is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    downloads = root / "torchvision" / name
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        parts = SETS[name](downloads)
        for part, items in parts.items():
            _lay_out(folder / part, items, progress)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        raise ResourceMissing(
            f"The set {name!r} could not be fetched through torchvision ({_first_line(error)}); connect this machine "
            f"to the internet, or put the files where torchvision expects them below {downloads}, and run again."
        ) from error
    (folder / DONE).touch()
    return folder


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _lay_out(folder: Path, items: Iterable[Item], progress: Progress) -> None:
    """One file per photo below a folder per class: linked or copied as it is, or written without loss."""
    for number, (photo, label) in enumerate(items):
        progress(number, number + 1, f"Laying out photos of {folder.parent.name}/{folder.name}")
        place = folder / label.replace("/", " ").strip()
        place.mkdir(parents=True, exist_ok=True)
        if isinstance(photo, Path):
            _link(photo, place / f"{number:06d}{photo.suffix.lower()}")
        else:
            photo.save(place / f"{number:06d}.png")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without hard links
        shutil.copyfile(source, target)


def _items(dataset: Any, names: list[str] | None = None) -> Iterator[Item]:  # noqa: ANN401 - torchvision has no types
    """Photos and class names of a torchvision set."""
    classes: list[str] = names if names is not None else list(dataset.classes)
    for row in range(len(dataset)):
        photo, label = dataset[row]
        yield photo, classes[int(label)]


def _by_split(name: str, splits: dict[str, tuple[str, ...]], **options: Any) -> Callable[[Path], Parts]:  # noqa: ANN401
    """A set whose class takes ``split=``; several of its splits may make one part."""

    def make(root: Path) -> Parts:
        from torchvision import datasets

        kind = getattr(datasets, name)
        return {
            part: (
                item
                for split in several
                for item in _items(kind(root, split=split, download=True, **options))
            )
            for part, several in splits.items()
        }

    return make


def _by_train(name: str) -> Callable[[Path], Parts]:
    """A set whose class takes ``train=``."""

    def make(root: Path) -> Parts:
        from torchvision import datasets

        kind = getattr(datasets, name)
        return {part: _items(kind(root, train=part == "train", download=True)) for part in ("train", "test")}

    return make


def _eurosat(root: Path) -> Parts:
    """1,000 train and 500 test photos per class, drawn with NumPy's seed 42."""
    import numpy as np
    from torchvision.datasets import EuroSAT

    dataset = EuroSAT(root, download=True, loader=Path)
    labels = np.array(dataset.targets)
    rng = np.random.RandomState(42)
    drawn = [rng.permutation(np.flatnonzero(labels == label))[:1500] for label in range(len(dataset.classes))]
    return {
        "train": (_item(dataset, row) for rows in drawn for row in rows[:1000]),
        "test": (_item(dataset, row) for rows in drawn for row in rows[1000:]),
    }


def _item(dataset: Any, row: int) -> Item:  # noqa: ANN401 - torchvision has no types
    photo, label = dataset[int(row)]
    return photo, str(dataset.classes[label])


def _clevr(root: Path) -> Parts:
    """2,500 training scenes drawn with seed 42, the first 2,000 to train on; the class is the number of objects."""
    import random

    from torchvision.datasets import CLEVRClassification

    dataset = CLEVRClassification(root, split="train", download=True, loader=Path)
    rows = random.Random(42).sample(range(len(dataset)), 2500)
    scenes = [(photo, f"{count} objects") for photo, count in (dataset[row] for row in rows)]
    return {"train": scenes[:2000], "test": scenes[2000:]}


def _gtsrb(root: Path) -> Parts:
    """Traffic signs; torchvision gives numbers for classes."""
    from torchvision.datasets import GTSRB

    names = [f"traffic sign {number}" for number in range(43)]
    return {part: _items(GTSRB(root, split=part, download=True), names) for part in ("train", "test")}


SETS: dict[str, Callable[[Path], Parts]] = {
    "cifar10": _by_train("CIFAR10"),
    "cifar100": _by_train("CIFAR100"),
    "stl10": _by_split("STL10", {"train": ("train",), "test": ("test",)}),
    "dtd": _by_split("DTD", {"train": ("train", "val"), "test": ("test",)}, loader=Path),
    "food101": _by_split("Food101", {"train": ("train",), "test": ("test",)}, loader=Path),
    "cars": _by_split("StanfordCars", {"train": ("train",), "test": ("test",)}, loader=Path),
    "aircraft": _by_split("FGVCAircraft", {"train": ("trainval",), "test": ("test",)}, loader=Path),
    "pets": _by_split("OxfordIIITPet", {"train": ("trainval",), "test": ("test",)}),
    "flowers": _by_split("Flowers102", {"train": ("train", "val"), "test": ("test",)}, loader=Path),
    "mnist": _by_train("MNIST"),
    "eurosat": _eurosat,
    "gtsrb": _gtsrb,
    "pcam": _by_split("PCAM", {"train": ("train", "val"), "test": ("test",)}),
    "clevr": _clevr,
    "sst": _by_split("RenderedSST2", {"train": ("train", "val"), "test": ("test",)}, loader=Path),
}
"""The paper's sets that torchvision can fetch. The others (ImageNet, SUN397's partition, Resisc45, UCF101's frames,
HatefulMemes) can be laid out by hand as train/CLASS and test/CLASS and given to ``kec bench table``."""
