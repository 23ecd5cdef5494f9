"""Galleries that stay fast however many photos there are: a page of 100, redrawn alone when it is turned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import streamlit as st

from kec_core.photos.images import ImageRecord
from pages.shared import markup, ui
from state.project.project import Project

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
    st.html(markup.gallery(ui.tiles(project, shown, captions=captions), label=label))
