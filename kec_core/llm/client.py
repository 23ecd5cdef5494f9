"""Asking many questions at once: bounded, cached, retried, within a budget, stoppable at any moment.

Everything asynchronous runs inside ``LLMClient.ask`` and ``list_models``, which are ordinary functions; the openai client
is loaded there, where it is needed first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.config import LLMConfig
from kec_core.errors import LLMError
from kec_core.llm.answer_cache import AnswerCache, EndpointAnswers, MemoryCache
from kec_core.llm.cost import Estimate, Meter, estimate
from kec_core.llm.dialect import Dialect
from kec_core.llm.dialogue import Dialogue, Outcome
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import Question, concept_question


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
        answers: what is kept of the endpoint.
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
        self.answers = EndpointAnswers(endpoint, cache, retry_failed=retry_failed)
        self.config = config or LLMConfig()
        self.meter = meter or Meter()
        self.paused = paused
        self.counting = counting
        self.counted = estimate((), self.meter.price)
        self.first = True

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
        keys = [self.answers.key(question) for question in questions]
        different = dict(zip(keys, questions, strict=True))
        found = {} if fresh else self.answers.recall(different)
        for outcome in found.values():
            on_outcome(outcome)
        missing = {key: question for key, question in different.items() if key not in found}
        progress(len(found), len(different), label)
        if missing:
            from kec_core.llm.run import Run

            run = Run(self.answers, self.config, self.meter, self.paused, found, label, progress, on_outcome)
            asyncio.run(run.all(missing, fresh=fresh, first=self.first))
            self.first = False
        return [found[key] for key in keys]

    def estimate(self, questions: Sequence[Question]) -> Estimate:
        """What ``ask`` would cost now, without asking."""
        different = {self.answers.key(question): question for question in questions}
        known = self.answers.recall(different)
        missing = [question for key, question in different.items() if key not in known]
        return estimate(missing, self.meter.price, cached=len(known))

    def recall(self, questions: Sequence[Question]) -> list[Outcome]:
        """What is stored about each question, without asking; those not answered yet are "failed"."""
        keys = [self.answers.key(question) for question in questions]
        known = self.answers.recall(dict(zip(keys, questions, strict=True)))
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

    def preview(self, question: Question) -> dict[str, Any]:
        """The body that ``ask`` would send first, exactly; also when the answer is stored."""
        return Dialogue(question, self.config).body(self.endpoint.model, self.answers.dialect())


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
        dialect=client.answers.dialect(),
        found_out=client.answers.found_out(config.max_tokens),
        answer=answer,
        complaint=outcome.reason,
    )
