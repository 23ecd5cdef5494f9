"""The page on the architecture: what it names is there, and its diagram is the direction of all imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.doc_pointers import ROOT, is_there, missing, pointers

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CORE, STATE = "kec_core", "state"
PARTS = ("app", "benchmarks", "cli", "commands", CORE, "pages", "provision", STATE)


def arrows() -> set[tuple[str, str]]:
    diagram = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    assert diagram
    return set(re.findall(r"(\w+) --> (\w+)", diagram[1]))


def room_of(name: str) -> str:
    """The node a dotted module name belongs to: a room of the core or of ``state``, or its part; "" for libraries and
    for modules that lie in no room.
    """
    first, *rest = name.split(".")
    if first not in (CORE, STATE):
        return first if first in PARTS else ""
    if not rest or not (ROOT / first / rest[0]).is_dir():
        return ""
    return rest[0] if first == CORE else f"{STATE}_{rest[0]}"


def imports() -> set[tuple[str, str]]:
    """Every import from one node into another; from outside, a room counts as the part it lies in."""
    found = set()
    modules = [path for part in PARTS for path in [ROOT / f"{part}.py", *(ROOT / part).rglob("*.py")]]
    for path in filter(Path.is_file, modules):
        part, *_ = parts = path.relative_to(ROOT).with_suffix("").parts
        here = room_of(".".join(parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in names:
                other = name.split(".")[0]
                if part == other:
                    found.add((here, room_of(name)))
                elif other in PARTS:
                    found.add((part, other))
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


def rooms(part: str) -> set[str]:
    return {path.name for path in (ROOT / part).iterdir() if (path / "__init__.py").is_file()}


def test_every_room_is_drawn():
    drawn = rooms(CORE) | {f"{STATE}_{room}" for room in rooms(STATE)} | set(PARTS)
    assert drawn == {node for arrow in arrows() for node in arrow}


def test_the_rooms_of_state_are_described_in_their_own_words():
    said = dict(re.findall(r"^- `state/(\w+)`: (.+)$", PAGE, re.MULTILINE))
    written = {
        room: ast.get_docstring(ast.parse((ROOT / STATE / room / "__init__.py").read_text(encoding="utf-8")))
        for room in rooms(STATE)
    }
    assert said == written


def test_no_module_of_state_lies_outside_the_rooms():
    assert [path.name for path in (ROOT / STATE).glob("*.py")] == ["__init__.py"]


def test_it_is_one_page():
    assert len(PAGE.splitlines()) < 120


@pytest.mark.parametrize(
    "pointer",
    [
        ("kec_core/gone.py", ""),
        ("kec_core/live/state.py", "gone"),
        ("kec_core/live/state.py", "LiveState.gone"),
    ],
)
def test_the_check_sees_what_is_gone(pointer):
    assert not is_there(*pointer)
