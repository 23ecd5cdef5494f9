"""The synsets of ImageNet as timm's files list them, the fallback for a machine without WordNet.

Read without importing timm, which would load all of its networks.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from kec_core.errors import ResourceMissing
from kec_core.wordnet.table import NO_LEXFILE, RELATIONS, NounTable, make_links

NOTICE = (
    "Words and definitions of the ImageNet synsets come from WordNet 3.0, Copyright 2006 by Princeton University. "
    "All rights reserved."
)

Subset = Literal["imagenet_synsets.txt", "imagenet22k_synsets.txt"]
CLASSES: Subset = "imagenet_synsets.txt"
"""The 1,000 classes, in the order of a classifier's rows."""
ALL: Subset = "imagenet22k_synsets.txt"
"""The 21,841 synsets of the whole collection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNetSynset:
    """One synset: ``id`` like "n01440764" (WordNet 3.0), ``words`` like "tench, Tinca tinca", and its definition."""

    id: str
    words: str
    definition: str


def read_synsets(subset: Subset) -> list[ImageNetSynset]:
    """The synsets of a subset, in its order.

    Raises:
        ResourceMissing: timm is not installed.
    """
    folder = _folder()
    words = _table(folder / "imagenet_synset_to_lemma.txt")
    definitions = _table(folder / "imagenet_synset_to_definition.txt")
    ids = (folder / subset).read_text(encoding="utf-8").splitlines()
    return [ImageNetSynset(id=one, words=words[one], definition=definitions[one]) for one in ids]


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


def read_imagenet() -> NounTable:
    """The synsets of ImageNet, about 21,800; ids are WordNet 3.0 offsets, and there are no relations."""
    # One of the 1,000 classes is not among the 21,841 synsets.
    known = {one.id: one for one in [*read_synsets(ALL), *read_synsets(CLASSES)]}
    entries = [(int(one[1:]), known[one].words.split(", "), known[one].definition) for one in sorted(known)]
    return table_without_relations(entries)


def table_without_relations(entries: list[tuple[int, list[str], str]]) -> NounTable:
    """A table of (offset, words, gloss) in ascending order of offsets; senses are in that order too."""
    senses: dict[str, list[int]] = {}
    for row, (_, words, _) in enumerate(entries):
        for word in words:
            senses.setdefault(word.lower(), []).append(row)
    return NounTable(
        offsets=np.array([offset for offset, _, _ in entries], dtype=np.int32),
        lexfiles=np.full(len(entries), NO_LEXFILE, dtype=np.uint8),
        words=["|".join(words) for _, words, _ in entries],
        glosses=[gloss for _, _, gloss in entries],
        examples=[""] * len(entries),
        links={name: make_links([()] * len(entries)) for name in RELATIONS.values()},
        below=np.zeros(len(entries), dtype=np.int32),
        lemmas=sorted(senses),
        senses=make_links(senses[lemma] for lemma in sorted(senses)),
        common=np.ones(len(senses), dtype=np.bool_),
        licence=NOTICE,
    )
