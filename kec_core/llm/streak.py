"""When failures in a row end a run: the next question would fail as well."""

from __future__ import annotations

import re

from kec_core.errors import LLMError
from kec_core.llm.answers import clean
from kec_core.llm.dialect import RefusedError, what_to_change
from kec_core.llm.failures import TransientError

EQUAL_FAILURES = 3
"""Questions in a row that fail the same way."""
UNREAD = 20
"""Questions in a row whose replies are no answers, each in other words."""
_QUOTED = 120
"""Letters that are quoted of a reply that is no answer."""
_VARIABLE = re.compile(r"\d+|\(requests made.*?\)|[\"'`].*?[\"'`]")
"""What differs between equal refusals of different questions."""


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
