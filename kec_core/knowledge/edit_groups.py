"""Edits of the concept tree: groups of concepts, groups of groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from kec_core.errors import InputError
from kec_core.knowledge.changes import with_changed
from kec_core.knowledge.edit_base import (
    Edit,
    find_concept,
    find_concepts,
    find_group,
    quoted,
    refuse_taken,
)
from kec_core.knowledge.edit_fields import Checked, Flag, Name, Names, OptionalName, SomeNames
from kec_core.types import Group, Knowledge
from kec_core.wording import counted


class AddGroup(Edit):
    """A new group, at the top or in another group."""

    op: Literal["add_group"] = "add_group"
    name: Name
    parent: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        refuse_taken(knowledge.groups, self.name, "group")
        parent = _group_id(knowledge, self.parent)
        numbered, (number,) = knowledge.with_new_ids(1)
        group = Group(id=f"g{number:03d}", name=self.name, parent=parent)
        return _owned(replace(numbered, groups=(*numbered.groups, group)), parent)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        where = f" in {quoted(find_group(knowledge, self.parent).name)}" if self.parent else ""
        return f"Added the group {quoted(self.name)}{where}."


class SetGroup(Edit):
    """Concepts go into a group, or to the top when ``group`` is empty."""

    op: Literal["set_group"] = "set_group"
    concepts: SomeNames
    group: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        ids = {concept.id for concept in find_concepts(knowledge, self.concepts)}
        group = _group_id(knowledge, self.group)
        moved = (replace(c, group=group) if c.id in ids else c for c in knowledge.concepts)
        return _owned(replace(knowledge, concepts=tuple(moved)), group)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        concepts = find_concepts(knowledge, self.concepts)
        what = quoted(concepts[0].name) if len(concepts) == 1 else counted(len(concepts), "concept")
        return f"Moved {what} to {_place(knowledge, self.group)}."


class RenameGroup(Edit):
    """Another name for a group."""

    op: Literal["rename_group"] = "rename_group"
    group: Name
    name: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        old = find_group(knowledge, self.group)
        refuse_taken((g for g in knowledge.groups if g.id != old.id), self.name, "group")
        return _owned(with_changed(knowledge, replace(old, name=self.name)), old.id)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_group(knowledge, self.group)
        return f"Renamed the group {quoted(old.name)} to {quoted(self.name)}."


class MoveGroup(Edit):
    """A group goes into another group, or to the top when ``parent`` is empty."""

    op: Literal["move_group"] = "move_group"
    group: Name
    parent: OptionalName = ""

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit; raises InputError for a group that would lie inside itself too."""
        group = find_group(knowledge, self.group)
        parent = _group_id(knowledge, self.parent)
        if group.id in knowledge.groups_from(parent):
            raise InputError(
                f"the group {quoted(group.name)} would lie inside itself (a cycle); choose a group outside it."
            )
        return _owned(with_changed(knowledge, replace(group, parent=parent)), group.id)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        group = find_group(knowledge, self.group)
        return f"Moved the group {quoted(group.name)} to {_place(knowledge, self.parent)}."


class DeleteGroup(Edit):
    """A group goes; what it holds moves up to where it was."""

    op: Literal["delete_group"] = "delete_group"
    group: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return _without_groups(knowledge, {find_group(knowledge, self.group).id})

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Dissolved the group {quoted(find_group(knowledge, self.group).name)}."


class CollapseGroup(Edit):
    """All concepts below a group count as one in the grounding, or each for itself again."""

    op: Literal["collapse_group"] = "collapse_group"
    group: Name
    collapsed: Flag

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        group = find_group(knowledge, self.group)
        changed = with_changed(knowledge, replace(group, collapsed=self.collapsed))
        return _owned(changed, group.id) if self.collapsed else changed

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        name = quoted(find_group(knowledge, self.group).name)
        return (
            f"Let the group {name} count as one concept." if self.collapsed else f"Opened the group {name}."
        )


class GroupPart(Checked):
    """One group of an automatic tree; ``parent`` is the name of one before it, or of a group of the person's."""

    name: Name
    concepts: Names = ()
    parent: OptionalName = ""


class GroupConcepts(Edit):
    """An automatic tree instead of the automatic groups before it; groups of the person's stay.

    A group that was there under the same name keeps its id. A locked concept that no part names stays in its group.
    ``knowledge.tree.concept_tree`` makes this edit.
    """

    op: Literal["group_concepts"] = "group_concepts"
    groups: tuple[GroupPart, ...]

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        before = {g.name.casefold(): g for g in knowledge.groups if g.source == "automatic"}
        changed = _without_groups(knowledge, {group.id for group in before.values()})
        for part in self.groups:
            changed = _with_part(changed, part, before.get(part.name.casefold()))
        placed = {find_concept(knowledge, name).id for part in self.groups for name in part.concepts}
        return _with_locked_back(changed, knowledge, placed)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        if not self.groups:
            return "Dissolved the automatic groups."
        concepts = find_concepts(knowledge, (name for part in self.groups for name in part.concepts))
        return f"Grouped {counted(len(concepts), 'concept')} into {counted(len(self.groups), 'group')}."


def _with_part(knowledge: Knowledge, part: GroupPart, before: Group | None) -> Knowledge:
    """The knowledge with one more automatic group and its concepts in it."""
    refuse_taken(knowledge.groups, part.name, "group")
    parent = _group_id(knowledge, part.parent)
    if before is None:
        knowledge, (number,) = knowledge.with_new_ids(1)
        group = Group(id=f"g{number:03d}", name=part.name, parent=parent, source="automatic")
    else:
        group = replace(before, parent=parent)
    ids = {concept.id for concept in find_concepts(knowledge, part.concepts)}
    return replace(
        knowledge,
        groups=(*knowledge.groups, group),
        concepts=tuple(replace(c, group=group.id) if c.id in ids else c for c in knowledge.concepts),
    )


def _with_locked_back(knowledge: Knowledge, before: Knowledge, placed: set[str]) -> Knowledge:
    """The knowledge with locked concepts in the groups they had; those in ``placed`` were moved by name."""
    home = {c.id: c.group for c in before.concepts if c.locked and c.group and c.id not in placed}
    missing = set(home.values()) - {group.id for group in knowledge.groups}
    automatic = {group.id for group in before.groups if group.source == "automatic"}
    kept = (g for g in _without_groups(before, automatic - missing).groups if g.id in missing)
    return replace(
        knowledge,
        groups=(*knowledge.groups, *kept),
        concepts=tuple(replace(c, group=home.get(c.id, c.group)) for c in knowledge.concepts),
    )


def _without_groups(knowledge: Knowledge, gone: set[str]) -> Knowledge:
    """The knowledge without some groups; what they hold moves up to the nearest group that stays."""

    def above(group: str) -> str:
        return next((one for one in knowledge.groups_from(group) if one not in gone), "")

    return replace(
        knowledge,
        groups=tuple(replace(g, parent=above(g.parent)) for g in knowledge.groups if g.id not in gone),
        concepts=tuple(replace(c, group=above(c.group)) for c in knowledge.concepts),
    )


def _owned(knowledge: Knowledge, group: str) -> Knowledge:
    """The knowledge with a group and all above it the person's: whatever a person had a hand in stays."""
    touched = knowledge.groups_from(group)
    return replace(
        knowledge,
        groups=tuple(replace(g, source="user") if g.id in touched else g for g in knowledge.groups),
    )


def _group_id(knowledge: Knowledge, reference: str) -> str:
    return find_group(knowledge, reference).id if reference else ""


def _place(knowledge: Knowledge, reference: str) -> str:
    return f"the group {quoted(find_group(knowledge, reference).name)}" if reference else "the top"
