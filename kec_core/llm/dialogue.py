"""The turns of one question: when an answer is taken, when it is asked for again, and when it is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kec_core.config import LLMConfig
from kec_core.errors import LLMReplyError
from kec_core.llm.dialect import Dialect, request_body
from kec_core.llm.prompts import Message, Question
from kec_core.wording import counted

if TYPE_CHECKING:
    from kec_core.llm.request import Completion

_HOTTER = 0.3
"""Added to the temperature when asking again: at 0.1 a model tends to repeat itself."""
_QUOTED = 600
ONLY_REASONS = (
    "this model only reasons and gives no answer; turn its thinking off or raise the limit of tokens"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The end of a dialogue.

    Attributes:
        answer: the usable answer or None.
        reason: what was wrong; "" when all is well.
        by_rule: the next question will most likely end the same way.
        unread: the last reply, when nothing in any of them could be used; else None.
    """

    answer: dict[str, Any] | None
    reason: str = ""
    by_rule: bool = False
    unread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one question.

    Attributes:
        status: "done" (asked now), "cached" (answered by an earlier run), "failed".
        answer: the accepted answer, or None when it failed.
        reason: why it failed, or what is missing in an answer that was taken all the same; "" when all is well.
        requests: how often it was sent in this run.
        seconds: from the first request to the end, waits included.
    """

    question: Question
    status: Literal["done", "cached", "failed"]
    answer: dict[str, Any] | None
    reason: str = ""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class Dialogue:
    """What to send next for one question, given what came back so far.

    A cut answer is asked for once with a larger limit, one that was cut while the model still reasoned up to the largest;
    a useless one (an echo of the examples or of the name, too few entries, not visible, without a description) once
    with the reason; one that is not the JSON asked for ``reasks`` times.
    """

    def __init__(self, question: Question, config: LLMConfig, *, hotter: bool = False) -> None:
        self.question = question
        self.config = config
        self.messages = question.messages
        self.max_tokens = config.max_tokens
        self.temperature = config.temperature + (2 * _HOTTER if hotter else 0.0)
        self._best: dict[str, Any] | None = None
        self._widened = False
        self._complained = False
        self._unreadable = 0

    def body(self, model: str, dialect: Dialect) -> dict[str, Any]:
        """The JSON body of the next request."""
        return request_body(
            model,
            self.question,
            dialect,
            messages=self.messages,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
        )

    def take(self, completion: Completion) -> Settled | None:
        """Weigh a reply; None means: send again."""
        if completion.refusal:
            return Settled(answer=self._best, reason=f"the model would not answer: {completion.refusal}")
        if completion.starved:
            return self._starved()
        text = completion.text or completion.reasoning
        if completion.only_reasons:
            text = completion.reasoning
        try:
            verdict = self.question.judge(text, repair=not completion.cut, known=self._best)
        except LLMReplyError as error:
            if completion.cut:
                return self._cut()
            if completion.only_reasons:
                return Settled(answer=self._best, reason=ONLY_REASONS, by_rule=True)
            return self.refuse(str(error), text)
        self._best = verdict.answer or self._best
        if not verdict.complaint:
            return Settled(answer=verdict.answer)
        if self._complained:
            return Settled(answer=self._best, reason=f"asked twice, but {verdict.complaint}")
        self._complained = True
        self._ask_again(verdict.complaint, text)
        return None

    def refuse(self, problem: str, reply: str = "") -> Settled | None:
        """Count a reply that could not be read; None means: send again."""
        self._unreadable += 1
        if self._unreadable > self.config.reasks:
            unread = reply if self._best is None else None
            return Settled(
                answer=self._best,
                reason=f"asked {counted(self._unreadable, 'time')}, but {problem}",
                unread=unread,
            )
        self._ask_again(problem, reply)
        return None

    def give_up(self, reason: str) -> Settled:
        """End because the line failed; an earlier answer that was nearly good is taken."""
        return Settled(answer=self._best, reason=reason)

    def _cut(self) -> Settled | None:
        limit = self.config.limits[1]
        if self._widened:
            return Settled(
                answer=self._best,
                reason=f"the answer was cut at {self.max_tokens} tokens, also the second time",
            )
        self._widened = True
        self.max_tokens = max(limit, self.max_tokens)
        return None

    def _starved(self) -> Settled | None:
        more = [limit for limit in self.config.limits if limit > self.max_tokens]
        if not more:
            reason = f"{ONLY_REASONS} (it was cut at {self.max_tokens:,} tokens while it still reasoned)"
            return Settled(answer=self._best, reason=reason, by_rule=True)
        self.max_tokens = more[0]
        return None

    def _ask_again(self, problem: str, reply: str) -> None:
        """Show the model its answer and what is wrong with it; an empty answer is not quoted."""
        self.temperature = min(1.0, self.temperature + _HOTTER)
        turns: Sequence[Message] = ()
        if reply.strip():
            again = f"That cannot be used: {problem}. Answer again in the form asked."
            turns = (
                {"role": "assistant", "content": reply.strip()[-_QUOTED:]},
                {"role": "user", "content": again},
            )
        self.messages = (*self.question.messages, *turns)
