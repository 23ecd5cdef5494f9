"""The scores as people read them, and KEC beside plain k-means: with labels how right, without how clear the clusters are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import markup, ui
from pages.shared.markup import text
from state.revisions.revisions import Revision, RevisionInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A score as people read it.

    Attributes:
        key: of ``Scores`` or ``InternalScores``.
        name, term, tip: plain words, the field's term, what it means.
        shown: format of a value.
        higher_is_better: False for scores where less is better.
        needs_labels: whether it compares with labels; those are shares, and drawn as bars.
    """

    key: str
    name: str
    term: str
    tip: str
    shown: str = ".3f"
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


WITH_LABELS = (
    Metric(
        key="acc",
        name="Photos in the right cluster",
        term="ACC",
        tip="Share of photos in the cluster that fits their label best (clustering accuracy).",
        shown=".1%",
        needs_labels=True,
    ),
    Metric(
        key="nmi",
        name="Shared information",
        term="NMI",
        tip="How much clusters and labels tell about each other (normalised mutual information).",
        shown=".1%",
        needs_labels=True,
    ),
    Metric(
        key="ari",
        name="Agreement of pairs",
        term="ARI",
        tip="Pairs of photos that clusters and labels treat alike, beyond chance (adjusted Rand index).",
        shown=".1%",
        needs_labels=True,
    ),
)
WITHOUT_LABELS = (
    Metric(
        key="silhouette",
        name="Clear borders",
        term="silhouette",
        tip="From -1 to 1: how much nearer photos are to their own cluster than to the next.",
    ),
    Metric(
        key="davies_bouldin",
        name="Overlap",
        term="Davies-Bouldin",
        tip="How much clusters overlap; less is better.",
        higher_is_better=False,
    ),
    Metric(
        key="calinski_harabasz",
        name="Separation",
        term="Calinski-Harabasz",
        tip="Spread between groups against spread within; more is better.",
        shown=",.1f",
    ),
    Metric(
        key="size_entropy",
        name="Even sizes",
        term="size entropy",
        tip="1 when all clusters are equally large, near 0 when one holds nearly all photos.",
    ),
)


def metrics(revision: RevisionInfo) -> Sequence[Metric]:
    """The scores to show for a revision: those against labels where there are labels."""
    return WITHOUT_LABELS if revision.scores is None else WITH_LABELS


def panel(revision: Revision) -> None:
    """The scores of a revision and of k-means on the same photos."""
    if revision.scores is None:
        _beside(revision, WITHOUT_LABELS)
        ui.note(
            "These scores look at the photos alone: they say how clear the clusters are, not whether they are the "
            "ones you want. With labels for a part of the photos (page Data) you also see how right they are."
        )
        return
    _beside(revision, WITH_LABELS)
    baseline = revision.baseline.scores if revision.baseline else None
    if baseline and revision.scores.acc < baseline.acc:
        st.warning(
            "Here plain k-means fits the labels better. A smaller weight of the knowledge (Build, Cluster) may help.",
            icon=":material/balance:",
        )
    with st.expander("Scores that need no labels", key="internal_scores"):
        _beside(revision, WITHOUT_LABELS)


def _beside(revision: Revision, chosen: Sequence[Metric]) -> None:
    st.html(table((metric, metric.of(revision), metric.of_baseline(revision)) for metric in chosen))


def table(rows: Iterable[tuple[Metric, float | None, float | None]]) -> str:
    """KEC and k-means side by side with the difference of each score, as HTML."""
    body = "".join(_row(*row) for row in rows)
    return (
        '<table class="kec kec-scores"><thead><tr><th scope="col"></th><th scope="col">KEC</th>'
        f'<th scope="col">k-means</th><th scope="col">Difference</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _row(metric: Metric, ours: float | None, baseline: float | None) -> str:
    cells = "".join(_cell(metric, value, kind) for value, kind in ((ours, "ours"), (baseline, "other")))
    kind, change = difference(metric, ours, baseline)
    return (
        f'<tr><th scope="row" title="{text(metric.tip)}">{text(metric.name)} '
        f'<span class="kec-quiet">{text(metric.term)}</span></th>{cells}<td class="kec-{kind}">{change}</td></tr>'
    )


def _cell(metric: Metric, value: float | None, kind: str) -> str:
    if value is None:
        return '<td class="kec-quiet">not defined</td>'
    width = max(0.0, min(1.0, value)) * 100
    bar = f'<span class="kec-bar kec-{kind}"><i style="width:{width:.1f}%"></i></span>'
    return f"<td>{value:{metric.shown}}{bar if metric.needs_labels else ''}</td>"


def difference(metric: Metric, value: float | None, other: float | None) -> tuple[str, str]:
    """How a value differs from another, see ``markup.delta``; a dash where one is not defined."""
    if value is None or other is None:
        return "quiet", "–"
    return markup.delta(value - other, metric.shown, higher_is_better=metric.higher_is_better, size=other)
