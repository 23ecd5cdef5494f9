"""What differs between two versions of the knowledge, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from kec_core.knowledge.edit_base import cluster_name, quoted
from kec_core.types import BiAttribute, Concept, Constraint, Group, Knowledge, UniAttribute
from kec_core.wording import counted


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Identified)
Say = Callable[[Item, Knowledge], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One item that is only in the new version, only in the old, or not the same in both.

    Attributes:
        id: the id of the item; "" for a setting.
        words: what it is or how it changed, as a phrase for the person.
    """

    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeDiff:
    """All differences between an old and a new version.

    Attributes:
        added, removed, changed: of concepts, attributes, groups and constraints, in the order of the knowledge.
        settings: guidance, number of clusters and weight.
    """

    added: tuple[Difference, ...] = ()
    removed: tuple[Difference, ...] = ()
    changed: tuple[Difference, ...] = ()
    settings: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.settings)

    def sentence(self) -> str:
        """How much differs, for a list of versions."""
        counts = {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed) + len(self.settings),
        }
        parts = [f"{count} {word}" for word, count in counts.items() if count]
        return ", ".join(parts) if parts else "no difference"


def diff(old: Knowledge, new: Knowledge) -> KnowledgeDiff:
    """What a person would have to do to get from ``old`` to ``new``; the order of items does not count."""
    parts = (
        _compare(old.concepts, new.concepts, old, new, _say_concept, _concept_changes),
        _compare(old.uni, new.uni, old, new, _say_uni, _uni_changes),
        _compare(old.bi, new.bi, old, new, _say_bi, _bi_changes),
        _compare(old.groups, new.groups, old, new, _say_group, _group_changes),
        _compare(
            old.constraints, new.constraints, old, new, _say_constraint, _constraint_changes, anew=False
        ),
    )
    return KnowledgeDiff(
        added=tuple(item for part in parts for item in part.added),
        removed=tuple(item for part in parts for item in part.removed),
        changed=tuple(item for part in parts for item in part.changed),
        settings=_settings(old, new),
    )


def _compare(
    old_items: Sequence[Item],
    new_items: Sequence[Item],
    old: Knowledge,
    new: Knowledge,
    say: Say[Item],
    changes: Callable[[Item, Item, Knowledge, Knowledge], Iterable[str]],
    *,
    anew: bool = True,
) -> KnowledgeDiff:
    """Match items by id; ``say`` words one item, ``changes`` words each difference of two.

    A rebuild makes ``anew`` what it finds again: an item that went and one that came under the same words are one.
    """
    found = {item.id: item for item in old_items}
    before = {item.id: found[item.id] for item in new_items if item.id in found}
    if anew:
        gone = {say(item, old): item for item in old_items if item.id not in before}
        came = [item for item in new_items if item.id not in before]
        before |= {item.id: one for item in came if (one := gone.pop(say(item, new), None)) is not None}
    kept = {item.id for item in before.values()}
    return KnowledgeDiff(
        added=tuple(Difference(id=i.id, words=say(i, new)) for i in new_items if i.id not in before),
        removed=tuple(Difference(id=i.id, words=say(i, old)) for i in old_items if i.id not in kept),
        changed=tuple(
            Difference(id=i.id, words=f"{say(i, new)}: {'; '.join(words)}")
            for i in new_items
            if i.id in before and (words := list(changes(before[i.id], i, old, new)))
        ),
    )


def _say_concept(concept: Concept, _: Knowledge) -> str:
    return f"concept {quoted(concept.name)}"


def _concept_changes(a: Concept, b: Concept, old: Knowledge, new: Knowledge) -> Iterable[str]:
    if a.name != b.name:
        yield f"was {quoted(a.name)}"
    if a.description != b.description:
        yield f"description was {quoted(a.description)}, is {quoted(b.description)}"
    if a.nouns != b.nouns:
        yield f"nouns were {_words(a)}, are {_words(b)}"
    if a.group != b.group:
        yield f"moved from {_group_name(old, a.group)} to {_group_name(new, b.group)}"
    if a.muted != b.muted:
        yield "muted" if b.muted else "no longer muted"
    if a.locked != b.locked:
        yield "locked" if b.locked else "no longer locked"


def _say_uni(attribute: UniAttribute, knowledge: Knowledge) -> str:
    return f"attribute {quoted(attribute.text)} of {_concept_name(knowledge, attribute.concept)}"


def _uni_changes(a: UniAttribute, b: UniAttribute, old: Knowledge, new: Knowledge) -> Iterable[str]:
    if a.text != b.text:
        yield f"was {quoted(a.text)}"
    if a.concept != b.concept and _say_uni(a, old) != _say_uni(b, new):
        yield f"belonged to {_concept_name(old, a.concept)}"


def _say_bi(attribute: BiAttribute, knowledge: Knowledge) -> str:
    first, second = (_concept_name(knowledge, one) for one in attribute.pair)
    return f"attribute {quoted(attribute.text)} between {first} and {second}"


def _bi_changes(a: BiAttribute, b: BiAttribute, old: Knowledge, new: Knowledge) -> Iterable[str]:
    if a.text != b.text:
        yield f"was {quoted(a.text)}"
    if a.pair != b.pair and _say_bi(a, old) != _say_bi(b, new):
        first, second = (_concept_name(old, one) for one in a.pair)
        yield f"was between {first} and {second}"
    elif set(a.ends) != set(b.ends) and _names(old, a.ends) != _names(new, b.ends):
        yield f"now received by {', '.join(_concept_name(new, one) for one in b.ends) or 'none'}"


def _names(knowledge: Knowledge, concept_ids: Iterable[str]) -> set[str]:
    return {_concept_name(knowledge, one) for one in concept_ids}


def _say_group(group: Group, _: Knowledge) -> str:
    return f"group {quoted(group.name)}"


def _group_changes(a: Group, b: Group, old: Knowledge, new: Knowledge) -> Iterable[str]:
    if a.name != b.name:
        yield f"was {quoted(a.name)}"
    if a.parent != b.parent:
        yield f"moved from {_group_name(old, a.parent)} to {_group_name(new, b.parent)}"
    if a.collapsed != b.collapsed:
        yield "counts as one concept now" if b.collapsed else "its concepts count each for itself again"


def _say_constraint(constraint: Constraint, knowledge: Knowledge) -> str:
    photos = counted(len(constraint.images), "photo")
    if constraint.kind == "assign":
        return f"{photos} assigned to {_concept_name(knowledge, constraint.concept)}"
    if constraint.kind == "member":
        return f"{photos} put into {cluster_name(knowledge, constraint.cluster)}"
    return f"{photos} kept {constraint.kind}"


def _constraint_changes(a: Constraint, b: Constraint, old: Knowledge, _: Knowledge) -> Iterable[str]:
    if (a.images, a.concept, a.cluster) != (b.images, b.concept, b.cluster):
        yield f"was {_say_constraint(a, old)}"


def _settings(old: Knowledge, new: Knowledge) -> tuple[Difference, ...]:
    pairs = (
        ("guidance", quoted(old.guidance), quoted(new.guidance)),
        ("number of clusters", _choice(old.n_clusters), _choice(new.n_clusters)),
        ("weight of the knowledge", _choice(old.weight), _choice(new.weight)),
    )
    return tuple(Difference(id="", words=f"{name} was {a}, is {b}") for name, a, b in pairs if a != b)


def _choice(value: float | None) -> str:
    return "automatic" if value is None else f"{value:g}"


def _words(concept: Concept) -> str:
    return ", ".join(noun.word for noun in concept.nouns) or "none"


def _concept_name(knowledge: Knowledge, concept_id: str) -> str:
    return quoted(knowledge.by_id[concept_id].name)


def _group_name(knowledge: Knowledge, group_id: str) -> str:
    names = {group.id: group.name for group in knowledge.groups}
    return quoted(names[group_id]) if group_id else "the top"
