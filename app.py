"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

import streamlit as st

from pages import _frame
from pages._map_routes import ROUTES
from pages._thumbnails import ROUTE
from state import warm_up

if __name__ == "__main__":
    _frame.draw()
else:
    warm_up.start()
    app = st.App(_frame.SCRIPT, routes=[ROUTE, *ROUTES])
