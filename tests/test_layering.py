"""Imports point one way: kec_core <- provision, state <- pages, app, cli; the core fetches nothing; only pages and app know the browser; no page uses another."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
UPPER = {"streamlit", "provision", "state", "pages", "app", "cli", "commands", "benchmarks", "tests"}


FETCHING = {"subprocess", "multiprocessing", "socket", "http", "ftplib", "urllib.request", "urllib.error"}
FETCHING |= {"requests", "urllib3", "httpx", "httpcore", "aiohttp", "nltk", "pip", "ensurepip"}
"""Programs, package managers and networks."""
STARTING = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
STARTING |= {
    f"{kind}{how}" for kind in ("exec", "spawn") for how in ["l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"]
}
"""What ``os`` starts programs with."""


def imported(path: Path) -> set[str]:
    """Everything a file imports, wherever in the file: modules, and names from modules as "module.name"."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def imported_roots(path: Path) -> set[str]:
    """First names of everything a file imports."""
    return {name.partition(".")[0] for name in imported(path)}


def fetches(path: Path) -> set[str]:
    """What of a file could start a program or reach a network by itself."""
    names = {f"os.{name}" for name in STARTING}
    used = {
        ast.unparse(n)
        for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(n, ast.Attribute)
    }
    found = {name for name in imported(path) if any(f"{name}.".startswith(f"{bad}.") for bad in FETCHING)}
    return found | (used | imported(path)) & names


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files("kec_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_is_pure(path):
    assert not imported_roots(path) & UPPER


@pytest.mark.parametrize("path", files("kec_core"), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_starts_no_program_and_reaches_no_network(path):
    """Weights come through the encoders' libraries, answers of language models through the openai client."""
    assert not fetches(path)


@pytest.mark.parametrize("path", files("provision"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_machine_is_set_up_without_knowing_projects(path):
    assert not imported_roots(path) & (UPPER - {"provision"})


@pytest.mark.parametrize("path", files("state"), ids=lambda p: str(p.relative_to(ROOT)))
def test_state_does_not_know_the_browser(path):
    assert not imported_roots(path) & (UPPER - {"state"})


@pytest.mark.parametrize("path", files("pages"), ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_do_not_know_the_app_or_the_command_line(path):
    assert not imported_roots(path) & {"app", "cli", "commands", "tests"}


@pytest.mark.parametrize(
    "path", [ROOT / "cli.py", *files("commands")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_command_line_does_not_know_the_browser(path):
    assert not imported_roots(path) & (UPPER - {"commands", "provision", "state", "benchmarks"})


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
        "def f():\n    import streamlit as st\n    from state.project.project import Project\n",
        encoding="utf-8",
    )
    assert imported_roots(bad) == {"streamlit", "state"}


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess",
        "from subprocess import run",
        "import urllib.request as r",
        "from urllib import request",
        "import http.client",
        "import os; os.system('true')",
        "from os import execv",
    ],
)
def test_the_check_sees_what_could_fetch(tmp_path, line):
    bad = tmp_path / "bad.py"
    bad.write_text(f"def f():\n    {line}\n", encoding="utf-8")
    assert fetches(bad)


def test_the_check_lets_addresses_be_read(tmp_path):
    good = tmp_path / "good.py"
    good.write_text("import os, shutil\nfrom urllib.parse import urlsplit\nos.replace\n", encoding="utf-8")
    assert not fetches(good)


def test_the_check_sees_another_page(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "def f():\n    from pages.map import canvas\n    from pages.shared import ui\n", encoding="utf-8"
    )
    assert imported_rooms(bad) == {"map", "shared"}
