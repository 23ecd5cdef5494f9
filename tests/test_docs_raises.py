"""A function that raises one of our errors says so in its docstring, so that a caller need not read its body."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from kec_core import errors

ROOT = Path(__file__).resolve().parent.parent
OURS = {name for name, value in vars(errors).items() if isinstance(value, type)}
FILES = sorted(
    path
    for folder in ("kec_core", "state", "provision", "commands", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Functions and methods that others may call; what is defined inside a function is its own business."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, Function) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node


def raised(node: ast.AST) -> set[str]:
    """Our errors that are raised by name below a node, inner functions left out."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (Function, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(child, ast.Raise) and child.exc is not None:
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            found |= {ast.unparse(error)} & OURS
        found |= raised(child)
    return found


def silent(source: str) -> list[str]:
    """Functions whose docstring does not name what they raise, or says nothing of raising."""
    return [
        f"{name} raises {', '.join(sorted(raised(node)))}"
        for name, node in public_functions(ast.parse(source).body)
        if raised(node) and not said(ast.get_docstring(node) or "", raised(node))
    ]


def said(docstring: str, names: set[str]) -> bool:
    """Whether every error, or a class above it, is named."""
    parents = {name: {cls.__name__ for cls in vars(errors)[name].__mro__} & OURS for name in names}
    return all(any(one in docstring for one in parents[name]) for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_function_raises_stands_in_its_docstring(path):
    assert not silent(path.read_text(encoding="utf-8"))


def test_the_check_sees_a_silent_function():
    source = 'class A:\n    def f(self):\n        """Does."""\n        if self:\n            raise InputError("no")\n'
    assert silent(source) == ["A.f raises InputError"]
    assert not silent(source.replace("Does.", "Does; raises InputError for nothing."))
