"""Edits of the concept tree: groups of concepts, groups of groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from kec_core.errors import InputError
from kec_core.knowledge.edit_base import (
    Edit,
    counted,
    find_concepts,
    find_group,
    quoted,
    refuse_taken,
)
from kec_core.knowledge.edit_fields import Name, OptionalName, SomeNames
from kec_core.types import Group, Knowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class AddGroup(Edit):
    """A new group, at the top or in another group."""

    op: ClassVar[str] = "add_group"
    name: Name
    parent: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        refuse_taken(knowledge.groups, self.name, "group")
        parent = _group_id(knowledge, self.parent)
        numbered, (number,) = knowledge.with_new_ids(1)
        group = Group(id=f"g{number:03d}", name=self.name, parent=parent)
        return replace(numbered, groups=(*numbered.groups, group))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        where = f" in {quoted(find_group(knowledge, self.parent).name)}" if self.parent else ""
        return f"Added the group {quoted(self.name)}{where}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGroup(Edit):
    """Concepts go into a group, or to the top when ``group`` is empty."""

    op: ClassVar[str] = "set_group"
    concepts: SomeNames
    group: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        ids = {concept.id for concept in find_concepts(knowledge, self.concepts)}
        group = _group_id(knowledge, self.group)
        moved = (replace(c, group=group) if c.id in ids else c for c in knowledge.concepts)
        return replace(knowledge, concepts=tuple(moved))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        concepts = find_concepts(knowledge, self.concepts)
        what = quoted(concepts[0].name) if len(concepts) == 1 else counted(len(concepts), "concept")
        return f"Moved {what} to {_place(knowledge, self.group)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameGroup(Edit):
    """Another name for a group."""

    op: ClassVar[str] = "rename_group"
    group: Name
    name: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        old = find_group(knowledge, self.group)
        refuse_taken((g for g in knowledge.groups if g.id != old.id), self.name, "group")
        return _with_group(knowledge, replace(old, name=self.name))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_group(knowledge, self.group)
        return f"Renamed the group {quoted(old.name)} to {quoted(self.name)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveGroup(Edit):
    """A group goes into another group, or to the top when ``parent`` is empty."""

    op: ClassVar[str] = "move_group"
    group: Name
    parent: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        group = find_group(knowledge, self.group)
        parent = _group_id(knowledge, self.parent)
        if group.id in _ancestors(knowledge, parent):
            raise InputError(
                f"the group {quoted(group.name)} would lie inside itself (a cycle); choose a group outside it."
            )
        return _with_group(knowledge, replace(group, parent=parent))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        group = find_group(knowledge, self.group)
        return f"Moved the group {quoted(group.name)} to {_place(knowledge, self.parent)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroup(Edit):
    """A group goes; what it holds moves up to where it was."""

    op: ClassVar[str] = "delete_group"
    group: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        gone = find_group(knowledge, self.group)
        groups = (g for g in knowledge.groups if g.id != gone.id)
        return replace(
            knowledge,
            groups=tuple(replace(g, parent=gone.parent) if g.parent == gone.id else g for g in groups),
            concepts=tuple(
                replace(c, group=gone.parent) if c.group == gone.id else c for c in knowledge.concepts
            ),
        )

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Dissolved the group {quoted(find_group(knowledge, self.group).name)}."


def _group_id(knowledge: Knowledge, reference: str) -> str:
    return find_group(knowledge, reference).id if reference else ""


def _place(knowledge: Knowledge, reference: str) -> str:
    return f"the group {quoted(find_group(knowledge, reference).name)}" if reference else "the top"


def _ancestors(knowledge: Knowledge, group: str) -> set[str]:
    """The group itself and all that hold it."""
    parents = {g.id: g.parent for g in knowledge.groups}
    seen: set[str] = set()
    while group and group not in seen:
        seen.add(group)
        group = parents.get(group, "")
    return seen


def _with_group(knowledge: Knowledge, changed: Group) -> Knowledge:
    return replace(knowledge, groups=tuple(changed if g.id == changed.id else g for g in knowledge.groups))
