"""The messages that are shown are those that are sent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kec_core.arrays import no_progress
from kec_core.config import KnowledgeConfig
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import LLMClient
from kec_core.types import BiAttribute, Knowledge
from state.llm.preview import EXAMPLE, messages
from state.llm.setup import LLMSetup
from tests.llm_fakes import FAST, OtherBuilder, concept, endpoint, nouns
from tests.llm_server import LLMServer

CAT = concept(1, "cat", "soft fur", nouns=nouns("tabby", "kitten"), source="llm")
DOG = concept(2, "dog", nouns=nouns("husky"), source="wordnet")
MINE = concept(3, "my garden", nouns=nouns("rose"), source="user")
FIXED = concept(4, "stone", nouns=nouns("rock"), source="llm", locked=True)
PAIR = BiAttribute(id="a001", pair=("c001", "c003"), text="leaves", ends=("c001",), source="llm")
KNOWN = Knowledge(concepts=(CAT, DOG, MINE, FIXED), bi=(PAIR,), last_id=4)
OPTIONS = KnowledgeConfig(uni=2, bi=1, guidance="by coat", max_nouns=1)


@pytest.mark.parametrize("values", [False, True])
def test_they_are_exactly_what_a_builder_sends(values):
    config = replace(FAST, pair_values=values)
    with LLMServer() as server:
        setup = LLMSetup(endpoint=endpoint(server.url), config=config)
        shown = messages(KNOWN, setup, OPTIONS)
        assert server.requests == 0
        client = LLMClient(setup.endpoint, MemoryCache(), config)
        builder = LLMBuilder(client, OtherBuilder(), max_nouns=1)
        how = {"guidance": "by coat", "progress": no_progress}
        builder.concepts([CAT.nouns, DOG.nouns], **how)
        builder.uni_attributes([CAT, DOG, MINE], 2, **how)
        builder.bi_attributes([(CAT, MINE)], 1, **how)
        sent = sorted(json.dumps(body, sort_keys=True) for body in server.bodies)
    assert sorted(json.dumps(message.body, sort_keys=True) for message in shown) == sent
    assert [message.kind for message in shown] == ["concept"] * 2 + ["uni"] * 3 + ["pair"]


def test_before_there_are_pairs_two_concepts_stand_for_them():
    setup = LLMSetup(endpoint=endpoint("http://h"))
    assert [m.label for m in messages(EXAMPLE, setup, OPTIONS) if m.kind == "pair"] == ["cat | dog"]
    assert not [m for m in messages(Knowledge(concepts=(CAT,)), setup, OPTIONS) if m.kind == "pair"]
    none = KnowledgeConfig(uni=0, bi=0)
    assert {m.kind for m in messages(EXAMPLE, setup, none)} == {"concept"}
