"""Small changes of a knowledge that several edits are made of; each returns a new knowledge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from kec_core.types import (
    BiAttribute,
    Concept,
    Constraint,
    ConstraintKind,
    Group,
    Knowledge,
    UniAttribute,
    attribute_id,
)

_LEAST = {"together": 2, "apart": 2, "assign": 1, "member": 1}
"""Photos that a constraint needs to say anything."""


def with_photos_renamed(
    knowledge: Knowledge, names: Mapping[str, str], *, gone: Collection[str] = ()
) -> Knowledge:
    """The knowledge whose constraints and kept clusters call photos by their new ids.

    A constraint of which too few photos are left is left out.

    Args:
        knowledge: stays as it is.
        names: new image ids by old ones; photos that are not named keep theirs.
        gone: old ids of photos that are left out, since another photo has their id now.
    """

    def renamed(images: Sequence[str]) -> tuple[str, ...]:
        return tuple(names.get(i, i) for i in images if i not in gone)

    constraints = (replace(one, images=renamed(one.images)) for one in knowledge.constraints)
    kept = (replace(one, seeds=renamed(one.seeds)) for one in knowledge.kept)
    return replace(
        knowledge,
        constraints=tuple(one for one in constraints if len(one.images) >= _LEAST[one.kind]),
        kept=tuple(kept),
    )


T = TypeVar("T")
Item = Concept | Group | UniAttribute | BiAttribute
_FIELDS = {Concept: "concepts", Group: "groups", UniAttribute: "uni", BiAttribute: "bi"}


def with_changed(knowledge: Knowledge, changed: Item) -> Knowledge:
    """The knowledge with one item exchanged for its changed self, in its place."""
    name = _FIELDS[type(changed)]
    items: Any = tuple(changed if item.id == changed.id else item for item in getattr(knowledge, name))
    return replace(knowledge, **{name: items})


def with_attributes(knowledge: Knowledge, concept: str, texts: Sequence[str]) -> Knowledge:
    """The knowledge with more uni attributes of one concept, made by the person."""
    numbered, numbers = knowledge.with_new_ids(len(texts))
    fresh = (
        UniAttribute(id=attribute_id(number), concept=concept, text=text)
        for number, text in zip(numbers, texts, strict=True)
    )
    return replace(numbered, uni=(*numbered.uni, *fresh))


def without_concepts(knowledge: Knowledge, ids: Collection[str]) -> Knowledge:
    """The knowledge without some concepts and without all that depends on them."""
    left = replace(knowledge, concepts=tuple(c for c in knowledge.concepts if c.id not in ids))
    return without_traces(left, ids)


def without_traces(knowledge: Knowledge, ids: Collection[str]) -> Knowledge:
    """The knowledge without attributes and assignments of concepts that are gone."""
    return drop_assignments(
        replace(
            knowledge,
            uni=tuple(a for a in knowledge.uni if a.concept not in ids),
            bi=tuple(a for a in knowledge.bi if not set(a.pair) & set(ids)),
        ),
        ids,
    )


def replaced_items(items: Sequence[T], leaves: Callable[[T], bool], arriving: Iterable[T]) -> tuple[T, ...]:
    """Items without those that leave; what arrives stands where the first of them stood."""
    position = next((i for i, item in enumerate(items) if leaves(item)), len(items))
    return (*items[:position], *arriving, *(item for item in items[position:] if not leaves(item)))


def distinct_texts(items: Iterable[T], text: Callable[[T], str]) -> tuple[T, ...]:
    """Items whose texts differ in more than case; the first of each stays."""
    first: dict[str, T] = {}
    for item in items:
        first.setdefault(text(item).casefold(), item)
    return tuple(first.values())


def pair_of(first: str, second: str) -> tuple[str, str]:
    """Two ids in the order a pair attribute stores them."""
    return (first, second) if first < second else (second, first)


def with_constraint(
    knowledge: Knowledge,
    kind: ConstraintKind,
    images: Sequence[str],
    concept: str = "",
    cluster: int | None = None,
) -> Knowledge:
    """The knowledge with one more constraint on photos."""
    numbered, (number,) = knowledge.with_new_ids(1)
    constraint = Constraint(
        id=f"k{number:03d}", kind=kind, images=tuple(images), concept=concept, cluster=cluster
    )
    return replace(numbered, constraints=(*numbered.constraints, constraint))


def assign_images(knowledge: Knowledge, concept: str, images: Sequence[str]) -> Knowledge:
    """The knowledge with photos assigned to a concept; they leave the concept or cluster they were put into before."""
    if not images:
        return knowledge
    return with_constraint(released_images(knowledge, images), "assign", images, concept)


def put_images(knowledge: Knowledge, cluster: int, images: Sequence[str]) -> Knowledge:
    """The knowledge with photos put into a kept cluster; they leave the concept or cluster they were put into before."""
    if not images:
        return knowledge
    return with_constraint(released_images(knowledge, images), "member", images, cluster=cluster)


def released_images(knowledge: Knowledge, images: Sequence[str]) -> Knowledge:
    """The knowledge with photos that were put into no concept and no cluster."""
    taken = set(images)
    freed = []
    for constraint in knowledge.constraints:
        left = tuple(image for image in constraint.images if image not in taken)
        if constraint.kind not in ("assign", "member") or left == constraint.images:
            freed.append(constraint)
        elif left:
            freed.append(replace(constraint, images=left))
    return replace(knowledge, constraints=tuple(freed))


def move_assignments(knowledge: Knowledge, old: Collection[str], new: str) -> Knowledge:
    """The knowledge with the photos of some concepts assigned to another."""
    moved = (replace(c, concept=new) if c.concept in old else c for c in knowledge.constraints)
    return replace(knowledge, constraints=tuple(moved))


def drop_assignments(knowledge: Knowledge, concepts: Collection[str]) -> Knowledge:
    """The knowledge with no photos assigned to these concepts."""
    return replace(
        knowledge, constraints=tuple(c for c in knowledge.constraints if c.concept not in concepts)
    )
