"""A real, tiny language model behind a real server. Its words are never judged, only what becomes of them."""

from __future__ import annotations

import pytest

from kec_core.arrays import no_progress
from kec_core.config import LLMConfig
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import LLMClient, check_endpoint, list_models
from tests.llm_fakes import OtherBuilder, concept, nouns
from tests.real_llm import MODEL, serving

pytestmark = pytest.mark.server

CONFIG = LLMConfig(in_flight=4, timeout=300.0, max_tokens=60, long_max_tokens=90, reasks=1)
LISTS = [nouns("Shiba Inu", "Akita", "Spitz"), nouns("tabby", "Siamese cat", "kitten")]
HOW = {"guidance": "", "progress": no_progress}


@pytest.fixture(scope="module")
def served() -> object:
    with serving() as endpoint:
        yield endpoint


def test_every_item_is_valid_or_marked_and_a_second_run_asks_nothing(served):
    cache = MemoryCache()
    built = []
    for _ in range(2):
        builder = LLMBuilder(LLMClient(served, cache, CONFIG), OtherBuilder())
        drafts = builder.concepts(LISTS, **HOW)
        concepts = [concept(i, d.name, d.description) for i, d in enumerate(drafts)]
        uni = builder.uni_attributes(concepts, 1, **HOW)
        bi = builder.bi_attributes([(concepts[0], concepts[1])], 1, **HOW)
        built.append((builder.report(), drafts, uni, bi))
    (first, drafts, uni, bi), (second, *again) = built
    assert again == [drafts, uni, bi]
    assert first.requests >= 5
    assert first.completion_tokens > 0
    assert second.requests == 0
    assert len(second.items) == 5
    assert second.count("cached") + second.count("fallback") == 5
    counting = LLMBuilder(LLMClient(served, MemoryCache(), CONFIG), OtherBuilder()).counting()
    counting.concepts(LISTS, **HOW)
    counted = sum(item.prompt_tokens / item.requests for item in first.items if item.kind == "concept")
    assert counting.client.counted.prompt_tokens == pytest.approx(counted, rel=0.35)
    for draft in drafts:
        assert draft.name
        assert draft.source == "llm" or (draft.source == "wordnet" and "gave no usable answer" in draft.note)
    assert [len(attributes) for attributes in (*uni, *bi)] == [1, 1, 1]


def test_the_settings_page_sees_the_model_and_what_it_understands(served):
    assert list_models(served) == (MODEL,)
    assert check_endpoint(served, timeout=300.0).dialect.mode == "json_schema"
