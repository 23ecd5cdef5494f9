"""Where the app lies below the address of its host, as ``kec app --base-url-path`` says."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

THUMBNAIL = "thumb/{project}/{sha256}/{side}.jpg"
MAP_PLACES = "map/{project}/{layout}.bin"
MAP_PHOTO = "map/{project}/{scan}/{row}.jpg"
"""What is served beside pages, below the base path."""


def address(pattern: str, project_id: str, **parts: object) -> str:
    """Where a browser finds what is served beside pages.

    Args:
        pattern: one of those above.
        project_id: any text.
        parts: what else stands in the pattern, made of characters that an address may have.
    """
    return f"{base_path()}/{pattern.format(project=quote(project_id, safe=''), **parts)}"


def base_path() -> str:
    """What every address of the app begins with: "" or like "/kec"."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}" if base else ""
