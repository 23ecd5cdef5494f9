"""How a stage is run: loaded when its inputs are known, else computed and stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from kec_core.arrays import Progress, fingerprint, no_progress
from kec_core.config import RunConfig
from kec_core.config.option import only_for, values_for
from kec_core.encoders.base import Encoder
from kec_core.encoders.text_cache import TextCache
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.memory import peak_megabytes, release_pages, reset_peak
from kec_core.store import StageResult, StageStore
from kec_core.types import Noun, StageReport
from kec_core.wordnet.vocabulary import DomainTerm
from kec_core.wordnet.wordnet import WordNet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resources:
    """What a run needs besides photos and options.

    Attributes:
        looks: encoder of a second space that looks come from beside that of ``encoder``, or None.
        vocabulary: candidate nouns; those the encoder does not cover are left out.
        domain: the person's own terms; always candidates, and their descriptions are taken over.
        text_cache: where text features are remembered between runs, or None.
        wordnet: where the concept tree finds what concepts have in common; None groups them by likeness.
        rebuild: True makes concepts and attributes again although they are stored, so that a builder which gave up on
            some of them can try those once more.
    """

    encoder: Encoder
    vocabulary: tuple[Noun, ...]
    builder: KnowledgeBuilder
    domain: tuple[DomainTerm, ...] = ()
    text_cache: TextCache | None = None
    wordnet: WordNet | None = None
    rebuild: bool = False
    looks: Encoder | None = None

    @property
    def listed(self) -> int:
        """How many terms the person's list has where it is all there is to choose from; else 0."""
        return 0 if self.vocabulary else len(self.domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """How a run speaks to its surroundings."""

    progress: Progress = no_progress
    on_start: Callable[[str], None] = lambda _stage: None
    on_report: Callable[[StageReport], None] = lambda _report: None


class Runner:
    """Runs stages against a store and keeps their reports; between stages, stored arrays are out of memory."""

    def __init__(self, store: StageStore, hooks: Hooks) -> None:
        self.store = store
        self.hooks = hooks
        self.reports: list[StageReport] = []
        self._arrays: list[NDArray[Any]] = []

    def configured(
        self,
        name: str,
        inputs: Sequence[object],
        compute: Callable[[RunConfig], StageResult],
        config: RunConfig,
        *,
        rebuild: bool = False,
    ) -> Stored:
        """The result of a stage that has options: ``compute`` sees those of this stage, and they are part of its key."""
        chosen = values_for(config, name).values()
        return self.stage(
            name, [*inputs, *chosen], lambda _key: compute(only_for(config, name)), rebuild=rebuild
        )

    def stage(
        self,
        name: str,
        inputs: Sequence[object],
        compute: Callable[[str], StageResult],
        *,
        rebuild: bool = False,
    ) -> Stored:
        """The result of a stage: loaded when its inputs are known, else (or to ``rebuild`` it) computed and stored."""
        self.hooks.on_start(name)
        key = fingerprint(name, *inputs)
        started = time.perf_counter()
        reset_peak()
        result = None if rebuild else self.store.load(name, key)
        reused = result is not None
        if result is None:
            made = compute(key)
            result = self.store.save(name, key, made)
            _release(made.arrays.values())
            del made
        self._arrays += result.arrays.values()
        _release(self._arrays)
        report = StageReport(
            stage=name,
            fingerprint=key,
            seconds=time.perf_counter() - started,
            reused=reused,
            summary=dict(result.data.get("summary", {})),
            megabytes=peak_megabytes(),
        )
        self.reports.append(report)
        self.hooks.on_report(report)
        return Stored(key=key, arrays=dict(result.arrays), data=dict(result.data))


def _release(arrays: Iterable[NDArray[Any]]) -> None:
    for array in arrays:
        release_pages(array)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """A stage's result and the key others refer to it by."""

    key: str
    arrays: dict[str, NDArray[Any]]
    data: dict[str, Any]
