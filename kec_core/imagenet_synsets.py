"""The synsets of ImageNet as timm's files list them; read without importing timm, which would load all of its networks."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from kec_core.errors import ResourceMissing

Subset = Literal["imagenet_synsets.txt", "imagenet22k_synsets.txt"]
CLASSES: Subset = "imagenet_synsets.txt"
"""The 1,000 classes, in the order of a classifier's rows."""
ALL: Subset = "imagenet22k_synsets.txt"
"""The 21,841 synsets of the whole collection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Synset:
    """One synset: ``id`` like "n01440764" (WordNet 3.0), ``words`` like "tench, Tinca tinca", and its definition."""

    id: str
    words: str
    definition: str


def read_synsets(subset: Subset) -> list[Synset]:
    """The synsets of a subset, in its order.

    Raises:
        ResourceMissing: timm is not installed.
    """
    folder = _folder()
    words = _table(folder / "imagenet_synset_to_lemma.txt")
    definitions = _table(folder / "imagenet_synset_to_definition.txt")
    ids = (folder / subset).read_text(encoding="utf-8").splitlines()
    return [Synset(id=one, words=words[one], definition=definitions[one]) for one in ids]


def _folder() -> Path:
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        raise ResourceMissing(
            "The names of the ImageNet classes come with the package timm; run `pip install -r requirements.txt`, which installs it."
        )
    return Path(spec.origin).parent / "data" / "_info"


def _table(file: Path) -> dict[str, str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {row[0]: row[1] for row in csv.reader(lines, delimiter="\t")}
