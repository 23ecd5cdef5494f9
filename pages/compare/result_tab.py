"""Compare, tab "Result": did it get better, what moved, and where clusters and labels differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.result.impact import Flow
from pages.compare import charts, metric_cards
from pages.shared import cached, gallery, markup, revision_diff, scores, ui
from state.project.project import Project
from state.revisions.comparison import Changes, ClassTable, automatic_result, branch
from state.revisions.revisions import Revision, RevisionInfo
from state.revisions.scoring import Metric, metrics

PREVIOUS, AUTOMATIC = "previous", "automatic"
TIMELINE = 60
"""Revisions of the timeline, the latest of a branch."""
CHOICES = 60
"""Flows or mistakes that can be chosen from a list; the smaller ones are left to the galleries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is compared: ``after`` is the revision that is shown, ``before`` is chosen; None when there is no other."""

    before: RevisionInfo | None
    after: Revision
    automatic: RevisionInfo


def draw(project: Project, shown: Revision, history: Sequence[RevisionInfo]) -> None:
    """The whole tab."""
    pair = _choose(history, shown)
    _cards(pair)
    _timeline(history, shown)
    st.subheader("What moved", anchor=False)
    if pair.before is None:
        ui.nothing_here(
            "Only one result so far",
            "Correct a concept or run again: then you see here which photos moved, from where to where.",
            "concepts",
            "Go to Concepts",
        )
    else:
        with ui.errors():
            _moved(project, cached.changes(project, pair.before, shown))
    table = cached.class_table(project, shown)
    if table is not None:
        _confusion(project, shown, table)


def _choose(history: Sequence[RevisionInfo], shown: Revision) -> Pair:
    """Against which revision; the one before the shown one at first."""
    by_id = {revision.id: revision for revision in history}
    automatic = automatic_result(history, shown)
    others = {one.id: f"{one.id} · {one.name or one.note}" for one in reversed(history) if one.id != shown.id}
    special = {}
    if shown.parent is not None:
        special[PREVIOUS] = f"the one before ({shown.parent})"
    if automatic.id != shown.id:
        special[AUTOMATIC] = f"the automatic result ({automatic.id})"
    if not others:
        return Pair(before=None, after=shown, automatic=automatic)
    choices = {**special, **others}
    wanted = st.selectbox(
        f"{shown.id}, shown now, against",
        list(choices),
        format_func=lambda key: choices[key],
        key="compare_with",
        persist_state="session",
        width=420,
    )
    before = {PREVIOUS: by_id.get(shown.parent or ""), AUTOMATIC: automatic}.get(wanted) or by_id[wanted]
    return Pair(before=before, after=shown, automatic=automatic)


def _cards(pair: Pair) -> None:
    drawn = []
    for metric in metrics(pair.after):
        against = [("k-means", metric.of_baseline(pair.after))]
        if pair.before is not None:
            against.insert(0, _against(pair, metric, pair.before, pair.before.id))
            if pair.automatic.id not in (pair.before.id, pair.after.id):
                automatic = _against(pair, metric, pair.automatic, f"automatic ({pair.automatic.id})")
                against.insert(1, automatic)
        drawn.append(metric_cards.card(metric, metric.of(pair.after), against))
    st.html(metric_cards.cards(drawn))
    scores.below_baseline(pair.after)


def _against(pair: Pair, metric: Metric, other: RevisionInfo, name: str) -> metric_cards.Against:
    """What a score is compared with: a score of other photos is no better and no worse."""
    if other.scan != pair.after.scan:
        return f"{name}, other photos", None
    return name, metric.of(other)


def _timeline(history: Sequence[RevisionInfo], shown: Revision) -> None:
    metric = metrics(shown)[0]
    points = [
        charts.Point(
            revision=step.id, value=metric.of(step), baseline=metric.of_baseline(step), note=step.note
        )
        for step in branch(history, shown)[-TIMELINE:]
    ]
    if len(points) > 1 and any(point.value is not None for point in points):
        figure = charts.timeline(
            points, name=f"{metric.name} ({metric.term})", shown=metric.shown, dark=ui.is_dark()
        )
        charts.draw(figure, key="compare_timeline")


def _moved(project: Project, changes: Changes) -> None:
    """The flow diagram, and the photos of a flow."""
    ui.note(revision_diff.moved(changes))
    if not changes.flows:
        return
    old_name, new_name = revision_diff.names(project, changes)
    charts.draw(charts.flows(changes.flows, old_name, new_name, dark=ui.is_dark()), key="compare_flows")
    choices: dict[int, str] = {-1: f"All that moved · {markup.count(len(changes.moved), 'photo')}"}
    for number, one in enumerate(changes.flows[:CHOICES]):
        choices[number] = f"{_flow_name(one, old_name, new_name)} · {markup.count(one.photos, 'photo')}"
    chosen = st.selectbox(
        "Photos of",
        list(choices),
        format_func=lambda number: choices[number],
        key=f"compare_flow_{changes.before.id}_{changes.after.id}",
        width=520,
    )
    flow = None if chosen < 0 else changes.flows[chosen]
    revision_diff.photos(project, changes, key=f"page_compare_moved_{chosen}", flow=flow)


def _flow_name(flow: Flow, old_name: revision_diff.Names, new_name: revision_diff.Names) -> str:
    return f"{old_name(flow.source)} → {new_name(flow.target)}"


def _confusion(project: Project, shown: Revision, table: ClassTable) -> None:
    """Clusters against labels, and the photos of a mistake."""
    st.subheader("Clusters and labels", anchor=False)
    ui.note(
        "Rows are clusters, columns labels. Each cluster is matched with one label, the pairs on the diagonal (Hungarian "
        "matching). Greener: a larger share of the cluster carries that label. What lies off the diagonal counts as a "
        "mistake."
    )
    name = cached.cluster_names(project, shown)
    charts.draw(charts.class_map(table.table, name, dark=ui.is_dark()), key="compare_confusion")
    mistakes = table.mistakes()[:CHOICES]
    if not mistakes:
        ui.note("No photo lies off the diagonal.")
        return
    chosen = st.selectbox(
        "Photos of",
        range(len(mistakes)),
        format_func=lambda i: (
            f"labelled {mistakes[i][1]}, in {name(mistakes[i][0])} · {markup.count(mistakes[i][2], 'photo')}"
        ),
        key="compare_mistake",
        width=520,
    )
    cluster, label, _ = mistakes[min(chosen, len(mistakes) - 1)]
    images = cached.images(project, shown.scan)
    photos = [images[row] for row in table.photos(cluster, label)]
    gallery.paged(project, photos, key=f"page_mistake_{chosen}", label="Photos off the diagonal")
