"""What every edit is, and how it finds what it names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from kec_core.errors import InputError
from kec_core.knowledge.edit_fields import Checked, first_repeat
from kec_core.types import BiAttribute, Concept, Group, KeptCluster, Knowledge, UniAttribute

Named = TypeVar("Named", Concept, Group)


class Edit(Checked, ABC):
    """One act of a person on the knowledge: a value that is stored, replayed and said in words."""

    op: str
    """Its name in scripts; each kind has one, as the default of this field."""

    def image_ids(self) -> tuple[str, ...]:
        """The image ids this edit names: those in its field ``images``, if it has one."""
        named: tuple[str, ...] = getattr(self, "images", ())
        return named

    @abstractmethod
    def change(self, knowledge: Knowledge) -> Knowledge:
        """The knowledge after this edit.

        Raises:
            InputError: the edit does not fit this knowledge.
        """

    @abstractmethod
    def sentence(self, knowledge: Knowledge, /) -> str:
        """What this edit does to ``knowledge``, as one plain sentence.

        Raises:
            InputError: the edit names something this knowledge does not have.
        """

    def constraints_after(self, knowledge: Knowledge, /) -> str:  # noqa: ARG002 - for those that say something
        """What becomes of the constraints on photos, as one sentence; "" when nothing does.

        Raises:
            InputError: the edit names something this knowledge does not have.
        """
        return ""


def find_concept(knowledge: Knowledge, reference: str) -> Concept:
    """The concept with this id or this unique name (case does not matter in names).

    Raises:
        InputError: there is none, or more than one.
    """
    return _find(knowledge.concepts, reference, "concept")


def find_concepts(knowledge: Knowledge, references: Iterable[str]) -> tuple[Concept, ...]:
    """Different concepts by id or unique name.

    Raises:
        InputError: one is unknown or ambiguous, or two references mean the same concept.
    """
    found = tuple(find_concept(knowledge, reference) for reference in references)
    repeated = first_repeat([concept.id for concept in found])
    if repeated is not None:
        raise InputError(f"the concept {quoted(found[repeated].name)} is named twice; name it once.")
    return found


def find_group(knowledge: Knowledge, reference: str) -> Group:
    """The group with this id or this name.

    Raises:
        InputError: there is none, or more than one.
    """
    return _find(knowledge.groups, reference, "group")


def find_attribute(knowledge: Knowledge, reference: str) -> UniAttribute | BiAttribute:
    """The attribute with this id.

    Raises:
        InputError: there is none.
    """
    attributes: tuple[UniAttribute | BiAttribute, ...] = (*knowledge.uni, *knowledge.bi)
    for attribute in attributes:
        if attribute.id == reference:
            return attribute
    raise InputError(f"there is no attribute {reference!r}; attributes are named by id, like a012.")


def _find(items: Sequence[Named], reference: str, kind: str) -> Named:
    folded = reference.casefold()
    found = [item for item in items if item.id == reference or item.name.casefold() == folded]
    if len(found) > 1:
        ids = ", ".join(item.id for item in found)
        raise InputError(f"{quoted(reference)} may mean {len(found)} {kind}s ({ids}); name it by its id.")
    if found:
        return found[0]
    close = get_close_matches(reference, [item.name for item in items], n=1)
    advice = f"did you mean {quoted(close[0])}?" if close else f"see the list of {kind}s."
    raise InputError(f"there is no {kind} {quoted(reference)}; {advice}")


def refuse_locked(concepts: Iterable[Concept], verb: str) -> None:
    """Raise InputError when one of the concepts is locked."""
    for concept in concepts:
        if concept.locked:
            raise InputError(
                f"the concept {quoted(concept.name)} ({concept.id}) is locked and cannot be {verb}; unlock it first."
            )


def refuse_taken(items: Iterable[Concept] | Iterable[Group], name: str, kind: str) -> None:
    """Raise InputError when an item has this name already, in any case."""
    for item in items:
        if item.name.casefold() == name.casefold():
            raise InputError(
                f"there is already a {kind} {quoted(item.name)} ({item.id}); choose another name."
            )


def cluster_name(knowledge: Knowledge, cluster: int | None) -> str:
    """A cluster as far as a knowledge knows its name: the one that the person gave, else its id."""
    given = {kept.id: kept.name for kept in knowledge.kept if kept.name}
    return quoted(given[cluster]) if cluster in given else f"cluster {cluster}"


def with_cluster_names(knowledge: Knowledge, names: Mapping[int, str]) -> Knowledge:
    """The knowledge for sentences alone: clusters that the person did not name are called as they are shown."""
    given = {one.id: one.name for one in knowledge.kept if one.name}
    kept = tuple(KeptCluster(id=cluster, name=name) for cluster, name in {**names, **given}.items())
    return replace(knowledge, kept=kept)


def quoted(name: str) -> str:
    """A name as it stands in sentences."""
    return f'"{name}"'


def listed(names: Iterable[str]) -> str:
    """Names as in a sentence: "a", "b" and "c"."""
    *rest, last = [quoted(name) for name in names]
    return f"{', '.join(rest)} and {last}" if rest else last
