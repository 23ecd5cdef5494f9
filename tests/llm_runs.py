"""Runs of questions against a language-model server that a script imitates."""

from __future__ import annotations

import pytest

from kec_core.errors import LLMError
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.prompts import concept_question
from tests.llm_fakes import FAST, client_for, questions
from tests.llm_server import LLMServer

ANSWER = '{"concept": "dog", "description": "soft fur"}'


DRAFT = '{"concept": "cat", "description": "pointed ears"}'


def answered(script, count=8, *, config=FAST, cache=None):
    """Requests, dialect and answers of a run in which every question gets its own answer."""
    cache = MemoryCache() if cache is None else cache
    with LLMServer(script) as server:
        client = client_for(server, cache, config)
        outcomes = client.ask(questions(count))
        assert [o.status for o in outcomes] == ["done"] * count, outcomes[0].reason
        assert [o.answer["concept"] for o in outcomes] == [f"kind of noun{i}, other" for i in range(count)]
        first, bodies = server.requests, list(server.bodies)
        client_for(server, cache, config).ask([concept_question(["one more"])])
        assert server.requests == first + 1  # remembered: nothing is found out twice
        return first, client.answers.dialect(), bodies


def stopped(script, words, *, config=FAST, kind=LLMError, most=9):
    """Requests of a run that ends with these words."""
    with LLMServer(script) as server:
        with pytest.raises(kind, match=words) as caught:
            client_for(server, config=config).ask(questions(72))
        assert server.requests <= most
        assert "has not answered" not in str(caught.value)
        return server.requests
