"""The photos that a knowledge names, when their files have moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kec_core.types import Knowledge


def with_photos_renamed(knowledge: Knowledge, names: Mapping[str, str]) -> Knowledge:
    """The knowledge whose constraints and kept clusters call photos by their new ids.

    Args:
        knowledge: stays as it is.
        names: new image ids by old ones; photos that are not named keep theirs.
    """
    constraints = (
        replace(one, images=tuple(names.get(i, i) for i in one.images)) for one in knowledge.constraints
    )
    kept = (replace(one, seeds=tuple(names.get(i, i) for i in one.seeds)) for one in knowledge.kept)
    return replace(knowledge, constraints=tuple(constraints), kept=tuple(kept))
