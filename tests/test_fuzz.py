"""Small runs of the random search, and what it says of what it finds."""

import importlib
from collections import Counter

import pytest

from tests import fuzz, fuzz_edits, fuzz_projects


@pytest.mark.parametrize(
    ("kind", "rounds"), [(fuzz_edits.fuzz_edits, 150), (fuzz_projects.fuzz_projects, 10)]
)
def test_nothing_crashes(kind, rounds):
    assert Counter(kind(rounds, 5)).total() == rounds


@pytest.mark.parametrize(("module", "name", "size"), fuzz.KINDS)
def test_every_kind_of_input_can_be_searched(module, name, size):
    kind = getattr(importlib.import_module(f"tests.{module}"), name)
    assert fuzz.search(kind, 1, 5, size).keys() <= {"tried", "used", "refused"}


def test_a_crash_is_counted_and_the_search_goes_on(capsys):
    def kind(rounds, seed):
        for _ in range(rounds):
            yield "used"
            if seed == 1:
                raise RuntimeError("found it")

    assert fuzz.search(kind, 4, 1) == {"used": 3, "crashed": 1}
    assert "found it" in capsys.readouterr().err


def test_a_crash_ends_with_status_1(monkeypatch, capsys):
    def broken(rounds, seed):
        raise ValueError
        yield

    monkeypatch.setattr(fuzz_edits, "fuzz_edits", broken)
    assert fuzz.main(["--rounds", "2", "--only", "edits"]) == 1
    assert "2 crashed" in capsys.readouterr().out
