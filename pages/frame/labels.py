"""Labels of widgets as screen readers read them: without the Markdown they are written in."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_LABELS = st.components.v2.component(
    "kec_labels",
    html="<span></span>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def mend() -> None:
    """Take the Markdown out of accessible names; call it once on every page."""
    _LABELS(key="labels")
