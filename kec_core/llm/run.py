"""One run of many questions: the workers, and what they share about the endpoint's state."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from openai import AsyncOpenAI

from kec_core.arrays import Progress
from kec_core.config import LLMConfig
from kec_core.errors import LLMBudgetError, LLMError, LLMReplyError
from kec_core.llm.answer_cache import EndpointAnswers
from kec_core.llm.cost import Meter
from kec_core.llm.dialect import Dialect, RefusedError
from kec_core.llm.dialogue import Dialogue, Outcome, Settled
from kec_core.llm.failures import EQUAL_FAILURES, FailureStreak, TransientError, unknown_model
from kec_core.llm.prompts import Question, approximate_tokens
from kec_core.llm.request import Completion, send
from kec_core.llm.transport import ATTEMPTS, open_client

HEARTBEAT = 0.2
"""Seconds between calls of ``progress`` while nothing else happens, so that Cancelled is felt at once."""
_TICK = 0.02
GATHER = 0.02
"""Seconds in which answers gather before they are stored together; a durable write takes about half as long."""
_Kept = tuple[str, Outcome, bool]
"""Key, outcome, and whether it is lasting: the model's own, not a failure of the line."""


@dataclass(slots=True)
class _Tally:
    """What one question took."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Metered:
    """The attempts of one request, each within the budget; see ``request.Attempts``."""

    def __init__(self, run: Run, tally: _Tally, prompt: int, completion: int) -> None:
        self.run = run
        self.tally = tally
        self.reserved = (prompt, completion)
        self._open = False

    async def begin(self) -> None:
        await self.run.turn(*self.reserved)
        self._open = True
        self.run.under_way += 1
        self.tally.requests += 1

    def failed(self, words: str, *, billed: bool) -> None:
        self.run.trouble = words
        self.settle(self.reserved[0] if billed else 0, 0)

    def settle(self, prompt: int, completion: int) -> None:
        """Replace the reservation of the attempt under way, if any, by what it used."""
        if self._open:
            self._open = False
            self.run.under_way -= 1
            self.run.meter.settle(self.reserved, prompt, completion)
            self.tally.prompt_tokens += prompt
            self.tally.completion_tokens += completion


@dataclass(eq=False)
class Run:
    """Workers that share a queue, what the endpoint understands, the budget, and how many failed alike in a row."""

    answers: EndpointAnswers
    config: LLMConfig
    meter: Meter
    paused: Callable[[], bool]
    found: dict[str, Outcome]
    label: str
    progress: Progress
    on_outcome: Callable[[Outcome], None]
    trouble: str = ""
    under_way: int = 0
    _total: int = 0
    _fresh: bool = False
    _first: bool = False
    _paused: bool = False
    _stopped: LLMError | None = None
    _settled: list[_Kept] = field(default_factory=list)
    _arrival: asyncio.Event = field(default_factory=asyncio.Event)
    _working: int = 0
    _proven: bool = False
    _probed: bool = False
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _answered: int = 0
    _ended: int = 0
    _worthwhile: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._total, self._paused = len(self.found), self.paused()
        self._dialect = self.answers.dialect()
        self._streak = FailureStreak(self.answers.endpoint.url)

    async def all(self, questions: Mapping[str, Question], *, fresh: bool, first: bool) -> None:
        """Settle every question into ``found``; on any exception the requests under way are dropped.

        Args:
            questions: by the key of their answer.
            fresh: ask a little less predictably.
            first: nothing was asked of the endpoint before, so ``progress`` says what was found out about it.
        """
        self._fresh, self._first = fresh, first
        self._total += len(questions)
        queue = iter(questions.items())
        config = self.config
        async with open_client(
            self.answers.endpoint,
            timeout=config.timeout,
            max_bytes=config.max_reply_bytes,
            retries=config.retries,
        ) as api:
            self._working = min(max(1, config.in_flight), len(questions))
            jobs = [self._work(api, queue, first=n == 0) for n in range(self._working)]
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

    async def turn(self, prompt: int, completion: int) -> None:
        """Wait until sending is allowed: not paused, and within the budget.

        Raises:
            LLMError: nothing more is to be sent.
        """
        while True:
            if self._stopped is not None:
                raise self._stopped
            if not self._paused and self.meter.reserve(prompt, completion):
                return
            await asyncio.sleep(_TICK)

    async def _watch(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Tell progress until all tasks are done, and let the first exception through."""
        waiting = set(tasks)
        while waiting:
            finished, waiting = await asyncio.wait(
                waiting, timeout=HEARTBEAT, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in finished:
                task.result()
            self._paused = self.paused()
            self.progress(len(self.found), self._total, self._told())

    def _told(self) -> str:
        if self._paused:  # what was sent before is still answered
            return f"{self.label} (pausing)" if self.under_way else f"{self.label} (paused)"
        if self.trouble:
            return f"{self.label} (trying again: {self.trouble})"
        found = self.answers.found_out(self.config.max_tokens)
        return f"{self.label} ({found})" if found and self._first else self.label

    async def _work(self, api: AsyncOpenAI, queue: Iterator[tuple[str, Question]], *, first: bool) -> None:
        """Settle questions from the shared queue; a spent budget ends all workers after their current one.

        All but the first wait until a question was answered: a model that gives no answer is not asked twenty at once.
        """
        if not first:
            await self._worthwhile.wait()
        for key, question in queue:
            try:
                outcome, lasting = await self._settle(api, question)
            except LLMBudgetError as error:
                self._stopped = error
                self._worthwhile.set()
                break
            except LLMError as error:
                self._stopped = error  # before another worker takes its turn
                raise
            self._ended += 1
            if outcome.answer is not None or self._ended >= EQUAL_FAILURES:
                self._worthwhile.set()
            self._settled.append((key, outcome, lasting))
            self._arrival.set()
        self._worthwhile.set()  # also where fewer questions came than decide it
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

    def _keep(self, batch: Sequence[_Kept]) -> None:
        self.answers.keep([outcome for _, outcome, lasting in batch if lasting])

    async def _settle(self, api: AsyncOpenAI, question: Question) -> tuple[Outcome, bool]:
        """The outcome, and whether it is the model's own (an answer or its failure to give one)."""
        dialogue = Dialogue(question, self.config, hotter=self._fresh)
        tally, started, lasting = _Tally(), time.monotonic(), True
        settled: Settled | None = None
        while settled is None:
            try:
                settled = dialogue.take(await self._answer(api, dialogue, tally))
            except LLMReplyError as error:
                settled = dialogue.refuse(str(error))
            except (TransientError, RefusedError) as error:
                self._streak.failed(error)
                settled = dialogue.give_up(f"{error} (requests made: {tally.requests})")
                lasting = settled.answer is not None
        if settled.by_rule:
            self._streak.failed(RefusedError(settled.reason))
        elif settled.unread is not None:
            self._streak.unreadable(settled.reason, settled.unread)
        elif lasting:
            self._streak.ended()
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
        """A completion.

        "Too many requests", after all retries, is only a queue as long as any question is answered meanwhile.
        """
        waits = 0
        while True:
            answered = self._answered
            try:
                completion = await self._spoken(api, dialogue, tally)
            except TransientError as error:
                wait = error.wait or 0.0
                if wait > self.config.max_wait:
                    raise LLMError(
                        f"The language model at {self.answers.endpoint.url} asks to wait {wait:.0f} seconds ({error}); "
                        "run again later, answers received are kept."
                    ) from None
                waits = 0 if self._answered > answered else waits + 1
                if not error.crowded or waits > bool(wait):
                    raise
                await asyncio.sleep(wait)
            else:
                self._answered += 1
                self.trouble = ""
                return completion

    async def _spoken(self, api: AsyncOpenAI, dialogue: Dialogue, tally: _Tally) -> Completion:
        """One request in the endpoint's dialect; until one is known to work, requests go one by one."""
        if not self._proven:
            async with self._probing:
                if not self._proven:
                    return await self._probe(api, dialogue, tally)
        used = self._dialect
        try:
            completion = await self._request(api, dialogue, used, tally)
        except RefusedError as error:
            other = used.blamed(error, self.config.limits) if used == self._dialect else self._dialect
            if other is None or other.stream < used.stream:
                raise
            completion = await self._request(api, dialogue, other, tally)
            self._adopt(other)
        longer = self._dialect.longer(self.config.limits) if completion.starved else None
        if longer is not None and dialogue.max_tokens >= self._dialect.max_tokens:
            self._adopt(longer)
        return completion

    async def _probe(self, api: AsyncOpenAI, dialogue: Dialogue, tally: _Tally) -> Completion:
        """Find the fullest dialect in which this question is answered, and remember it.

        Once all ways were tried in vain, the next questions show whether it was the question's fault; each in one try.
        """
        tried: list[Dialect] = []
        dialect, first = self._dialect, None
        while True:
            tried.append(dialect)
            try:
                completion = await self._request(
                    api, dialogue, dialect, tally, patient=not self._probed and not first
                )
            except RefusedError as error:
                first = first or error
                ways = () if self._probed or error.item else dialect.alternatives(error, self.config.limits)
                other = next((way for way in ways if way not in tried), None)
                if other is None:
                    self._probed = self._probed or not error.item
                    if first.missing:
                        raise unknown_model(self.answers.endpoint, str(first)) from None
                    raise first from None
                dialect = other
            except TransientError as error:
                if error.crowded or first or self._probed or not error.by_server:
                    self._probed = self._probed or not error.crowded
                    raise self._cause(first, dialect, error) from None
                first = RefusedError(str(error))
                dialect = replace(dialect, mode="text")
            else:
                longer = dialect.longer(self.config.limits) if completion.starved else None
                if longer is None:
                    self._adopt(dialect)
                    self._proven = True
                    return completion
                dialect = longer

    def _cause(self, first: RefusedError | None, dialect: Dialect, error: TransientError) -> LLMError:
        """What is told of a try that failed in passing: the refusal before it, unless that asked for this very dialect."""
        if first is None:
            return error
        if self._dialect.blamed(first, self.config.limits) != dialect:
            return first
        self._dialect = dialect
        return error

    def _adopt(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.answers.keep_dialect(dialect)

    async def _request(
        self, api: AsyncOpenAI, dialogue: Dialogue, dialect: Dialect, tally: _Tally, *, patient: bool = True
    ) -> Completion:
        """Send once with the client's retries (without them when not ``patient``), within the budget."""
        dialogue.max_tokens = max(dialogue.max_tokens, dialect.max_tokens)
        prompt = approximate_tokens(dialogue.messages)
        attempts = _Metered(self, tally, prompt, dialogue.max_tokens)
        ATTEMPTS.set(attempts)
        body = dialogue.body(self.answers.endpoint.model, dialect)
        try:
            completion = await send(api, self.answers.endpoint, body, retries=None if patient else 0)
            said = completion.completion_tokens or _tokens(completion.text + completion.reasoning)
            attempts.settle(completion.prompt_tokens or prompt, said)
        finally:
            attempts.settle(prompt, 0)  # what a server may charge when the answer is not read
        return completion


def _tokens(text: str) -> int:
    """About how many tokens an answer has, for servers that do not count."""
    return math.ceil(len(text.encode(errors="replace")) / 4)
