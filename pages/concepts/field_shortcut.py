"""A key that leads into a text field."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_JUMP = st.components.v2.component(
    "kec_keys",
    html="<span></span>",
    js=Path(__file__).with_name("field_shortcut.js").read_text(encoding="utf-8"),
)


def jump_to(label: str, key: str, *, tab: str = "") -> None:
    """Make a key lead into the text field with this label.

    Args:
        label: of the field, as screen readers say it.
        key: one letter, lower case; never r or c, which belong to Streamlit.
        tab: label of the tab that is opened for it, "" when the field is always there.
    """
    _JUMP(key=f"key_{key}", data={"label": label, "key": key, "tab": tab})
