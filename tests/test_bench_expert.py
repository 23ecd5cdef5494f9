"""An expert's script beside the automatic result: what is compared, and that it can be measured."""

import json

import numpy as np
import pytest

import cli
from benchmarks import expert, table
from benchmarks.expert import EXPERT, expert_text
from kec_core.stages import Resources
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder, colour_photos


def test_everybody_in_the_table_has_a_name_and_two_different_attributes():
    for folder, words in EXPERT.items():
        assert len({word.casefold() for word in words}) == 3, folder
        assert all(word == word.strip() and word for word in words), folder


@pytest.mark.parametrize(
    ("folder", "name", "attributes"),
    [("cat", "cat", ("pointed ears and whiskers", "round face")), ("red_deer", "red deer", ())],
)
def test_a_class_nobody_wrote_about_has_its_folder_for_a_name(folder, name, attributes):
    assert expert_text(folder) == (name, attributes)


def test_assigned_photos_are_of_their_class_chosen_by_the_seed_and_leave_some_over():
    labels = ["b", "a", None, "a", "b", "a", "b"]
    chosen = expert.assigned_photos(labels, 2, seed=0)
    assert list(chosen) == ["a", "b"]
    assert set(chosen["a"]) < {1, 3, 5}
    assert set(chosen["b"]) < {0, 4, 6}
    assert all(len(rows) == 2 for rows in chosen.values())
    again = expert.assigned_photos(labels, 2, seed=0)
    assert all(np.array_equal(chosen[name], again[name]) for name in chosen)


def test_the_command_compares_the_groupings(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    made = Resources(encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder())
    monkeypatch.setattr(table, "load_resources", lambda _name: made)
    photos = colour_photos(tmp_path / "colours", 5)
    options = ["bench", "expert", "--data", str(photos), "--seeds", "2", "--photos", "2"]
    assert cli.main([*options, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = result["sets"][0]["rows"]
    assert list(rows) == ["kmeans", "automatic", "names", "names+photos", "probe"]
    assert rows["names"]["acc"] == {"mean": 1.0, "sd": 0.0}
    assert rows["names"]["gain"] == pytest.approx(1.0 - rows["automatic"]["acc"]["mean"])
    assert rows["names"]["all_photos"]["acc"] == 1.0
    assert "| named, 2 photos assigned per group | 100.0 ± 0.0 (" in result["markdown"]


def test_a_linear_probe_is_told_the_classes_of_other_photos_alone():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3, dtype=np.int32), 20)
    x = (np.eye(3, 8, dtype=np.float32)[truth] + rng.normal(0, 0.05, (60, 8))).astype(np.float32)
    known = np.arange(2, 60)
    told = expert.linear_probe(x, truth, known, 0)
    assert (told[known] == truth[known]).all()
    noise = rng.integers(0, 3, 60).astype(np.int32)  # classes that nothing in the photos tells
    assert (expert.linear_probe(x, noise, known, 0)[known] == noise[known]).mean() < 0.7
