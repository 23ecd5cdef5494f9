"""Pointers into the documentation lead somewhere: sections that comments cite, modules that the page of methods names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kec_core.mapping.overclusters import ksem
from kec_core.methods import METHODS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
ROOMS = ("kec_core", "state", "pages", "commands", "benchmarks", "tests", "docs")
SOURCES = [
    path
    for path in (
        *ROOT.glob("*.py"),
        *ROOT.glob("*.md"),
        *(p for room in ROOMS for p in (ROOT / room).rglob("*")),
    )
    if path.suffix in (".py", ".md") and path != Path(__file__).resolve()
]

TOKEN = re.compile(r" ?(?:(steps?|trap|GEMM)\b|(to)\b|(A\d+|\d+(?:\.\d+)*|[ABC])\b|and\b|section\b|[,;])")
"""One part of a citation: what is counted, "to", a label; or a word or sign between labels."""


def labels() -> set[str]:
    """Everything that can be cited: sections, A-numbers; steps, traps, prompts and products by their section."""
    found: set[str] = set()
    section = ""
    for line in PAGE.splitlines():
        if heading := re.match(r"#+ (\d+(?:\.\d+)?)\b", line):
            section = heading[1]
            found.add(section)
        found |= set(re.findall(r"^- \*\*(A\d+) ", line))
        found |= {f"{section} {kind.lower()} {n}" for kind, n in re.findall(r"\*\*(Step|Trap) (\d)", line)}
        found |= {f"{section} {n}" for n in re.findall(r"\*\*Prompt ([ABC])", line)}
        found |= {f"{section} gemm {n}" for n in re.findall(r"GEMM (\d):", line)}
    return found


def cited(text: str) -> list[str]:
    """Every label that a text cites, as ``labels`` names them."""
    text, found = re.sub(r"\s+", " ", text), []
    for start in re.finditer(r"methods\.md", text):
        section, kind, place, until = "", "", start.end(), False
        while token := TOKEN.match(text, place):
            place = token.end()
            counted, to, label = token.groups()
            kind = counted.lower().removesuffix("s") + " " if counted else "" if token[0] == ";" else kind
            if not label:
                until = bool(to)
            elif label[0] == "A" and len(label) > 1:
                first = int(found[-1][1:]) + 1 if until else int(label[1:])
                found += [f"A{n}" for n in range(first, int(label[1:]) + 1)]
                kind = ""
            elif label in "ABC" or (kind and "." not in label):
                found.append(f"{section} {kind}{label}")
            else:
                section, kind = label, ""
                found.append(section)
    return found


def test_what_is_read_as_a_citation():
    assert cited("(KEC 3.1; methods.md 6.1 steps 1 and 2, 6.2 A3, 1.1)") == [
        *("6.1", "6.1 step 1", "6.1 step 2", "6.2", "A3", "1.1")
    ]
    assert cited("[C] methods.md 0, trap 1\n x") == ["0", "0 trap 1"]
    assert cited("(methods.md 6.1 step 4; A6 to A8, A14)") == ["6.1", "6.1 step 4", "A6", "A7", "A8", "A14"]
    assert cited("methods.md 6.1 steps 4, 5; 6.6).") == ["6.1", "6.1 step 4", "6.1 step 5", "6.6"]
    assert cited("methods.md 6.3, GEMM 2 and methods.md 6.4 C") == ["6.3", "6.3 gemm 2", "6.4", "6.4 C"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_citations_lead_to_a_section_and_to_a_file(path):
    text = path.read_text(encoding="utf-8")
    assert set(cited(text)) <= labels()
    files = {name for name in re.findall(r"(?<![\w*./-])[\w/-]+\.md\b", text) if "://" not in name}
    places = (ROOT, ROOT / "docs", path.parent)
    made = {"contributing.md", "changelog.md", "reference/cli.md"}  # when the site is built
    assert [
        name for name in sorted(files - made) if not any((place / name).exists() for place in places)
    ] == []


def test_citations_are_found_at_all():
    assert sum(len(cited(path.read_text(encoding="utf-8"))) for path in SOURCES) > 150


def test_named_modules_and_methods_exist():
    paths = re.findall(r"`([\w/]+\.py)`", PAGE)
    assert len(paths) > 50
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    assert [name for name in METHODS if f"`{name}`" not in PAGE] == []


def test_numbers_of_over_clusters_are_those_of_the_code():
    sets = re.findall(r"(\d+)\s(\d+)/\d+ \[(\d+)\]", PAGE)
    assert len(sets) == 20
    assert [(k, n) for k, n, rule in sets if ksem(int(n), int(k)) != int(rule)] == []
