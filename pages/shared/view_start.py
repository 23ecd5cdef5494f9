"""Where a page begins when it shows something else: at its top, or where the person had left it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_START = st.components.v2.component(
    "kec_view_start",
    html="<span></span>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def begin(shown: str, *, back: bool = False, focus: str = "") -> None:
    """Scroll to where the view begins, whenever it is another one than before.

    Args:
        shown: names the view.
        back: True returns to where this view was left.
        focus: label of the text field to write in, "" for none.
    """
    _START(key="view_start", data={"shown": shown, "back": back, "focus": focus})
