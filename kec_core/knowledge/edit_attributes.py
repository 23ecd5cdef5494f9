"""Edits of attributes: what is typical of a concept, and what sets two apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, Self

from pydantic import model_validator

from kec_core.errors import InputError
from kec_core.knowledge.changes import pair_of, with_attributes, with_changed
from kec_core.knowledge.edit_base import (
    Edit,
    find_attribute,
    find_concept,
    find_concepts,
    listed,
    quoted,
)
from kec_core.knowledge.edit_fields import MAX_NAME, Name, Text, TwoNames
from kec_core.types import BiAttribute, Knowledge, UniAttribute, attribute_id


class AddAttribute(Edit):
    """A new attribute that is typical of one concept."""

    op: Literal["add_attribute"] = "add_attribute"
    concept: Name
    text: Text

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        concept = find_concept(knowledge, self.concept)
        refuse_repeated((a for a in knowledge.uni if a.concept == concept.id), self.text)
        return with_attributes(knowledge, concept.id, [self.text])

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Gave {quoted(find_concept(knowledge, self.concept).name)} the attribute {quoted(self.text)}."


class AddPairAttribute(Edit):
    """A new attribute that sets two concepts apart; both receive it, or ``only`` one of them."""

    op: Literal["add_pair_attribute"] = "add_pair_attribute"
    concepts: TwoNames
    text: Text
    only: Name | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.concepts) != 2:
            raise InputError(f"concepts should name two concepts, but names {len(self.concepts)}.")
        return self

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        first, second = find_concepts(knowledge, self.concepts)
        pair = pair_of(first.id, second.id)
        refuse_repeated((a for a in knowledge.bi if a.pair == pair), self.text)
        numbered, (number,) = knowledge.with_new_ids(1)
        attribute = BiAttribute(
            id=attribute_id(number), pair=pair, text=self.text, ends=self._ends(knowledge, pair)
        )
        return replace(numbered, bi=(*numbered.bi, attribute))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        names = listed(concept.name for concept in find_concepts(knowledge, self.concepts))
        side = f", seen on {quoted(find_concept(knowledge, self.only).name)}" if self.only is not None else ""
        return f"Set {names} apart by {quoted(self.text)}{side}."

    def _ends(self, knowledge: Knowledge, pair: tuple[str, str]) -> tuple[str, ...]:
        if self.only is None:
            return pair
        end = find_concept(knowledge, self.only).id
        if end not in pair:
            raise InputError(f"only should be one of the two concepts, but is {quoted(self.only)}.")
        return (end,)


class EditAttribute(Edit):
    """Another text for an attribute of either kind; its id stays."""

    op: Literal["edit_attribute"] = "edit_attribute"
    attribute: Name
    text: Text

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        old = find_attribute(knowledge, self.attribute)
        beside: Iterable[UniAttribute | BiAttribute]
        if isinstance(old, UniAttribute):
            beside = (a for a in knowledge.uni if a.concept == old.concept)
        else:
            beside = (a for a in knowledge.bi if a.pair == old.pair)
        refuse_repeated((a for a in beside if a.id != old.id), self.text)
        return with_changed(knowledge, replace(old, text=self.text, source="user"))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_attribute(knowledge, self.attribute)
        return (
            f"Changed the attribute {quoted(old.text)} of {_owners(knowledge, old)} to {quoted(self.text)}."
        )


class DeleteAttribute(Edit):
    """An attribute of either kind goes."""

    op: Literal["delete_attribute"] = "delete_attribute"
    attribute: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        gone = find_attribute(knowledge, self.attribute).id
        return replace(
            knowledge,
            uni=tuple(a for a in knowledge.uni if a.id != gone),
            bi=tuple(a for a in knowledge.bi if a.id != gone),
        )

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_attribute(knowledge, self.attribute)
        return f"Deleted the attribute {quoted(old.text)} of {_owners(knowledge, old)}."


class MoveAttribute(Edit):
    """An attribute of one concept goes to another concept."""

    op: Literal["move_attribute"] = "move_attribute"
    attribute: Name
    concept: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit; raises InputError for an attribute of a pair too."""
        old = find_attribute(knowledge, self.attribute)
        if isinstance(old, BiAttribute):
            raise InputError(
                f"the attribute {old.id} sets two concepts apart and cannot move; delete it and add it to another pair."
            )
        target = find_concept(knowledge, self.concept)
        refuse_repeated((a for a in knowledge.uni if a.concept == target.id), old.text)
        return with_changed(knowledge, replace(old, concept=target.id, source="user"))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_attribute(knowledge, self.attribute)
        target = find_concept(knowledge, self.concept)
        return (
            f"Moved the attribute {quoted(old.text)} from {_owners(knowledge, old)} to {quoted(target.name)}."
        )


def refuse_repeated(attributes: Iterable[UniAttribute | BiAttribute], text: str) -> None:
    """Raise InputError when one of the attributes has this text already, in any case."""
    for attribute in attributes:
        if attribute.text.casefold() == text.casefold():
            raise InputError(
                f"the attribute {quoted(text[:MAX_NAME])} is already there ({attribute.id}); write another text."
            )


def _owners(knowledge: Knowledge, attribute: UniAttribute | BiAttribute) -> str:
    ids = (attribute.concept,) if isinstance(attribute, UniAttribute) else attribute.pair
    return listed(knowledge.by_id[one].name for one in ids)
