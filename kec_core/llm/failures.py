"""What a failed request to a language model means: its words, whether and when to try again, and when to try no more."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import httpx2

from kec_core.errors import LLMAuthError, LLMError
from kec_core.llm.answers import clean
from kec_core.llm.dialect import BY_RULE, RefusedError, what_to_change
from kec_core.llm.endpoint import LLMEndpoint

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
_TIME = r"(?:(?P<h>\d+) ?h(?:ours?)? ?)?(?:(?P<m>\d+) ?m(?:in\w*)? ?(?=\d|$|\W))?(?:(?P<s>\d+(?:\.\d+)?) ?(?P<unit>ms|s)(?:ec\w*)?\b)?"
"""A time in hours, minutes and seconds, or in milliseconds."""
_DELAY = re.compile(
    rf'(?:"retryDelay"\s*:\s*"|(?:retry|again|wait)(?: in| after| for)? ?)(?=\d){_TIME}',
    re.IGNORECASE,
)
_RESETS = re.compile(r"(?:x-)?ratelimit-reset(-requests|-tokens|)")
"""Headers that tell when a limit ends: seconds, a time such as 1m2.5s, or the moment in seconds or milliseconds since 1970."""
_OLD = 1e9
"""A larger number of seconds is a moment since 1970, a thousand times larger it counts milliseconds."""
_TAGS = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
WORDS = 300
"""Letters that are quoted of what a server said."""
EQUAL_FAILURES = 3
"""Questions in a row that fail the same way."""
UNREAD = 20
"""Questions in a row whose replies are no answers, each in other words."""
_QUOTED = 120
"""Letters that are quoted of a reply that is no answer."""
_VARIABLE = re.compile(r"\d+|\(requests made.*?\)|[\"'`].*?[\"'`]")
"""What differs between equal refusals of different questions."""


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


def failure_of(response: httpx2.Response, endpoint: LLMEndpoint) -> LLMError:
    """What an error of the server means."""
    status, shown = response.status_code, response.extensions.get("said", response.status_code)
    words, code, parameter = _words(response)
    said = clean(endpoint.scrub(response.extensions.get("words") or words), WORDS)
    if response.extensions.get("moved"):
        return LLMError(
            f"The address {endpoint.url} is not that of the language model itself: {said} (HTTP {shown}); give the address "
            "of the server; answers received are kept."
        )
    told, wait = f"HTTP {shown}: {said}", _delay(response)
    if status in (400, 403, 404, 422) and "model_not_found" in code:
        return unknown_model(endpoint, told)
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
    if status in (400, 404, 422) and not by_rule and _NO_MODEL.search(said):
        return unknown_model(endpoint, told)
    if status in (408, 409, 425, 429) or (status >= 500 and status != 501 and not by_rule):
        crowded = status == 429 or (status == 503 and wait is not None)
        return TransientError(told, wait=wait, crowded=crowded, by_server=status == 500)
    return RefusedError(told, parameter, missing=status in (404, 405, 410))


def unknown_model(endpoint: LLMEndpoint, told: str) -> LLMError:
    """The error for a model or address that is not there."""
    return LLMError(
        f"The language model at {endpoint.url} does not know the model {endpoint.model!r} or the address "
        f"({told}). Choose a model from its list."
    )


def _words(response: httpx2.Response) -> tuple[str, str, str]:
    """What the server says is wrong, its code for it, the parameter it blames."""
    body = read_json(response.content)
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error if isinstance(error, str) else plain_text(response.text)) or "no words", "", ""
    words = next((error[key] for key in ("message", "detail", "msg", "error") if error.get(key)), error)
    code = " ".join(str(error.get(key) or "") for key in ("code", "type", "status"))
    return words if isinstance(words, str) else json.dumps(words), code.strip(), str(error.get("param") or "")


def read_json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """The JSON of a reply or event, or None."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def plain_text(text: str) -> str:
    """The title of a page, or its words without tags."""
    title = _TITLE.search(text)
    return title[1] if title else _TAGS.sub(" ", text)


def lost(error: BaseException, endpoint: LLMEndpoint) -> str:
    """A failed connection in the words of its deepest cause."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    words = clean(endpoint.scrub(str(error)), WORDS) or type(error).__name__
    return f"the connection failed ({words})"


def _delay(response: httpx2.Response) -> float | None:
    """Seconds that the server asks to wait: in a header (milliseconds, seconds, a date), in its words, or until a limit ends."""
    headers = response.headers
    if (wait := _number(headers.get("retry-after-ms", ""))) is not None:
        return wait / 1000.0
    after = headers.get("retry-after", "")
    for wait in (_number(after), _until(after), _seconds(after)):
        if wait is not None:
            return wait
    if (found := _DELAY.search(response.text)) and (wait := _seconds_of(found)):
        return wait
    return _until_reset(headers) if response.status_code == 429 else None


def _until_reset(headers: httpx2.Headers) -> float | None:
    """Seconds until the limit that was reached ends; those with a name are told also when they were not reached."""
    waits = [
        _reset(value)
        for name, value in headers.items()
        if (found := _RESETS.fullmatch(name))
        and (not found[1] or headers.get(name.replace("reset", "remaining")) == "0")
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _number(text: str) -> float | None:
    return float(text) if text.replace(".", "", 1).isdecimal() else None


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _seconds(text: str) -> float | None:
    """Seconds of a time such as "1m2.5s"."""
    found = re.fullmatch(_TIME, text.strip(' "'), re.IGNORECASE)
    return _seconds_of(found) if found else None


def _seconds_of(found: re.Match[str]) -> float | None:
    if not any(found.group("h", "m", "s")):
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.group("h", "m", "s"))
    return 3600.0 * hours + 60.0 * minutes + seconds * (0.001 if found["unit"] == "ms" else 1.0)


def _reset(text: str) -> float | None:
    number = _number(text)
    if number is None or number < _OLD:
        return _seconds(text) if number is None else number
    return max(0.0, (number / 1000.0 if number > 1000.0 * _OLD else number) - time())


class FailureStreak:
    """Counts the questions to one address that failed in a row."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ended()

    def ended(self) -> None:
        """A question was answered, or the model itself failed to."""
        self._failure, self._alike, self._unread = "", 0, 0

    def failed(self, error: TransientError | RefusedError) -> None:
        """Count a failure of the line or of the server, by its words.

        Raises:
            LLMError: there were too many alike.
        """
        if isinstance(error, RefusedError) and error.item:
            return
        silent = isinstance(error, TransientError) and not error.spoken
        if not self._repeats("no answer" if silent else _VARIABLE.sub("", str(error))):
            return
        if silent:
            raise LLMError(
                f"The language model at {self.url} has not answered: {EQUAL_FAILURES} questions failed in a row, the last "
                f"with: {error}. Check that it runs; answers received are kept."
            )
        raise self._same(
            str(error),
            "Check the server" if isinstance(error, TransientError) else what_to_change(str(error)),
        )

    def unreadable(self, reason: str, reply: str) -> None:
        """Count a reply that is no answer.

        Raises:
            LLMError: there were too many, alike or of any words.
        """
        said = clean(reply, _QUOTED)
        if self._repeats(f"reply: {reply}"):
            raise self._same(f'{reason} ("{said}")' if said else reason, what_to_change(reason))
        self._unread += 1
        if self._unread >= UNREAD:
            raise LLMError(
                f"The language model at {self.url} gave no readable answer to {UNREAD} questions in a row, the last: "
                f"{reason}. {what_to_change(reason)}; answers received are kept."
            )

    def _repeats(self, kind: str) -> bool:
        """Whether there were too many failures of this kind in a row."""
        self._alike = self._alike + 1 if kind == self._failure else 1
        self._failure = kind
        return self._alike >= EQUAL_FAILURES

    def _same(self, said: str, change: str) -> LLMError:
        return LLMError(
            f"The language model at {self.url} met {EQUAL_FAILURES} questions in a row with the same: {said}. "
            f"{change}; answers received are kept."
        )
