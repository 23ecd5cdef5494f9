"""One run of many questions: the workers, and what they share about the endpoint's state."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kec_core.arrays import Progress
from kec_core.errors import LLMBudgetError, LLMError, LLMReplyError
from kec_core.llm.dialect import Dialect, RefusedError
from kec_core.llm.dialogue import Dialogue, Outcome, Settled
from kec_core.llm.pace import Pace
from kec_core.llm.prompts import Question, approximate_tokens
from kec_core.llm.request import (
    Completion,
    TransientError,
    open_client,
    send,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from kec_core.llm.client import LLMClient

HEARTBEAT = 0.2
"""Seconds between calls of ``progress`` while nothing else happens, so that Cancelled is felt at once."""
_TICK = 0.02
GATHER = 0.02
"""Seconds in which answers gather before they are stored together; a durable write takes about half as long."""

_Settled = tuple[str, Outcome, bool]
"""Key, outcome, and whether it is lasting: the model's own, not a failure of the line."""


@dataclass(slots=True)
class _Tally:
    """What one question took."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Run:
    """Workers that share a queue, what the endpoint understands, its wish to be left alone, and the budget."""

    def __init__(
        self,
        client: LLMClient,
        found: dict[str, Outcome],
        label: str,
        progress: Progress,
        on_outcome: Callable[[Outcome], None],
        *,
        fresh: bool = False,
    ) -> None:
        self.client = client
        self.config = client.config
        self.found = found
        self.label = label
        self.progress = progress
        self.on_outcome = on_outcome
        self.fresh = fresh
        self._total = len(found)
        self._paused = client.paused()
        self._stopped: LLMError | None = None
        self._settled: list[_Settled] = []
        self._arrival = asyncio.Event()
        self._working = 0
        self._dialect = client.dialect()
        self._proven = False
        self._probing = asyncio.Lock()
        self._hold_until = 0.0
        self._pace = Pace(self.config.in_flight, self.config.timeout)
        self._trouble = ""
        self._unanswered = 0
        self._answers = 0
        self._last_answer = time.monotonic()

    async def all(self, questions: Mapping[str, Question]) -> None:
        """Settle every question into ``found``; on any exception the requests under way are dropped."""
        self._total += len(questions)
        queue = iter(questions.items())
        timeout, max_bytes = self.config.timeout, self.config.max_reply_bytes
        async with open_client(self.client.endpoint, timeout=timeout, max_bytes=max_bytes) as api:
            self._working = min(max(1, self.config.in_flight), len(questions))
            jobs = [self._work(api, queue) for _ in range(self._working)]
            tasks = [asyncio.create_task(job) for job in (*jobs, self._store())]
            try:
                await self._watch(tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._keep(self._settled)
        if self._stopped is not None:
            raise self._stopped

    async def _watch(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Tell progress until all tasks are done, and let the first exception through."""
        waiting = set(tasks)
        while waiting:
            finished, waiting = await asyncio.wait(
                waiting, timeout=HEARTBEAT, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in finished:
                task.result()
            self._paused = self.client.paused()
            self.progress(len(self.found), self._total, self._told())

    def _told(self) -> str:
        if self._paused:
            return f"{self.label} (paused)"
        return f"{self.label} (trying again: {self._trouble})" if self._trouble else self.label

    async def _work(self, api: AsyncOpenAI, queue: Iterator[tuple[str, Question]]) -> None:
        """Settle questions from the shared queue; a spent budget ends all workers after their current one."""
        for key, question in queue:
            try:
                outcome, lasting = await self._settle(api, question)
            except LLMBudgetError as error:
                self._stopped = error
                break
            except LLMError as error:
                self._stopped = error  # before another worker takes its turn
                raise
            self._settled.append((key, outcome, lasting))
            self._arrival.set()
        self._working -= 1
        self._arrival.set()

    async def _store(self) -> None:
        """Store answers soon after they arrive: in a thread, and several at once; only then do they count.

        A durable write takes milliseconds, in which the other requests would stand still.
        """
        while self._working or self._settled:
            await self._arrival.wait()
            await asyncio.sleep(GATHER)
            self._arrival.clear()
            batch, self._settled = self._settled, []
            await asyncio.to_thread(self._keep, batch)
            for key, outcome, _ in batch:
                self.found[key] = outcome
                self.on_outcome(outcome)

    def _keep(self, batch: Sequence[_Settled]) -> None:
        self.client.keep([outcome for _, outcome, lasting in batch if lasting])

    async def _settle(self, api: AsyncOpenAI, question: Question) -> tuple[Outcome, bool]:
        """The outcome, and whether it is the model's own (an answer or its failure to give one)."""
        dialogue = Dialogue(question, self.config, hotter=self.fresh)
        tally, started, lasting = _Tally(), time.monotonic(), True
        settled: Settled | None = None
        while settled is None:
            try:
                settled = dialogue.take(await self._answer(api, dialogue, tally))
            except LLMReplyError as error:
                settled = dialogue.refuse(str(error))
            except (TransientError, RefusedError) as error:
                settled = dialogue.give_up(f"{error} (requests made: {tally.requests})")
                lasting = settled.answer is not None
        outcome = Outcome(
            question=question,
            status="failed" if settled.answer is None else "done",
            answer=settled.answer,
            reason=settled.reason,
            requests=tally.requests,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
            seconds=time.monotonic() - started,
        )
        return outcome, lasting

    async def _answer(self, api: AsyncOpenAI, dialogue: Dialogue, tally: _Tally) -> Completion:
        """A completion, after as many retries as allowed.

        "Too many requests" starts the count anew when any question was answered meanwhile: then it is only a queue.
        """
        tries, answers = 0, self._answers
        while True:
            try:
                completion = await self._spoken(api, dialogue, tally)
            except TransientError as error:
                self._note(error)
                queued = error.crowded and self._answers > answers
                tries, answers = 1 if queued else tries + 1, self._answers
                if tries > self.config.retries:
                    raise
                await asyncio.sleep(self._wait(error, tries))
            else:
                self._answers += 1
                self._unanswered, self._trouble, self._last_answer = 0, "", time.monotonic()
                self._pace.answered()
                return completion

    def _note(self, error: TransientError) -> None:
        """Share what a failure says about the endpoint.

        Raises:
            LLMError: it wants to be left alone for too long, or seems to be gone.
        """
        self._trouble = str(error)
        if error.slow:
            self._pace.ran_out_of_time()
            self._trouble = f"{error}, so at most {self._pace.limit} at once"
        name, wait = self.client.endpoint.url, error.wait or 0.0
        if wait > self.config.max_wait:
            raise LLMError(
                f"The language model at {name} asks to wait {wait:.0f} seconds ({error}); run again later, "
                "answers received are kept."
            )
        if error.crowded:
            self._hold_until = max(self._hold_until, time.monotonic() + wait)
        self._unanswered += error.unanswered
        silent = time.monotonic() - self._last_answer
        if self._unanswered >= self.config.outage_requests and silent >= self.config.outage_seconds:
            raise LLMError(
                f"The language model at {name} has not answered for {silent:.0f} seconds; {self._unanswered} requests "
                f"failed in a row, the last with: {error}. Check that it runs; answers received are kept."
            )

    def _wait(self, error: TransientError, tries: int) -> float:
        """Seconds before the next try: what the server asks for, else doubling, spread so that tries part."""
        if error.wait is not None:
            return error.wait
        longest = min(self.config.max_backoff, self.config.backoff * math.pow(2, max(0, tries - 1)))
        return longest * (0.75 + 0.5 * (time.monotonic_ns() % 997) / 997)

    async def _spoken(self, api: AsyncOpenAI, dialogue: Dialogue, tally: _Tally) -> Completion:
        """One request in the endpoint's dialect; until one is known to work, requests go one by one."""
        if not self._proven:
            async with self._probing:
                if not self._proven:
                    return await self._probe(api, dialogue, tally)
        return await self._request(api, dialogue, self._dialect, tally)

    async def _probe(self, api: AsyncOpenAI, dialogue: Dialogue, tally: _Tally) -> Completion:
        """Find the fullest dialect in which this question is accepted, and remember it."""
        dialect = self._dialect
        while True:
            try:
                completion = await self._request(api, dialogue, dialect, tally)
            except RefusedError as error:
                simpler = dialect.simpler(error)
                if simpler is None:
                    raise
                dialect = simpler
            else:
                self._dialect, self._proven = dialect, True
                self.client.remember_dialect(dialect)
                return completion

    async def _request(
        self, api: AsyncOpenAI, dialogue: Dialogue, dialect: Dialect, tally: _Tally
    ) -> Completion:
        """Send once, within the budget."""
        meter, endpoint = self.client.meter, self.client.endpoint
        reserved = approximate_tokens(dialogue.messages), dialogue.max_tokens
        await self._turn(*reserved)
        self._pace.sent()
        used = (reserved[0], 0)  # what a server may charge when the line breaks
        tally.requests += 1
        try:
            completion = await send(api, endpoint, self.client.body(dialogue, dialect), self.config.timeout)
            used = (
                completion.prompt_tokens or used[0],
                completion.completion_tokens or _tokens(completion.text),
            )
        except LLMError as error:
            if not getattr(error, "billed", isinstance(error, LLMReplyError)):
                used = (0, 0)
            raise
        finally:
            self._pace.ended()
            meter.settle(reserved, *used)
            tally.prompt_tokens += used[0]
            tally.completion_tokens += used[1]
        return completion

    async def _turn(self, prompt: int, completion: int) -> None:
        """Wait until sending is allowed: not paused, not asked to wait, not too many, within the budget."""
        while True:
            if self._stopped is not None:
                raise self._stopped
            free = self._pace.free and not self._paused and time.monotonic() >= self._hold_until
            if free and self.client.meter.reserve(prompt, completion):
                return
            await asyncio.sleep(_TICK)


def _tokens(text: str) -> int:
    """About how many tokens an answer has, for servers that do not count."""
    return math.ceil(len(text.encode(errors="replace")) / 4)
