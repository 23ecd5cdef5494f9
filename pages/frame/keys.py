"""The list of keys, for people."""

from __future__ import annotations

import streamlit as st

from pages.shared import markup

KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "Everywhere": (
        ("Z", "undo"),
        ("Shift+Z", "redo"),
        ("Esc", "clear the selection, close a dialog"),
        ("H", "this list"),
    ),
    "Concepts": (
        ("J, K", "next, previous concept"),
        ("F", "find a concept"),
        ("E", "rename or describe"),
        ("S", "split"),
        ("G", "merge the picked concepts"),
        ("A", "test a phrase, add it as an attribute"),
        ("Delete", "mute or unmute"),
        ("L", "lock or unlock"),
        ("1 to 9", "put the picked photos into the n-th similar concept"),
        ("Y, N", "accept, skip what may be wrong"),
        ("Ctrl+Enter", "do what the dialog shows, apply collected edits"),
    ),
    "Clusters": (
        ("J, K", "next, previous cluster"),
        ("E", "rename"),
        ("D", "done"),
        ("Backspace", "all clusters"),
    ),
    "Compare, judging by eye": (
        ("Y, N", "the photo belongs there, or not"),
        ("S", "cannot say"),
        ("Backspace", "judge the one before again"),
    ),
}


@st.dialog("Keys")
def show() -> None:
    """The list of keys."""
    for place, keys in KEYS.items():
        st.markdown(f"**{place}**")
        st.html(markup.definitions([(key, [meaning]) for key, meaning in keys]))
