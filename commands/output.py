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
        if isinstance(value, dict) and value:
            lines.append(f"{indent}{name}:\n{readable(value, indent + '  ')}")
        elif isinstance(value, (list, tuple)) and value:
            rows = "\n".join(f"{indent}  - {_row(row)}" for row in value)
            lines.append(f"{indent}{name}:\n{rows}")
        else:
            lines.append(f"{indent}{name}: {_value(value)}")
    return "\n".join(lines)


def _row(row: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(row, dict):
        return ", ".join(f"{name}: {_value(value)}" for name, value in row.items())
    return _value(row)


def _value(value: Any) -> str:  # noqa: ANN401 - JSON
    """A number to four decimals, for nobody reads more of them; what holds several in brackets; nothing is "none"."""
    if isinstance(value, float):
        return f"{round(value, 4):g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
        return "none"
    if isinstance(value, dict):
        return f"({_row(value)})"
    return f"({', '.join(map(_value, value))})" if isinstance(value, (list, tuple)) else str(value)
