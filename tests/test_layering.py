"""Imports point one way: kec_core <- state <- pages, app, cli; only state/session.py knows the browser; no page uses another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UPPER = {"streamlit", "state", "pages", "app", "cli", "commands", "benchmarks", "tests"}


def imported_roots(path: Path) -> set[str]:
    """First names of everything a file imports, wherever in the file."""
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            roots.add((node.module or "").partition(".")[0])
    return roots


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files("kec_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_is_pure(path):
    assert not imported_roots(path) & UPPER


@pytest.mark.parametrize("path", files("state"), ids=lambda p: str(p.relative_to(ROOT)))
def test_state_does_not_know_the_browser(path):
    allowed = {"state"} | ({"streamlit"} if path.name == "session.py" else set())
    assert not imported_roots(path) & (UPPER - allowed)


@pytest.mark.parametrize("path", files("pages"), ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_do_not_know_the_app_or_the_command_line(path):
    assert not imported_roots(path) & {"app", "cli", "commands", "tests"}


@pytest.mark.parametrize(
    "path", [ROOT / "cli.py", *files("commands")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_command_line_does_not_know_the_browser(path):
    assert not imported_roots(path) & (UPPER - {"commands", "state", "benchmarks"})


@pytest.mark.parametrize(
    "path", [ROOT / "app.py", *files("benchmarks")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_nothing_is_built_on_the_command_line(path):
    assert not imported_roots(path) & {"cli", "commands", "tests"}


def imported_rooms(path: Path) -> set[str]:
    """The folders of ``pages`` that a file imports from, wherever in the file."""
    nodes = [
        n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)
    ]
    assert not any(n.module == "pages" for n in nodes), f"{path}: imports a whole room"
    modules = [n.module.split(".") for n in nodes if n.module and n.module.startswith("pages.")]
    return {parts[1] for parts in modules}


@pytest.mark.parametrize("path", files("pages"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_uses_its_own_parts_and_shared_ones(path):
    room = path.relative_to(ROOT / "pages").parts[0]
    assert imported_rooms(path) <= {room, "shared"}


HEAVY = {"torch", "open_clip", "faiss", "timm", "sentence_transformers", "umap", "openTSNE"}


@pytest.mark.parametrize("path", files("kec_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_are_imported_only_where_they_are_used(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(n)
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for n in ast.walk(node)
    }
    top = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom)) and id(n) not in guarded]
    names = {a.name.partition(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {(n.module or "").partition(".")[0] for n in top if isinstance(n, ast.ImportFrom)}
    assert not names & HEAVY


def test_the_check_sees_a_forbidden_import(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f():\n    import streamlit as st\n    from state.project import Project\n", encoding="utf-8"
    )
    assert imported_roots(bad) == {"streamlit", "state"}


def test_the_check_sees_another_page(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f():\n    from pages.map import canvas\n    from pages.shared import ui\n", encoding="utf-8"
    )
    assert imported_rooms(bad) == {"map", "shared"}
