"""What this program is for, for somebody who sees it for the first time; always one press away."""

from __future__ import annotations

import streamlit as st

from pages.shared import markup

STEPS = (
    (
        "Choose photos",
        ["A folder on this computer. Nothing is changed in it, and no photo leaves this computer."],
    ),
    (
        "See groups",
        ["They are made by what the photos look like and by words for what they show, and named by these."],
    ),
    (
        "Put them right",
        [
            "Move photos, merge, split, rename, or answer a few questions; photos like them follow. Z takes back."
        ],
    ),
    ("Take them home", ["Folders of photos by group, tables, or a report."]),
)


def draw() -> None:
    """The four steps."""
    st.html(
        markup.empty(
            "Welcome",
            "Group photos by what they show, then put the groups right with words and by showing. "
            "Everything runs on this computer; no photo leaves it.",
        )
    )
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        st.html(markup.definitions(STEPS))
