"""Edits of single concepts, and of all at once: add, rename, delete, mute, lock, replace."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kec_core.errors import InputError
from kec_core.knowledge.changes import assign_images, with_attributes, with_changed, without_concepts
from kec_core.knowledge.edit_base import (
    Edit,
    find_concept,
    quoted,
    refuse_locked,
    refuse_taken,
)
from kec_core.knowledge.edit_fields import (
    Checked,
    Flag,
    Images,
    Name,
    Names,
    OptionalText,
    Texts,
)
from kec_core.types import Concept, Knowledge, Noun, concept_id
from kec_core.wording import counted


class AddConcept(Edit):
    """A new concept, with photos that belong to it if some are named."""

    op: Literal["add_concept"] = "add_concept"
    name: Name
    description: OptionalText = ""
    attributes: Texts = ()
    nouns: Names = ()
    images: Images = ()

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        refuse_taken(knowledge.concepts, self.name, "concept")
        numbered, (number,) = knowledge.with_new_ids(1)
        concept = Concept(
            id=concept_id(number),
            name=self.name,
            description=self.description,
            nouns=tuple(Noun(word=word) for word in self.nouns),
        )
        added = replace(numbered, concepts=(*numbered.concepts, concept))
        return assign_images(with_attributes(added, concept.id, self.attributes), concept.id, self.images)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        photos = f" with {counted(len(self.images), 'photo')}" if self.images else ""
        return f"Added the concept {quoted(self.name)}{photos}."


class RenameConcept(Edit):
    """Another name or description; nothing but the concept's text changes."""

    op: Literal["rename_concept"] = "rename_concept"
    concept: Name
    name: Name | None = None
    description: OptionalText | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name is None and self.description is None:
            raise InputError("a new name or a new description was expected, but neither came; give one.")
        return self

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        old = find_concept(knowledge, self.concept)
        refuse_locked([old], "renamed")
        name = old.name if self.name is None else self.name
        if name != old.name:  # a namesake is no reason against another description
            refuse_taken((c for c in knowledge.concepts if c.id != old.id), name, "concept")
        renamed = replace(
            old,
            name=name,
            description=old.description if self.description is None else self.description,
            source="user",
            # The synset and the note tell where the old name came from.
            synset=old.synset if name == old.name else "",
            note=old.note if name == old.name else "",
            spoken=old.spoken if name == old.name else "",
        )
        return with_changed(knowledge, renamed)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        old = find_concept(knowledge, self.concept)
        if self.name is None or self.name == old.name:
            return f"Described {quoted(old.name)} anew."
        also = " and described it anew" if self.description is not None else ""
        return f"Renamed {quoted(old.name)} to {quoted(self.name)}{also}.{self._left_over(knowledge, old)}"

    def _left_over(self, knowledge: Knowledge, old: Concept) -> str:
        """What else of the concept still has its old name, in words; "" for nothing."""
        word = re.compile(rf"\b{re.escape(old.name)}\b", re.IGNORECASE)
        described = self.description is None and word.search(old.description)
        attributes = [one.text for one in knowledge.uni if one.concept == old.id and word.search(one.text)]
        left = [*(["its description"] if described else []), *map(quoted, attributes)]
        return f" Still with the old name: {', '.join(left)}." if left else ""


def assigned(knowledge: Knowledge, *concept_ids: str) -> str:
    """The constraints that name a concept, in words: "the 2 wishes that put 7 photos into it"; "" when there are none."""
    wishes = [one for one in knowledge.constraints if one.concept in concept_ids]
    photos = len({image for one in wishes for image in one.images})
    if not wishes:
        return ""
    said = "the wish that puts" if len(wishes) == 1 else f"the {len(wishes)} wishes that put"
    return (
        f"{said} {photos} photo{'' if photos == 1 else 's'} into {'it' if len(concept_ids) == 1 else 'them'}"
    )


class DeleteConcept(Edit):
    """A concept goes, with its attributes, its pair attributes and its assigned photos' constraints."""

    op: Literal["delete_concept"] = "delete_concept"
    concept: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        concept = find_concept(knowledge, self.concept)
        refuse_locked([concept], "deleted")
        return without_concepts(knowledge, {concept.id})

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        concept = find_concept(knowledge, self.concept)
        went = f" With it went {assigned(knowledge, concept.id)}." if assigned(knowledge, concept.id) else ""
        return f"Deleted the concept {quoted(concept.name)}.{went}"


class MuteConcept(Edit):
    """A concept gets weight 0 in the grounding, or its weight back."""

    op: Literal["mute_concept"] = "mute_concept"
    concept: Name
    muted: Flag = True

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return with_changed(knowledge, replace(find_concept(knowledge, self.concept), muted=self.muted))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        concept = find_concept(knowledge, self.concept)
        wishes = assigned(knowledge, concept.id) if self.muted else ""
        kept = f" Kept until it is unmuted: {wishes}." if wishes else ""
        return f"{'Muted' if self.muted else 'Unmuted'} {quoted(concept.name)}.{kept}"


class LockConcept(Edit):
    """A concept may not be renamed, merged, split, deleted or rebuilt, or may again."""

    op: Literal["lock_concept"] = "lock_concept"
    concept: Name
    locked: Flag = True

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return with_changed(knowledge, replace(find_concept(knowledge, self.concept), locked=self.locked))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return (
            f"{'Locked' if self.locked else 'Unlocked'} {quoted(find_concept(knowledge, self.concept).name)}."
        )


class ConceptText(Checked):
    """One concept of ``set_knowledge``."""

    name: Name
    description: OptionalText = ""
    attributes: Texts = ()


class SetKnowledge(Edit):
    """These concepts instead of all that are not locked.

    Locked concepts keep everything, pair attributes among themselves included. Groups left empty go; guidance,
    settings and together and apart constraints stay.
    """

    op: Literal["set_knowledge"] = "set_knowledge"
    concepts: Annotated[tuple[ConceptText, ...], Field(min_length=1)]

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        changed = without_concepts(knowledge, {c.id for c in knowledge.concepts if not c.locked})
        used = {group for concept in changed.concepts for group in changed.groups_from(concept.group)}
        changed = replace(changed, groups=tuple(group for group in changed.groups if group.id in used))
        for text in self.concepts:
            added = AddConcept(name=text.name, description=text.description, attributes=text.attributes)
            changed = added.change(changed)
        return changed

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        locked = sum(concept.locked for concept in knowledge.concepts)
        kept = f", keeping {counted(locked, 'locked concept')}" if locked else ""
        return f"Replaced the knowledge by {counted(len(self.concepts), 'concept')}{kept}."
