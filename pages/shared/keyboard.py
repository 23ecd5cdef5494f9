"""What keys do while something is open, and the keys that are no button's own shortcut; one listener for every page."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from pages.shared import finding

PRESSES = {"Escape": ("selection_clear", "discard"), "Ctrl+Enter": ("apply",), "Delete": ("concept_mute",)}
"""Keys that press the first of these buttons (by widget key) when nothing is open and no field is written in; Mute does
not show its key, as "Mute Delete" beside "Delete" reads as two deletions."""
CLUSTER_NAME = "Name of this cluster"
_OPENS = {
    **dict.fromkeys(("concept_rename", "concept_split", "concept_test", "concept_add", "review_form"), ""),
    **dict.fromkeys(("selection_new", "selection_saved", "elsewhere", "new", "tree_new", "tree_change"), ""),
    "cluster_rename": CLUSTER_NAME,
}
"""Buttons, by widget key, that lead into a text field, with its label or "" for the first of what opens: what is typed
meanwhile is written there, not taken for keys."""
FIELDS = {
    "/": {"label": finding.LABEL},
    "F": {"label": "Find a concept"},
    "W": {"label": "What matters to you", "tab": "Guidance"},
}
"""Keys that lead into the field with this label, and the tab that is opened for it when it is not always there."""

ENTERS = {"Folder": "data_scan"}
"""Fields, by label, in which Enter presses a button of the page, where that button is."""
LEAVES = {CLUSTER_NAME: "cluster_name_cancel"}
"""Fields, by label, in which Esc presses a button of the page, where that button is."""
LISTS = ("Names, one per line", "Terms")
"""Fields for a list that is looked at first: Ctrl+Enter shows what would come of it, and does it when pressed again."""

_KEYBOARD = st.components.v2.component(
    "kec_keyboard",
    html="<span></span>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)
_FOCUS = st.components.v2.component(
    "kec_focus",
    html="<span></span>",
    js=Path(__file__).with_name("focus.js").read_text(encoding="utf-8"),
)


def listen() -> None:
    """Keep keys from acting behind what is open, and the focus from being lost with a dialog; call it once on every page."""
    _FOCUS(key="focus")
    said = {
        "press": PRESSES,
        "opens": _OPENS,
        "fields": FIELDS,
        "lists": LISTS,
        "enters": ENTERS,
        "leaves": LEAVES,
    }
    _KEYBOARD(
        key="keyboard", data=[said]
    )  # Streamlit loads pandas to look for tables in a dictionary of dictionaries
    st.html(f'<style data-kec-run="{time.monotonic()}">/* tells one run from the next */</style>')
