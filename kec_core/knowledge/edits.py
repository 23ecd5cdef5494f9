"""Edits of the knowledge: read a script, apply it, say it in words (methods.md 6.5).

The same JSON is a script, the journal and what the buttons of the app emit. Applying is pure: undo is keeping the
knowledge from before. A concept is named by its id or its unique name.

Locked concepts may not be renamed, merged, split or deleted, by anyone, until they are unlocked; their attributes,
muting and place in the tree stay open to the person.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kec_core.constraints import check_constraints
from kec_core.errors import InputError
from kec_core.knowledge.edit_attributes import (
    AddAttribute,
    AddPairAttribute,
    DeleteAttribute,
    EditAttribute,
    MoveAttribute,
)
from kec_core.knowledge.edit_base import Edit
from kec_core.knowledge.edit_collection import (
    AssignImages,
    KeepApart,
    KeepTogether,
    RemoveConstraint,
    SetClusters,
    SetGuidance,
    SetWeight,
)
from kec_core.knowledge.edit_concepts import (
    AddConcept,
    ConceptText,
    DeleteConcept,
    LockConcept,
    MuteConcept,
    RenameConcept,
    SetKnowledge,
)
from kec_core.knowledge.edit_groups import (
    AddGroup,
    CollapseGroup,
    DeleteGroup,
    GroupConcepts,
    GroupPart,
    MoveGroup,
    RenameGroup,
    SetGroup,
)
from kec_core.knowledge.edit_reshaping import MergeConcepts, SplitConcept, SplitPart
from kec_core.types import Knowledge

EDITS: dict[str, type[Edit]] = {
    "add_concept": AddConcept,
    "rename_concept": RenameConcept,
    "merge_concepts": MergeConcepts,
    "split_concept": SplitConcept,
    "delete_concept": DeleteConcept,
    "mute_concept": MuteConcept,
    "lock_concept": LockConcept,
    "add_attribute": AddAttribute,
    "add_pair_attribute": AddPairAttribute,
    "edit_attribute": EditAttribute,
    "delete_attribute": DeleteAttribute,
    "move_attribute": MoveAttribute,
    "set_guidance": SetGuidance,
    "set_knowledge": SetKnowledge,
    "set_clusters": SetClusters,
    "set_weight": SetWeight,
    "together": KeepTogether,
    "apart": KeepApart,
    "assign": AssignImages,
    "remove_constraint": RemoveConstraint,
    "add_group": AddGroup,
    "set_group": SetGroup,
    "rename_group": RenameGroup,
    "move_group": MoveGroup,
    "delete_group": DeleteGroup,
    "collapse_group": CollapseGroup,
    "group_concepts": GroupConcepts,
}
"""Every operation by its "op"."""


def parse_edit(data: object) -> Edit:
    """One edit from its JSON object.

    Raises:
        InputError: not an object, an unknown op or field, a missing field, an unusable value.
    """
    if not isinstance(data, Mapping):
        raise InputError(f'an object with "op" was expected, but {data!r} came.')
    op = data.get("op")
    if not isinstance(op, str) or op not in EDITS:
        raise InputError(f"unknown op {op!r}; known ops are {', '.join(EDITS)}.")
    return EDITS[op].from_json({key: value for key, value in data.items() if key != "op"})


def parse_script(data: object) -> tuple[Edit, ...]:
    """The edits of a script ``{"edits": [...]}``.

    Raises:
        InputError: the script is not of that form, or an edit is not usable; names the edit's index from 0.
    """
    if not isinstance(data, Mapping) or set(data) != {"edits"} or not isinstance(data["edits"], list | tuple):
        raise InputError('A script should be {"edits": [...]} and nothing else; see the list of edits.')
    edits = []
    for index, item in enumerate(data["edits"]):
        with _named(index, item.get("op") if isinstance(item, Mapping) else None):
            edits.append(parse_edit(item))
    return tuple(edits)


def script_to_json(edits: Iterable[Edit]) -> dict[str, Any]:
    """What ``parse_script`` reads."""
    return {"edits": [edit.to_json() for edit in edits]}


def apply(knowledge: Knowledge, edit: Edit) -> Knowledge:
    """The knowledge after one edit; the given one is unchanged.

    Raises:
        InputError: the edit does not fit this knowledge, for example it names a concept that is not there.
    """
    changed = edit.change(knowledge)
    if changed.constraints != knowledge.constraints:
        check_constraints(changed.constraints)
    return changed


def apply_script(
    knowledge: Knowledge, edits: Sequence[Edit], *, images: Container[str] | None = None
) -> Knowledge:
    """The knowledge after all edits, or none of them.

    Args:
        knowledge: unchanged.
        edits: in order; an edit may name what an earlier one made.
        images: the image ids of the collection; None does not check them.

    Raises:
        InputError: an edit does not fit; names its index from 0.
    """
    for index, edit in enumerate(edits):
        with _named(index, edit.op):
            unknown = [one for one in edit.image_ids() if images is not None and one not in images]
            if unknown:
                raise InputError(f"there is no image {unknown[0]!r} in this collection; check the file name.")
            knowledge = apply(knowledge, edit)
    return knowledge


def describe(edit: Edit, knowledge: Knowledge) -> str:
    """What an edit does to the knowledge it is (or was) applied to, as one plain sentence for the history.

    Raises:
        InputError: the edit names something this knowledge does not have.
    """
    return edit.sentence(knowledge)


@contextmanager
def _named(index: int, op: object) -> Iterator[None]:
    """Put the index of the edit in front of what is wrong with it."""
    try:
        yield
    except InputError as error:
        name = f" ({op})" if isinstance(op, str) else ""
        raise InputError(f"Edit at index {index}{name}: {error}") from error


__all__ = [
    "EDITS",
    "AddAttribute",
    "AddConcept",
    "AddGroup",
    "AddPairAttribute",
    "AssignImages",
    "CollapseGroup",
    "ConceptText",
    "DeleteAttribute",
    "DeleteConcept",
    "DeleteGroup",
    "Edit",
    "EditAttribute",
    "GroupConcepts",
    "GroupPart",
    "KeepApart",
    "KeepTogether",
    "LockConcept",
    "MergeConcepts",
    "MoveAttribute",
    "MoveGroup",
    "MuteConcept",
    "RemoveConstraint",
    "RenameConcept",
    "RenameGroup",
    "SetClusters",
    "SetGroup",
    "SetGuidance",
    "SetKnowledge",
    "SetWeight",
    "SplitConcept",
    "SplitPart",
    "apply",
    "apply_script",
    "describe",
    "parse_edit",
    "parse_script",
    "script_to_json",
]
