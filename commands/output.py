"""Results as lines for people, and what a command says while it works."""

from __future__ import annotations

import os
import sys
from typing import Any


def say(line: str) -> None:
    """Tell the person something beside the result."""
    print(line, file=sys.stderr)


def show(text: str) -> None:
    """Print the result; a reader that has seen enough (``kec show | head``) is no error."""
    try:
        print(text, flush=True)
    except (
        BrokenPipeError
    ):  # the interpreter flushes once more at its end: nothing may be left to go wrong then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def readable(result: dict[str, Any], indent: str = "") -> str:
    """A result as lines for people: its own Markdown, or names and values, nested ones indented."""
    if "markdown" in result:
        return str(result["markdown"])
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}:\n{readable(value, indent + '  ')}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            rows = "\n".join(
                f"{indent}  - " + ", ".join(f"{k}: {v}" for k, v in row.items()) for row in value
            )
            lines.append(f"{indent}{name}:\n{rows}")
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)
