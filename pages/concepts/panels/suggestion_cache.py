"""What the review queue computes from a state, kept while reruns draw it again."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.result.impact import Impact
from kec_core.suggestions import Suggestion, least_certain, suggest
from kec_core.suggestions.concept_doubts import fitting_names
from pages.concepts.panels.workbench_view import View
from pages.shared import cached, editing

OTHER_NAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """All suggestions on a state, and what to look at when there are none.

    Attributes:
        least_certain: concept ids.
    """

    all: tuple[Suggestion, ...]
    least_certain: tuple[str, ...]


def _key(view: View) -> tuple[str, str, str]:
    return str(view.project.folder), view.revision.id, view.state.knowledge.fingerprint


@cached.remembered(_key, entries=8, spinner="Looking for what may be wrong…")
def doubts(view: View) -> Doubts:
    """The suggestions on what is looked at; about 2 s at 50,000 photos and 100 concepts, then remembered."""
    return Doubts(all=suggest(view.state), least_certain=least_certain(view.state))


@cached.remembered(
    lambda view, doubt: (_key(view), view.project.labels_version, doubt.key),
    entries=64,
    spinner="Trying it out…",
)
def impact(view: View, doubt: Suggestion) -> Impact:
    """What accepting a suggestion would do, nothing where it has no edit.

    Raises:
        InputError: the edit does not fit.
    """
    edits = () if doubt.edit is None else (doubt.edit,)
    return editing.workbench(view.project).preview((*editing.staged(), *edits)).impact


@cached.remembered(lambda view, concept: (_key(view), concept), entries=64)
def other_names(view: View, concept: str) -> tuple[str, ...]:
    """Nouns that would fit a concept's photos."""
    return fitting_names(view.state, concept, OTHER_NAMES)
