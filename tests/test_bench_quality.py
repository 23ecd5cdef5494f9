"""The quality tables: methods chosen, ranks, splits, the paper's cells, and what happens without the internet."""

import json
import sys
import urllib.error

import numpy as np
import pytest
from PIL import Image

import cli
from benchmarks import outcomes, paper, paper_sets, scaling, table
from benchmarks.paper import COLUMNS, REPORTED, paper_cell
from kec_core.config import paper_defaults
from kec_core.errors import InputError, ResourceMissing
from kec_core.methods.base import spread, summarise
from kec_core.stages import Resources
from kec_core.types import Scores
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder, colour_photos


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The command finds the small encoder, and a cache of its own."""
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    made = Resources(encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder())
    monkeypatch.setattr(table, "load_resources", lambda _name: made)
    monkeypatch.setattr(paper, "load_resources", lambda _name: made)
    return tmp_path


def test_the_table_command_prints_markdown_with_ranks_and_what_was_left_out(small, capsys):
    photos = colour_photos(small / "one", 5)
    options = [
        "bench",
        "table",
        "--data",
        str(photos),
        "--methods",
        "kmeans,kec,cae-no-nouns",
        "--seeds",
        "2",
    ]
    assert cli.main(options) == 0
    out = capsys.readouterr().out
    assert "| k-means on the photos alone | paper | 100.0 / **100.0 ± 0.0** / 100.0 |" in out
    assert "Left out: cae-no-nouns (needs captions)." in out
    assert out.count("| 1.5 |") == 2  # equal accuracies share their ranks


def test_the_table_command_prints_one_json_object_on_demand(small, capsys):
    photos = colour_photos(small / "one", 5)
    options = ["bench", "table", "--data", str(photos), "--methods", "kmeans", "--seeds", "1", "--json"]
    assert cli.main(options) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["sets"][0]["methods"]["kmeans"]["acc"] == {"mean": 1.0, "sd": 0.0}
    assert result["rank"] == {"kmeans": 1.0}


def test_a_run_that_was_measured_is_looked_up_until_the_code_that_decides_labels_changes(small, monkeypatch):
    photos = colour_photos(small / "one", 5)
    arguments = ["--data", str(photos), "--methods", "kmeans", "--seeds", "1"]
    first = table.measure(arguments)

    def never(*_arguments, **_options):
        raise AssertionError("measured again")

    monkeypatch.setattr(outcomes, "run_method", never)
    assert table.measure(arguments) == first
    monkeypatch.setattr(outcomes, "_code", lambda _needs: "another")
    with pytest.raises(AssertionError, match="measured again"):
        table.measure(arguments)


def test_a_folder_with_train_and_test_is_scored_on_test(small):
    colour_photos(small / "split/train", 6)
    colour_photos(small / "split/test", 3)
    result = table.measure(
        ["--data", str(small / "split"), "--methods", "kmeans,tac-notrain,kec,zeroshot", "--seeds", "1"]
    )
    (each,) = result["sets"]
    assert each["images"] == 12
    assert each["clusters"] == 4
    assert each["split"] == "Knowledge comes from 24 photos in train/, scores from 12 in test/."
    assert each["methods"]["zeroshot"]["acc"]["mean"] == 1.0
    assert set(result["rank"]) == {"kmeans", "tac-notrain", "kec"}
    upper_bound = next(line for line in result["markdown"].splitlines() if line.startswith("| Zero-shot"))
    assert upper_bound.endswith("| - |")
    assert "**" not in upper_bound


def test_a_folder_without_classes_is_refused(small):
    folder = small / "flat"
    folder.mkdir()
    Image.new("RGB", (12, 12)).save(folder / "one.png")
    with pytest.raises(InputError, match="at least two sub-folders of photos, one per label, but has 0"):
        table.measure(["--data", str(folder), "--methods", "kmeans"])


def test_groups_hold_known_methods_and_unknown_names_are_refused():
    for group in (*table.GROUPS, "all"):
        assert "kmeans" in table.chosen_methods(group)
    with pytest.raises(InputError, match="Unknown method 'best'"):
        table.chosen_methods("kmeans,best")


def test_mean_and_spread_by_hand():
    assert (spread([0.5, 0.7]).mean, spread([0.5, 0.7]).sd) == (
        pytest.approx(0.6),
        pytest.approx(0.1 * 2**0.5),
    )
    assert spread([0.5]).sd == 0.0
    summary = summarise([Scores(acc=0.1, nmi=0.2, ari=0.3), Scores(acc=0.3, nmi=0.2, ari=0.1)])
    assert {name: round(each.mean, 9) for name, each in summary.items()} == {
        "acc": 0.2,
        "nmi": 0.2,
        "ari": 0.2,
    }


def test_mean_ranks_by_hand():
    ranks = table.mean_ranks([{"a": 0.9, "b": 0.8, "c": 0.8}, {"a": 0.1, "b": 0.3, "c": 0.2}])
    assert ranks == {"a": 2.0, "b": 1.75, "c": 2.25}


def test_the_papers_cells_give_the_papers_means():
    assert len(REPORTED) == 20
    cells = {name: [paper_cell(each, name) for each in REPORTED] for name in COLUMNS}
    means = {name: np.mean([cell[0] for cell in cells[name]]) for name in COLUMNS}
    assert means["kmeans"] == pytest.approx(55.6, abs=0.1)
    assert means["kec-fixed"] == pytest.approx(58.0, abs=0.1)
    assert np.mean([cell[1] for cell in cells["kec-fixed"]]) == pytest.approx(56.6, abs=0.1)
    assert paper_cell("clevr", "zeroshot") == (16.4, None, 8.0)  # a digit was lost
    assert paper_cell("pets", "laic") is None


def test_ours_stands_beside_the_papers(small, monkeypatch):
    colour_photos(small / "sets/pets/train", 6)
    colour_photos(small / "sets/pets/test", 3)
    (small / "sets/pets" / paper_sets.DONE).touch()
    options = ["--datasets", "pets", "--root", str(small / "sets"), "--methods", "kmeans,kec", "--seeds", "1"]
    lines = paper.measure(options)["markdown"].splitlines()
    assert (
        lines[-2]
        == "| pets | k-means on the photos alone | 100.0 / 100.0 / 100.0 | 65.0 / 51.3 / 40.5 | +48.7 |"
    )
    assert lines[-1] == "| pets | KEC | 100.0 / 100.0 / 100.0 | - | - |"


def test_without_the_internet_the_paper_benchmark_ends_in_one_line(small, monkeypatch, capsys):
    def refuse(*_arguments, **_options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    status = cli.main(["bench", "paper", "--datasets", "pets", "--root", str(small / "sets")])
    err = capsys.readouterr().err
    assert status == 2
    assert err.splitlines()[-1].startswith("kec: The set 'pets' could not be fetched through torchvision (")
    assert "connect this machine to the internet" in err
    assert not (small / "sets/pets" / paper_sets.DONE).exists()


def test_sets_that_torchvision_does_not_have_are_refused_with_a_way_out(small):
    with pytest.raises(InputError, match="'imagenet' was asked for; lay any other set out as train/CLASS"):
        paper.measure(["--datasets", "imagenet"])


def test_a_fetched_set_is_laid_out_by_part_and_class_once(tmp_path, monkeypatch):
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (9, 9), "red").save(photo)
    made = []

    def toy(_root):
        made.append(1)
        return {"train": [(photo, "red/ish")], "test": [(Image.new("L", (4, 4)), "black")]}

    monkeypatch.setitem(paper_sets.SETS, "toy", toy)
    folder = paper_sets.fetch("toy", tmp_path / "sets", lambda *_: None)
    assert (folder / "train/red ish/000000.jpg").read_bytes() == photo.read_bytes()
    assert (folder / "test/black/000000.png").is_file()
    paper_sets.fetch("toy", tmp_path / "sets", lambda *_: None)
    assert made == [1]


def test_a_set_that_breaks_off_is_not_taken_for_whole(tmp_path, monkeypatch):
    def broken(_root):
        raise RuntimeError("File not found or corrupted.\nmore")

    monkeypatch.setitem(paper_sets.SETS, "broken", broken)
    with pytest.raises(
        ResourceMissing, match=r"fetched through torchvision \(File not found or corrupted.\);"
    ):
        paper_sets.fetch("broken", tmp_path, lambda *_: None)


def test_growth_is_the_slope_in_logarithms():
    runs = [{"images": n, "core_seconds": 1e-5 * n**1.5} for n in (1000, 10_000, 50_000)]
    assert scaling.exponent(runs) == 1.5
    assert scaling.exponent([*runs[:1], {"images": 10_000, "core_seconds": None}]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's memory status")
def test_one_scaling_run_and_a_stopped_one():
    found = scaling.run_one("kmeans", 500, 16, 4)
    assert 0 <= found["cancel"] <= found["seconds"]
    table_text = scaling.markdown(
        {
            "dim": 16,
            "clusters": 4,
            "sizes": [500, 1000],
            "methods": {
                "kmeans": {
                    "runs": [{"core_seconds": 1.0, "megabytes": 2.0, "cancel": 0.5}, {"core_seconds": None}],
                    "exponent": None,
                }
            },
        },
        limit=9.0,
    )
    assert "| k-means on the photos alone | 1.0 / 2 / 0.5 | over 9 s | - |" in table_text


def test_the_papers_defaults_are_one_option_away(small, monkeypatch, tiny_wordnet):
    made = Resources(
        encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder(), wordnet=tiny_wordnet
    )
    monkeypatch.setattr(table, "load_resources", lambda _name: made)
    seen = []
    inputs = table.seed_inputs

    def spy(collection, resources, config, *rest):
        seen.append((config, resources.builder.revision))
        return inputs(collection, resources, config, *rest)

    monkeypatch.setattr(table, "seed_inputs", spy)
    photos = colour_photos(small / "one", 5)
    for paper_way in ([], ["--paper"]):
        table.measure(["--data", str(photos), "--methods", "kmeans", "--seeds", "1", *paper_way])
    (usual, _), (papers, revision) = seen
    assert usual.mapping.concepts_from == "words"
    assert papers == paper_defaults(papers)
    assert papers.mapping.concepts_from == "overclusters"
    assert revision.endswith("overclusters")
