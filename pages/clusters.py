"""Clusters: is the result right?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.images import ImageRecord
from pages import _cached, _gallery, _html, _scores, _ui
from pages._palette import cluster_colour
from state import revisions, session
from state.overview import ClusterCard, Order, Overview, load_overview
from state.project import Project
from state.revisions import Revision

CARDS_PER_PAGE = 24
REPRESENTATIVES = 9
ORDERS: dict[Order, str] = {"representative": "Most typical first", "boundary": "Least certain first"}
SORTS = {"size": "Largest first", "coherence": "Least alike first", "name": "By name"}


def _notes(revision: Revision) -> None:
    notes = revision.summary.get("notes", ())
    if notes:
        with st.expander("How this result came about", key="notes"):
            for note in notes:
                st.html(_html.note(note))


def _quality(card: ClusterCard) -> str:
    if card.purity is not None:
        return f"{card.purity:.0%} {card.label}"
    return f"{card.coherence:.0%} alike"


def _sorted(cards: Sequence[ClusterCard], by: str) -> list[ClusterCard]:
    keys = {
        "size": lambda c: -c.size,
        "coherence": lambda c: c.coherence,
        "name": lambda c: c.name.casefold(),
    }
    return sorted(cards, key=keys[by])


def _all(
    project: Project, overview: Overview, cards: Sequence[ClusterCard], images: Sequence[ImageRecord]
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_html.count(len(cards), "cluster"), anchor=False, width="content")
        st.space("stretch")
        by = st.segmented_control(
            "Order",
            list(SORTS),
            format_func=lambda value: SORTS[value],
            default="size",
            required=True,
            key="clusters_sort",
            label_visibility="collapsed",
            persist_state="session",
        )
    ordered = _sorted(cards, by)
    shown = ordered[_gallery.turn("page_clusters", len(ordered), CARDS_PER_PAGE)]
    grid = st.grid(min_column_width=230, border=True)
    for card in shown:
        with grid.cell():
            rows = overview.members(card.id)[:REPRESENTATIVES]
            st.html(_html.mosaic(_ui.tiles(project, [images[row] for row in rows])))
            lines = [f"{_html.count(card.size, 'photo')} · {_quality(card)}"]
            st.html(_html.card_text(card.name, lines, colour=cluster_colour(card.id)))
            if st.button("Open", key=f"open_cluster_{card.id}", width="stretch"):
                session.open_cluster(card.id)
                st.rerun()


def _step(cards: Sequence[ClusterCard], here: int, by: int) -> None:
    session.open_cluster(cards[(here + by) % len(cards)].id)


def _one(
    project: Project,
    overview: Overview,
    cards: Sequence[ClusterCard],
    card: ClusterCard,
    images: Sequence[ImageRecord],
) -> None:
    here = [c.id for c in cards].index(card.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "All clusters",
            key="cluster_back",
            icon=":material/arrow_back:",
            on_click=session.close_cluster,
            shortcut="Backspace",
        )
        st.button("Previous", key="cluster_previous", on_click=_step, args=(cards, here, -1), shortcut="K")
        st.button("Next", key="cluster_next", on_click=_step, args=(cards, here, 1), shortcut="J")
        st.space("stretch")
        order = st.segmented_control(
            "Order of the photos",
            list(ORDERS),
            format_func=lambda value: ORDERS[value],
            default="representative",
            required=True,
            key="cluster_order",
            label_visibility="collapsed",
            persist_state="session",
            help="Least certain: photos that are almost as near to another cluster (boundary).",
        )
    st.html(_html.card_text(card.name, [], colour=cluster_colour(card.id)))
    facts = [
        ("Photos", f"{card.size:,}", "Photos in this cluster"),
        (
            "Alike",
            f"{card.coherence:.0%}",
            "How near the photos are to their mean, by looks (coherence: mean cosine)",
        ),
    ]
    if card.purity is not None:
        facts.append(
            (f"labelled “{card.label}”", f"{card.purity:.0%}", "Share of the most frequent label (purity)")
        )
    st.html(_html.facts(facts))
    photos = [images[row] for row in overview.members(card.id, order)]
    _gallery.paged(
        project, photos, key=f"page_cluster_{card.id}_{order}", label=f"Photos of cluster {card.id}"
    )


project = _ui.need_project()
with _ui.errors():
    revision = revisions.current(project)
    if revision is None:
        st.title("Clusters", anchor=False)
        _ui.nothing_here(
            "No clusters yet",
            "Run the stages once, then see the clusters here.",
            "build",
            "Go to Build",
        )
        st.stop()
    overview = load_overview(project, revision)
    cards = _cached.cards(project, revision)
    images = _cached.images(project, revision.scan)
    opened = next((card for card in cards if card.id == session.cluster()), None)
    if opened is not None:
        _one(project, overview, cards, opened, images)
    else:
        st.title("Clusters", anchor=False)
        _scores.panel(revision)
        _notes(revision)
        _all(project, overview, cards, images)
