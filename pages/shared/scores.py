"""KEC beside plain k-means: with labels how right, without labels how clear the clusters are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from kec_core.clustering.seeded import names_groups
from pages.shared import markup, ui
from pages.shared.markup import text
from state.revisions.revisions import Revision
from state.revisions.scoring import WITH_LABELS, WITHOUT_LABELS, Metric


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
    below_baseline(revision)
    with st.expander("Scores that need no labels", key="internal_scores"):
        _beside(revision, WITHOUT_LABELS)


def below_baseline(revision: Revision) -> None:
    """An amber note, never a block, when plain k-means fits the labels better by more than chance."""
    metric = WITH_LABELS[0]
    kind, _ = difference(metric, metric.of(revision), metric.of_baseline(revision))
    if kind != "down":
        return
    said = (
        "The groups follow what you said; the labels may mean other groups."
        if revision.knowledge.kept or names_groups(revision.knowledge)
        else "A smaller weight of the knowledge (Build, Cluster) may help."
    )
    st.warning(f"Here plain k-means fits the labels better. {said}", icon=":material/balance:")


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
