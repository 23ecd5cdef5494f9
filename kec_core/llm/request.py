"""One request through the openai client: its retries, its types, and what came back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, AsyncOpenAI

from kec_core.errors import LLMError, LLMReplyError
from kec_core.llm.answers import clean
from kec_core.llm.dialect import RefusedError
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.failures import WORDS, TransientError, failure_of, lost
from kec_core.llm.reading import reasons, visible
from kec_core.llm.transport import open_client

_LIST_SECONDS = 10.0
_LARGEST_LIST = 4_000_000
_CUT = re.compile(r"length|max\w*tokens|token_limit", re.IGNORECASE)
_FILTERED = re.compile(r"content_?filter|safety|recitation|blocklist|prohibited", re.IGNORECASE)
"""How servers say that an answer ended at the limit of tokens, and that it was held back."""
_HELD = ("text", "summary", "thinking", "content", "value", "json")
"""Keys under which a part of a content holds its text."""
_MOST_TOKENS = 10**9
"""A server that counts more for one question miscounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's reply.

    Attributes:
        text: what it said.
        cut: it hit the limit of tokens.
        prompt_tokens, completion_tokens: 0 when the server does not count.
        reasoning: thoughts that came apart from the text.
        refusal: why the model would not answer, or "".
    """

    text: str
    cut: bool
    prompt_tokens: int
    completion_tokens: int
    reasoning: str = ""
    refusal: str = ""

    @property
    def only_reasons(self) -> bool:
        """Whether there are thoughts and no word of an answer."""
        said = visible(self.text)
        return not said.strip() and bool(
            self.reasoning or self.text.strip() or (self.cut and self.completion_tokens)
        )

    @property
    def starved(self) -> bool:
        """Whether the limit cut it while it still reasoned."""
        return self.cut and (
            self.only_reasons
            or ("{" not in visible(self.text) and bool(self.reasoning or reasons(self.text)))
        )


async def send(
    client: AsyncOpenAI, endpoint: LLMEndpoint, body: Mapping[str, Any], *, retries: int | None = None
) -> Completion:
    """Make one request, with the client's retries or so many.

    Raises:
        TransientError: worth another try later.
        RefusedError: this request is not acceptable to the server.
        LLMAuthError: the key or the credit was refused.
        LLMReplyError: the reply was too large.
        LLMError: the address or the model is unknown there.
    """
    asking: Any = client if retries is None else client.with_options(max_retries=retries)
    failure: LLMError
    try:
        # the body as extra_body: the client walks through messages it is given by name for longer than it sends them
        stream = bool(body.get("stream"))
        options = {"stream": True} if stream else {}
        reply = await asking.chat.completions.create(
            model=body["model"], messages=(), extra_body=body, **options
        )
        return await _streamed(reply, endpoint) if stream else _completion(reply, endpoint)
    except APITimeoutError:
        failure = TransientError(f"no answer within {client.timeout:g} seconds", spoken=False)
    except APIConnectionError as error:
        failure = TransientError(lost(error, endpoint), spoken=False)
    except APIStatusError as error:
        failure = failure_of(error.response, endpoint)
    except APIError as error:  # told in the middle of a stream
        failure = TransientError(clean(endpoint.scrub(error.message), WORDS))
    except (ValueError, AttributeError, TypeError) as error:
        failure = TransientError(f"the reply could not be read ({type(error).__name__})")
    # raised out here, so that no chained exception carries the server's own text, which may hold the key
    raise failure


async def model_names(endpoint: LLMEndpoint) -> list[str]:
    """Names of the models that an endpoint offers.

    Raises:
        LLMAuthError: the key was refused.
        LLMError: no answer within 10 seconds, or not a list of models.
    """
    failure: LLMError
    async with open_client(endpoint, timeout=_LIST_SECONDS, max_bytes=_LARGEST_LIST) as client:
        try:
            listed = [_model_name(model) for model in (await client.models.list()).data]
            return [name for name in listed if name]
        except APIStatusError as error:
            failure = failure_of(error.response, endpoint)
            if isinstance(failure, (TransientError, RefusedError)):
                failure = LLMError(
                    f"The server at {endpoint.url} gave no list of models ({failure}); check the address, or type the "
                    "model's name."
                )
        except APITimeoutError:
            failure = TransientError(
                f"The server at {endpoint.url} gave no answer within {_LIST_SECONDS:g} seconds."
            )
        except APIConnectionError as error:
            failure = TransientError(
                f"The server at {endpoint.url} cannot be reached: {lost(error, endpoint)}."
            )
        except (ValueError, AttributeError, TypeError):
            failure = LLMReplyError(
                f"A list of models was expected from {endpoint.url}, but the reply was something else; check the "
                "address, it usually ends in /v1."
            )
    raise failure


def _model_name(model: Any) -> str:  # noqa: ANN401 - the client checks no types
    """The name in an entry of a list of models, "" when it has none that can be asked for."""
    named = model if isinstance(model, str) else getattr(model, "id", None) or getattr(model, "name", None)
    return named if isinstance(named, str) and named.isprintable() else ""


def _completion(reply: Any, endpoint: LLMEndpoint) -> Completion:  # noqa: ANN401 - the client checks no types
    """A completion out of the client's type, whose fields hold whatever the server sent."""
    choice, usage = reply.choices[0], reply.usage
    message = choice.message
    return _made(
        endpoint,
        text="\n".join(filter(str.strip, (_text(message.content), *_arguments(message)))),
        reasoning=_reasoning(message),
        finish=choice.finish_reason,
        refusal=_text(message.refusal),
        usage=usage,
    )


async def _streamed(reply: Any, endpoint: LLMEndpoint) -> Completion:  # noqa: ANN401 - as above
    """A completion out of a stream."""
    text, reasoning, refusal, arguments, finish, usage = "", "", "", "", None, None
    async for chunk in reply:
        usage = getattr(chunk, "usage", None) or usage
        for choice in (chunk.choices or ())[:1]:
            delta = getattr(choice, "delta", None) or getattr(choice, "message", None)
            text += _text(getattr(delta, "content", None))
            reasoning += _reasoning(delta)
            refusal += _text(getattr(delta, "refusal", None))
            arguments += "".join(_arguments(delta))
            finish = getattr(choice, "finish_reason", None) or finish
    return _made(
        endpoint,
        text="\n".join(filter(str.strip, (text, arguments))),
        reasoning=reasoning,
        finish=finish,
        refusal=refusal,
        usage=usage,
    )


def _made(
    endpoint: LLMEndpoint,
    *,
    text: str,
    reasoning: str,
    finish: Any,  # noqa: ANN401
    refusal: str,
    usage: Any,  # noqa: ANN401
) -> Completion:
    finish = str(finish)
    return Completion(
        text=endpoint.scrub(text),
        cut=_CUT.search(finish) is not None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        reasoning=endpoint.scrub(reasoning),
        refusal=endpoint.scrub(refusal) or ("its content filter" if _FILTERED.search(finish) else ""),
    )


def _text(content: Any) -> str:  # noqa: ANN401 - as above
    """The text of a content: itself, that of its parts without thoughts, or what stands in the place of a text."""
    if isinstance(content, list):
        return "".join(_text(part) for part in content if not _is_thought(part))
    if isinstance(content, dict):
        held = next((content[key] for key in _HELD if content.get(key)), None)
        return _text(held) if held is not None or "type" in content else json.dumps(content)
    return content if isinstance(content, str) else ""


def _is_thought(part: Any) -> bool:  # noqa: ANN401 - as above
    return isinstance(part, dict) and bool(reasons(f"<{part.get('type')}>"))


def _arguments(message: Any) -> list[str]:  # noqa: ANN401 - as above
    """What a message calls tools with: some servers give the answer in the asked form there."""
    calls = getattr(message, "tool_calls", None)
    called = [getattr(call, "function", None) for call in calls] if isinstance(calls, list) else []
    called.append(getattr(message, "function_call", None))
    return [_text(getattr(function, "arguments", None)) for function in called]


def _reasoning(message: Any) -> str:  # noqa: ANN401 - as above
    fields = ("reasoning_content", "reasoning", "reasoning_details")
    apart = next(filter(None, (_text_of_all(getattr(message, name, None)) for name in fields)), "")
    content = getattr(message, "content", None)
    thoughts = filter(_is_thought, content) if isinstance(content, list) else ()
    return apart or "".join(map(_text, thoughts))


def _text_of_all(content: Any) -> str:  # noqa: ANN401 - as above
    """The text of reasoning, whose parts are all thoughts."""
    return "".join(map(_text, content)) if isinstance(content, list) else _text(content)


def _count(usage: Any, name: str) -> int:  # noqa: ANN401 - as above
    value = getattr(usage, name, 0)
    return int(value) if isinstance(value, (int, float)) and 0 < value < _MOST_TOKENS else 0
