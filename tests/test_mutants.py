"""The list of mutants stays true: every place is there once, every test exists."""

import pytest

from tests import mutants
from tests.mutant_list import MUTANTS, Mutant

SEEN = Mutant("a.py", "one = 1", "one = 2", ("test_a.py",))
UNSEEN = Mutant("a.py", "two = 2", "two = 3", ("test_a.py",))


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_its_place_is_there_once_and_its_tests_exist(mutant):
    text = (mutants.ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutant.put_into(text)
    assert changed != text
    compile(changed, mutant.file, "exec")
    assert all((mutants.ROOT / test.partition("::")[0]).is_file() for test in mutant.tests)


def test_there_are_enough_of_them_each_once():
    assert len(MUTANTS) >= 40
    assert len({(one.file, one.old, one.new) for one in MUTANTS}) == len(MUTANTS)


def test_a_mutant_that_no_test_notices_is_told_from_one_that_is_noticed(tmp_path, monkeypatch, capsys):
    (tmp_path / "tests").mkdir()
    (tmp_path / "a.py").write_text("one = 1\ntwo = 2\n", encoding="utf-8")
    (tmp_path / "test_a.py").write_text("import a\ndef test():\n    assert a.one == 1\n", encoding="utf-8")
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "COPIED", ("tests",))
    monkeypatch.setattr(mutants, "MUTANTS", (SEEN, UNSEEN))
    assert mutants.main([]) == 1
    said = capsys.readouterr().out
    assert "LIVED" in said.splitlines()[1]
    assert "1 of 2 mutants lived" in said
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "one = 1\ntwo = 2\n"
    monkeypatch.setattr(mutants, "MUTANTS", (SEEN,))
    assert mutants.main([]) == 0


def test_a_place_that_is_gone_is_said():
    with pytest.raises(ValueError, match="0 times instead of once"):
        SEEN.put_into("other = 1")
    with pytest.raises(ValueError, match="2 times instead of once"):
        SEEN.put_into("one = 1\none = 1")
