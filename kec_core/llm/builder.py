"""The builder that asks a language model, and falls back to another builder where the model gives nothing usable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from kec_core.arrays import Progress, fingerprint, no_progress
from kec_core.config import KnowledgeConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, ItemReport, KnowledgeBuilder, PairDraft
from kec_core.knowledge.unique_names import is_unclear
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.llm.dialogue import Outcome
from kec_core.llm.prompts import PROMPT_VERSION, Kind, Question, concept_question, pair_question, uni_question
from kec_core.types import Concept, Noun

Made = TypeVar("Made")
_LABELS: dict[Kind, str] = {"concept": "concepts", "uni": "attributes", "pair": "pair attributes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMReport:
    """A builder's whole work so far; tokens and money include requests that failed.

    Attributes:
        endpoint: what was found out about it, in words; "" when nothing was ever asked there.
    """

    items: tuple[ItemReport, ...]
    requests: int
    prompt_tokens: int
    completion_tokens: int
    money: float | None
    endpoint: str

    def count(self, status: str) -> int:
        """How many items ended so."""
        return sum(item.status == status for item in self.items)


class LLMBuilder:
    """A KnowledgeBuilder (methods.md 6.1, 6.4, 6.5) over a language model.

    Args:
        client: the endpoint, its cache and its budget.
        fallback: makes what the model could not; such concepts carry its source and say why in their note.
        max_nouns: most nouns shown per concept, most frequent first (methods.md A5).
        on_item: told each item when it is about to be asked ("waiting") and as it is settled.
    """

    def __init__(
        self,
        client: LLMClient,
        fallback: KnowledgeBuilder,
        *,
        max_nouns: int = KnowledgeConfig().max_nouns,
        on_item: Callable[[ItemReport], None] = lambda _item: None,
    ) -> None:
        self.client = client
        self.fallback = fallback
        self.max_nouns = max_nouns
        self._on_item = on_item
        self._items: dict[str, ItemReport] = {}

    @property
    def name(self) -> str:
        """See KnowledgeBuilder."""
        return f"llm:{self.client.endpoint.model}"

    @property
    def revision(self) -> str:
        """See KnowledgeBuilder."""
        form = "values" if self.client.config.pair_values else "dimensions"
        return f"{self.name} prompts-{PROMPT_VERSION} {form} else {self.fallback.revision}"

    def items(self) -> tuple[ItemReport, ...]:
        """See KnowledgeBuilder."""
        return tuple(self._items.values())

    def concepts(
        self, noun_lists: Sequence[Sequence[Noun]], *, guidance: str = "", progress: Progress = no_progress
    ) -> list[ConceptDraft]:
        """See KnowledgeBuilder; raises what ``LLMClient.ask`` raises."""
        shown = [[noun.word for noun in nouns[: self.max_nouns]] for nouns in noun_lists]
        outcomes = self._ask([concept_question(words, guidance=guidance) for words in shown], progress)

        def other(failed: Sequence[int]) -> list[ConceptDraft]:
            return self.fallback.concepts(
                [noun_lists[i] for i in failed], guidance=guidance, progress=no_progress
            )

        drafts = self._with_fallback(outcomes, lambda i: _concept_draft(outcomes[i], noun_lists[i]), other)
        return [
            replace(draft, note=_joined(draft.note, self._fallback_note(outcome), self._cut_note(nouns)))
            for draft, outcome, nouns in zip(drafts, outcomes, noun_lists, strict=True)
        ]

    def uni_attributes(
        self, concepts: Sequence[Concept], count: int, *, guidance: str = "", progress: Progress = no_progress
    ) -> list[tuple[AttributeDraft, ...]]:
        """See KnowledgeBuilder; raises what ``LLMClient.ask`` raises."""
        asked = [
            c for c in concepts if count > 0 and not is_unclear(c)
        ]  # a model would invent attributes of "unclear"
        outcomes = self._ask([uni_question(concept, count, guidance=guidance) for concept in asked], progress)

        def other(failed: Sequence[int]) -> list[tuple[AttributeDraft, ...]]:
            again = [asked[i] for i in failed]
            return self.fallback.uni_attributes(again, count, guidance=guidance, progress=no_progress)

        made = self._with_fallback(outcomes, lambda i: attributes_of(outcomes[i]), other)
        found = {concept.id: drafts for concept, drafts in zip(asked, made, strict=True)}
        return [found.get(concept.id, ()) for concept in concepts]

    def bi_attributes(
        self,
        pairs: Sequence[tuple[Concept, Concept]],
        count: int,
        *,
        guidance: str = "",
        progress: Progress = no_progress,
    ) -> list[tuple[PairDraft, ...]]:
        """See KnowledgeBuilder; raises what ``LLMClient.ask`` raises."""
        asked = [pair for pair in pairs if count > 0 and not any(map(is_unclear, pair))]
        values = self.client.config.pair_values
        questions = [pair_question(a, b, count, guidance=guidance, values=values) for a, b in asked]
        outcomes = self._ask(questions, progress)

        def other(failed: Sequence[int]) -> list[tuple[PairDraft, ...]]:
            again = [asked[i] for i in failed]
            return self.fallback.bi_attributes(again, count, guidance=guidance, progress=no_progress)

        made = self._with_fallback(outcomes, lambda i: pair_drafts(outcomes[i]), other)
        found = {(a.id, b.id): drafts for (a, b), drafts in zip(asked, made, strict=True)}
        return [found.get((a.id, b.id), ()) for a, b in pairs]

    def counting(self) -> LLMBuilder:
        """A builder that asks nobody and counts, in ``client.counted``, what this one would ask.

        It takes the other builder's work wherever it would have to ask: so the attributes are counted of the concepts
        that the other builder names, where the model has not named them.
        """
        old = self.client
        client = LLMClient(
            old.endpoint,
            old.answers.cache,
            old.config,
            meter=Meter(price=old.meter.price),
            retry_failed=old.answers.retry_failed,
            counting=True,
        )
        return LLMBuilder(client, self.fallback, max_nouns=self.max_nouns)

    def report(self) -> LLMReport:
        """What has been done so far, also after an exception."""
        meter = self.client.meter
        return LLMReport(
            items=self.items(),
            requests=meter.requests,
            prompt_tokens=meter.prompt_tokens,
            completion_tokens=meter.completion_tokens,
            money=meter.money,
            endpoint=self.client.answers.found_out(self.client.config.max_tokens),
        )

    def _ask(self, questions: Sequence[Question], progress: Progress) -> list[Outcome]:
        if not questions:
            return []
        for question in questions:
            self._on_item(_item(question))
        label = _LABELS[questions[0].kind]
        return self.client.ask(questions, progress=progress, label=label, on_outcome=self._note)

    def _note(self, outcome: Outcome) -> None:
        self._record(
            replace(
                _item(outcome.question),
                status=outcome.status,
                reason=outcome.reason,
                requests=outcome.requests,
                prompt_tokens=outcome.prompt_tokens,
                completion_tokens=outcome.completion_tokens,
                seconds=outcome.seconds,
            )
        )

    def _record(self, item: ItemReport) -> None:
        self._items[item.key] = item
        self._on_item(item)

    def _with_fallback(
        self,
        outcomes: Sequence[Outcome],
        read: Callable[[int], Made],
        other: Callable[[Sequence[int]], list[Made]],
    ) -> list[Made]:
        """The model's results, with those of the other builder in the places that failed."""
        failed = [i for i, outcome in enumerate(outcomes) if outcome.answer is None]
        substitutes = dict(zip(failed, other(failed), strict=True)) if failed else {}
        for i, substitute in substitutes.items():
            if substitute:
                item = self._items[_item(outcomes[i].question).key]
                self._record(replace(item, status="fallback"))
        return [substitutes[i] if i in substitutes else read(i) for i in range(len(outcomes))]

    def _fallback_note(self, outcome: Outcome) -> str:
        if outcome.answer is not None:
            return f"The answer was taken although {outcome.reason}." if outcome.reason else ""
        return f"Made by {self.fallback.name}, since {self.name} gave no usable answer: {outcome.reason}."

    def _cut_note(self, nouns: Sequence[Noun]) -> str:
        if len(nouns) <= self.max_nouns:
            return ""
        return f"The model saw the {self.max_nouns} most frequent of {len(nouns)} nouns."


def attributes_of(outcome: Outcome) -> tuple[AttributeDraft, ...]:
    """The attributes of an answered uni question."""
    assert outcome.answer is not None
    return tuple(AttributeDraft(text=text, source="llm") for text in outcome.answer["attributes"])


def pair_drafts(outcome: Outcome) -> tuple[PairDraft, ...]:
    """The attributes of an answered pair question: a dimension belongs to both sides, a value to its own."""
    assert outcome.answer is not None
    if "contrasts" in outcome.answer:
        sides = [(contrast, side) for contrast in outcome.answer["contrasts"] for side in ("first", "second")]
        return tuple(
            PairDraft(text=contrast[side], side=side, source="llm")  # type: ignore[arg-type]
            for contrast, side in sides
        )
    return tuple(PairDraft(text=text, source="llm") for text in outcome.answer["attributes"])


def _item(question: Question) -> ItemReport:
    """A question that waits to be asked."""
    key = fingerprint(question.content)
    return ItemReport(key=key, kind=question.kind, label=question.label, status="waiting")


def _concept_draft(outcome: Outcome, nouns: Sequence[Noun]) -> ConceptDraft:
    assert outcome.answer is not None
    name = str(outcome.answer["concept"])
    synset = next((noun.synset for noun in nouns if noun.word.casefold() == name.casefold()), "")
    return ConceptDraft(
        name=name, description=str(outcome.answer["description"]), synset=synset, source="llm"
    )


def _joined(*notes: str) -> str:
    return " ".join(filter(None, notes))
