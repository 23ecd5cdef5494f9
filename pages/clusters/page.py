"""Clusters: is the result right?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.errors import KecError
from pages.clusters import card_grid, detail, sorting
from pages.shared import asking, cached, markup, moved, scores, session, ui
from state.engine.collection import Collection, LatestApplied, collection_of, latest_applied
from state.project.project import Project
from state.revisions.overview import ClusterCard, load_overview
from state.revisions.revisions import Revision


def draw(project: Project, revision: Revision) -> None:
    """What counts and scores are of, and a button that applies the groups to all photos; nothing without a sample."""
    collection = collection_of(project)
    if collection is None or not collection.is_sampled:
        return
    applied = latest_applied(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.note(f"{_of(collection)} {_state(revision, applied)}", width="stretch")
        if st.button(
            "Apply to all photos",
            key="clusters_apply",
            icon=":material/done_all:",
            disabled=session.jobs().active(project) is not None or _is_applied(revision, applied),
            help=f"Gives these groups and names to all {collection.photos:,} photos, on the cluster of the latest run "
            f"({collection.cluster}). You can go on looking meanwhile, and cancel; the same as kec apply.",
        ):
            session.jobs().start(project, "apply", {})
            st.rerun()


def _of(collection: Collection) -> str:
    return (
        f"A sample of {collection.sample:,} of the {collection.photos:,} photos at {collection.address}: "
        "counts and scores here are of the sample."
    )


def _state(revision: Revision, applied: LatestApplied | None) -> str:
    if applied is None:
        return "No groups were given to all photos yet."
    unlike = f"{markup.count(applied.unlike, 'photo')} of them unlike all groups"
    if _is_applied(revision, applied):
        return f"All photos have the groups of {applied.revision}, {unlike}; labels: {applied.labels}."
    return f"All photos have the groups of {applied.revision} ({unlike}), not those of {revision.id} yet."


def _is_applied(revision: Revision, applied: LatestApplied | None) -> bool:
    return applied is not None and applied.revision == revision.id


def _head(project: Project, revision: Revision) -> None:
    """The title, and what is done with all groups at once."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Clusters", anchor=False, width="content")
        if st.button(
            "Sort into my list",
            key="clusters_sort_into",
            icon=":material/format_list_bulleted:",
            help="One group per name that you give.",
            on_click=sorting.start,
        ):
            sorting.sort(project, revision)
        if st.button(
            "Ask me",
            key="clusters_ask",
            icon=":material/quiz:",
            help="Say where single photos belong; photos like them follow.",
        ):
            asking.begin()


NAMED = 3
"""Clusters that are named as those where the photos of a lost one are."""


def _tell_gone(project: Project, revision: Revision, cluster: int, cards: Sequence[ClusterCard]) -> None:
    """That the cluster of the address is not there, what became of it, and a way to all that are."""
    with st.container(horizontal=True, vertical_alignment="center", key="cluster_gone"):
        st.info(markup.plain(_gone(project, revision, cluster, cards)), icon=":material/info:")
        st.button("See all clusters", key="gone_back", on_click=session.close_cluster)


def _gone(project: Project, revision: Revision, cluster: int, cards: Sequence[ClusterCard]) -> str:
    try:
        gone = cached.gone_cluster(project, revision, cluster)
    except KecError:  # an earlier result has lost its arrays, or has no photo of this one
        gone = None
    if gone is None:
        return f"This project has no cluster {cluster}; below are the {len(cards):,} that there are."
    photos = markup.count(gone.photos, "photo")
    said = f"The cluster “{gone.name}” is not in this result"
    if not gone.now:
        return f"{said}, and its {photos} are no longer in the project."
    names = {card.id: card.name for card in cards}
    if len(gone.now) == 1:
        return f"{said}: its {photos} are in “{names[gone.now[0][0]]}”."
    places = [f"“{names[one]}” ({count:,})" for one, count in gone.now[:NAMED]]
    rest = len(gone.now) - NAMED
    more = f", and {markup.count(rest, 'other')}" if rest > 0 else ""
    return f"{said}: its {photos} are in {', '.join(places)}{more}."


project = ui.need_project()
with ui.errors():
    revision = ui.need_result(
        project, "Clusters", "No clusters yet", "Run the stages once, then see the clusters here."
    )
    overview = load_overview(project, revision)
    cards = cached.cards(project, revision)
    images = cached.images(project, revision.scan)
    opened = next((card for card in cards if card.id == session.cluster()), None)
    if opened is not None:
        detail.draw(project, revision, overview, cards, opened, images)
    else:
        gone = session.cluster()
        ui.begin(
            f"{project.folder.name} clusters{' without one' if gone is not None else ''}", back=gone is None
        )
        if gone is not None:
            _tell_gone(project, revision, gone, cards)
        _head(project, revision)
        draw(project, revision)
        card_grid.draw(project, overview, cards, images)
        with st.bottom:
            card_grid.bar(project, cards)
            moved.bar(project, revision)
        scores.panel(revision)
        ui.run_notes(revision, "How this result came about", key="notes")
