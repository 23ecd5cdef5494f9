"""Text of anybody in HTML: escaped exactly once, for pages and reports."""

from __future__ import annotations

import html


def text(value: object) -> str:
    """Escape for HTML, attributes included; bytes that are no text (odd file names) show as backslash codes."""
    return html.escape(printable(value), quote=True)


def printable(value: object) -> str:
    """A value as Unicode text that can be encoded."""
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
