"""Asking about one thing on the person's request; the answer is a proposal, nothing is changed.

Every function goes around stored answers when ``fresh`` is true, takes an ``instruction`` of the person, never falls
back, and raises LLMError with the server's words when there is no usable answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.errors import InputError, LLMError
from kec_core.knowledge.base import ConceptDraft, PairDraft
from kec_core.knowledge.llm_builder import LLMBuilder, attributes_of, pair_drafts
from kec_core.knowledge.llm_dialogue import Outcome
from kec_core.knowledge.prompts import Question, concept_question, pair_question, split_question, uni_question
from kec_core.types import Concept, Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """One sub-concept of a split proposal."""

    name: str
    nouns: tuple[Noun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitProposal:
    """Two to four sub-concepts, and the nouns that none of them claimed."""

    parts: tuple[SplitPart, ...]
    rest: tuple[Noun, ...]


def propose_concept(
    builder: LLMBuilder, concept: Concept, *, guidance: str = "", instruction: str = "", fresh: bool = False
) -> ConceptDraft:
    """A new name and description for a concept, from its nouns (from its name when it has none)."""
    _refuse_locked(concept)
    nouns = builder.shown_nouns(concept.nouns) or [concept.name]
    outcome = _ask(builder, concept_question(nouns, guidance=guidance, instruction=instruction), fresh)
    assert outcome.answer is not None
    return ConceptDraft(
        name=str(outcome.answer["concept"]),
        description=str(outcome.answer["description"]),
        source="llm",
        note=outcome.reason,
    )


def propose_attributes(
    builder: LLMBuilder,
    concept: Concept,
    count: int,
    *,
    guidance: str = "",
    instruction: str = "",
    fresh: bool = False,
) -> tuple[str, ...]:
    """At most ``count`` new attributes of one concept."""
    _refuse_locked(concept)
    question = uni_question(concept, count, guidance=guidance, instruction=instruction)
    return tuple(draft.text for draft in attributes_of(_ask(builder, question, fresh)))


def propose_pair_attributes(
    builder: LLMBuilder,
    first: Concept,
    second: Concept,
    count: int,
    *,
    guidance: str = "",
    instruction: str = "",
    fresh: bool = False,
) -> tuple[PairDraft, ...]:
    """At most ``count`` new attributes (per side, when values are asked for) that tell two concepts apart."""
    _refuse_locked(first, second)
    values = builder.client.config.pair_values
    question = pair_question(first, second, count, guidance=guidance, instruction=instruction, values=values)
    return pair_drafts(_ask(builder, question, fresh))


def propose_split(
    builder: LLMBuilder, concept: Concept, *, guidance: str = "", instruction: str = "", fresh: bool = False
) -> SplitProposal:
    """Two to four sub-concepts of a concept, sharing out its nouns."""
    _refuse_locked(concept)
    nouns = builder.shown_nouns(concept.nouns)
    question = split_question(concept, nouns, guidance=guidance, instruction=instruction)
    outcome = _ask(builder, question, fresh)
    assert outcome.answer is not None
    owner = {noun.casefold(): i for i, part in enumerate(outcome.answer["parts"]) for noun in part["nouns"]}
    shares: dict[int, list[Noun]] = {}
    for noun in concept.nouns:
        shares.setdefault(owner.get(noun.word.casefold(), -1), []).append(noun)
    parts = tuple(
        SplitPart(name=part["name"], nouns=tuple(shares.get(i, ())))
        for i, part in enumerate(outcome.answer["parts"])
    )
    return SplitProposal(parts=parts, rest=tuple(shares.get(-1, ())))


def _ask(builder: LLMBuilder, question: Question, fresh: bool) -> Outcome:
    (outcome,) = builder.client.ask([question], label=question.label, fresh=fresh)
    if outcome.answer is None:
        raise LLMError(
            f"{builder.name} gave no usable answer about {question.label!r}: {outcome.reason}. "
            "Ask again, or word the instruction differently."
        )
    return outcome


def _refuse_locked(*concepts: Concept) -> None:
    for concept in concepts:
        if concept.locked:
            raise InputError(
                f"The concept {concept.name!r} is locked, so it is not asked about; unlock it first."
            )
