"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

import streamlit as st

from pages.frame import shell
from pages.map.routes import ROUTES
from pages.shared.thumbnails import ROUTE
from state import warm_up

if __name__ == "__main__":
    shell.draw()
else:
    warm_up.start()
    app = st.App(shell.SCRIPT, routes=[ROUTE, *ROUTES])
