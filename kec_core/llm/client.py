"""Asking many questions at once: bounded, cached, retried, within a budget, stoppable at any moment.

Everything asynchronous runs inside ``LLMClient.ask`` and ``list_models``, which are ordinary functions; the openai client
is loaded there, where it is needed first.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from kec_core.arrays import Progress, fingerprint, no_progress
from kec_core.config import LLMConfig
from kec_core.errors import LLMError, LLMReplyError
from kec_core.llm.cost import Estimate, Meter, estimate
from kec_core.llm.dialect import Dialect, request_body
from kec_core.llm.dialogue import Dialogue, Outcome
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompt_texts import PROMPT_VERSION
from kec_core.llm.prompts import Question, concept_question, without_photos

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
        counting: ask nobody: give stored answers, let all others fail, and add up in ``counted`` what they would cost.

    Attributes:
        first: nothing was asked through this client before the present ``ask``.
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
        counting: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.cache = cache
        self.config = config or LLMConfig()
        self.meter = meter or Meter()
        self.paused = paused
        self.retry_failed = retry_failed
        self.counting = counting
        self.counted = estimate((), self.meter.price)
        self.first = True
        self._met = False

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
        if self.counting:
            return self._count(questions, progress, label, on_outcome)
        keys = [self._key(question) for question in questions]
        different = dict(zip(keys, questions, strict=True))
        found = {} if fresh else self._remembered(different)
        for outcome in found.values():
            on_outcome(outcome)
        missing = {key: question for key, question in different.items() if key not in found}
        progress(len(found), len(different), label)
        if missing:
            from kec_core.llm.run import Run

            asyncio.run(Run(self, found, label, progress, on_outcome, fresh=fresh).all(missing))
            self.first = False
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

    def _count(
        self,
        questions: Sequence[Question],
        progress: Progress,
        label: str,
        on_outcome: Callable[[Outcome], None],
    ) -> list[Outcome]:
        """What is stored, with the cost of the rest counted."""
        self.counted += self.estimate(questions)
        outcomes = self.recall(questions)
        for outcome in outcomes:
            on_outcome(outcome)
        progress(len(outcomes), len(outcomes), label)
        return outcomes

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

    def found_out(self) -> str:
        """What is known of the endpoint, in words for the person; "" when it was never asked."""
        known = self._met or bool(self.cache.get_all([self._dialect_key()]))
        return self.dialect().words(self.config.max_tokens) if known else ""

    def remember_dialect(self, dialect: Dialect) -> None:
        """Store what the endpoint understands, if that is new."""
        self._met = True
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCheck:
    """How one small question went.

    Attributes:
        seconds: until the answer was there, questions about what the endpoint understands included.
        dialect: what it understands.
        found_out: the same in words.
        answer: the concept it named, or "" when the answer was of no use.
        complaint: what was wrong with the answer, or "".
    """

    seconds: float
    dialect: Dialect
    found_out: str
    answer: str
    complaint: str


def list_models(endpoint: LLMEndpoint) -> tuple[str, ...]:
    """Names of the models that an endpoint offers, sorted.

    Raises:
        LLMAuthError: the key was refused.
        LLMError: no answer within 10 seconds, or not a list of models.
    """
    from kec_core.llm.request import model_names

    return tuple(sorted(set(asyncio.run(model_names(endpoint)))))


def check_endpoint(endpoint: LLMEndpoint, *, timeout: float = 60.0) -> EndpointCheck:
    """Ask one small question, without retries.

    Raises:
        LLMAuthError: the key or the quota was refused.
        LLMError: no answer, or the model is unknown there.
    """
    config = LLMConfig(timeout=timeout, retries=0, reasks=0)
    client = LLMClient(endpoint, MemoryCache(), config)
    started = time.monotonic()
    (outcome,) = client.ask([concept_question(["tabby", "Siamese cat", "kitten"])])
    seconds = time.monotonic() - started
    if outcome.answer is None and not outcome.completion_tokens:
        raise LLMError(
            f"The language model at {endpoint.url} did not answer: {outcome.reason}. Check that it runs."
        )
    answer = "" if outcome.answer is None else str(outcome.answer["concept"])
    return EndpointCheck(
        seconds=seconds,
        dialect=client.dialect(),
        found_out=client.found_out(),
        answer=answer,
        complaint=outcome.reason,
    )
