"""Scores as cards, each with its difference to other results, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable

from pages.shared.markup import text
from pages.shared.scores import difference
from state.revisions.scoring import Metric

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
    kind, change = difference(metric, value, other)
    was = "" if other is None else f"{other:{metric.shown}}"
    return (
        f'<div class="kec-against"><span title="{text(was)}">{text(name)}</span>'
        f'<span class="kec-{kind}">{change}</span></div>'
    )


def cards(items: Iterable[str]) -> str:
    """Cards side by side."""
    return f'<dl class="kec kec-metrics">{"".join(items)}</dl>'
