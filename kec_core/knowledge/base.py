"""What every knowledge builder offers: drafts of concepts and attributes, without ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kec_core.arrays import Progress
from kec_core.types import Concept, Noun, Source

Side = Literal["first", "second", "both"]
ItemStatus = Literal["waiting", "done", "cached", "fallback", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptDraft:
    """A concept c_q and its description d_q, as proposed for one merged noun set (methods.md 6.1 step 2).

    Attributes:
        name: never empty.
        synset: WordNet id behind the name, or "".
        source: what made it.
        note: why it is as it is, in words for the person (for example a fallback), or "".
    """

    name: str
    description: str = ""
    synset: str = ""
    source: Source = "wordnet"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeDraft:
    """One attribute of a concept, visible in a photo, and what made it (methods.md 6.1 step 3)."""

    text: str
    source: Source = "wordnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDraft:
    """One attribute that sets the concepts of a pair apart (methods.md 6.1 step 3).

    Attributes:
        text: the attribute, visible in a photo.
        side: the concept of the pair it is typical of; "both" when it names the contrast itself.
        source: what made it.
    """

    text: str
    side: Side = "both"
    source: Source = "wordnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReport:
    """What became of one question to somebody who may fail to answer, for the person.

    Attributes:
        key: of the question, the same in every run.
        kind: "concept", "uni" or "pair".
        label: what it is about.
        status: "waiting", "done", "cached", "fallback" (made by another builder), "failed" (nobody made it).
        reason: why not "done", in the server's words where it spoke; or what an accepted answer lacks; or "".
        seconds: from the first request to the end, waits included.
    """

    key: str
    kind: str
    label: str
    status: ItemStatus
    reason: str = ""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0


class KnowledgeBuilder(Protocol):
    """Makes knowledge from nouns and concepts; results are in the order of the inputs, one per input."""

    @property
    def name(self) -> str:
        """Who builds, e.g. "wordnet" or "llm:MODEL"."""
        ...

    @property
    def revision(self) -> str:
        """Differs when the same inputs may give another result; part of the keys of stored results."""
        ...

    def items(self) -> tuple[ItemReport, ...]:
        """What became of every question so far; empty for builders that ask nobody."""
        ...

    def concepts(
        self, noun_lists: Sequence[Sequence[Noun]], *, guidance: str, progress: Progress
    ) -> list[ConceptDraft]:
        """One draft per noun list (each not empty, most frequent noun first)."""
        ...

    def uni_attributes(
        self, concepts: Sequence[Concept], count: int, *, guidance: str, progress: Progress
    ) -> list[tuple[AttributeDraft, ...]]:
        """Attributes per concept, best first; the photos choose ``count`` of them (lambda_1, methods.md 6.1 step 3)."""
        ...

    def bi_attributes(
        self, pairs: Sequence[tuple[Concept, Concept]], count: int, *, guidance: str, progress: Progress
    ) -> list[tuple[PairDraft, ...]]:
        """Per pair attributes for each side, best first; ``count`` a side are chosen (lambda_2, methods.md 6.1 step 3)."""
        ...
