"""All clusters as cards, in an order, with those that are done ticked off."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.unique_names import says_unclear
from kec_core.photos.images import ImageRecord
from pages.shared import gallery, groups, markup, session, ui
from pages.shared.palette import cluster_colour
from state.project.project import Project
from state.revisions.overview import ClusterCard, Overview

CARDS_PER_PAGE = 24
REPRESENTATIVES = 9
UNCLEAR = "No word fits these photos well; name them yourself."
SORTS = {"size": "Largest first", "coherence": "Least alike first", "name": "By name"}
SHOWS = {"all": "All", "open": "To do", "done": "Done"}
_SORT, _SHOW, _TICK = "clusters_sort", "clusters_show", "tick_cluster_"


def listed(cards: Sequence[ClusterCard]) -> list[ClusterCard]:
    """The cards in the chosen order, whether they are shown or not."""
    keys = {
        "size": lambda c: (-c.size, c.id),
        "coherence": lambda c: (c.coherence, c.id),
        "name": lambda c: (c.name.casefold(), c.id),
    }
    return sorted(cards, key=keys[str(session.widget(_SORT) or "size")])


def is_shown(card: ClusterCard) -> bool:
    """Whether a card passes the chosen filter."""
    show = session.widget(_SHOW) or "all"
    return show == "all" or card.done == (show == "done")


def draw(
    project: Project, overview: Overview, cards: Sequence[ClusterCard], images: Sequence[ImageRecord]
) -> None:
    """Draw the chosen cards, 24 at a time."""
    _head(cards)
    shown = [card for card in listed(cards) if is_shown(card)]
    if not shown:
        said = (
            "No cluster is ticked off yet." if session.widget(_SHOW) == "done" else "All clusters are done."
        )
        ui.note(said)
        return
    next_tick = 1 + max(map(_tick, cards))
    grid = st.grid(min_column_width=230, border=True)
    for card in shown[gallery.turn("page_clusters", len(shown), CARDS_PER_PAGE)]:
        with grid.cell(), st.container(key=f"card_{card.id}", gap="small"):
            _card(project, overview, card, images, next_tick)


def _head(cards: Sequence[ClusterCard]) -> None:
    done = sum(card.done for card in cards)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(markup.count(len(cards), "cluster"), anchor=False, width="content")
        if done:
            st.badge(f"{done} of {len(cards)} done", icon=":material/check:", color="green")
        st.space("stretch")
        ui.choose("Show", SHOWS, key=_SHOW)
        ui.choose("Order", SORTS, key=_SORT)


def bar(project: Project, cards: Sequence[ClusterCard]) -> None:
    """What can be done with the ticked cards; they may lie on other pages of cards, so they are named."""
    ticked = _ticked(cards)
    if not ticked:
        ui.note("Click a card to open it; there split it or move its photos. Tick cards to merge them.")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="cluster_bar"):
        st.badge(f"{len(ticked)} ticked", icon=":material/check:", color="green")
        total = markup.count(sum(card.size for card in ticked), "photo")
        st.caption(markup.plain(f"{', '.join(card.name for card in ticked)} · {total}"), width="content")
        st.button(
            f"Merge {len(ticked)}",
            key="clusters_merge",
            icon=":material/call_merge:",
            type="primary",
            disabled=len(ticked) < 2,
            help="Into one group, which keeps all of their photos; the first one ticked gives it its name.",
            on_click=_merge,
            args=(project, ticked),
            shortcut="G",
        )
        st.button("Clear", key="clusters_clear", type="tertiary", on_click=_untick, args=(ticked,))


def _ticked(cards: Sequence[ClusterCard]) -> list[ClusterCard]:
    """The ticked cards, the first one ticked first."""
    return sorted((card for card in cards if _tick(card)), key=_tick)


def _tick(card: ClusterCard) -> int:
    """The number of its tick among those made, from 1; 0 for a card that is not ticked."""
    tick = session.widget(f"{_TICK}{card.id}")
    return tick if isinstance(tick, int) else 0


def _merge(project: Project, ticked: Sequence[ClusterCard]) -> None:
    if groups.act(project, groups.merging(ticked)):
        _untick(ticked)


def _untick(ticked: Sequence[ClusterCard]) -> None:
    for card in ticked:
        session.set_widget(f"{_TICK}{card.id}", 0)


def _card(
    project: Project, overview: Overview, card: ClusterCard, images: Sequence[ImageRecord], next_tick: int
) -> None:
    rows = overview.members(card.id)[:REPRESENTATIVES]
    st.html(markup.mosaic(ui.tiles(project, [images[row] for row in rows])))
    tick = "✓ done · " if card.done else ""
    members = (images[row].id for row in overview.members(card.id))
    said = (markup.count(card.size, "photo"), gallery.distinct(project, members))
    lines = [
        f"{tick}{', '.join(filter(None, said))} · {_quality(card)}",
        UNCLEAR if says_unclear(card.name) else "",
    ]
    ui.card(card.name, lines, colour=cluster_colour(card.id))
    ticked = _tick(card) > 0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(  # no checkbox: keys do not act while one has the focus
            "Ticked" if ticked else "Tick",
            key=f"tick_{card.id}",
            icon=":material/check_box:" if ticked else ":material/check_box_outline_blank:",
            type="tertiary",
            on_click=session.set_widget,
            args=(f"{_TICK}{card.id}", 0 if ticked else next_tick),
        )
        st.space("stretch")
        st.button(  # its style lets it reach over the whole card
            "Open",
            key=f"open_cluster_{card.id}",
            type="tertiary",
            icon=":material/arrow_forward:",
            on_click=session.open_cluster,
            args=(card.id,),
        )


def _quality(card: ClusterCard) -> str:
    if card.purity is not None:
        return f"{card.purity:.0%} {card.label}"
    return f"{card.coherence:.0%} alike"
