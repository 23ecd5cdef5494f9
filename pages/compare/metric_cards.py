"""Scores as cards, each with its difference to other results, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pages.shared.markup import delta, text
from pages.shared.scores import AGREEMENT, CLEARNESS
from state.revisions.revisions import RevisionInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A score as people read it.

    Attributes:
        key: of ``Scores`` or ``InternalScores``.
        name, term, tip: plain words, the field's term, what it means.
        shown: format of a value.
        needs_labels: whether it compares with labels.
    """

    key: str
    name: str
    term: str
    tip: str
    shown: str
    higher_is_better: bool = True
    needs_labels: bool = False

    def of(self, revision: RevisionInfo) -> float | None:
        """The value of a revision, None where it has none."""
        return _value(self.key, revision.scores if self.needs_labels else revision.internal)

    def of_baseline(self, revision: RevisionInfo) -> float | None:
        """The value of k-means beside a revision."""
        if revision.baseline is None:
            return None
        found = revision.baseline
        return _value(self.key, found.scores if self.needs_labels else found.internal)


def _value(key: str, scores: object) -> float | None:
    value: float | None = getattr(scores, key, None)
    return value


WITH_LABELS = tuple(
    Metric(key=key, name=name, term=term, tip=tip, shown=".1%", needs_labels=True)
    for key, name, term, tip in AGREEMENT
)
WITHOUT_LABELS = tuple(
    Metric(
        key=key,
        name=name,
        term=term,
        tip=tip,
        shown=",.1f" if key == "calinski_harabasz" else ".3f",
        higher_is_better=better,
    )
    for key, name, term, tip, better in CLEARNESS
)


def metrics(revision: RevisionInfo) -> Sequence[Metric]:
    """The scores to show for a revision: those against labels where there are labels."""
    return WITHOUT_LABELS if revision.scores is None else WITH_LABELS


Against = tuple[str, float | None]
"""What a value is compared with: its name and its value."""


def card(
    metric: Metric, value: float | None, against: Iterable[Against], *, lacking: str = "not defined"
) -> str:
    """One score and its differences, as HTML; ``lacking`` is said where there is no value."""
    big = lacking if value is None else f"{value:{metric.shown}}"
    lines = "".join(_line(metric, value, name, other) for name, other in against)
    return (
        f'<div title="{text(metric.tip)}"><dt>{text(metric.name)} <span class="kec-quiet">{text(metric.term)}</span></dt>'
        f'<dd><div class="kec-value">{text(big)}</div>{lines}</dd></div>'
    )


def _line(metric: Metric, value: float | None, name: str, other: float | None) -> str:
    kind, change = "quiet", "–"
    if value is not None and other is not None:
        kind, change = delta(
            value - other, metric.shown, higher_is_better=metric.higher_is_better, size=other
        )
    was = "" if other is None else f"{other:{metric.shown}}"
    return (
        f'<div class="kec-against"><span title="{text(was)}">{text(name)}</span>'
        f'<span class="kec-{kind}">{change}</span></div>'
    )


def cards(items: Iterable[str]) -> str:
    """Cards side by side."""
    return f'<dl class="kec kec-metrics">{"".join(items)}</dl>'
