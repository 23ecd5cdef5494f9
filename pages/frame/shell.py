"""The frame around every page: title, style, navigation, header."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import streamlit as st

from kec_core.errors import KecError
from pages.shared import markup, navigation

_LABELS = st.components.v2.component(
    "kec_labels",
    html="<span></span>",
    js=Path(__file__).with_name("labels.js").read_text(encoding="utf-8"),
)


def mend() -> None:
    """Take the Markdown out of accessible names, and tell the buttons of cards apart; call it once on every page."""
    _LABELS(key="labels")


logger = logging.getLogger(__name__)

STYLE = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("script.py")
# Drawn here: an icon named ":material/...:" would be fetched from another server for the browser's tab.
ICON = (
    '<svg viewBox="0 0 64 64"><rect x="6" y="16" width="34" height="34" rx="7" fill="#d9822b"/>'
    '<rect x="16" y="10" width="34" height="34" rx="7" fill="#5b6ee1"/>'
    '<rect x="24" y="20" width="34" height="34" rx="7" fill="#1f7a6d"/>'
    '<path d="M29 47l8-11 6 7 4-5 7 9z" fill="#fff"/><circle cx="48" cy="28" r="3.5" fill="#fff"/></svg>'
)


def failed(error: Exception) -> bool:
    """Say what stopped a page: our own errors as they are; of any other that the program failed, with details in the log.

    The page goes on at the next click.
    """
    if isinstance(error, KecError):
        st.error(markup.plain(error), icon=":material/error:")
        return True
    logger.error("a page failed", exc_info=error)
    st.error(
        "Something in the program failed, and this part of the page could not be drawn. What you did before is kept. "
        f"Reload the page; if it happens again, report the lines about {type(error).__name__} in the terminal where "
        "the app runs.",
        icon=":material/error:",
    )
    return True


_loading = threading.Lock()


def load() -> None:
    """Load what every page needs, by one thread at a time.

    It takes a second, so the server answers before; the browser loads its program meanwhile.
    """
    with _loading:
        import state.work.warm_up  # noqa: F401


def draw() -> None:
    """Draw the frame, then the page that is looked at; then do in advance what the next ones need.

    A page that leads to another one leaves that to it.
    """
    load()
    from pages.frame import header, login
    from pages.shared import editing, keyboard
    from state.work import warm_up

    st.set_page_config(page_title="KEC+ Studio", page_icon=ICON, layout="wide")
    st.html(STYLE)
    if login.is_needed():
        login.draw()
        return
    keyboard.listen()
    mend()
    page = st.navigation(navigation.all_pages(), position="top")
    shown = header.draw(page.url_path)
    page.run()
    warm_up.start()
    if shown is not None:
        editing.prepare(*shown)
