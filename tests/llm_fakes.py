"""Stand-ins for the tests of the language-model builder."""

from __future__ import annotations

from kec_core.config import LLMConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, PairDraft
from kec_core.knowledge.llm_endpoint import LLMEndpoint
from kec_core.types import Concept, Noun

FAST = LLMConfig(backoff=0.01, max_backoff=0.05, timeout=10.0)


class OtherBuilder:
    """A fallback whose work is easy to recognise; remembers what it was asked for."""

    name = revision = "wordnet"

    def __init__(self) -> None:
        self.asked: list[object] = []

    def concepts(self, noun_lists, *, guidance, progress):
        self.asked.extend(tuple(noun.word for noun in nouns) for nouns in noun_lists)
        return [ConceptDraft(name=nouns[0].word, description="other", note="plain") for nouns in noun_lists]

    def uni_attributes(self, concepts, count, *, guidance, progress):
        self.asked.extend(concept.name for concept in concepts)
        return [(AttributeDraft(text="other attribute"),) for _ in concepts]

    def bi_attributes(self, pairs, count, *, guidance, progress):
        self.asked.extend((a.name, b.name) for a, b in pairs)
        return [(PairDraft(text="other contrast"),) for _ in pairs]

    def items(self):
        return ()


def endpoint(url: str, key: str = "") -> LLMEndpoint:
    from pydantic import SecretStr

    return LLMEndpoint(url=url, model="tiny", key=SecretStr(key))


def nouns(*words: str) -> tuple[Noun, ...]:
    return tuple(Noun(word=word, synset=f"n{i:08d}") for i, word in enumerate(words, 1))


def concept(number: int, name: str, description: str = "", **more: object) -> Concept:
    return Concept(id=f"c{number:03d}", name=name, description=description, **more)
