"""The command line as other programs meet it: JSON on stdout, one clear line and status 2 for bad input."""

from __future__ import annotations

import json
import os
import pstats
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import cli
from commands.output import readable
from provision import resources
from provision.sources import Found
from state.project.near_copies import group_of_copy, without_near_copies
from state.project.project import Project
from state.revisions import revisions
from state.revisions.cluster_marks import mark_cluster
from state.revisions.overview import load_overview
from tests.doc_pointers import ROOT
from tests.page_helpers import set_near_copies

RUN_KEYS = {
    "images",
    "skipped",
    "others",
    "notes",
    "encoder",
    "knowledge",
    "overclusters",
    "concepts",
    "uni_attributes",
    "bi_attributes",
    "clusters",
    "near_copies",
    "scores",
    "baseline",
    "internal",
    "seconds",
    "peak_megabytes",
    "revision",
    "seed",
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Sixteen noisy photos in two folders, one file that is no photo."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for kind, base in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
        (root / kind).mkdir()
        for number in range(8):
            pixels = np.clip(np.array(base) + rng.normal(0, 40, (48, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / kind / f"{number} =1+1.png")
    (root / "broken.jpg").write_bytes(b"not a photo")
    return root


@pytest.fixture(scope="module")
def project(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home") / "project"
    assert cli.main(run_words(photos, folder)) == 0
    return folder


def run_words(photos, folder, *more):
    words = ["run", str(photos), "--project", str(folder), "--encoder", "compact", "--knowledge", "wordnet"]
    return [
        *words,
        "--labels",
        "folders",
        "--clusters",
        "2",
        "--concepts-from",
        "overclusters",
        "--json",
        *more,
    ]


def refused(capsys, *words):
    """Run a command that must fail; returns its one line."""
    assert cli.main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if line.startswith("kec: ")]
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


def test_run_prints_one_object_and_a_second_run_is_the_same_revision(photos, project, capsys):
    assert cli.main(run_words(photos, project)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == RUN_KEYS
    assert printed["images"] == 16
    assert [item["path"] for item in printed["skipped"]] == ["broken.jpg"]
    assert (printed["encoder"], printed["knowledge"], printed["clusters"]) == ("compact", "wordnet", 2)
    assert set(printed["scores"]) == set(printed["baseline"]["scores"]) == {"acc", "nmi", "ari"}
    assert all(0 <= printed["scores"][name] <= 1 for name in ("acc", "nmi"))
    assert printed["revision"] == "r1"
    assert set(printed["peak_megabytes"]) == set(printed["seconds"])
    assert all(megabytes > 10 for megabytes in printed["peak_megabytes"].values())


def test_run_writes_a_profile(photos, project, capsys, tmp_path):
    assert cli.main(run_words(photos, project, "--profile", str(tmp_path / "run.prof"))) == 0
    json.loads(capsys.readouterr().out)
    functions = {name for _file, _line, name in pstats.Stats(str(tmp_path / "run.prof")).stats}
    assert "run_project" in functions
    line = refused(capsys, *run_words(photos, project, "--profile", str(tmp_path / "no" / "run.prof")))
    assert "--profile should be a file that can be written" in line


SLOW = {"faiss", "nltk", "numba", "openai", "openvino", "pandas", "plotly", "pyarrow", "scipy.cluster", "scipy.linalg", "scipy.optimize",
        "scipy.stats", "sklearn", "streamlit", "timm", "torch", "transformers", "umap"}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("--help", {"numpy", "PIL", "pydantic", "scipy"}),
        ("app", {"numpy", "PIL", "pydantic", "scipy"}),
        ("show", {"scipy"}),
    ],
)
def test_commands_that_compute_nothing_load_nothing_slow(project, command, more):
    words = {"--help": ["--help"], "app": ["app", "--port", "0"]}.get(
        command, [command, str(project), "--json"]
    )
    code = f"import atexit, cli, sys; atexit.register(lambda: print(sorted({SLOW | more!r} & set(sys.modules)))); cli.main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_server_answers_before_anything_slow_is_loaded():
    slow = SLOW - {"streamlit"} | {"numpy", "PIL", "pydantic"}
    code = f"import sys; from pages.frame import command; command.load(); import app; print(sorted({slow!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("part", ["concepts", "attributes", "clusters", "history"])
def test_show_prints_every_part(project, capsys, part):
    assert cli.main(["show", str(project), f"--{part}", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["revision"] == "r1"
    assert printed["uni" if part == "attributes" else part]
    assert cli.main(["show", str(project), f"--{part}"]) == 0
    assert "revision: r1" in capsys.readouterr().out


def test_show_counts_near_copies_once_and_reads_no_photos(project, capsys, tmp_path, monkeypatch):
    opened = Project.open(shutil.copytree(project, tmp_path / "copy"))
    revision = revisions.current(opened)
    labels = load_overview(opened, revision).labels
    ids = [image.id for image in opened.images(revision.scan)]
    first, other = (np.flatnonzero(labels == cluster) for cluster in (0, 1))
    groups = [
        [ids[row] for row in (*first[:3], *other[:2])],
        [ids[row] for row in first[3:5]],
        ["gone", "too"],
    ]
    set_near_copies(opened, groups)
    expected = {
        cluster: without_near_copies((ids[row] for row in rows), group_of_copy(groups))
        for cluster, rows in ((0, first), (1, other))
    }
    monkeypatch.setattr("state.project.project.read_images", None)
    assert cli.main(["show", str(opened.folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {c["cluster"]: c["without_near_copies"] for c in shown["clusters"]} == expected
    assert shown["without_near_copies"] == without_near_copies(ids, group_of_copy(groups)) == len(ids) - 5


def test_show_calls_clusters_as_the_person_does(photos, capsys, tmp_path):
    folder = tmp_path / "project"
    assert cli.main(run_words(photos, folder)) == 0
    capsys.readouterr()
    mark_cluster(Project.open(folder), "r1", 0, name="the warm ones")
    assert cli.main(["show", str(folder), "--clusters", "--json"]) == 0
    named, other = json.loads(capsys.readouterr().out)["clusters"]
    assert (named["cluster"], named["name"], named["images"] + other["images"]) == (0, "the warm ones", 16)
    assert other["name"] not in ("", "the warm ones")
    assert cli.main(["show", str(folder)]) == 0
    assert "cluster: 0, name: the warm ones, images: " in capsys.readouterr().out


def test_export_writes_what_it_names_and_no_formula(project, capsys, tmp_path):
    out = tmp_path / "out"
    words = ["export", str(project), "--out", str(out), "--format", "csv,parquet,json,npz,folders", "--json"]
    assert cli.main(words) == 0
    json.loads(capsys.readouterr().out)
    assert {path.suffix for path in out.rglob("*")} >= {".csv", ".parquet", ".json", ".npz", ".png"}
    for table in out.glob("*.csv"):
        for line in table.read_text(encoding="utf-8").splitlines():
            assert not any(cell.lstrip('"').startswith("=") for cell in line.split(","))


def test_bad_input_is_one_line_with_status_2(photos, project, capsys, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    new = tmp_path / "new"
    assert "has none; choose another one" in refused(capsys, "run", empty, "--project", new)
    assert "no project" in refused(capsys, "show", new)
    Project.create(new, "New")
    assert "kec run" in refused(capsys, "show", new)
    assert "no-such-encoder" in refused(
        capsys, "run", photos, "--project", new, "--encoder", "no-such-encoder"
    )
    assert "between 1 and the number of photos (16)" in refused(
        capsys, "run", photos, "--project", project, "--encoder", "compact", "--clusters", "99"
    )
    assert "known" in refused(capsys, "export", project, "--out", tmp_path / "x", "--format", "docx")
    assert "known benchmarks" in refused(capsys, "bench", "nothing")
    assert "--help" in refused(capsys, "run", photos)
    assert "--help" in refused(capsys, "nothing")
    packed = tmp_path / "photos.tar.gz"
    packed.touch()
    assert "not compressed); unpack it" in refused(capsys, "run", packed, "--project", new)
    file = tmp_path / "file.txt"
    file.touch()
    for place in (file, file / "p"):
        assert "Not a directory" in refused(capsys, "run", photos, "--project", place)


def test_a_benchmark_names_the_package_that_it_lacks(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "benchmarks.map", raising=False)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert "needs the package playwright.sync_api" in refused(capsys, "bench", "map")


def test_labels_with_an_unknown_file_are_refused_and_nothing_is_lost(photos, project, capsys, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("file,label\nno such photo.png,cat\n", encoding="utf-8")
    words = [
        "run",
        photos,
        "--project",
        project,
        "--encoder",
        "compact",
        "--clusters",
        "2",
        "--labels",
        labels,
    ]
    assert "no such photo.png" in refused(capsys, *words)
    assert cli.main(["show", str(project), "--clusters", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 16


def test_shuffled_labels_change_no_assignment(photos, project, capsys, tmp_path):
    assert cli.main(["show", str(project), "--clusters", "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    names = sorted(str(p.relative_to(photos)) for p in photos.rglob("*.png"))
    labels = tmp_path / "labels.csv"
    rows = [f'"{name}",{kind}' for name, kind in zip(names, "abbabaabbabaabab", strict=True)]
    labels.write_text("\n".join(["file,label", *rows]), encoding="utf-8")
    words = run_words(photos, project)
    words[words.index("folders")] = str(labels)
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out)["revision"] == before["revision"]
    assert cli.main(["show", str(project), "--clusters", "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["clusters"] == before["clusters"]
    assert after["scores"] != before["scores"]


def test_edit_replays_a_script_or_refuses_it_whole(project, capsys, tmp_path):
    assert cli.main(["show", str(project), "--concepts", "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    first, second = (concept["id"] for concept in before["concepts"][:2])
    script = tmp_path / "edits.json"

    def write(*edits):
        script.write_text(json.dumps({"edits": edits}), encoding="utf-8")

    rename = {"op": "rename_concept", "concept": first, "name": "=cmd() <b>red</b>"}
    write(rename, {"op": "delete_concept", "concept": "c999"})
    assert "index 1" in refused(capsys, "edit", project, "--script", script)
    write(rename, {"op": "add_attribute", "concept": second, "text": "plain blue all over"})
    words = ["edit", str(project), "--script", str(script), "--json"]
    assert cli.main([*words, "--dry-run"]) == 0
    rehearsed = json.loads(capsys.readouterr().out)
    assert rehearsed["revision"] == before["revision"]
    assert cli.main(words) == 0
    done = json.loads(capsys.readouterr().out)
    counts = {"moved", "concepts", "clusters", "clusters_before", "clusters_after"}
    assert set(done) == {"before", "after", "follow", "notes", "revision", *counts}
    assert done | {"revision": ""} == rehearsed | {"revision": ""}
    assert done["revision"] == "r2"
    assert cli.main(["show", str(project), "--concepts", "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["concepts"][0]["name"] == "=cmd() <b>red</b>"
    assert "plain blue all over" in after["concepts"][1]["attributes"]
    assert cli.main(["show", str(project), "--history", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["history"][1]["edits"]) == 2
    out = tmp_path / "exported"
    assert cli.main(["export", str(project), "--out", str(out), "--format", "csv,npz", "--json"]) == 0
    capsys.readouterr()
    assert "cannot be read" in refused(capsys, "edit", project, "--script", tmp_path / "missing.json")


@pytest.mark.parametrize("wrong", ["photos", "labels", "encoder"])
def test_a_wrong_path_leaves_no_empty_project(photos, tmp_path, capsys, wrong):
    gone = tmp_path / "gone"
    words = [
        "run",
        gone if wrong == "photos" else photos,
        "--project",
        tmp_path / "new" / "p",
        "--clusters",
        "2",
    ]
    words += ["--labels", gone] if wrong == "labels" else []
    words += ["--encoder", f"embeddings:{gone}.npy" if wrong == "encoder" else "compact"]
    assert "gone" in refused(capsys, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_project_folder_that_held_other_files_keeps_them(photos, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    words = ["run", photos, "--project", tmp_path, "--labels", tmp_path / "gone.csv", "--encoder", "compact"]
    assert "gone.csv" in refused(capsys, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "words", [["show"], ["export", "--out", "out"], ["methods"], ["finalise"], ["edit", "--script", "s.json"]]
)
def test_commands_on_a_project_that_is_not_there_make_nothing(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.json").write_text('{"edits": []}')
    assert "no project" in refused(capsys, words[0], tmp_path / "gone", *words[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


def test_a_language_model_that_would_be_asked_nothing_is_refused_before_a_run(photos, tmp_path, capsys):
    model = ["--llm-url", "http://127.0.0.1:9/v1", "--llm-model", "m", "--knowledge", "wordnet"]
    assert "it would be asked nothing" in refused(capsys, "run", photos, "--project", tmp_path / "p", *model)
    assert not (tmp_path / "p").exists()


def test_a_run_without_labels_keeps_those_there_are(photos, tmp_path, capsys):
    words = run_words(photos, tmp_path / "p")
    assert cli.main(words) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    at = words.index("--labels")
    assert cli.main(words[:at] + words[at + 2 :]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == scores is not None
    assert set(Project.open(tmp_path / "p").labels()) == {"red", "blue"}


def test_a_reader_that_has_seen_enough_is_no_error(project):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "show", str(project)],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "", "--project", "p"], "IMAGES: a path was expected, but it is empty"),
        (["run", "photos", "--project", " "], "--project: a path was expected, but it is empty"),
        (["run", "photos", "--project", "p", "--labels", ""], "--labels: a path was expected"),
        (["add", "p", ""], "PHOTOS: a path was expected"),
        (["assign", "p", ""], "PHOTOS: a path was expected"),
        (["show", ""], "PROJECT: a path was expected"),
        (["export", "p", "--out", ""], "--out: a path was expected"),
        (["app", "--images-root", ""], "--images-root: a path was expected"),
        (
            ["run", "photos", "--project", "p", "--weight", "nan"],
            "--weight: a number of at least 0 was expected, but 'nan'",
        ),
        (["run", "photos", "--project", "p", "--weight", "inf"], "--weight: a number of at least 0"),
        (["run", "photos", "--project", "p", "--weight=-1"], "--weight: a number of at least 0"),
        (["run", "photos", "--project", "p", "--seed=-1"], "--seed: a whole number of at least 0"),
        (
            ["run", "photos", "--project", "p", "--clusters", "2.5"],
            "--clusters: a whole number of at least 1",
        ),
        (
            ["run", "photos", "--project", "p", "--clusters", "9" * 5000],
            "--clusters: a whole number of at least 1",
        ),
        (["run", "photos", "--project", "p", "--sample", "3"], "--sample goes with --engine ray"),
        (["run", "photos", "--project", "p", "--thumbnails", "none"], "--thumbnails goes with --engine ray"),
        (["run", "photos", "--project", "p", "--guidance", "B\udce4r"], "words in UTF-8 were expected"),
        (["search", "p", "B\udce4r"], "WORDS: words in UTF-8 were expected, but letter 2"),
    ],
)
def test_an_empty_path_and_a_number_out_of_range_are_refused_at_once(
    arguments, words, tmp_path, monkeypatch, capsys
):
    """An unset variable of the shell must not mean the folder one happens to be in."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_setup_ends_in_a_sentence_and_in_json_with_what_it_found(monkeypatch, capsys):
    words = Found(resource="WordNet", path=ROOT, source="a folder")
    monkeypatch.setattr(resources, "setup", lambda **_: [words])
    assert cli.main(["setup"]) == 0
    assert capsys.readouterr().out == "Everything asked for is on this computer: WordNet. To begin: kec app\n"
    assert cli.main(["setup", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"][0]["path"] == str(ROOT)


def test_a_result_is_told_to_people_without_python_in_it():
    result = {
        "acc": 0.9548085554724353,
        "files": ("a.csv", "b/"),
        "skipped": [],
        "found": [
            {"near": 0.12345, "place": None, "nouns": ["cat", "dog"], "scores": {"acc": {"mean": 1.0}}}
        ],
        "muted": False,
        "into": {},
    }
    assert readable(result).splitlines() == [
        "acc: 0.9548",
        "files:",
        "  - a.csv",
        "  - b/",
        "skipped: none",
        "found:",
        "  - near: 0.1235, place: none, nouns: (cat, dog), scores: (acc: (mean: 1))",
        "muted: no",
        "into: none",
    ]
