"""One request to an OpenAI-compatible endpoint: what is sent, what comes back, and what each failure means."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from kec_core.errors import InputError, LLMAuthError, LLMError, LLMReplyError
from kec_core.llm.answers import clean
from kec_core.llm.dialect import RefusedError
from kec_core.llm.endpoint import LLMEndpoint

if TYPE_CHECKING:
    import httpx2
    from openai import APIStatusError, AsyncOpenAI

_QUOTA = ("insufficient_quota", "billing_hard_limit", "billing_not_active", "exceeded your current quota")
_WORDS = 300


class TransientError(LLMError):
    """A failure that asking again may cure.

    Attributes:
        wait: seconds the server asked for, or None.
        crowded: the server said there are too many requests, so every other request should wait as well.
        unanswered: no answer came at all (refused, lost, timed out, 5xx): a sign of an outage.
        billed: the server may have worked, and charged, for the prompt.
        slow: the time was up: perhaps too many questions wait for one another over there.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: float | None = None,
        crowded: bool = False,
        unanswered: bool = True,
        billed: bool = False,
        slow: bool = False,
    ) -> None:
        super().__init__(message)
        self.wait = wait
        self.crowded = crowded
        self.unanswered = unanswered
        self.billed = billed
        self.slow = slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's reply; ``cut`` means that it hit the token limit."""

    text: str
    cut: bool
    prompt_tokens: int
    completion_tokens: int


@asynccontextmanager
async def open_client(endpoint: LLMEndpoint, *, timeout: float, max_bytes: int) -> AsyncIterator[AsyncOpenAI]:
    """A client that never retries by itself and reads at most ``max_bytes`` of any reply."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    secret = endpoint.secret()
    if not (secret.isascii() and secret.isprintable()):
        raise InputError("The key holds letters that no key has, such as a line break; copy it again.")
    http = DefaultAsyncHttpxClient(timeout=timeout, event_hooks={"response": [_capped(max_bytes)]})
    async with AsyncOpenAI(
        api_key=secret,
        base_url=endpoint.url,
        max_retries=0,
        http_client=http,
        default_headers={"Accept-Encoding": "identity"},  # so that bytes on the line are bytes in memory
    ) as client:
        yield client


async def send(
    client: AsyncOpenAI, endpoint: LLMEndpoint, body: dict[str, Any], timeout: float
) -> Completion:
    """Make one request.

    Raises:
        TransientError: worth another try.
        RefusedError: this request is not acceptable to the server.
        LLMAuthError: the key or the quota was refused.
        LLMReplyError: the reply was too large.
        LLMError: the address or the model is unknown there.
    """
    import httpx2

    # Not through client.chat.completions.create: rewriting the messages and rebuilding the reply field by field take
    # longer than all else that a request costs this machine.
    content = json.dumps(body, ensure_ascii=False).encode()
    reply = await guarded(
        endpoint,
        timeout,
        lambda: client.post("/chat/completions", content=content, cast_to=httpx2.Response),
    )
    return _completion(reply, endpoint)


async def guarded(endpoint: LLMEndpoint, timeout: float, call: Callable[[], Awaitable[Any]]) -> bytes:
    """The body of a raw response within ``timeout`` seconds; failures are turned into the kinds of ``send``."""
    import asyncio

    from openai import APIConnectionError, APIStatusError, APITimeoutError

    failure: LLMError
    try:
        async with asyncio.timeout(timeout):
            response = await call()
            return bytes(response.content)
    except (APITimeoutError, TimeoutError):
        failure = TransientError(f"no answer within {timeout:g} seconds", billed=True, slow=True)
    except APIConnectionError as error:
        failure = TransientError(f"the connection failed ({endpoint.scrub(_root_words(error))})")
    except APIStatusError as error:
        failure = _status_failure(error, endpoint)
    # raised out here, so that no chained exception carries the server's own text, which may hold the key
    raise failure


def _status_failure(error: APIStatusError, endpoint: LLMEndpoint) -> LLMError:
    status = error.status_code
    said = _server_words(error, endpoint)
    quota = status == 402 or any(mark in f"{error.code} {said}" for mark in _QUOTA)
    if quota or status in (401, 403):
        what = "the quota" if quota else "the key"
        return LLMAuthError(
            f"The language model at {endpoint.url} refused {what} (HTTP {status}): {said}. "
            f"Check {what} and run again; answers received are kept."
        )
    if status == 404:
        return LLMError(
            f"The language model at {endpoint.url} does not know the model {endpoint.model!r} or the address "
            f"(HTTP 404): {said}. Choose a model from its list."
        )
    if status in (408, 409, 425, 429) or (status >= 500 and status != 501):
        crowded = status == 429
        wait = _retry_after(error.response.headers)
        return TransientError(
            f"HTTP {status}: {said}",
            wait=wait,
            crowded=crowded or (status == 503 and wait is not None),
            unanswered=not crowded,
        )
    return RefusedError(f"HTTP {status}: {said}", error.param or "")


def _server_words(error: APIStatusError, endpoint: LLMEndpoint) -> str:
    """What the server says is wrong, in one line, without the key."""
    body = error.body
    text = str(body.get("message") or body) if isinstance(body, dict) else error.response.text
    return clean(endpoint.scrub(text), _WORDS)


def _root_words(error: BaseException) -> str:
    """What the deepest cause of a connection failure says."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return clean(str(error), _WORDS) or type(error).__name__


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds that the server asks to wait: in milliseconds, in seconds, or until a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "")
        if text.replace(".", "", 1).isdigit():
            return float(text) * unit
    try:
        return max(0.0, parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Envelope(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


def _completion(reply: bytes, endpoint: LLMEndpoint) -> Completion:
    """Read the envelope of a reply; a broken one is as good as a lost connection."""
    broken = ""
    try:
        envelope = _Envelope.model_validate_json(reply)
    except ValidationError as error:
        broken = error.errors(include_input=False, include_url=False)[0]["msg"]
    if broken:
        start = clean(endpoint.scrub(reply[:2000].decode(errors="replace")), 80)
        raise TransientError(f'the reply was not a chat completion ({broken}): "{start}"', billed=True)
    usage = envelope.usage or _Usage()
    choice = envelope.choices[0]
    return Completion(
        text=endpoint.scrub(choice.message.content or ""),
        cut=choice.finish_reason == "length",
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )


def _capped(max_bytes: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook that makes every response, also one that tells of an error, stop at ``max_bytes``."""
    from httpx2 import AsyncByteStream

    class Capped(AsyncByteStream):
        def __init__(self, inner: AsyncByteStream) -> None:
            self.inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self.inner:
                size += len(chunk)
                _refuse_large(size, max_bytes)
                yield chunk

        async def aclose(self) -> None:
            await self.inner.aclose()

    async def hook(response: httpx2.Response) -> None:
        length = response.headers.get("content-length", "")
        _refuse_large(int(length) if length.isdigit() else 0, max_bytes)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise LLMReplyError("the reply was compressed although plain text was asked for")
        assert isinstance(response.stream, AsyncByteStream)
        response.stream = Capped(response.stream)

    return hook


def _refuse_large(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise LLMReplyError(f"the reply was refused because it is larger than {max_bytes:,} bytes")
