"""Asking many questions at once: bounded, cached, retried, within a budget, stoppable at any moment.

The only asynchronous code of the project runs inside ``LLMClient.ask``, which is itself an ordinary function.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from kec_core.arrays import Progress, fingerprint, no_progress
from kec_core.config import LLMConfig
from kec_core.errors import LLMReplyError
from kec_core.llm.cost import Estimate, Meter, estimate
from kec_core.llm.dialect import Dialect, request_body
from kec_core.llm.dialogue import Dialogue, Outcome
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompt_texts import PROMPT_VERSION
from kec_core.llm.prompts import Question, without_photos
from kec_core.llm.run import Run

Stored = tuple[str, str, Mapping[str, Any]]
"""Key, reply and meta of one answer."""


class AnswerCache(Protocol):
    """Answers that outlive a run; called from several threads.

    Besides answers it holds one small entry per endpoint: what it understands.
    """

    def get_all(self, keys: Collection[str]) -> Mapping[str, str]:
        """The stored replies of those keys that have one."""
        ...

    def put(self, key: str, reply: str, meta: Mapping[str, Any]) -> None:
        """Store a reply at once and for good; ``meta`` tells model, prompt_version, prompt, tokens, seconds."""
        ...

    def put_all(self, answers: Sequence[Stored]) -> None:
        """Store several replies as ``put`` does, all or none."""
        ...


class MemoryCache:
    """An AnswerCache for one sitting; ``meta`` keeps what was stored beside each reply."""

    def __init__(self) -> None:
        self.replies: dict[str, str] = {}
        self.meta: dict[str, dict[str, Any]] = {}

    def get_all(self, keys: Collection[str]) -> Mapping[str, str]:
        """See AnswerCache."""
        return {key: self.replies[key] for key in keys if key in self.replies}

    def put(self, key: str, reply: str, meta: Mapping[str, Any]) -> None:
        """See AnswerCache."""
        self.replies[key] = reply
        self.meta[key] = dict(meta)

    def put_all(self, answers: Sequence[Stored]) -> None:
        """See AnswerCache."""
        for answer in answers:
            self.put(*answer)


class LLMClient:
    """One endpoint with its options, its cache, and the meter of what was spent.

    Args:
        endpoint: where to ask.
        cache: where answers are kept.
        config: limits and patience.
        meter: counts tokens over several calls of ``ask`` and holds the budget.
        paused: asked five times a second; while it is true nothing new is sent.
        retry_failed: ask again what an earlier run had to give up for its answers.
    """

    def __init__(
        self,
        endpoint: LLMEndpoint,
        cache: AnswerCache,
        config: LLMConfig | None = None,
        *,
        meter: Meter | None = None,
        paused: Callable[[], bool] = lambda: False,
        retry_failed: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.cache = cache
        self.config = config or LLMConfig()
        self.meter = meter or Meter()
        self.paused = paused
        self.retry_failed = retry_failed

    def ask(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress = no_progress,
        label: str = "questions",
        on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
        fresh: bool = False,
    ) -> list[Outcome]:
        """Answer every question, from the cache or from the endpoint; equal questions are asked once.

        Args:
            questions: in any order; outcomes keep it.
            progress: told (answered, all, label) at least five times a second; may raise Cancelled.
            label: what is asked, for ``progress``.
            on_outcome: told each outcome as it comes, once per different question.
            fresh: ask even when an answer is stored, which stays; a little less predictably.

        Raises:
            LLMAuthError: the key or the quota was refused; nothing more is asked.
            LLMBudgetError: the budget does not allow the next request; those under way were still kept.
            LLMError: the endpoint does not know the model, or stopped answering at all.
            Cancelled: from ``progress``.
        """
        keys = [self._key(question) for question in questions]
        different = dict(zip(keys, questions, strict=True))
        found = {} if fresh else self._remembered(different)
        for outcome in found.values():
            on_outcome(outcome)
        missing = {key: question for key, question in different.items() if key not in found}
        progress(len(found), len(different), label)
        if missing:
            run = Run(self, found, label, progress, on_outcome, fresh=fresh)
            asyncio.run(run.all(missing))
        return [found[key] for key in keys]

    def estimate(self, questions: Sequence[Question]) -> Estimate:
        """What ``ask`` would cost now, without asking."""
        different = {self._key(question): question for question in questions}
        known = self._remembered(different)
        missing = [question for key, question in different.items() if key not in known]
        return estimate(missing, self.meter.price, cached=len(known))

    def recall(self, questions: Sequence[Question]) -> list[Outcome]:
        """What is stored about each question, without asking; those not answered yet are "failed"."""
        keys = [self._key(question) for question in questions]
        known = self._remembered(dict(zip(keys, questions, strict=True)))
        return [
            known.get(key) or Outcome(question=question, status="failed", answer=None, reason="not asked yet")
            for key, question in zip(keys, questions, strict=True)
        ]

    def preview(self, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """The bodies that ``ask`` would send first, exactly; each different question once, also when cached."""
        different = {self._key(question): question for question in questions}
        dialect = self.dialect()
        return [self.body(Dialogue(question, self.config), dialect) for question in different.values()]

    def body(self, dialogue: Dialogue, dialect: Dialect) -> dict[str, Any]:
        """The JSON body of the next request of a dialogue."""
        return request_body(
            self.endpoint.model,
            dialogue.question,
            dialect,
            messages=dialogue.messages,
            temperature=dialogue.temperature,
            max_tokens=dialogue.max_tokens,
        )

    def dialect(self) -> Dialect:
        """What the endpoint is known to understand; the fullest when it was never asked."""
        key = self._dialect_key()
        return Dialect.from_json(self.cache.get_all([key]).get(key))

    def remember_dialect(self, dialect: Dialect) -> None:
        """Store what the endpoint understands, if that is new."""
        if dialect != self.dialect():
            self.cache.put(
                self._dialect_key(), dialect.to_json(), {"model": self.endpoint.model, "prompt": "dialect"}
            )

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Store answers, and that the model could not give one, so that it is not asked for again.

        A stored answer stays: what was asked for afresh is a proposal, and a later run must not depend on whether it
        was taken.
        """
        different = {self._key(outcome.question): outcome for outcome in outcomes}
        stored = self._remembered({key: outcome.question for key, outcome in different.items()})
        known = {key for key, outcome in stored.items() if outcome.answer is not None}
        if new := [self._stored(outcome) for key, outcome in different.items() if key not in known]:
            self.cache.put_all(new)

    def _stored(self, outcome: Outcome) -> Stored:
        reply = outcome.answer if outcome.answer is not None else {"rejected": outcome.reason}
        meta = {
            "model": self.endpoint.model,
            "prompt_version": PROMPT_VERSION,
            "prompt": json.dumps(without_photos(outcome.question.messages), ensure_ascii=False),
            "tokens": outcome.prompt_tokens + outcome.completion_tokens,
            "seconds": outcome.seconds,
            "kind": outcome.question.kind,
            "requests": outcome.requests,
        }
        return self._key(outcome.question), json.dumps(reply, ensure_ascii=False), meta

    def _key(self, question: Question) -> str:
        return fingerprint(self.endpoint.url, self.endpoint.model, PROMPT_VERSION, question.content)

    def _dialect_key(self) -> str:
        return fingerprint("dialect", self.endpoint.url, self.endpoint.model)

    def _remembered(self, questions: Mapping[str, Question]) -> dict[str, Outcome]:
        stored = self.cache.get_all(questions)
        found = ((key, self._recall(questions[key], reply)) for key, reply in stored.items())
        return {key: outcome for key, outcome in found if outcome is not None}

    def _recall(self, question: Question, stored: str) -> Outcome | None:
        """The outcome of an earlier run; a stored text that no longer reads is asked for again."""
        with suppress(ValueError):
            data = json.loads(stored)
            if isinstance(data, dict) and "rejected" in data:
                if self.retry_failed:
                    return None
                return Outcome(question=question, status="failed", answer=None, reason=str(data["rejected"]))
        with suppress(LLMReplyError):
            verdict = question.judge(stored)
            if verdict.answer is not None:
                return Outcome(
                    question=question, status="cached", answer=verdict.answer, reason=verdict.complaint
                )
        return None
