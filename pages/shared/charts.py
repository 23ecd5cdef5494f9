"""Plotly's figures in the colours of the app."""

from __future__ import annotations

import plotly.graph_objects as go
from streamlit.elements.lib.streamlit_plotly_theme import configure_streamlit_plotly_theme

configure_streamlit_plotly_theme()  # where Streamlit was loaded without Plotly; see pages/frame/command.py

__all__ = ["go"]
