"""CONTRIBUTING, the decisions, the changelog and the licence: what they name is there and says the same as the code."""

from __future__ import annotations

import re
import tomllib

import pytest

from pages.concepts.panels.review_queue import ACCEPT, TERMS
from tests.doc_pointers import ROOT, missing, pointers


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/decisions.md"])
def test_what_it_names_is_there(name):
    assert len(pointers(text_of(name))) > 5
    assert not missing(text_of(name))


def test_the_recipes_are_complete():
    recipes = re.findall(r"^\*\*(.+?)\.\*\*", text_of("CONTRIBUTING.md"), re.MULTILINE)
    wanted = "encoder, option of a stage, edit, format, kind of suggestion, image format, page, benchmark"
    assert [name.split(" ", 1)[1] for name in recipes] == wanted.split(", ")


def test_lists_that_a_recipe_names_together_agree():
    assert TERMS.keys() == ACCEPT.keys()


def test_the_changelog_knows_the_version_of_the_package():
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    assert f"\n## {version}\n" in text_of("CHANGELOG.md")


def test_the_licence_is_the_one_the_package_names_and_wordnets_notice_is_whole():
    assert "Apache License" in text_of("LICENSE")
    assert tomllib.loads(text_of("pyproject.toml"))["project"]["license"] == "Apache-2.0"
    notice = text_of("NOTICE")
    for sentence in (
        "WordNet 3.0 Copyright 2006 by Princeton University",
        "LICENSEE agrees to preserve same",
    ):
        assert sentence in notice
