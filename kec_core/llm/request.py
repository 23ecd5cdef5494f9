"""One request through the openai client: its retries, its types, and what each failure means."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Protocol

import httpx2
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
)

from kec_core.errors import InputError, LLMAuthError, LLMError, LLMReplyError
from kec_core.llm.answers import clean
from kec_core.llm.dialect import BY_RULE, RefusedError
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.reading import reasons, visible

_CREDIT_CODES = ("insufficient_quota", "billing_hard_limit", "billing_not_active", "insufficient_balance")
_CREDIT = re.compile(
    r"insufficient.{0,20}(credit|balance|fund|quota)|credit balance|exceeded your current quota|billing|"
    r"out of credits?|add credits|top.?up|recharge",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"content.?(filter|management|policy)|moderation|flagged|safety|ResponsibleAI", re.IGNORECASE
)
_NO_MODEL = re.compile(
    r"(unknown|invalid|no such) model|model.{0,100}?(not found|not exist|n't exist|not available|n.t loaded|not loaded)",
    re.IGNORECASE | re.DOTALL,
)
_DELAY = re.compile(
    r'"retryDelay"\s*:\s*"(?:(?P<m>\d+)m)?(?P<s>[\d.]+)s"|'
    r"(?:retry|again) (?:in|after) (?:(?P<m2>\d+) ?m(?:in\w*)? ?)?(?P<s2>\d+(?:\.\d+)?) ?(?P<unit>ms|s)",
    re.IGNORECASE,
)
_TAGS = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_WORDS = 300
_NO_ANSWER_TRIES = 3
"""Tries of a request that is answered, but by something else than a completion (HTML, an error, no choice)."""
_LIST_SECONDS = 10.0
_LARGEST_LIST = 4_000_000
_PLAIN_KEY = "api-key"
"""Header of the key at Azure's addresses, those with an api-version."""


class TransientError(LLMError):
    """A failure that the client's retries did not cure.

    Attributes:
        wait: seconds the server asked for, or None.
        crowded: the server said there are too many requests.
        spoken: the server said something; else nothing came at all.
        by_server: the server itself failed (HTTP 500), perhaps at something in the request.
    """

    def __init__(
        self,
        message: str,
        *,
        wait: float | None = None,
        crowded: bool = False,
        spoken: bool = True,
        by_server: bool = False,
    ) -> None:
        super().__init__(message)
        self.by_server = by_server
        self.wait = wait
        self.crowded = crowded
        self.spoken = spoken


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
            attempts.failed(_lost(error, self.endpoint), billed=False)
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
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx2.ReadTimeout("the time is up", request=request) from error
        kept = [
            (n, v) for n, v in response.headers.items() if n not in ("content-encoding", "content-length")
        ]
        whole = httpx2.Response(response.status_code, headers=kept, content=content, request=request)
        return _checked(whole, request) if request.url.path.endswith("/chat/completions") else whole

    async def _read(self, response: httpx2.Response) -> bytes:
        content = b""
        async for chunk in response.aiter_bytes():  # unpacked, should it be packed
            content += chunk
            if len(content) > self.max_bytes:
                raise LLMReplyError(
                    f"the reply was refused because it is larger than {self.max_bytes:,} bytes"
                )
        return content.removeprefix(b"\xef\xbb\xbf")

    async def aclose(self) -> None:
        await self.inner.aclose()


def _checked(response: httpx2.Response, request: httpx2.Request) -> httpx2.Response:
    """The reply, or an error in its place when it is no completion although its status says so."""
    if response.status_code >= 300:
        return response
    streamed = response.content.lstrip().startswith((b"data:", b"event:", b":"))
    wanted = b'"stream":true' in request.content.replace(b" ", b"")
    if streamed:
        return (
            response
            if wanted
            else _error(response, 400, "the server streams its answers without being asked to")
        )
    body = _json(response)
    if isinstance(body, dict) and body.get("choices") and not wanted:
        return response
    if isinstance(body, dict) and body.get("choices"):
        return _error(response, 400, "the answer was not streamed although that was asked for")
    if isinstance(body, dict) and (error := body.get("error")):
        code = error.get("code") if isinstance(error, dict) else None
        return _error(response, code if isinstance(code, int) and 400 <= code < 600 else 502, "")
    what = "held no choice" if isinstance(body, dict) and "choices" in body else "was not a chat completion"
    return _error(response, 502, f'the reply {what}: "{clean(_plain(response.text), 120)}"')


def _error(response: httpx2.Response, status: int, words: str) -> httpx2.Response:
    extensions = {"said": response.status_code, "words": words}
    return httpx2.Response(status, headers=response.headers, content=response.content, extensions=extensions)


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
        failure = TransientError(_lost(error, endpoint), spoken=False)
    except APIStatusError as error:
        failure = failure_of(error.response, endpoint)
    except APIError as error:  # told in the middle of a stream
        failure = TransientError(clean(endpoint.scrub(error.message), _WORDS))
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
            return [model.id for model in (await client.models.list()).data]
        except APIStatusError as error:
            failure = failure_of(error.response, endpoint)
        except APITimeoutError:
            failure = TransientError(
                f"The server at {endpoint.url} gave no answer within {_LIST_SECONDS:g} seconds."
            )
        except APIConnectionError as error:
            failure = TransientError(
                f"The server at {endpoint.url} cannot be reached: {_lost(error, endpoint)}."
            )
        except (ValueError, AttributeError, TypeError):
            failure = LLMReplyError(
                f"A list of models was expected from {endpoint.url}, but the reply was something else; check the "
                "address, it usually ends in /v1."
            )
    raise failure


def failure_of(response: httpx2.Response, endpoint: LLMEndpoint) -> LLMError:
    """What an error of the server means."""
    status, shown = response.status_code, response.extensions.get("said", response.status_code)
    words, code, parameter = _words(response)
    said = clean(endpoint.scrub(response.extensions.get("words") or words), _WORDS)
    told, wait = f"HTTP {shown}: {said}", _delay(response)
    explicit = status == 402 or any(mark in code for mark in _CREDIT_CODES)
    no_credit = explicit or (
        (status == 403 or (status == 429 and wait is None)) and bool(_CREDIT.search(said))
    )
    if not no_credit and (_CONTENT.search(f"{code} {said}") and status in (400, 403, 422)):
        return RefusedError(told, item=True)
    if no_credit or status in (401, 403):
        what = "the credit" if no_credit else "the key"
        return LLMAuthError(
            f"The language model at {endpoint.url} refused {what} (HTTP {shown}): {said}. "
            f"Check {what} and run again; answers received are kept."
        )
    by_rule = bool(BY_RULE.search(f"{parameter} {said}"))
    if status in (400, 404, 422) and not by_rule and (code == "model_not_found" or _NO_MODEL.search(said)):
        return unknown_model(endpoint, told)
    if status in (408, 409, 425, 429) or (status >= 500 and status != 501 and not by_rule):
        crowded = status == 429 or (status == 503 and wait is not None)
        return TransientError(told, wait=wait, crowded=crowded, by_server=status == 500)
    return RefusedError(told, parameter, missing=status == 404)


def unknown_model(endpoint: LLMEndpoint, told: str) -> LLMError:
    """The error for a model or address that is not there."""
    return LLMError(
        f"The language model at {endpoint.url} does not know the model {endpoint.model!r} or the address "
        f"({told}). Choose a model from its list."
    )


def _words(response: httpx2.Response) -> tuple[str, str, str]:
    """What the server says is wrong, its code for it, the parameter it blames."""
    body = _json(response)
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error if isinstance(error, str) else _plain(response.text)) or "no words", "", ""
    words = next((error[key] for key in ("message", "detail", "msg", "error") if error.get(key)), error)
    code = " ".join(str(error.get(key) or "") for key in ("code", "type", "status"))
    return words if isinstance(words, str) else json.dumps(words), code.strip(), str(error.get("param") or "")


def _json(response: httpx2.Response) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _plain(text: str) -> str:
    """The title of a page, or its words without tags."""
    title = _TITLE.search(text)
    return title[1] if title else _TAGS.sub(" ", text)


def _lost(error: BaseException, endpoint: LLMEndpoint) -> str:
    """A failed connection in the words of its deepest cause."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    words = clean(endpoint.scrub(str(error)), _WORDS) or type(error).__name__
    return f"the connection failed ({words})"


def _delay(response: httpx2.Response) -> float | None:
    """Seconds that the server asks to wait: in a header (milliseconds, seconds, a date) or in its words."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = response.headers.get(name, "")
        if text.replace(".", "", 1).isdigit():
            return float(text) * unit
    try:
        return max(0.0, parsedate_to_datetime(response.headers.get("retry-after", "")).timestamp() - time())
    except (ValueError, OverflowError):
        found = _DELAY.search(response.text)
    if found is None:
        return None
    seconds = float((found["s"] or found["s2"]).strip(".")) * (0.001 if found["unit"] == "ms" else 1.0)
    return 60.0 * float(found["m"] or found["m2"] or 0) + seconds


def _completion(reply: Any, endpoint: LLMEndpoint) -> Completion:  # noqa: ANN401 - the client checks no types
    """A completion out of the client's type, whose fields hold whatever the server sent."""
    choice, usage = reply.choices[0], reply.usage
    message = choice.message
    calls = getattr(message, "tool_calls", None) or ()
    said = _text(message.content) or next((call.function.arguments for call in calls), "")
    return _made(
        endpoint,
        text=said,
        reasoning=_reasoning(message),
        finish=choice.finish_reason,
        refusal=_text(message.refusal),
        usage=usage,
    )


async def _streamed(reply: Any, endpoint: LLMEndpoint) -> Completion:  # noqa: ANN401 - as above
    """A completion out of a stream."""
    text, reasoning, finish, usage = "", "", None, None
    async for chunk in reply:
        usage = getattr(chunk, "usage", None) or usage
        for choice in (chunk.choices or ())[:1]:
            text += _text(choice.delta.content)
            reasoning += _reasoning(choice.delta)
            finish = choice.finish_reason or finish
    return _made(endpoint, text=text, reasoning=reasoning, finish=finish, refusal="", usage=usage)


def _made(
    endpoint: LLMEndpoint,
    *,
    text: str,
    reasoning: str,
    finish: str | None,
    refusal: str,
    usage: Any,  # noqa: ANN401
) -> Completion:
    return Completion(
        text=endpoint.scrub(text),
        cut=finish == "length",
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        reasoning=endpoint.scrub(reasoning),
        refusal=endpoint.scrub(refusal) or ("its content filter" if finish == "content_filter" else ""),
    )


def _text(content: Any) -> str:  # noqa: ANN401 - as above
    """The text of a content: itself, or that of its parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text") if isinstance(part, dict) else part) for part in content)
    return content if isinstance(content, str) else ""


def _reasoning(message: Any) -> str:  # noqa: ANN401 - as above
    return _text(getattr(message, "reasoning_content", None)) or _text(getattr(message, "reasoning", None))


def _count(usage: Any, name: str) -> int:  # noqa: ANN401 - as above
    value = getattr(usage, name, 0)
    return int(value) if isinstance(value, (int, float)) and value > 0 else 0
