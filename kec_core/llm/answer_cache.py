"""What is kept of one endpoint's language model: its answers, and what it understands."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from kec_core.arrays import fingerprint
from kec_core.errors import LLMReplyError
from kec_core.llm.dialect import Dialect
from kec_core.llm.dialogue import Outcome
from kec_core.llm.endpoint import LLMEndpoint
from kec_core.llm.prompts import PROMPT_VERSION, Question, without_photos

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


class EndpointAnswers:
    """The answers of one model at one endpoint, found by their questions, and the dialect in which it is asked.

    Args:
        endpoint: where the answers come from.
        cache: where they are kept.
        retry_failed: what an earlier run had to give up counts as not asked.
    """

    def __init__(self, endpoint: LLMEndpoint, cache: AnswerCache, *, retry_failed: bool = False) -> None:
        self.endpoint = endpoint
        self.cache = cache
        self.retry_failed = retry_failed
        self._met = False

    def key(self, question: Question) -> str:
        """Equal questions to the same model have equal keys."""
        return fingerprint(self.endpoint.url, self.endpoint.model, PROMPT_VERSION, question.content)

    def recall(self, questions: Mapping[str, Question]) -> dict[str, Outcome]:
        """What is stored about questions, given and found by key; a stored text that no longer reads is left out."""
        stored = self.cache.get_all(questions)
        found = ((key, self._read(questions[key], reply)) for key, reply in stored.items())
        return {key: outcome for key, outcome in found if outcome is not None}

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Store answers, and that the model could not give one, so that it is not asked for again.

        A stored answer stays: what was asked for afresh is a proposal, and a later run must not depend on whether it
        was taken.
        """
        different = {self.key(outcome.question): outcome for outcome in outcomes}
        stored = self.recall({key: outcome.question for key, outcome in different.items()})
        known = {key for key, outcome in stored.items() if outcome.answer is not None}
        if new := [self._stored(outcome) for key, outcome in different.items() if key not in known]:
            self.cache.put_all(new)

    def dialect(self) -> Dialect:
        """What the endpoint is known to understand; the fullest when it was never asked."""
        key = self._dialect_key()
        return Dialect.from_json(self.cache.get_all([key]).get(key))

    def found_out(self, max_tokens: int) -> str:
        """What is known of the endpoint, in words for the person; "" when it was never asked."""
        known = self._met or bool(self.cache.get_all([self._dialect_key()]))
        return self.dialect().words(max_tokens) if known else ""

    def keep_dialect(self, dialect: Dialect) -> None:
        """Store what the endpoint understands, if that is new."""
        self._met = True
        if dialect != self.dialect():
            self.cache.put(
                self._dialect_key(), dialect.to_json(), {"model": self.endpoint.model, "prompt": "dialect"}
            )

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
        return self.key(outcome.question), json.dumps(reply, ensure_ascii=False), meta

    def _dialect_key(self) -> str:
        return fingerprint("dialect", self.endpoint.url, self.endpoint.model)

    def _read(self, question: Question, stored: str) -> Outcome | None:
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
