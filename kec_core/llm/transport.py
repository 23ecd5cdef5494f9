"""How a request travels: sent through httpx, read whole within limits, with its failures told as what they are."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from kec_core.errors import InputError, LLMError, LLMReplyError
from kec_core.llm.answers import clean
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.failures import TransientError, failure_of, lost, plain_text, read_json
from kec_core.llm.fields import valid_json
from kec_core.llm.reading import LONGEST_ANSWER

_NO_ANSWER_TRIES = 3
"""Tries of a request that is answered, but by something else than a completion (HTML, an error, no choice)."""
_MOVED = (301, 302, 303)
"""Ways of sending a request on that lose the question; 307 and 308 keep it, and the client follows them."""
_MOST_STEPS = 3
"""So often a question is sent on, not further."""
_GZIP = b"\x1f\x8b\x08"
"""How compressed content begins."""
_RUN_ON = re.compile(rb"^(data: *\{.*\})\r?\n(?=data:)", re.MULTILINE)
"""An event without the blank line that should end it."""
_REPLIES = {"choices", "data", "error"}
"""Keys of which a reply has one: a completion, a list of models, an error."""
_PLAIN_KEY = "api-key"
"""Header of the key at Azure's addresses, those with an api-version."""


class Attempts(Protocol):
    """Told of every time that one request is really sent, retries included."""

    async def begin(self) -> None:
        """Before sending; returns when it may be sent.

        Raises:
            LLMError: it may not.
        """
        ...

    def failed(self, words: str, *, billed: bool) -> None:
        """It brought no completion; ``billed``: the server may have worked, and charged, for the prompt."""
        ...


ATTEMPTS: ContextVar[Attempts | None] = ContextVar("attempts", default=None)
"""Who is told of the attempts of the present task's request."""


@asynccontextmanager
async def open_client(
    endpoint: LLMEndpoint, *, timeout: float, max_bytes: int, retries: int = 0
) -> AsyncIterator[AsyncOpenAI]:
    """The openai client of an endpoint.

    Args:
        endpoint: where, and with which key.
        timeout: seconds of one attempt, from sending to the last byte.
        max_bytes: a larger reply is refused.
        retries: made by the client after 408, 409, 429, 5xx, time-outs and lost connections, as long as the server
            asks to wait, else with growing pauses.

    Raises:
        InputError: the key cannot be sent.
    """
    secret = endpoint.secret()
    if not (secret.isascii() and secret.isprintable()):
        raise InputError("The key holds letters that no key has, such as a line break; copy it again.")
    transport = _Transport(endpoint, timeout, max_bytes)
    async with AsyncOpenAI(
        api_key=secret,
        base_url=endpoint.base,
        default_query=endpoint.query,
        default_headers={_PLAIN_KEY: secret} if endpoint.query else None,
        max_retries=retries,
        timeout=timeout,
        http_client=DefaultAsyncHttpxClient(transport=transport, timeout=timeout),
    ) as client:
        yield client


class _Transport(httpx2.AsyncBaseTransport):
    """Sends through httpx and reads replies whole, so that time and size have limits and the client sees what they are.

    The client retries by status and headers; here both are made to say what the body says: an error told with status
    200 is one, a delay in the body is a Retry-After, and what is refused by rule is not tried again.
    """

    def __init__(self, endpoint: LLMEndpoint, timeout: float, max_bytes: int) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.max_bytes = max_bytes
        limits = httpx2.Limits(max_connections=None)
        self.inner = httpx2.AsyncClient(
            timeout=timeout, limits=limits
        )  # a client, for the environment's proxies

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        steps: list[httpx2.URL] = request.extensions.setdefault(
            "steps", []
        )  # the request it is sent on as has them too
        steps.append(request.url)
        attempts = ATTEMPTS.get()
        if attempts is None:
            return await self._sent(request)
        await attempts.begin()
        try:
            response = await self._sent(request)
        except httpx2.TimeoutException:
            attempts.failed(f"no answer within {self.timeout:g} seconds", billed=True)
            raise
        except httpx2.TransportError as error:
            attempts.failed(lost(error, self.endpoint), billed=False)
            raise
        if response.status_code < 400:
            return response
        failure = failure_of(response, self.endpoint)
        attempts.failed(str(failure), billed="said" in response.extensions)
        return _retried(response, failure, request)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(self.timeout):
                response = await self.inner.send(request, stream=True)
                try:
                    content = await self._read(response)
                except httpx2.DecodingError:
                    empty = httpx2.Response(response.status_code, request=request)
                    return _error(
                        empty, 502, "the reply says that it is compressed, but it cannot be unpacked"
                    )
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx2.ReadTimeout("the time is up", request=request) from error
        kept = [
            (n, v) for n, v in response.headers.items() if n not in ("content-encoding", "content-length")
        ]
        whole = httpx2.Response(response.status_code, headers=kept, content=content, request=request)
        asks = request.url.path.endswith("/chat/completions")
        target = whole.headers.get("location", "")
        is_lost = asks and whole.status_code in _MOVED
        if whole.has_redirect_location and (is_lost or not _may_follow(request.extensions["steps"], target)):
            return _error(whole, 404, f"it sends questions on to {target}", is_moved=True)
        return _checked(whole, request) if asks else whole

    async def _read(self, response: httpx2.Response) -> bytes:
        content = b""
        async for chunk in response.aiter_bytes():  # unpacked, should it be packed
            content = self._within(content + chunk)
        if content.startswith(_GZIP):  # packed without a word of it, or under another name
            content = self._unpacked(content)
        return _alone(_readable(content))

    def _unpacked(self, content: bytes) -> bytes:
        try:
            whole = zlib.decompressobj(wbits=31).decompress(content, self.max_bytes + 1)
        except zlib.error:
            return content
        return self._within(whole)

    def _within(self, content: bytes) -> bytes:
        if len(content) > self.max_bytes:
            raise LLMReplyError(f"the reply was refused because it is larger than {self.max_bytes:,} bytes")
        return content

    async def aclose(self) -> None:
        await self.inner.aclose()


def _checked(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """The reply, or an error in its place when it is no completion although its status says so."""
    if response.status_code >= 300:
        return response
    streamed = response.content.lstrip().startswith((b"data:", b"event:", b":"))
    wanted = b'"stream":true' in request.content.replace(b" ", b"")
    if streamed:
        content = _RUN_ON.sub(rb"\1\n\n", response.content)
        response = httpx2.Response(response.status_code, headers=response.headers, content=content)
        if error := _error_among_events(response.content):
            return _told(response, error)
        said = "the server streams its answers without being asked to"
        return response if wanted else _error(response, 400, said)
    body = read_json(response.content)
    first = _first_choice(body)
    if isinstance(body, dict) and (error := body.get("error") or first.get("error")):
        return _told(response, error)
    if wanted and first:
        return _error(response, 400, "the answer was not streamed although that was asked for")
    if isinstance(first.get("message"), dict):
        return response
    what = "was not a chat completion"
    if isinstance(body, dict) and "choices" in body:
        what = "held no message" if first else "held no choice"
    return _error(response, 502, f"the reply {what}: {clean(plain_text(response.text), 120)}")


def _may_follow(steps: Sequence[httpx2.URL], target: str) -> bool:
    """Whether a question may go on to an address: on the same host, in no circle, after few steps."""
    try:
        url = steps[-1].join(target)
    except httpx2.InvalidURL:
        return False
    return url.host == steps[0].host and url not in steps and len(steps) <= _MOST_STEPS


def _error_among_events(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """The first error that server-sent events tell of, None when they tell of none."""
    for line in content.splitlines():
        if line.startswith(b"data:") and b'"error"' in line:
            event = read_json(line.removeprefix(b"data:"))
            if isinstance(event, dict) and event.get("error"):
                return event["error"]
    return None


def _told(response: httpx2.Response, error: Any) -> httpx2.Response:  # noqa: ANN401 - JSON
    """The error that a reply of status 200 holds, under the status that it names."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    status = int(code) if re.fullmatch("[45]\\d\\d", code) else 502
    return _error(response, status, content=json.dumps({"error": error}).encode())


def _first_choice(body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The first choice of a completion, {} when there is none."""
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _readable(content: bytes) -> str:
    """A reply as text, also when the server wrote it in UTF-16 or as Windows does."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeError:
        return content.decode("cp1252", errors="replace")


def _alone(text: str) -> bytes:
    """A reply without the little that its server wrote behind it, unless that is another reply."""
    whole = text.lstrip()
    try:
        first, end = json.JSONDecoder().raw_decode(whole)
    except (ValueError, RecursionError):
        return text.encode()
    rest = whole[end:]
    is_reply = isinstance(first, dict) and _REPLIES & first.keys() and len(rest) <= LONGEST_ANSWER
    others = [other for other in valid_json(rest, "{") if other != first] if is_reply else []
    is_alone = is_reply and not any(_REPLIES & other.keys() for other in others)
    return (whole[:end] if is_alone else text).encode()


def _error(
    response: httpx2.Response,
    status: int,
    words: str = "",
    *,
    content: bytes | None = None,
    is_moved: bool = False,
) -> httpx2.Response:
    extensions = {"said": response.status_code, "words": words, "moved": is_moved}
    content = response.content if content is None else content
    return httpx2.Response(status, headers=response.headers, content=content, extensions=extensions)


def _retried(response: httpx2.Response, failure: LLMError, request: httpx2.Request) -> httpx2.Response:
    """With headers that make the client's retries do what the failure asks for."""
    headers = dict(response.headers)
    tries = int(request.headers.get("x-stainless-retry-count", 0)) + 1
    if not isinstance(failure, TransientError) or (
        "said" in response.extensions and tries >= _NO_ANSWER_TRIES
    ):
        headers["x-should-retry"] = "false"
    elif failure.wait is not None:
        headers["retry-after-ms"] = f"{1000 * failure.wait:.0f}"
    return httpx2.Response(
        response.status_code,
        headers=headers,
        content=response.content,
        request=request,
        extensions=response.extensions,
    )
