"""Where the app lies below the address of its host, as ``kec app --base-url-path`` says."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """What every address of the app begins with: "" or like "/kec"."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}" if base else ""
