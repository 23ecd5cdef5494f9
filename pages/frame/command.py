"""Streamlit's command, which loads Plotly when a chart is drawn instead of before the server answers.

``python -m pages.frame.command run app.py`` does what ``streamlit run app.py`` does. Streamlit loads Plotly, a fifth of
its own start, to give it a theme; ``pages.shared.charts`` does that for the pages that draw charts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def load() -> Callable[..., object]:
    """Load Streamlit as where there is no Plotly; returns its command."""
    sys.modules["plotly"] = None  # type: ignore[assignment]  # an import of it fails, as if it were not there
    try:
        from streamlit.web.cli import main
    finally:
        del sys.modules["plotly"]
    return main


if __name__ == "__main__":
    load()(prog_name="streamlit")
