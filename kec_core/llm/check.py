"""For the settings page: which models an endpoint offers, and whether and how fast it answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from kec_core.config import LLMConfig
from kec_core.errors import LLMError, LLMReplyError
from kec_core.llm.client import LLMClient, MemoryCache
from kec_core.llm.dialect import Dialect
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import concept_question
from kec_core.llm.request import guarded, open_client

_SECONDS = 10.0
_LARGEST_LIST = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCheck:
    """How one small question went.

    Attributes:
        seconds: until the answer was there, questions about what the endpoint understands included.
        dialect: what it understands.
        answer: the concept it named, or "" when the answer was of no use.
        complaint: what was wrong with the answer, or "".
    """

    seconds: float
    dialect: Dialect
    answer: str
    complaint: str


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


def list_models(endpoint: LLMEndpoint) -> tuple[str, ...]:
    """Names of the models that an endpoint offers, sorted.

    Raises:
        LLMAuthError: the key was refused.
        LLMError: no answer within 10 seconds, or not a list of models.
    """
    reply = asyncio.run(_models(endpoint))
    try:
        return tuple(sorted({model.id for model in _Models.model_validate_json(reply).data}))
    except ValidationError as error:
        broken = str(error.errors(include_input=False, include_url=False)[0]["msg"])
    raise LLMReplyError(
        f"A list of models was expected from {endpoint.url}, but the reply was something else ({broken}); "
        "check the address, it usually ends in /v1."
    )


def check_endpoint(endpoint: LLMEndpoint, *, timeout: float = 60.0) -> EndpointCheck:
    """Ask one small question, without retries.

    Raises:
        LLMAuthError: the key or the quota was refused.
        LLMError: no answer, or the model is unknown there.
    """
    config = LLMConfig(timeout=timeout, retries=0, reasks=0)
    client = LLMClient(endpoint, MemoryCache(), config)
    started = time.monotonic()
    (outcome,) = client.ask([concept_question(["tabby", "Siamese cat", "kitten"])])
    seconds = time.monotonic() - started
    if outcome.answer is None and not outcome.completion_tokens:
        raise LLMError(
            f"The language model at {endpoint.url} did not answer: {outcome.reason}. Check that it runs."
        )
    answer = "" if outcome.answer is None else str(outcome.answer["concept"])
    return EndpointCheck(seconds=seconds, dialect=client.dialect(), answer=answer, complaint=outcome.reason)


async def _models(endpoint: LLMEndpoint) -> bytes:
    async with open_client(endpoint, timeout=_SECONDS, max_bytes=_LARGEST_LIST) as api:
        return await guarded(endpoint, _SECONDS, api.models.with_raw_response.list)
