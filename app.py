"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.frame import shell
from pages.map.routes import ROUTES
from pages.shared.thumbnails import ROUTE
from state import memory, warm_up


@asynccontextmanager
async def serving(_app: st.App) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    warm_up.start()
    with memory.tidied():
        yield


if __name__ == "__main__":
    shell.draw()
else:
    app = st.App(shell.SCRIPT, lifespan=serving, routes=[ROUTE, *ROUTES])
