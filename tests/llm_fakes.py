"""Stand-ins and short ways for the tests of language models."""

from __future__ import annotations

from kec_core.config import LLMConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, PairDraft
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.client import LLMClient
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import concept_question
from kec_core.types import Concept, Noun
from tests.llm_server import case_of

KEY = "sk-secret-0123456789"
FAST = LLMConfig(timeout=10.0)


class CountingCache(MemoryCache):
    """Notices when one answer is stored twice."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[str] = []

    def put(self, key, reply, meta):
        self.puts.append(key)
        super().put(key, reply, meta)


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


def questions(count):
    """As many different questions about concepts."""
    return [concept_question([f"noun{i}", "other"]) for i in range(count)]


def case_number(body):
    """Which of ``questions`` a request asks."""
    return int(case_of(body).removeprefix("Nouns: noun").split(",")[0])


def client_for(server, cache=None, config=FAST, **options):
    """A client of the fake server, with the secret key."""
    return LLMClient(
        endpoint(server.url, KEY), cache if cache is not None else MemoryCache(), config, **options
    )
