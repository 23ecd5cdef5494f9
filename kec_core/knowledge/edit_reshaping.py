"""Edits that turn concepts into other concepts: merge and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kec_core.errors import InputError
from kec_core.knowledge.changes import (
    assign_images,
    distinct_texts,
    move_assignments,
    pair_of,
    replaced_items,
    with_attributes,
    without_traces,
)
from kec_core.knowledge.edit_base import (
    Edit,
    find_concept,
    find_concepts,
    listed,
    quoted,
    refuse_locked,
    refuse_taken,
)
from kec_core.knowledge.edit_concepts import assigned
from kec_core.knowledge.edit_fields import (
    Checked,
    Images,
    Name,
    Names,
    OptionalText,
    Texts,
    TwoNames,
    shown,
)
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import BiAttribute, Concept, Knowledge, Noun, UniAttribute, attribute_id, concept_id
from kec_core.wording import counted


class MergeConcepts(Edit):
    """Several concepts become one with a new id; no other concept changes.

    Without a name the first concept gives it, so the order of ``concepts`` is the direction of the merge.
    """

    op: Literal["merge_concepts"] = "merge_concepts"
    concepts: TwoNames
    name: Name | None = None

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        members = find_concepts(knowledge, self.concepts)
        ids = {member.id for member in members}
        refuse_locked(members, "merged")
        name = members[0].name if self.name is None else self.name
        _refuse_name_of_another(knowledge, members, name)
        numbered, (number,) = knowledge.with_new_ids(1)
        merged = _merged(concept_id(number), name, members)
        pooled = replace(
            numbered,
            concepts=replaced_items(numbered.concepts, lambda c: c.id in ids, [merged]),
            uni=_united_uni(numbered.uni, [m.id for m in members], merged.id),
            bi=_repointed_bi(numbered.bi, ids, merged.id),
        )
        return move_assignments(pooled, ids, merged.id)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        members = find_concepts(knowledge, self.concepts)
        name = members[0].name if self.name is None else self.name
        names = unique_names(knowledge)
        merged = f"Merged {listed(names[member.id] for member in members)} into {quoted(name)}."
        return f"{merged} {self.constraints_after(knowledge)}".rstrip()

    def constraints_after(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        wishes = assigned(knowledge, *(member.id for member in find_concepts(knowledge, self.concepts)))
        return f"The merged concept takes over {wishes}." if wishes else ""


def _refuse_name_of_another(knowledge: Knowledge, members: Sequence[Concept], name: str) -> None:
    """Raise InputError for a name that another concept has; one that a member brings along takes nothing from it."""
    if name.casefold() not in {member.name.casefold() for member in members}:
        refuse_taken(knowledge.concepts, name, "concept")


def _merged(new_id: str, name: str, members: Sequence[Concept]) -> Concept:
    """The concept that stands for the members; who has the chosen name also gives description and synset."""
    namesake = next((m for m in members if m.name.casefold() == name.casefold()), None)
    lead = namesake or members[0]
    description = lead.description or next((m.description for m in members if m.description), "")
    return Concept(
        id=new_id,
        name=name,
        description=description,
        nouns=_pooled_nouns([m.nouns for m in members]),
        synset=namesake.synset if namesake else "",
        group=lead.group,
        muted=all(m.muted for m in members),
    )


def _pooled_nouns(lists: Sequence[Sequence[Noun]]) -> tuple[Noun, ...]:
    """Every noun once: in most lists first, then by best rank, so "most frequent first" stays true."""
    frequency = Counter(noun for nouns in lists for noun in set(nouns))
    rank: dict[Noun, int] = {}
    for nouns in lists:
        for position, noun in enumerate(nouns):
            rank[noun] = min(position, rank.get(noun, position))
    return tuple(sorted(rank, key=lambda noun: (-frequency[noun], rank[noun])))


def _united_uni(uni: Sequence[UniAttribute], members: Sequence[str], new_id: str) -> tuple[UniAttribute, ...]:
    """The members' attributes under the new concept, in the members' order, equal texts once."""
    theirs = [replace(a, concept=new_id) for member in members for a in uni if a.concept == member]
    return replaced_items(uni, lambda a: a.concept in members, distinct_texts(theirs, lambda a: a.text))


def _repointed_bi(
    bi: Iterable[BiAttribute], members: Collection[str], new_id: str
) -> tuple[BiAttribute, ...]:
    """Pair attributes without those between members; a member's end moves to the new concept, equal ones once."""
    first: dict[object, BiAttribute] = {}
    for attribute in bi:
        pair = _pointed(attribute.pair, members, new_id)
        if len(pair) == 1:
            continue
        moved = replace(attribute, pair=pair_of(*pair), ends=_pointed(attribute.ends, members, new_id))
        key = (moved.pair, moved.text.casefold()) if new_id in moved.pair else moved.id
        earlier = first.get(key)
        ends = tuple(dict.fromkeys((*earlier.ends, *moved.ends))) if earlier else moved.ends
        first[key] = replace(earlier or moved, ends=ends)
    return tuple(first.values())


def _pointed(ids: Iterable[str], members: Collection[str], new_id: str) -> tuple[str, ...]:
    """Ids with the members replaced by the new concept, each once."""
    return tuple(dict.fromkeys(new_id if one in members else one for one in ids))


class SplitPart(Checked):
    """One concept of a split. Without attributes of its own it inherits those of the concept that is split."""

    name: Name
    nouns: Names = ()
    description: OptionalText = ""
    attributes: Texts = ()
    images: Images = ()


class SplitConcept(Edit):
    """A concept gives way to several with new ids.

    Each part takes the nouns it names. Pair attributes to other concepts are copied to every part. Photos that were
    assigned to the concept stay assigned only if a part names them.
    """

    op: Literal["split_concept"] = "split_concept"
    concept: Name
    into: Annotated[tuple[SplitPart, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for label in ("nouns", "images"):
            counts = Counter(
                item.casefold() if label == "nouns" else item
                for part in self.into
                for item in getattr(part, label)
            )
            twice = [item for item, count in counts.items() if count > 1]
            if twice:
                raise InputError(f"into gives {shown(twice[0])} of {label} to two parts; give it to one.")
        names = Counter(part.name.casefold() for part in self.into)
        if len(names) < len(self.into):
            raise InputError(
                f"into has two parts with the name {quoted(names.most_common(1)[0][0])}; rename one."
            )
        return self

    def image_ids(self) -> tuple[str, ...]:
        """See Edit."""
        return tuple(image for part in self.into for image in part.images)

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        source = find_concept(knowledge, self.concept)
        refuse_locked([source], "split")
        for part in self.into:
            _refuse_name_of_another(knowledge, [source], part.name)
        split, numbers = knowledge.with_new_ids(len(self.into))
        parts = [_part(concept_id(n), part, source) for n, part in zip(numbers, self.into, strict=True)]
        split = replace(split, concepts=replaced_items(split.concepts, lambda c: c.id == source.id, parts))
        for concept, part in zip(parts, self.into, strict=True):
            if part.attributes:
                split = with_attributes(split, concept.id, part.attributes)
            else:
                split = _with_attributes_of(split, source.id, concept.id)
            split = _with_pairs_of(split, source.id, concept.id)
            split = assign_images(split, concept.id, part.images)
        return without_traces(split, {source.id})

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        source = find_concept(knowledge, self.concept)
        split = f"Split {quoted(source.name)} into {listed(part.name for part in self.into)}."
        return f"{split} {self.constraints_after(knowledge)}".rstrip()

    def constraints_after(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        source = find_concept(knowledge, self.concept)
        bound = {image for one in knowledge.constraints if one.concept == source.id for image in one.images}
        freed = len(bound.difference(self.image_ids()))
        return f"No wish holds {counted(freed, 'photo')} of it any more." if freed else ""


def _part(new_id: str, part: SplitPart, source: Concept) -> Concept:
    """One concept of a split, in the source's place in the tree."""
    wanted = {word.casefold() for word in part.nouns}
    taken = tuple(noun for noun in source.nouns if noun.word.casefold() in wanted)
    known = {noun.word.casefold() for noun in taken}
    new = tuple(Noun(word=word) for word in part.nouns if word.casefold() not in known)
    return Concept(
        id=new_id,
        name=part.name,
        description=part.description,
        nouns=(*taken, *new),
        synset=next((n.synset for n in taken if n.word.casefold() == part.name.casefold()), ""),
        group=source.group,
        muted=source.muted,
    )


def _with_attributes_of(knowledge: Knowledge, old_id: str, new_id: str) -> Knowledge:
    """With copies, under new ids, of the attributes of one concept for another."""
    theirs = [a for a in knowledge.uni if a.concept == old_id]
    numbered, numbers = knowledge.with_new_ids(len(theirs))
    copies = (replace(a, id=attribute_id(n), concept=new_id) for n, a in zip(numbers, theirs, strict=True))
    return replace(numbered, uni=(*numbered.uni, *copies))


def _with_pairs_of(knowledge: Knowledge, old_id: str, new_id: str) -> Knowledge:
    """With copies, under new ids, of the pair attributes of one concept for another."""
    theirs = [a for a in knowledge.bi if old_id in a.pair]
    numbered, numbers = knowledge.with_new_ids(len(theirs))
    copies = []
    for number, attribute in zip(numbers, theirs, strict=True):
        pair = pair_of(*_pointed(attribute.pair, {old_id}, new_id))
        ends = _pointed(attribute.ends, {old_id}, new_id)
        copies.append(replace(attribute, id=attribute_id(number), pair=pair, ends=ends))
    return replace(numbered, bi=(*numbered.bi, *copies))
