"""A gallery in which photos can be picked; what is picked is the selection of the whole app.

A stack of near-copies is one tile: what is done with it is done with all of its photos that are among those drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from kec_core.arrays import fingerprint
from kec_core.knowledge.edit_clusters import MovePhotos
from kec_core.photos.images import ImageRecord
from pages.shared import finding, gallery, groups, session, ui
from state.project.project import Project

PER_PAGE = 60

_HTML = (
    '<input class="size" type="range" min="64" max="256" step="8" aria-label="Size of the photos" title="Size of the photos">'
    '<div class="grid" role="group"></div><div class="large" popover tabindex="-1"><img alt=""><div>'
    '<button aria-label="Previous photo" title="Previous photo (←)">←</button><p></p>'
    '<button aria-label="Next photo" title="Next photo (→)">→</button><button class="like">More like this</button></div></div>'
)
_CSS = """
.grid { display: grid; gap: 6px; grid-template-columns: repeat(auto-fill, minmax(min(var(--kec-photo, 92px), 100%), 1fr)); }
.size { display: block; width: 96px; height: 14px; margin: 0 0 4px auto; accent-color: var(--st-link-color); cursor: pointer; }
@media (min-width: 721px) { .size.raised { position: relative; margin-top: -34px; margin-bottom: 20px; } } /* beside the page turner */
.tile { position: relative; }
.pick { box-sizing: border-box; display: flex; align-items: center; justify-content: center; width: 100%; aspect-ratio: 1;
  border-radius: 8px; overflow: hidden; cursor: pointer; font-size: .75rem; background: var(--st-secondary-background-color); color: var(--st-text-color); }
.pick img { width: 100%; height: 100%; object-fit: contain; display: block; }
.pick:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
.pick[aria-pressed="true"] { box-shadow: 0 0 0 3px var(--st-background-color), 0 0 0 6px var(--st-primary-color); }
.pick[aria-pressed="true"]::after { content: "✓"; position: absolute; left: 5px; bottom: 5px; width: 20px; height: 20px; line-height: 20px;
  text-align: center; border-radius: 50%; background: var(--st-primary-color); color: #fff; font-size: 13px; }
.zoom { position: absolute; right: 4px; top: 4px; width: 24px; height: 24px; padding: 0; border: 0; border-radius: 6px; cursor: zoom-in;
  background: rgb(20 20 20 / 70%); color: #fff; font-size: 13px; opacity: 0; }
.stack { position: absolute; right: 4px; bottom: 4px; min-width: 24px; height: 24px; padding: 0 7px; border: 0; border-radius: 12px; cursor: pointer;
  background: rgb(20 20 20 / 78%); color: #fff; font-size: 12px; font-family: inherit; font-variant-numeric: tabular-nums; }
.stack:focus-visible { outline: 3px solid var(--st-primary-color); }
.tile.stacked::before { content: ""; position: absolute; inset: -3px -3px 3px 3px; border: 2px solid var(--st-border-color); border-radius: 9px; z-index: -1; }
.tile.opened .pick { outline: 2px dashed var(--st-border-color); outline-offset: -2px; }
.pick[aria-pressed="mixed"] { box-shadow: 0 0 0 3px var(--st-background-color), 0 0 0 4px var(--st-primary-color); }
.tile:hover .zoom, .zoom:focus-visible { opacity: 1; }
.large { border: 0; border-radius: 12px; padding: 0; background: #121314; color: #f2f0ec; max-width: min(94vw, 1040px); font-family: inherit; }
.large img { display: block; max-width: 100%; max-height: 82vh; min-width: min(94vw, 420px); object-fit: contain; }
.large:focus { outline: none; }
.large div { display: flex; align-items: center; gap: 12px; padding: 6px 10px; font-size: .88rem; }
.large p { flex: 1; margin: 0; overflow-wrap: anywhere; }
.large button { all: unset; cursor: pointer; padding: 2px 14px 6px; border-radius: 8px; font-size: 1.5rem; line-height: 1; }
.large .like { font-size: .88rem; padding: 4px 12px; }
.large button:hover, .large button:focus-visible { background: rgb(255 255 255 / 16%); }
.large::backdrop { background: rgb(10 10 10 / 55%); }
"""
_PICKER = st.components.v2.component(
    "kec_photo_picker",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_name("photo_picker.js").read_text(encoding="utf-8"),
)


def draw(project: Project, images: Sequence[ImageRecord], *, key: str, label: str) -> None:
    """Draw photos to pick from, some at a time.

    Args:
        project: whose photos.
        images: all of them, in the order to show.
        key: of the gallery.
        label: what a screen reader calls it.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_above"):
        gallery.switch(project, images, key=key)
        tiles = gallery.tiles(project, images)
        turned = gallery.turn(f"{key}_page", len(tiles), PER_PAGE)
    shown = tiles[turned]
    picked = set(session.selection().images)
    photos = [
        {
            "src": drawn.src,
            "large": drawn.large,
            "alt": drawn.alt,
            "picked": (count := sum(image.id in picked for image in tile.images)) == len(tile.images),
            "partly": 0 < count < len(tile.images),
            "count": len(tile.images),
            "stack": tile.stack,
            "of": tile.of,
        }
        for drawn, tile in zip(ui.tiles(project, [tile.images[0] for tile in shown]), shown, strict=True)
    ]
    ids = [[image.id for image in tile.images] for tile in shown]
    # The browser tells places, and no news is no click: other photos in the same places are another widget.
    here = f"{key}_{turned.start}_{session.selection_epoch()}_{fingerprint(ids)[:8]}"
    _PICKER(
        key=here,
        data={"photos": tuple(photos), "label": label, "raised": len(tiles) > PER_PAGE},
        default={"picked": [i for i, photo in enumerate(photos) if photo["picked"]]},
        on_picked_change=lambda: _pick(here, ids),
        on_like_change=lambda: _like(here, ids),
        on_opened_change=lambda: _open(here, shown),
        on_dropped_change=lambda: _drop(project, here, ids),
    )


def _pick(key: str, ids: Sequence[Sequence[str]]) -> None:
    """What is pressed now is picked, what was pressed before is not any more; a stack picked in part stays so."""
    held = set(session.widget(key)["picked"])  # type: ignore[index]
    picked = set(session.selection().images)
    gone = [one for i, tile in enumerate(ids) if i not in held and picked.issuperset(tile) for one in tile]
    session.select(images=gone, way="subtract", from_widget=True)
    chosen = [one for i, tile in enumerate(ids) if i in held for one in tile]
    session.select(images=chosen, way="add", from_widget=True)


def _like(key: str, ids: Sequence[Sequence[str]]) -> None:
    """Photos like the one that was enlarged are looked for."""
    at = session.widget(key)["like"]  # type: ignore[index]
    if isinstance(at, int) and 0 <= at < len(ids):
        finding.ask_like(ids[at])


def _open(key: str, shown: Sequence[gallery.Tile]) -> None:
    """The stack of a tile is opened, or closed again."""
    at = session.widget(key)["opened"]  # type: ignore[index]
    if isinstance(at, int) and 0 <= at < len(shown) and shown[at].stack:
        gallery.toggle(shown[at].stack)


def _drop(project: Project, key: str, ids: Sequence[Sequence[str]]) -> None:
    """Photos were dragged to a group: they go there, those that are picked elsewhere stay picked and where they are."""
    dropped = session.widget(key)["dropped"]  # type: ignore[index]
    photos = tuple(one for i in dropped["photos"] if 0 <= i < len(ids) for one in ids[i])
    if groups.act(project, MovePhotos(images=photos, cluster=int(dropped["group"]))):
        session.select(images=photos, way="subtract")
