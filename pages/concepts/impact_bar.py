"""The line at the bottom of the workbench: what the last edit did, or what the collected edits would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kec_core.clustering import match_labels
from kec_core.errors import KecError
from kec_core.knowledge.edits import Edit, apply_script, describe
from kec_core.live import LiveState
from kec_core.result.impact import Impact, compare
from pages.concepts.panels.workbench_view import View
from pages.shared import cached, editing, markup, moved, ui
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision
from state.revisions.scoring import WITH_LABELS


def draw(view: View) -> None:
    """What the collected edits would do, else what the latest one did."""
    if editing.staged():
        _staged(view.project, view.revision)
    else:
        _latest(view.project, view.revision, view.state)


def _staged(project: Project, revision: Revision) -> None:
    try:
        tried = editing.workbench(project).preview(editing.staged(), revision=revision)
    except KecError as error:
        ui.error(f"The collected edits do not fit any more: {error}")
        st.button("Discard them", key="discard", on_click=editing.unstage)
        return
    first = describe(editing.staged()[0], cached.knowledge_in_words(project, revision))
    more = len(editing.staged()) - 1
    with _row():
        st.badge("preview", color="orange", icon=":material/preview:")
        ui.card(f"{first.removesuffix('.')}, and {more} more." if more else first)
        figures(tried.impact, revision)
        st.space("stretch")
        _moved_button(project, revision, tried.impact, tried.before, tried.after)
        st.button(
            "Apply",
            key="apply",
            type="primary",
            on_click=editing.apply_staged,
            args=(project,),
            help="Ctrl+Enter",
        )
        st.button("Discard", key="discard", on_click=editing.unstage, help="Esc")


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="medium", key="impact")


def _latest(project: Project, revision: Revision, state: LiveState) -> None:
    parent = None if revision.parent is None else revisions.get(project, revision.parent)
    if parent is None or parent.scan != revision.scan:
        ui.note(
            f"{revision.id}: as the run made it. Every edit shows here what it moved; Undo (Z) takes it back."
        )
        return
    before = editing.workbench(project).live(parent)
    if not revision.edits:
        before = _under_new_ids(before, state)
    impact = compare(before, state)
    with _row():
        st.badge(revision.id, color="green", icon=":material/check:")
        changed = moved.renamed(project, parent, revision) if revision.edits else ""
        ui.card(revision.note, [changed])
        figures(impact, revision)
        st.space("stretch")
        _moved_button(project, revision, impact, before, state)


def _under_new_ids(before: LiveState, after: LiveState) -> LiveState:
    """The state before a run under the ids of its result: a run numbers its clusters anew."""
    new = after.clustering.labels
    labels = match_labels(before.clustering.labels, new, first_new=after.clustering.next_cluster_id)
    return replace(before, clustering=replace(before.clustering, labels=labels))


def effect(project: Project, edits: Sequence[Edit]) -> bool:
    """Show what edits would do on top of the collected ones; False, with the reason shown, when they do not fit."""
    try:
        with st.spinner("Trying it out…"):
            tried = editing.workbench(project).preview((*editing.staged(), *edits))
    except KecError as error:
        ui.error(error)
        return False
    figures(tried.impact)
    knowledge = apply_script(tried.before.knowledge, editing.staged())
    for edit in edits:
        if said := edit.constraints_after(knowledge):
            ui.note(said)
        knowledge = apply_script(knowledge, [edit])
    return True


def figures(impact: Impact, revision: Revision | None = None) -> None:
    """How many photos move and what that gains, in one row."""
    facts = [
        ("photos move", f"{len(impact.moved):,}", "Photos whose cluster is another one"),
        (
            "fit another concept",
            f"{impact.reassigned:,}",
            "Photos whose closest concept is another one. Where knowledge has little weight they may stay in their cluster.",
        ),
        _change("concepts", *impact.concepts),
        _change("clusters", *impact.clusters),
        *_score_facts(impact),
    ]
    if revision is not None and revision.baseline and revision.baseline.scores:
        facts.append(
            ("k-means", f"{revision.baseline.scores.acc:.1%}", "ACC of plain k-means on the photos alone")
        )
    st.html(markup.facts(facts))


def _change(name: str, before: int, after: int) -> tuple[str, str, str]:
    return name, f"{before} → {after}" if before != after else str(after), ""


def _score_facts(impact: Impact) -> Sequence[tuple[str, str, str]]:
    before, after = impact.scores_before, impact.scores_after
    if before is None or after is None:
        tip = "How alike the photos within a cluster look (coherence: mean cosine to the cluster's mean)"
        return [("alike", _delta(impact.coherence_before, impact.coherence_after), tip)]
    return [
        (one.term, _delta(getattr(before, one.key), getattr(after, one.key)), one.tip) for one in WITH_LABELS
    ]


def _delta(before: float, after: float) -> str:
    change = after - before
    if abs(change) < 0.0005:
        return f"{after:.1%}"
    return f"{after:.1%} ({'▲ +' if change > 0 else '▼ −'}{abs(change) * 100:.1f})"


def _moved_button(
    project: Project, revision: Revision, impact: Impact, before: LiveState, after: LiveState
) -> None:
    if len(impact.moved) and st.button(
        f"See {markup.count(len(impact.moved), 'moved photo')}", key="see_moved"
    ):
        was = (
            revision
            if revision.parent is None or editing.staged()
            else revisions.get(project, revision.parent)
        )
        names = cached.cluster_names(project, was), cached.cluster_names(project, revision)
        labels = before.clustering.labels, after.clustering.labels
        moved.see(project, cached.images(project, revision.scan), labels, impact.flows, names)
