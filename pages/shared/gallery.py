"""Galleries that stay fast however many photos there are: pages of 100, near-copies as one tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.photos.images import ImageRecord
from pages.shared import cached, session, ui
from state.project.near_copies import stacked, without_near_copies
from state.project.project import Project

UNSTACKED, _OPEN = "kec_unstacked", "kec_open_stacks"


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of a gallery.

    Attributes:
        images: the photo, or all photos of a closed stack.
        stack: the first photo's id of the stack that it belongs to, "" for none.
        of: photos of that stack, 1 for none.
    """

    images: tuple[ImageRecord, ...]
    stack: str = ""
    of: int = 1


def tiles(project: Project, images: Sequence[ImageRecord]) -> list[Tile]:
    """Photos as tiles in their order: near-copies among them as one, or beside each other where their stack is open."""
    group_of = cached.near_copies(project)
    if session.widget(UNSTACKED) or not _has_stacks(images, group_of):
        return [Tile((image,)) for image in images]
    opened = _opened()
    made: list[Tile] = []
    for places in stacked([image.id for image in images], group_of):
        photos = tuple(images[place] for place in places)
        if len(photos) == 1:
            made.append(Tile(photos))
        elif photos[0].id in opened:
            made += [Tile((photo,), photos[0].id, len(photos)) for photo in photos]
        else:
            made.append(Tile(photos, photos[0].id, len(photos)))
    return made


def toggle(stack: str) -> None:
    """Open a stack, or close it."""
    session.set_widget(_OPEN, _opened() ^ {stack})


def switch(project: Project, images: Sequence[ImageRecord], *, key: str) -> None:
    """The switch for all galleries, drawn where there are near-copies.

    Args:
        project: whose photos.
        images: those of the gallery.
        key: of the gallery.
    """
    if _has_stacks(images, cached.near_copies(project)):
        st.toggle(
            "Stack near-copies",
            value=not session.widget(UNSTACKED),
            key=f"{key}_stacked",
            help="Photos that show the same, cropped, saved again or taken a moment apart, as one tile with their number. "
            "What is done with a stack is done with all of its photos here.",
            on_change=_switch,
        )


def distinct(project: Project, images: Iterable[str]) -> str:
    """``380 without near-copies``; "" where there are none among these photos, or the person does not stack them."""
    if session.widget(UNSTACKED):
        return ""
    photos = list(images)
    count = without_near_copies(photos, cached.near_copies(project))
    return "" if count == len(photos) else f"{count:,} without near-copies"


def _switch() -> None:
    session.set_widget(UNSTACKED, not session.widget(UNSTACKED))


def _opened() -> frozenset[str]:
    held = session.widget(_OPEN)
    return held if isinstance(held, frozenset) else frozenset()


def _has_stacks(images: Sequence[ImageRecord], group_of: Mapping[str, int]) -> bool:
    return without_near_copies((image.id for image in images), group_of) < len(images)


PER_PAGE = 100


def turn(key: str, total: int, per_page: int) -> slice:
    """A page turner, drawn only when there is more than one page; returns what the page shows."""
    pages = max(1, math.ceil(total / per_page))
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return slice((page - 1) * per_page, page * per_page)


@st.fragment
def paged(
    project: Project,
    images: Sequence[ImageRecord],
    *,
    key: str,
    label: str,
    caption: Callable[[ImageRecord], str] | None = None,
) -> None:
    """A gallery, 100 photos at a time.

    Args:
        project: whose photos.
        images: all of them, in the order to show.
        key: of the page turner.
        label: what a screen reader calls the gallery.
        caption: a few words under each photo.
    """
    shown = images[turn(key, len(images), PER_PAGE)]
    captions = [caption(image) for image in shown] if caption else []
    ui.photos(project, shown, captions=captions, label=label)
