"""The page on the architecture: what it names is there, and its diagram is the direction of all imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.doc_pointers import ROOT, is_there, missing, pointers

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CORE = "kec_core"
PARTS = ("app", "benchmarks", "cli", "commands", CORE, "pages", "provision", "state")


def arrows() -> set[tuple[str, str]]:
    diagram = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    assert diagram
    return set(re.findall(r"(\w+) --> (\w+)", diagram[1]))


def room_of(path: Path) -> str:
    """The node a module belongs to: a folder of the core, "" for the core's own modules, else its part."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] != CORE:
        return parts[0]
    return parts[1] if len(parts) > 2 else ""


def room_of_module(name: str) -> str:
    """The node of a dotted module name, "" for libraries and the core's own modules."""
    first, *rest = name.split(".")
    if first == CORE:
        return rest[0] if rest and (ROOT / CORE / rest[0]).is_dir() else ""
    return first if first in PARTS else ""


def imports() -> set[tuple[str, str]]:
    """Every import from one node into another; from outside, a room of the core counts as the core."""
    found = set()
    modules = [path for part in PARTS for path in [ROOT / f"{part}.py", *(ROOT / part).rglob("*.py")]]
    for path in filter(Path.is_file, modules):
        here = room_of(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                outside = here in PARTS and name.split(".")[0] == CORE
                found.add((here, CORE if outside else room_of_module(name)))
    return {(one, other) for one, other in found if one and other and one != other}


def reached(start: str, edges: set[tuple[str, str]]) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        new = {other for one, other in edges if one == here} - found
        found |= new
        todo += new
    return found


def test_what_the_page_names_is_there():
    assert len(pointers(PAGE)) > 20
    assert not missing(PAGE)


def test_every_arrow_is_an_import():
    assert arrows() <= imports()


def test_no_import_goes_against_the_arrows_or_beside_them():
    assert not [(one, other) for one, other in imports() if other not in reached(one, arrows())]


def test_the_arrows_lead_in_no_circle():
    assert not [one for one, _ in arrows() if one in reached(one, arrows())]


def test_every_room_is_drawn():
    rooms = {path.name for path in (ROOT / CORE).iterdir() if (path / "__init__.py").is_file()}
    assert rooms | set(PARTS) == {node for arrow in arrows() for node in arrow}


def test_it_is_one_page():
    assert len(PAGE.splitlines()) < 100


@pytest.mark.parametrize(
    "pointer",
    [("kec_core/gone.py", ""), ("kec_core/live.py", "gone"), ("kec_core/live.py", "LiveState.gone")],
)
def test_the_check_sees_what_is_gone(pointer):
    assert not is_there(*pointer)
