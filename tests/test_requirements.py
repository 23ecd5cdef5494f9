"""What the code imports is what the requirements name: nothing comes along by chance with something else."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.doc_pointers import ROOT

OWN = {"app", "benchmarks", "cli", "commands", "kec_core", "pages", "provision", "state", "tasks", "tests"}
PRODUCT = OWN - {"tests", "benchmarks"}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*files):
    """Names of the distributions in requirements files."""
    lines = [line for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    names = [re.match(r"[\w.-]+", line) for line in lines if not line.startswith(("#", "-"))]
    return {normal(name[0]) for name in names if name}


@cache
def imported(part):
    """First names of all libraries that a part imports, with one file that does."""
    single = ROOT / f"{part}.py"
    found = {}
    for path in [single] if single.is_file() else sorted((ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {name.split(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return {name: path for name, path in found.items() if name not in {*sys.stdlib_module_names, *OWN}}


distributions = cache(packages_distributions)


def undeclared(parts, *files):
    known = declared(*files)
    return {
        name: path
        for part in parts
        for name, path in imported(part).items()
        if not known & {normal(one) for one in distributions().get(name, [name])}
    }


def test_the_product_imports_what_its_requirements_name():
    assert not undeclared(PRODUCT, "requirements.txt", "requirements-ray.txt", "requirements-raw.txt")


def test_benchmarks_and_tests_import_what_the_requirements_of_development_name():
    kinds = ("", "-dev", "-llm-model", "-ray", "-raw", "-fiftyone")
    assert not undeclared(OWN, *(f"requirements{kind}.txt" for kind in kinds))


@pytest.mark.parametrize(
    "file", ["requirements.txt", "requirements-dev.txt", "requirements-ray.txt", "requirements-raw.txt"]
)
def test_every_requirement_has_an_exact_version_among_the_constraints(file):
    other_systems = {"faiss-cpu"}
    assert declared(file) - other_systems <= declared("constraints.txt")


def test_the_check_sees_a_library_that_nothing_names():
    assert "numpy" in undeclared({"kec_core"}, "requirements-llm-model.txt")
