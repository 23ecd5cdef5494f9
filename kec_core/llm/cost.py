"""What asking costs: prices, an estimate before a run, and a meter that keeps a run within its budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kec_core.errors import InputError, LLMBudgetError
from kec_core.llm.prompts import Question, approximate_tokens

HOW = "prompt: 1 token per 4 bytes and 4 per turn; answer: its usual length; without asks after failures"
"""How estimates are made, for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money per million tokens, in any one currency."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


DEFAULT_PRICES: Mapping[str, Price] = {
    "gpt-4o": Price(prompt=2.5, completion=10.0),
    "gpt-4o-mini": Price(prompt=0.15, completion=0.6),
    "gpt-4.1": Price(prompt=2.0, completion=8.0),
    "gpt-4.1-mini": Price(prompt=0.4, completion=1.6),
    "gpt-4.1-nano": Price(prompt=0.1, completion=0.4),
}
"""US dollars, list prices of 2025: a start to edit, since prices change. A model without an entry has no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a set of questions will take, to the exactness that ``HOW`` tells.

    Attributes:
        calls: requests to be made.
        cached: questions answered already, free.
        money: in the price table's currency, or None when the model has no price.
    """

    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None

    def __add__(self, other: Estimate) -> Estimate:
        """Both sets of questions together."""
        known = self.money is not None and other.money is not None
        return Estimate(
            calls=self.calls + other.calls,
            cached=self.cached + other.cached,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            money=(self.money or 0.0) + (other.money or 0.0) if known else None,
        )


def estimate(questions: Sequence[Question], price: Price | None, *, cached: int = 0) -> Estimate:
    """Estimate the cost of questions that are all to be asked."""
    prompt = sum(approximate_tokens(question.messages) for question in questions)
    completion = sum(question.expected_tokens for question in questions)
    return Estimate(
        calls=len(questions),
        cached=cached,
        prompt_tokens=prompt,
        completion_tokens=completion,
        money=None if price is None else price.of(prompt, completion),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that may be spent; None means no limit."""

    tokens: int | None = None
    money: float | None = None


class Meter:
    """Counts tokens and refuses what could break the budget.

    Each request first reserves its prompt (approximated) and the longest answer it may bring; what it really used
    replaces the reservation. So the cap holds up to the error of the prompt's approximation.
    """

    def __init__(self, budget: Budget | None = None, price: Price | None = None) -> None:
        self.budget = budget or Budget()
        self.price = price
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self._reserved: list[tuple[int, int]] = []
        if self.budget.money is not None and price is None:
            raise InputError(
                "A cap on money needs the model's price, but the price table has none; "
                "add the model to the table, or cap the tokens."
            )

    @property
    def money(self) -> float | None:
        """Spent so far, or None without a price."""
        return None if self.price is None else self.price.of(self.prompt_tokens, self.completion_tokens)

    def reserve(self, prompt: int, completion: int) -> bool:
        """Set tokens aside for a request; False means wait until one under way has ended.

        Raises:
            LLMBudgetError: nothing is under way, so waiting cannot help.
        """
        if self._fits(prompt, completion):
            self._reserved.append((prompt, completion))
            return True
        if self._reserved:
            return False
        raise LLMBudgetError(
            f"The budget of {self._cap()} is used up: {self.prompt_tokens + self.completion_tokens} tokens spent, and "
            "the next request could exceed it. Answers received are kept; raise the budget and run again."
        )

    def settle(self, reserved: tuple[int, int], prompt: int, completion: int) -> None:
        """Replace a reservation by what a request really used."""
        self._reserved.remove(reserved)
        self.requests += 1
        self.prompt_tokens += prompt
        self.completion_tokens += completion

    def _fits(self, prompt: int, completion: int) -> bool:
        prompts = self.prompt_tokens + prompt + sum(r[0] for r in self._reserved)
        completions = self.completion_tokens + completion + sum(r[1] for r in self._reserved)
        cap = self.budget
        if cap.tokens is not None and prompts + completions > cap.tokens:
            return False
        return cap.money is None or self.price is None or self.price.of(prompts, completions) <= cap.money

    def _cap(self) -> str:
        caps = (self.budget.tokens, "tokens"), (self.budget.money, "in money")
        return " and ".join(f"{value} {unit}" for value, unit in caps if value is not None)
