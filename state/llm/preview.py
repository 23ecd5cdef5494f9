"""What would leave this machine: the exact messages about a project's present concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kec_core.config import KnowledgeConfig
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.client import LLMClient
from kec_core.llm.prompts import Question, concept_question, pair_question, uni_question
from kec_core.types import Concept, Knowledge, Noun
from state.llm.setup import LLMSetup

EXAMPLE = Knowledge(
    concepts=(
        Concept(
            id="c001",
            name="cat",
            description="small furry animal with pointed ears",
            nouns=(Noun(word="tabby"), Noun(word="Siamese cat"), Noun(word="kitten")),
            source="llm",
        ),
        Concept(
            id="c002",
            name="dog",
            description="four-legged animal with a long muzzle",
            nouns=(Noun(word="husky"), Noun(word="poodle")),
            source="llm",
        ),
    )
)
"""Stands in while a project has no concepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request: what it is about, and its whole body."""

    kind: str
    label: str
    body: dict[str, Any]


def messages(knowledge: Knowledge, setup: LLMSetup, options: KnowledgeConfig) -> tuple[Message, ...]:
    """The requests that would make this knowledge, in the order they are sent; nothing is asked.

    Where a pair of concepts has no attributes yet, the first two stand for all pairs.
    """
    questions = _questions(knowledge, setup, options)
    client = LLMClient(setup.endpoint, MemoryCache(), setup.config)
    return tuple(Message(kind=q.kind, label=q.label, body=client.preview(q)) for q in questions)


def _questions(knowledge: Knowledge, setup: LLMSetup, options: KnowledgeConfig) -> list[Question]:
    guidance, values = options.guidance, setup.config.pair_values
    concepts = [concept for concept in knowledge.concepts if not concept.locked]
    named = [concept for concept in concepts if concept.nouns and concept.source != "user"]
    shown = [[noun.word for noun in concept.nouns[: options.max_nouns]] for concept in named]
    return [
        *(concept_question(nouns, guidance=guidance) for nouns in shown),
        *(uni_question(c, options.uni, guidance=guidance) for c in concepts if options.uni),
        *(
            pair_question(a, b, options.bi, guidance=guidance, values=values)
            for a, b in _pairs(knowledge, concepts)
            if options.bi
        ),
    ]


def _pairs(knowledge: Knowledge, concepts: Sequence[Concept]) -> list[tuple[Concept, Concept]]:
    known = {concept.id: concept for concept in concepts}
    written = dict.fromkeys(attribute.pair for attribute in knowledge.bi)
    pairs = [(known[a], known[b]) for a, b in written if a in known and b in known]
    return pairs or ([(concepts[0], concepts[1])] if len(concepts) > 1 else [])
