"""Names that a knowledge has already, or has almost: a warning before a concept is added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kec_core.arrays import l2_normalize
from kec_core.encoders.base import TextEncoder
from kec_core.types import Knowledge

ALIKE = 0.9
"""Cosine of two names' text features from which they read alike: synonyms reach 0.93 to 0.98 [M]."""


def concepts_named_like(names: Sequence[str], knowledge: Knowledge, encode: TextEncoder) -> tuple[str, ...]:
    """For every name the id of the concept that is named like it, "" where there is none.

    The same name, in any case, goes before one that only reads alike.
    """
    if not names or not knowledge.concepts:
        return ("",) * len(names)
    same = {concept.name.casefold(): concept.id for concept in reversed(knowledge.concepts)}
    known = l2_normalize(encode([concept.text for concept in knowledge.concepts]))
    likeness = l2_normalize(encode(list(names))) @ known.T
    nearest = likeness.argmax(axis=1)
    alike = likeness[np.arange(len(names)), nearest] >= ALIKE
    return tuple(
        same.get(name.casefold(), knowledge.concepts[nearest[row]].id if alike[row] else "")
        for row, name in enumerate(names)
    )
