"""The frame around every page: title, style, navigation, header."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.frame import header
from pages.shared import navigation

STYLE = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("script.py")
# Drawn here: an icon named ":material/...:" would be fetched from another server for the browser's tab.
ICON = (
    '<svg viewBox="0 0 64 64"><rect x="6" y="16" width="34" height="34" rx="7" fill="#d9822b"/>'
    '<rect x="16" y="10" width="34" height="34" rx="7" fill="#5b6ee1"/>'
    '<rect x="24" y="20" width="34" height="34" rx="7" fill="#1f7a6d"/>'
    '<path d="M29 47l8-11 6 7 4-5 7 9z" fill="#fff"/><circle cx="48" cy="28" r="3.5" fill="#fff"/></svg>'
)


def draw() -> None:
    """Draw the frame, then the page that is looked at."""
    st.set_page_config(page_title="KEC+ Studio", page_icon=ICON, layout="wide")
    st.html(STYLE)
    page = st.navigation(navigation.all_pages(), position="top")
    header.draw()
    page.run()
