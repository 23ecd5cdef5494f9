"""Asking about one thing on the person's request; the answer is a proposal, nothing is changed.

Every ``propose`` goes around stored answers when ``fresh`` is true, takes an ``instruction`` of the person, never falls
back, raises LLMError with the server's words when there is no usable answer, and Cancelled from ``progress``.
What a proposal would change comes line by line: the person takes each line or leaves it. What the person wrote is never
touched unasked: a line over their own words starts unticked, their own attributes get no line at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kec_core.arrays import Progress, no_progress
from kec_core.config import KnowledgeConfig
from kec_core.errors import InputError, LLMError
from kec_core.knowledge.base import ConceptDraft, PairDraft
from kec_core.knowledge.changes import pair_of
from kec_core.knowledge.edit_base import Edit
from kec_core.knowledge.edits import (
    AddAttribute,
    AddPairAttribute,
    EditAttribute,
    RenameConcept,
    SplitConcept,
    SplitPart,
)
from kec_core.llm.answers import alike
from kec_core.llm.builder import attributes_of, pair_drafts
from kec_core.llm.client import LLMClient
from kec_core.llm.dialogue import Outcome
from kec_core.llm.prompts import Question, concept_question, pair_question, split_question, uni_question
from kec_core.types import BiAttribute, Concept, Knowledge, Noun, UniAttribute


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the person wants something asked.

    Attributes:
        guidance: for the whole collection.
        instruction: for this question.
        fresh: ask even when an answer is stored.
        max_nouns: most nouns shown, most frequent first (methods.md A5).
        progress: told (0 or 1, 1, what is going on) at least five times a second; may raise Cancelled.
    """

    guidance: str = ""
    instruction: str = ""
    fresh: bool = False
    max_nouns: int = KnowledgeConfig().max_nouns
    progress: Progress = no_progress


PLAIN = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPart:
    """One sub-concept of a split proposal."""

    name: str
    nouns: tuple[Noun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitProposal:
    """Two to four sub-concepts, and the nouns that none of them claimed."""

    parts: tuple[ProposedPart, ...]
    rest: tuple[Noun, ...]


def propose_concept(client: LLMClient, concept: Concept, wish: Wish = PLAIN) -> ConceptDraft:
    """A new name and description for a concept, from its nouns (from its name when it has none)."""
    _refuse_locked(concept)
    nouns = _shown(concept, wish) or [concept.name]
    question = concept_question(nouns, guidance=wish.guidance, instruction=wish.instruction)
    outcome = _ask(client, question, wish)
    assert outcome.answer is not None
    return ConceptDraft(
        name=str(outcome.answer["concept"]),
        description=str(outcome.answer["description"]),
        source="llm",
        note=outcome.reason,
    )


def propose_attributes(
    client: LLMClient, concept: Concept, count: int, wish: Wish = PLAIN
) -> tuple[str, ...]:
    """At most ``count`` new attributes of one concept."""
    _refuse_locked(concept)
    question = uni_question(concept, count, guidance=wish.guidance, instruction=wish.instruction)
    return tuple(draft.text for draft in attributes_of(_ask(client, question, wish)))


def propose_pair_attributes(
    client: LLMClient, first: Concept, second: Concept, count: int, wish: Wish = PLAIN
) -> tuple[PairDraft, ...]:
    """At most ``count`` new attributes (per side, when values are asked for) that tell two concepts apart."""
    _refuse_locked(first, second)
    question = pair_question(
        first,
        second,
        count,
        guidance=wish.guidance,
        instruction=wish.instruction,
        values=client.config.pair_values,
    )
    return pair_drafts(_ask(client, question, wish))


def propose_split(client: LLMClient, concept: Concept, wish: Wish = PLAIN) -> SplitProposal:
    """Two to four sub-concepts of a concept, sharing out its nouns; a single noun cannot be shared, so it stays."""
    _refuse_locked(concept)
    shown = _shown(concept, wish)
    question = split_question(
        concept,
        shown if len(shown) > 1 else [],
        guidance=wish.guidance,
        instruction=wish.instruction,
    )
    outcome = _ask(client, question, wish)
    assert outcome.answer is not None
    owner = {noun.casefold(): i for i, part in enumerate(outcome.answer["parts"]) for noun in part["nouns"]}
    shares: dict[int, list[Noun]] = {}
    for noun in concept.nouns:
        shares.setdefault(owner.get(noun.word.casefold(), -1), []).append(noun)
    parts = tuple(
        ProposedPart(name=part["name"], nouns=tuple(shares.get(i, ())))
        for i, part in enumerate(outcome.answer["parts"])
    )
    return SplitProposal(parts=parts, rest=tuple(shares.get(-1, ())))


def _shown(concept: Concept, wish: Wish) -> list[str]:
    return [noun.word for noun in concept.nouns[: wish.max_nouns]]


def _ask(client: LLMClient, question: Question, wish: Wish) -> Outcome:
    (outcome,) = client.ask([question], label=question.label, fresh=wish.fresh, progress=wish.progress)
    if outcome.answer is None:
        raise LLMError(
            f"{client.endpoint.model} gave no usable answer about {question.label!r}: {outcome.reason}. "
            "Ask again, or word the instruction differently."
        )
    return outcome


def _refuse_locked(*concepts: Concept) -> None:
    for concept in concepts:
        if concept.locked:
            raise InputError(
                f"The concept {concept.name!r} is locked, so it is not asked about; unlock it first."
            )


YOURS = "these are your own words"
NAMED = "you named this concept yourself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One change that can be taken or left.

    Attributes:
        what: the thing that changes, in one or two words.
        old: its present text, "" when it is new.
        new: the proposed text.
        change: the edit, or the part of a split; None when it cannot be done, ``note`` says why.
        ticked: whether it is taken unless the person says otherwise.
        note: a remark, or "".
    """

    what: str
    old: str
    new: str
    change: Edit | SplitPart | None
    ticked: bool = True
    note: str = ""


def concept_lines(knowledge: Knowledge, concept: Concept, draft: ConceptDraft) -> tuple[Line, ...]:
    """Another name, another description; what stays the same has no line."""
    own = concept.source == "user"
    lines = []
    if draft.name.casefold() != concept.name.casefold():
        taken = _taken(knowledge, concept, draft.name)
        lines.append(
            Line(
                what="Name",
                old=concept.name,
                new=draft.name,
                change=None if taken else RenameConcept(concept=concept.id, name=draft.name),
                ticked=not own and not taken,
                note=taken or (YOURS if own else ""),
            )
        )
    if draft.description and draft.description != concept.description:
        mine = own and bool(concept.description)
        lines.append(
            Line(
                what="Description",
                old=concept.description,
                new=draft.description,
                change=RenameConcept(concept=concept.id, description=draft.description),
                ticked=not mine,
                note=YOURS if mine else "",
            )
        )
    return tuple(lines)


def attribute_lines(knowledge: Knowledge, concept: Concept, texts: Sequence[str]) -> tuple[Line, ...]:
    """New attributes of a concept, in the place of those that no person wrote, then beside them."""
    present = [attribute for attribute in knowledge.uni if attribute.concept == concept.id]
    free, new = _unmatched(present, texts)
    lines = [_instead("Typical", attribute, text) for attribute, text in zip(free, new, strict=False)]
    added = (
        Line(what="Typical", old="", new=text, change=AddAttribute(concept=concept.id, text=text))
        for text in new[len(lines) :]
    )
    return (*lines, *added)


def pair_lines(
    knowledge: Knowledge, first: Concept, second: Concept, drafts: Sequence[PairDraft]
) -> tuple[Line, ...]:
    """New attributes of a pair, in the place of those that no person wrote, then beside them; each side apart."""
    pair = pair_of(first.id, second.id)
    present = [attribute for attribute in knowledge.bi if attribute.pair == pair]
    lines: list[Line] = []
    for side, what, end in (
        ("both", "Apart", None),
        ("first", first.name, first.id),
        ("second", second.name, second.id),
    ):
        there = [attribute for attribute in present if end is None or attribute.ends == (end,)]
        free, new = _unmatched(there, [draft.text for draft in drafts if draft.side == side])
        lines += [_instead(what, attribute, text) for attribute, text in zip(free, new, strict=False)]
        lines += [
            Line(what=what, old="", new=text, change=AddPairAttribute(concepts=pair, text=text, only=end))
            for text in new[len(free) :]
        ]
    return tuple(lines)


def split_lines(knowledge: Knowledge, concept: Concept, proposal: SplitProposal) -> tuple[Line, ...]:
    """One line per sub-concept."""
    own = concept.source == "user"
    lines = []
    for part in proposal.parts:
        taken = _taken(knowledge, concept, part.name)
        words = tuple(noun.word for noun in part.nouns)
        change = SplitPart(name=part.name, nouns=words)
        note = " · ".join(filter(None, [", ".join(words), taken or (NAMED if own else "")]))
        lines.append(
            Line(
                what="Part",
                old="",
                new=part.name,
                change=None if taken else change,
                ticked=not own and not taken,
                note=note,
            )
        )
    return tuple(lines)


def edits_of(knowledge: Knowledge, concept: Concept, lines: Iterable[Line]) -> tuple[Edit, ...]:
    """The edits that do these lines, in order.

    Args:
        knowledge: as it is now.
        concept: the one that is asked about; what no part of a split takes stays with it, as the last part.
        lines: those that are taken.
    """
    changes = [line.change for line in lines]
    parts = [change for change in changes if isinstance(change, SplitPart)]
    edits = tuple(change for change in changes if isinstance(change, Edit))
    return (*edits, _split(knowledge, concept, parts)) if parts else edits


def _split(knowledge: Knowledge, concept: Concept, parts: Sequence[SplitPart]) -> SplitConcept:
    """Into these parts, and into the concept itself when nouns are left or there would be one part only."""
    gone = {noun.casefold() for part in parts for noun in part.nouns}
    rest = tuple(noun.word for noun in concept.nouns if noun.word.casefold() not in gone)
    if rest or len(parts) == 1:
        name = _free_name(knowledge, concept, [part.name for part in parts])
        parts = [*parts, SplitPart(name=name, nouns=rest, description=concept.description)]
    return SplitConcept(concept=concept.id, into=tuple(parts))


def _free_name(knowledge: Knowledge, concept: Concept, used: Sequence[str]) -> str:
    """The concept's own name, unless a namesake keeps it: a run may give one name to two concepts (methods.md A12)."""
    names = {name.casefold() for name in used}
    names |= {other.name.casefold() for other in knowledge.concepts if other.id != concept.id}
    name = concept.name
    while name.casefold() in names:
        name = f"other {name}"
    return name


def _taken(knowledge: Knowledge, concept: Concept, name: str) -> str:
    """Why a concept cannot have this name, or ""."""
    others = (other for other in knowledge.concepts if other.id != concept.id)
    return (
        "another concept has this name"
        if any(other.name.casefold() == name.casefold() for other in others)
        else ""
    )


def _unmatched(
    present: Sequence[UniAttribute | BiAttribute], texts: Iterable[str]
) -> tuple[list[UniAttribute | BiAttribute], list[str]]:
    """The attributes that no person wrote and nobody confirmed, and the texts that say something new."""
    new: list[str] = []
    confirmed: set[str] = set()
    for text in texts:
        same = {attribute.id for attribute in present if alike(attribute.text, text)}
        confirmed |= same
        if not same and not any(alike(text, other) for other in new):
            new.append(text)
    free = [a for a in present if a.source != "user" and a.id not in confirmed]
    return free, new


def _instead(what: str, attribute: UniAttribute | BiAttribute, text: str) -> Line:
    change = EditAttribute(attribute=attribute.id, text=text)
    return Line(what=what, old=attribute.text, new=text, change=change)
