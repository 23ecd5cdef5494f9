"""How an endpoint wants to be asked, found out once and remembered, and the request body in that form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from kec_core.errors import LLMError
from kec_core.llm.prompts import Message, Question

Mode = Literal["json_schema", "json_object", "text"]
_NEXT: dict[Mode, Mode] = {"json_schema": "json_object", "json_object": "text"}
_FORMS: dict[Mode, str] = {
    "json_schema": "a JSON schema",
    "json_object": "JSON objects",
    "text": "plain text only",
}

_SYSTEM = re.compile(
    r"system\W{0,3}\s*(role|message|prompt|instruction)|role.{0,80}\bsystem\b|developer instruction|must alternate",
    re.IGNORECASE | re.DOTALL,
)
_STREAM = re.compile(r"\b(non-?)?stream", re.IGNORECASE)
_FORM = re.compile(r"response_format|schema|grammar|json|structured", re.IGNORECASE)
_LOW_LIMIT = re.compile(r"thinking|budget|greater|larger|at least|minimum|too (small|low)", re.IGNORECASE)
_EXTRA = re.compile(
    r"extra (field|input)|unknown|unrecogni[sz]ed|unexpected|not permitted|forbidden", re.IGNORECASE
)
_TOO_LONG = re.compile(
    r"context.{0,12}(length|size|window)|maximum context|n_ctx|too long|too many tokens|kv.cache",
    re.IGNORECASE,
)
BY_RULE = re.compile(
    rf"{_SYSTEM.pattern}|\bstream\w*\b.{{0,40}}(support|must|only|requir)|response_format|schema|grammar|jinja|"
    rf"chat template|structured output|temperature|max_(completion_)?tokens|{_TOO_LONG.pattern}",
    re.IGNORECASE | re.DOTALL,
)
"""Words of a failure that comes back however often the same is asked, whatever its HTTP status."""


class RefusedError(LLMError):
    """The server would not take this very request; asking the same again cannot help.

    Attributes:
        parameter: what it blames, or "".
        item: the question's own words are refused (a content filter), so other questions may be taken.
        missing: the server said "not found".
    """

    def __init__(
        self, message: str, parameter: str = "", *, item: bool = False, missing: bool = False
    ) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.item = item
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an endpoint understands.

    Attributes:
        mode: the way to ask for JSON.
        limit: the name of the limit of an answer; "" when it takes none.
        temperature: whether it takes one.
        system: whether it takes a system turn; else that text begins the first user turn.
        stream: whether answers must be streamed.
        max_tokens: a limit that its answers were found to need; 0: the usual one.
    """

    mode: Mode = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens", ""] = "max_tokens"
    temperature: bool = True
    system: bool = True
    stream: bool = False
    max_tokens: int = 0

    def blamed(self, refusal: RefusedError, limits: Sequence[int]) -> Dialect | None:
        """What to try after a refusal that says what it does not like, or None."""
        said = f"{refusal.parameter} {refusal}"
        for applies, changed in (
            (
                "max_completion_tokens" in said and self.limit == "max_tokens",
                {"limit": "max_completion_tokens"},
            ),
            (self.system and bool(_SYSTEM.search(said)), {"system": False}),
            (bool(_STREAM.search(said)), {"stream": not self.stream}),
            ("temperature" in said and self.temperature, {"temperature": False}),
        ):
            if applies:
                return replace(self, **changed)
        if "max_tokens" in said and _LOW_LIMIT.search(said):
            return self.longer(limits)
        if _FORM.search(said):
            return self._plainer()
        if _EXTRA.search(said):
            return self._plainest()
        return None

    def alternatives(self, refusal: RefusedError, limits: Sequence[int]) -> Iterator[Dialect]:
        """What to try after any refusal, the likeliest first; nothing after a prompt that is too long."""
        if (first := self.blamed(refusal, limits)) is not None:
            yield first
        if _TOO_LONG.search(str(refusal)):
            return
        if (plainer := self._plainer()) is not None:
            yield plainer if self.system else replace(self, mode="text")
        if self.system:
            yield replace(self, mode="json_schema", system=False)

    def longer(self, limits: Sequence[int]) -> Dialect | None:
        """With the next larger limit of an answer, or None beyond the largest."""
        more = [limit for limit in limits if limit > max(self.max_tokens, limits[0])]
        return replace(self, max_tokens=more[0]) if more else None

    def words(self, usual: int) -> str:
        """What was found out, for the person.

        Args:
            usual: limit of an answer where no other was found to be needed, tokens.
        """
        system = "a system turn" if self.system else "the system text in the first turn"
        stream = "streamed answers" if self.stream else "answers in one piece"
        limit = (
            f"at most {max(self.max_tokens, usual):,} tokens each"
            if self.limit
            else "without a limit of tokens"
        )
        warm = "" if self.temperature else ", its own temperature"
        return f"{_FORMS[self.mode]}, {system}, {stream}, {limit}{warm}"

    def to_json(self) -> str:
        """For the answer cache."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | None) -> Dialect:
        """Read what ``to_json`` of any version wrote; the fullest dialect when there is nothing."""
        known = {field.name for field in fields(cls)}
        return (
            cls(**{name: value for name, value in json.loads(text).items() if name in known})
            if text
            else cls()
        )

    def _plainer(self) -> Dialect | None:
        following = _NEXT.get(self.mode)
        return None if following is None else replace(self, mode=following)

    def _plainest(self) -> Dialect | None:
        """Without what is optional; then without a limit."""
        plain = replace(self, mode="text", temperature=False)
        if plain != self:
            return plain
        return replace(self, limit="") if self.limit else None


def what_to_change(words: str) -> str:
    """What the person can do about a refusal that meets every question."""
    if _TOO_LONG.search(words):
        return (
            "Start the server with a larger context, choose a model with one, or show fewer nouns per concept"
        )
    if "but the answer" in words:
        return "Choose a model that follows instructions"
    if "reason" in words:
        return "Turn the model's thinking off, or choose one that thinks less"
    if "tokens" in words:
        return "Choose a model or server that allows longer answers"
    return "Change what the server names, or choose another model"


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
    turns = list(messages or question.messages)
    body: dict[str, Any] = {"model": model, "messages": turns if dialect.system else _joined(turns)}
    if dialect.limit:
        body[dialect.limit] = max(max_tokens, dialect.max_tokens)
    if dialect.temperature:
        body["temperature"] = temperature
    if dialect.mode == "json_schema":
        form = {"name": question.kind, "strict": True, "schema": question.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    elif dialect.mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    if dialect.stream:
        body["stream"] = True
    return body


def _joined(turns: Sequence[Message]) -> list[Message]:
    """The system text at the head of the first user turn."""
    system, first, *others = turns
    said, asked = system["content"], first["content"]
    if isinstance(asked, str):
        return [{**first, "content": f"{said}\n\n{asked}"}, *others]
    return [{**first, "content": [{"type": "text", "text": said}, *asked]}, *others]
