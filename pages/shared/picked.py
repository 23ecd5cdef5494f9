"""What the person has picked: one selection, shared by table, map and galleries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

Way = Literal["replace", "add", "subtract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Photos by image id and concepts by concept id, in the order they were picked; never twice."""

    images: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.images or self.concepts)

    def with_images(self, ids: Iterable[str], way: Way = "replace") -> Self:
        """Other photos instead, more of them, or fewer."""
        return replace(self, images=_changed(self.images, ids, way))

    def with_concepts(self, ids: Iterable[str], way: Way = "replace") -> Self:
        """Other concepts instead, more of them, or fewer."""
        return replace(self, concepts=_changed(self.concepts, ids, way))

    def inverted(self, every: Sequence[str]) -> Self:
        """All photos that are not picked; ``every`` is all of them in row order."""
        picked = set(self.images)
        return replace(self, images=tuple(one for one in every if one not in picked))


def _changed(old: tuple[str, ...], ids: Iterable[str], way: Way) -> tuple[str, ...]:
    if way == "subtract":
        gone = set(ids)
        return tuple(one for one in old if one not in gone)
    return tuple(dict.fromkeys([*old, *ids] if way == "add" else ids))
