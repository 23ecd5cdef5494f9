"""The quick benchmarks run at their smallest size; ``make bench-smoke`` runs all of them."""

from __future__ import annotations

import json

import pytest

import cli
from commands.bench import BENCHMARKS
from tests.bench_smoke import QUICK, SMALLEST, options_of


@pytest.mark.parametrize("name", QUICK)
def test_a_benchmark_runs_and_prints_one_object(name, tmp_path, capsys):
    assert cli.main(["bench", name, *options_of(name, tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_every_benchmark_but_the_one_that_needs_the_internet_has_a_smallest_size():
    assert {*SMALLEST, "paper"} == set(BENCHMARKS)
