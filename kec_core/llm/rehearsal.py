"""What a run would ask, found out by letting it run with stored answers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kec_core.arrays import Progress, no_progress
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.llm.dialogue import Outcome
from kec_core.llm.prompts import Question


class RehearsingClient(LLMClient):
    """An LLMClient that asks nobody: it gives stored answers, lets all others fail, and counts what they would cost.

    Attributes:
        total: of every question put to it so far.
    """

    def __init__(self, client: LLMClient) -> None:
        super().__init__(
            client.endpoint,
            client.cache,
            client.config,
            meter=Meter(price=client.meter.price),
            retry_failed=client.retry_failed,
        )
        self.total = self.estimate(())

    def ask(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress = no_progress,
        label: str = "questions",
        on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
        fresh: bool = False,
    ) -> list[Outcome]:
        """See LLMClient; nothing is sent, and ``fresh`` is of no use here."""
        del fresh
        self.total += self.estimate(questions)
        outcomes = self.recall(questions)
        for outcome in outcomes:
            on_outcome(outcome)
        progress(len(outcomes), len(outcomes), label)
        return outcomes


def rehearsing(builder: LLMBuilder) -> tuple[LLMBuilder, RehearsingClient]:
    """A builder that takes the other builder's work wherever it would have to ask, and the client that counts.

    So the attributes are counted of the concepts that the other builder names, where the model has not named them.
    """
    client = RehearsingClient(builder.client)
    return LLMBuilder(client, builder.fallback, max_nouns=builder.max_nouns), client
