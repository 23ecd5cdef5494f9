"""Where ``make test-portable`` looks, and what it says it cannot try here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from kec_core.store import cache_dir
from tests import portable

ROOT = Path(__file__).resolve().parents[1]
BY_NAME = {setting.name: setting for setting in portable.SETTINGS}


def test_settings_that_the_processor_lacks_are_refused_with_the_reason(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu sse2 avx2 fma\n")
    flags = portable.processor_flags(tmp_path / "cpuinfo")
    assert BY_NAME["openblas-haswell"].refusal(flags, {}) == ""
    assert BY_NAME["onednn-avx512"].refusal(flags, {}).startswith("this processor has no avx512bw")
    assert portable.processor_flags(tmp_path / "none") == frozenset()


def test_a_blas_chosen_for_the_machine_is_left_alone():
    for name, setting in BY_NAME.items():
        refusal = setting.refusal(portable.AVX2 | portable.AVX512, {"OPENBLAS_CORETYPE": "Zen"})
        assert bool(refusal) is name.startswith("openblas"), name


def test_every_file_that_computes_is_numeric(tmp_path):
    names = {file.name for file in portable.numeric_files()}
    assert {"test_core_clustering.py", "test_core_encode_files.py", "test_state_finalise.py"} <= names
    assert "test_layering.py" not in names
    assert {f"test_core_{name}.py" for name in portable.QUICK} <= names
    (tmp_path / "test_new.py").write_text("import os\nfrom numpy.linalg import norm\n")
    (tmp_path / "test_none.py").write_text("import numpydoc\n")
    assert [file.name for file in portable.numeric_files(tmp_path)] == ["test_new.py"]


@pytest.mark.parametrize("arguments", [["--list"], ["nothing"]])
def test_settings_are_named(arguments, capsys):
    if arguments == ["--list"]:
        assert portable.main(arguments) == 0
        assert capsys.readouterr().out.split() == list(BY_NAME)
    else:
        with pytest.raises(SystemExit):
            portable.main(arguments)
        assert "unknown setting nothing; known: one-thread" in capsys.readouterr().err


def test_every_run_draws_a_hash_seed_and_tells_it(monkeypatch, capsys):
    seen = []

    class Done:
        returncode = 1

    def run(_command, *, env, **_options):
        seen.append(env)
        return Done

    monkeypatch.setattr(portable.subprocess, "run", run)
    assert portable.main(["one-thread", "two-threads"]) == 1
    assert [env["OMP_NUM_THREADS"] for env in seen] == ["1", "2"]
    told = capsys.readouterr().out
    assert all(f"PYTHONHASHSEED={env['PYTHONHASHSEED']}" in told for env in seen)
    assert len({env["PYTHONHASHSEED"] for env in seen}) == 2


def test_a_run_has_a_cache_of_its_own():
    from platformdirs import user_cache_path

    assert cache_dir() == Path(os.environ["KEC_CACHE_DIR"])
    assert cache_dir().name.startswith("kec-tests-")
    assert user_cache_path("kec-studio") not in (cache_dir(), *cache_dir().parents)


def test_examples_are_the_same_in_every_run():
    if os.environ.get("KEC_HYPOTHESIS_PROFILE", "test") != "test":
        pytest.skip("another profile was asked for")
    assert settings.default.derandomize
    assert settings.default.database is None
