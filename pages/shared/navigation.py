"""The pages of the app, in the order of the work."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import streamlit as st

_PAGES_FOLDER = Path(__file__).parents[1]
_PAGES = {
    "projects": ("Projects", ":material/photo_library:"),
    "data": ("Data", ":material/folder_open:"),
    "build": ("Build", ":material/construction:"),
    "concepts": ("Concepts", ":material/edit_note:"),
    "map": ("Map", ":material/scatter_plot:"),
    "clusters": ("Clusters", ":material/grid_view:"),
    "find": ("Find", ":material/search:"),
    "compare": ("Compare", ":material/difference:"),
    "history": ("History", ":material/history:"),
    "export": ("Export", ":material/download:"),
    "settings": ("Settings", ":material/settings:"),
}
_RESERVED = "start"
"""A name that Streamlit keeps for the first page and serves at the app's own address only."""


def paths() -> tuple[str, ...]:
    """Paths at which a browser may ask for a page, below the base path; the first page has "" too."""
    return ("", _RESERVED, *_PAGES)


def all_pages() -> list[st.Page]:
    """For ``st.navigation``; the first one is shown at the address of the app itself, and its own name leads there."""
    first = next(iter(_PAGES))
    alias = st.Page(
        lambda: go_to(first),
        title=_PAGES[first][0],
        icon=_PAGES[first][1],
        url_path=first,
        visibility="hidden",
    )
    return [*(page(name) for name in _PAGES), alias]


def page(name: str) -> st.Page:
    """A page by the name of its folder."""
    title, icon = _PAGES[name]
    is_first = name == next(iter(_PAGES))
    return st.Page(
        _PAGES_FOLDER / name / "page.py",
        title=title,
        icon=icon,
        url_path=_RESERVED if is_first else name,
        default=is_first,
    )


def go_to(name: str) -> NoReturn:
    """Leave this page for another one."""
    st.switch_page(page(name))
