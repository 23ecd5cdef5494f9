"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

This file is read twice: imported once as the server's application, then run as a script for every view of a page.
"""

from __future__ import annotations

import streamlit as st

NAVIGATION = (
    ("pages/projects.py", "Projects", ":material/photo_library:", "projects"),
    ("pages/data.py", "Data", ":material/folder_open:", "data"),
    ("pages/build.py", "Build", ":material/construction:", "build"),
    ("pages/clusters.py", "Clusters", ":material/grid_view:", "clusters"),
)
"""Page file, title, icon, address; the order of the work."""


def main() -> None:
    """Draw the frame around a page, then the page."""
    from pages import _frame

    _frame.configure()
    pages = [
        st.Page(file, title=title, icon=icon, url_path=address, default=address == "projects")
        for file, title, icon, address in NAVIGATION
    ]
    page = st.navigation(pages, position="top")
    _frame.header()
    page.run()


if __name__ == "__main__":
    main()
else:
    from pages._thumbnails import ROUTE

    app = st.App(__file__, routes=[ROUTE])
