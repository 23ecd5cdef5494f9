"""One question to a language model on the person's request, asked in a thread while the page stays alive."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kec_core.arrays import Progress
from kec_core.config import KnowledgeConfig
from kec_core.errors import Cancelled
from kec_core.knowledge.base import ConceptDraft, PairDraft
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.llm.proposals import (
    Line,
    SplitProposal,
    Wish,
    attribute_lines,
    concept_lines,
    pair_lines,
    propose_attributes,
    propose_concept,
    propose_pair_attributes,
    propose_split,
    split_lines,
)
from kec_core.types import Concept, Knowledge
from state.llm.setup import LLMSetup
from state.project.project import Project

Kind = Literal["concept", "attributes", "pair", "split"]
Proposal = ConceptDraft | SplitProposal | tuple[str, ...] | tuple[PairDraft, ...]
RETRIES = 2
"""Fewer than in a run: the person waits, and can ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is asked: a kind of question about one concept or two, in the person's words."""

    kind: Kind
    concepts: tuple[str, ...]
    instruction: str = ""


class Asked:
    """A question under way or answered.

    Args:
        subject: what is asked.
        work: asks; tells progress, which raises Cancelled after ``cancel``.

    Attributes:
        key: tells this question from every other one.
        doing: what is going on, in words.
    """

    def __init__(self, subject: Subject, work: Callable[[Progress], Proposal]) -> None:
        self.subject = subject
        self.key = uuid.uuid4().hex
        self.doing = ""
        self._work = work
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._proposal: Proposal | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, name="ask", daemon=True).start()

    @property
    def seconds(self) -> float:
        """Since it was asked."""
        return time.monotonic() - self._started

    def wait(self, seconds: float = 0.0) -> bool:
        """Whether it is over, at the latest after so many seconds."""
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """Give up; felt within a fifth of a second."""
        self._stop.set()

    def proposal(self) -> Proposal:
        """The answer; call when it is over.

        Raises:
            KecError: why there is none.
        """
        if self._error is not None:
            raise self._error
        assert self._proposal is not None, "not over yet"
        return self._proposal

    def _run(self) -> None:
        try:
            self._proposal = self._work(self._progress)
        except Exception as error:  # raised again where the page asks for the proposal
            self._error = error
        finally:
            self._ended.set()

    def _progress(self, _done: int, _total: int, label: str) -> None:
        self.doing = label
        if self._stop.is_set():
            raise Cancelled("The question was taken back.")


def ask(
    project: Project,
    setup: LLMSetup,
    knowledge: Knowledge,
    subject: Subject,
    options: KnowledgeConfig,
) -> Asked:
    """Ask now, going around stored answers; an answer that is stored already stays what later runs take.

    Args:
        project: keeps the answer where it had none to this question.
        setup: the language model.
        knowledge: the concepts that ``subject`` names, and the guidance.
        subject: what to ask.
        options: how many attributes, and how many nouns are shown.
    """
    concepts = [knowledge.by_id[one] for one in subject.concepts]
    client = LLMClient(
        setup.endpoint,
        project.answers,
        replace(setup.config, retries=RETRIES),
        meter=Meter(setup.budget, setup.price),
    )

    def work(progress: Progress) -> Proposal:
        wish = Wish(
            guidance=knowledge.guidance,
            instruction=subject.instruction,
            fresh=True,
            max_nouns=options.max_nouns,
            progress=progress,
        )
        return _propose(client, concepts, subject.kind, options, wish)

    return Asked(subject, work)


def lines_of(knowledge: Knowledge, subject: Subject, proposal: Proposal) -> tuple[Line, ...]:
    """What a proposal would change in the knowledge as it is now."""
    concepts = [knowledge.by_id[one] for one in subject.concepts]
    if isinstance(proposal, ConceptDraft):
        return concept_lines(knowledge, concepts[0], proposal)
    if isinstance(proposal, SplitProposal):
        return split_lines(knowledge, concepts[0], proposal)
    if subject.kind == "pair":
        drafts = [draft for draft in proposal if isinstance(draft, PairDraft)]
        return pair_lines(knowledge, concepts[0], concepts[1], drafts)
    return attribute_lines(knowledge, concepts[0], [text for text in proposal if isinstance(text, str)])


def _propose(
    client: LLMClient, concepts: Sequence[Concept], kind: Kind, options: KnowledgeConfig, wish: Wish
) -> Proposal:
    if kind == "concept":
        return propose_concept(client, concepts[0], wish)
    if kind == "split":
        return propose_split(client, concepts[0], wish)
    if kind == "pair":
        return propose_pair_attributes(client, concepts[0], concepts[1], max(1, options.bi), wish)
    return propose_attributes(client, concepts[0], max(1, options.uni), wish)
