"""The fallback for a machine without WordNet: the ImageNet synsets with lemmas and definitions that timm ships."""

from __future__ import annotations

import numpy as np

from kec_core.imagenet_synsets import ALL, CLASSES, read_synsets
from kec_core.links import make_links
from kec_core.wndb import NO_LEXFILE, RELATIONS, NounTable

NOTICE = (
    "Words and definitions of the ImageNet synsets come from WordNet 3.0, Copyright 2006 by Princeton University. "
    "All rights reserved."
)


def read_timm() -> NounTable:
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
