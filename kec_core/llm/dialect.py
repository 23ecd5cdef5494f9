"""How an endpoint wants to be asked, and the request body in that form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kec_core.errors import LLMError
from kec_core.llm.prompts import Message, Question

Mode = Literal["json_schema", "json_object", "text"]
_NEXT: dict[Mode, Mode] = {"json_schema": "json_object", "json_object": "text"}


class RefusedError(LLMError):
    """The server would not take this very request; asking the same again cannot help."""

    def __init__(self, message: str, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an endpoint understands: the way to ask for JSON, the name of the limit, whether it takes a temperature."""

    mode: Mode = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def simpler(self, refusal: RefusedError) -> Dialect | None:
        """What to try after a refusal, or None when nothing simpler is left."""
        blamed = f"{refusal.parameter} {refusal}"
        if "max_completion_tokens" in blamed and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in blamed and self.temperature:
            return replace(self, temperature=False)
        following = _NEXT.get(self.mode)
        return None if following is None else replace(self, mode=following)

    def to_json(self) -> str:
        """For the answer cache."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Dialect:
        """Read what ``to_json`` wrote; the fullest dialect when there is nothing."""
        return cls(**json.loads(text)) if text else cls()


def request_body(
    model: str,
    question: Question,
    dialect: Dialect,
    *,
    messages: tuple[Message, ...] | None = None,
    temperature: float,
    max_tokens: int,
) -> dict[str, Any]:
    """The whole JSON body of a request: nothing else about the collection leaves the machine."""
    body: dict[str, Any] = {"model": model, "messages": list(messages or question.messages)}
    body[dialect.limit] = max_tokens
    if dialect.temperature:
        body["temperature"] = temperature
    if dialect.mode == "json_schema":
        form = {"name": question.kind, "strict": True, "schema": question.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    elif dialect.mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body
