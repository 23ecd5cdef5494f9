"""Pointers of the docs to code: ``path`` and ``path:name`` in backticks, and whether what they name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_POINTER = re.compile(
    r"`((?:kec_core|state|pages|commands|provision|benchmarks|tests|docs)(?:/[\w.]+)*|[\w]+\.(?:py|txt|toml))(?::([\w.]+))?`"
)


def pointers(text: str) -> list[tuple[str, str]]:
    """Every pointer of a document: the path, and the name in it or ""."""
    return [(path, name or "") for path, name in _POINTER.findall(text)]


def is_there(path: str, name: str) -> bool:
    """Whether the file or folder exists, and defines the name: ``name``, ``Class.method`` or ``Class.field``."""
    target = ROOT / path
    if not name:
        return target.exists()
    if not target.is_file():
        return False
    body = ast.parse(target.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in body if part in _names(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def missing(text: str) -> list[str]:
    """Pointers that lead nowhere."""
    return [f"{path}:{name}".rstrip(":") for path, name in pointers(text) if not is_there(path, name)]


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}
