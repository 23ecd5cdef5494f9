"""How fine the groups are and how much the words count: concepts, clusters, weight, and how edits apply."""

from __future__ import annotations

import streamlit as st

from kec_core.knowledge.edits import SetClusters, SetWeight
from kec_core.knowledge.pairs import merges_to
from kec_core.live import LiveState
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session, ui
from pages.shared.editing import Mode
from state.project.project import Project
from state.revisions.revisions import Revision

MODES: dict[Mode, str] = {"live": "At once", "staged": "Look first"}
MAX_WEIGHT = 2.0


def draw(view: View) -> None:
    """Draw the dials in one line, with a warning when they do not fit together: groups that the person named need no words."""
    project, revision, state = view.project, view.revision, view.state
    concepts, clusters = len(state.vectors.concept_ids), state.clustering.n_clusters
    with (
        st.container()
    ):  # one place, with or without the warning: what follows is not drawn anew when it comes or goes
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="dials"):
            _concepts(view, concepts)
            _clusters(project, revision, state, clusters)
            _weight(project, revision, state)
            st.space("stretch")
            _finalise(project)
            _mode(project)
        if 0 < concepts < clusters - sum(bool(kept.name) for kept in state.knowledge.kept):
            _too_few_concepts(project, concepts, clusters)


def _too_few_concepts(project: Project, concepts: int, clusters: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning(
            f"{markup.count(concepts, 'concept')} for {markup.count(clusters, 'cluster')}: the words cannot tell all clusters apart. "
            "Ask for fewer clusters, or add or split concepts.",
            icon=":material/balance:",
            width="stretch",
        )
        st.button(
            f"Ask for {markup.count(concepts, 'cluster')}",
            key="ask_for_fewer",
            on_click=editing.act,
            args=(project, [SetClusters(k=concepts)]),
        )


def _concepts(view: View, count: int) -> None:
    key = f"dial_concepts_{view.state.knowledge.fingerprint[:8]}"
    st.number_input(
        "Concepts",
        min_value=1,
        max_value=max(count, 1),
        value=count,
        key=key,
        width=140,
        help="Fewer: the most similar concepts are merged at once (you see which). More: split one, or build again with more.",
        on_change=_merge_to,
        args=(view, key),
    )


def _merge_to(view: View, key: str) -> None:
    state, photos = view.state, view.photos
    ids = state.grounding.concept_ids
    counts = {one: int(photos.counts[column]) for one, column in photos.columns.items()}
    target = int(str(session.widget(key)))
    if target == len(ids):
        return
    with ui.refusals():
        editing.act(view.project, merges_to(state.knowledge, state.vectors.logit, ids, counts, target))


def _clusters(project: Project, revision: Revision, state: LiveState, count: int) -> None:
    chosen = state.knowledge.n_clusters
    key = f"dial_clusters_{chosen}_{count}"
    usual = revision.facts.automatic.n_clusters
    st.number_input(
        "Clusters",
        min_value=1,
        max_value=len(state.collection.image_ids),
        value=chosen or count,
        key=key,
        width=140,
        help=f"How many groups the photos fall into (K). The run chose {usual}.",
        on_change=_set_clusters,
        args=(project, chosen or count, key),
    )
    _automatic(project, chosen not in (None, usual), SetClusters(k=None), "clusters", usual)


def _set_clusters(project: Project, count: int, key: str) -> None:
    wanted = int(str(session.widget(key)))
    if wanted != count:
        editing.act(project, [SetClusters(k=wanted)])


def _weight(project: Project, revision: Revision, state: LiveState) -> None:
    chosen = state.knowledge.weight
    usual = revision.facts.automatic.weight
    key = f"dial_weight_{chosen}"
    now = round(usual if chosen is None else chosen, 2)
    st.slider(
        "Words against looks",
        0.0,
        MAX_WEIGHT,
        now,
        0.05,
        key=key,
        width=240,
        help=f"How much the knowledge counts beside the photos (fusion weight w). 0: looks alone, which is k-means. The run chose {usual:.2f}.",
        on_change=_set_weight,
        args=(project, now, key),
    )
    _automatic(project, chosen not in (None, usual), SetWeight(knowledge=None), "weight", round(usual, 2))


def _set_weight(project: Project, weight: float, key: str) -> None:
    wanted = float(str(session.widget(key)))
    if wanted != weight:
        editing.act(project, [SetWeight(knowledge=wanted)])


def _automatic(
    project: Project, is_chosen: bool, edit: SetClusters | SetWeight, name: str, usual: float
) -> None:
    if is_chosen:
        st.button(
            f"Automatic ({usual:g})",
            key=f"automatic_{name}",
            type="tertiary",
            on_click=editing.act,
            args=(project, [edit]),
        )


def _finalise(project: Project) -> None:
    """Every edit goes on from the present groups; this starts from scratch again and tells the difference."""
    if st.button(
        "Finalise",
        key="finalise",
        icon=":material/task_alt:",
        disabled=bool(editing.staged()) or session.jobs().active(project) is not None,
        help="Edits go on from the present groups, which is fast. This clusters in full, from many starts (restarts of "
        "k-means), keeps your wishes, and shows what moved.",
    ):
        with ui.errors():
            session.jobs().start(project, "finalise", {})
            st.rerun()


def _mode(project: Project) -> None:
    key = f"edit_mode_{editing.mode(project)}"
    st.segmented_control(
        "Edits apply",
        list(MODES),
        format_func=MODES.__getitem__,
        default=editing.mode(project),
        required=True,
        key=key,
        disabled=bool(editing.staged()),
        help=markup.plain(
            "At once: each edit regroups the photos (live). Look first: edits are collected, you see what they would do, then apply all (staged)."
        ),
        on_change=lambda: editing.set_mode("staged" if session.widget(key) == "staged" else "live"),
    )
