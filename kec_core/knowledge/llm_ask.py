"""Asking about one thing on the person's request; the answer is a proposal, nothing is changed.

Every function goes around stored answers when ``fresh`` is true, takes an ``instruction`` of the person, never falls
back, raises LLMError with the server's words when there is no usable answer, and Cancelled from ``progress``.
What a proposal would change, line by line, is told by ``llm_diff``.
"""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.arrays import Progress, no_progress
from kec_core.config import KnowledgeConfig
from kec_core.errors import InputError, LLMError
from kec_core.knowledge.base import ConceptDraft, PairDraft
from kec_core.knowledge.llm_builder import attributes_of, pair_drafts
from kec_core.knowledge.llm_client import LLMClient
from kec_core.knowledge.llm_dialogue import Outcome
from kec_core.knowledge.prompts import Question, concept_question, pair_question, split_question, uni_question
from kec_core.types import Concept, Noun


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
