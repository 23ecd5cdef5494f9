"""The list of keys, for people."""

from __future__ import annotations

import streamlit as st

from pages.shared import markup

KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "Everywhere": (
        ("Z", "undo"),
        ("Shift+Z", "redo"),
        ("Esc", "close a dialog, unpick photos, discard collected edits"),
        ("Tab, arrows, Enter", "go to a photo and pick it; with Shift a range"),
        ("O", "open or close the stack of near-copies of the photo gone to with Tab"),
        ("/", "find photos by words"),
        ("H", "this list"),
    ),
    "Data, Build": (
        ("Alt+S", "scan the photos, as Enter does in the field of their folder"),
        ("Alt+B", "run all steps"),
    ),
    "Export": (
        ("Tab, arrows, Enter", "go to a file and download it; choose what is written into the folder"),
        ("Alt+W", "write the folder"),
    ),
    "Concepts": (
        ("J, K", "next, previous concept"),
        ("F", "find a concept"),
        ("E", "rename or describe"),
        ("S", "split"),
        ("G", "merge the picked concepts"),
        ("A", "test a phrase, add it as an attribute"),
        ("Shift+A", "add a concept"),
        ("W", "say what matters to you"),
        ("Delete", "mute or unmute"),
        ("L", "lock or unlock"),
        ("1 to 9", "put the picked photos into the n-th similar concept"),
        ("Y, N", "accept, skip what may be wrong"),
        ("Ctrl+Enter", "do what the dialog shows, apply collected edits"),
    ),
    "Map, after a click on it": (
        ("L, B, M", "draw around photos, draw a box, move the map"),
        ("A, S", "add to what is picked, take away from it"),
        ("+, −, arrows", "look nearer, farther, elsewhere"),
    ),
    "Clusters": (
        ("J, K", "next, previous cluster"),
        ("G", "merge the ticked clusters"),
        ("S", "split"),
        ("1 to 9", "move the picked photos to the n-th group"),
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


@st.dialog("Keys", width="large")
def show() -> None:
    """The list of keys, in two columns of about the same length."""
    left, right = st.columns(2, gap="medium")
    for place, keys in KEYS.items():
        with right if place == "Concepts" else left:
            st.markdown(f"**{place}**")
            st.html(markup.definitions([(key, [meaning]) for key, meaning in keys]))
