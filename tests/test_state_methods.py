import json
import re
import shutil

import numpy as np
import pytest

import cli
from kec_core.config import ClusteringConfig, MappingConfig, RunConfig
from kec_core.errors import Cancelled, InputError
from kec_core.llm.captions import Caption
from kec_core.stages import Hooks, Resources
from kec_core.store import StageResult
from state.jobs.progress import JobContext
from state.llm.setup import named_setup
from state.methods.labels import PhotoCaptions, read_captions, readable_names
from state.methods.runs import compare_methods, methods_job
from state.project.project import Project
from state.work.run import run_project
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder, colour_photos

CONFIG = RunConfig(
    n_clusters=4,
    mapping=MappingConfig(overclusters=8, n_init=5, top_nouns=2),
    clustering=ClusteringConfig(n_init=10),
)
QUICK = ("kmeans", "tac-notrain", "kec")


def resources(_project, _config):
    return Resources(encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder())


def run(folder, photos, labels="folders"):
    project = Project.create(folder, "colours")
    run_project(project, photos, CONFIG, labels=labels, resources=resources)
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("methods")
    return run(folder / "project", colour_photos(folder / "photos", 6))


@pytest.fixture
def here(monkeypatch):
    """The command line finds the small encoder."""
    monkeypatch.setattr("state.work.llm_run.load_resources", resources)


def compare(project, names=QUICK, **options):
    return compare_methods(project, names, n_seeds=options.pop("n_seeds", 2), resources=resources, **options)


def test_each_method_gets_a_row_with_scores_over_the_seeds(project):
    rows = compare(project)
    assert [row.name for row in rows] == list(QUICK)
    assert [row.provenance for row in rows] == ["paper", "authors' code", "paper"]
    for row in rows:
        assert row.scores["acc"].mean == 1.0
        assert row.scores["ari"].sd == 0.0
        assert len(row.keys) == 2
        assert "Knowledge and scores come from the same photos." in row.note


def test_the_printed_object_is_the_documented_one(project):
    assert compare(project, ["kmeans"])[0].to_json() == {
        "name": "kmeans",
        "provenance": "paper",
        "scores": {metric: {"mean": 1.0, "sd": 0.0} for metric in ("acc", "nmi", "ari")},
        "seconds": pytest.approx(0, abs=60),
        "note": "Knowledge and scores come from the same photos.",
    }


def test_a_second_comparison_reuses_every_seed_and_a_stopped_one_goes_on(project):
    stored = []
    hooks = Hooks(on_report=lambda report: stored.append((report.stage, report.reused)))

    def stop_at_third(_done, _total, label):
        if label.startswith("k-means on the photos alone, seed 4"):
            raise Cancelled("stopped by the person")

    with pytest.raises(Cancelled):
        compare(project, ["kmeans"], n_seeds=5, hooks=Hooks(progress=stop_at_third))
    compare(project, ["kmeans"], n_seeds=5, hooks=hooks)
    assert [reused for stage, reused in stored if stage == "method"] == [True, True, True, False, False]


def test_other_labels_change_scores_and_no_assignment(project, tmp_path):
    shutil.copytree(project.folder, tmp_path / "copy")
    copy = Project.open(tmp_path / "copy")
    ids = [image.id for image in copy.images()]
    labels = project.labels()
    shuffled = np.random.default_rng(0).permutation(len(ids))
    copy.set_labels({image_id: labels[shuffled[row]] for row, image_id in enumerate(ids)})
    before, after = compare(project), compare(copy)
    assert [row.keys for row in before] == [row.keys for row in after]
    assert after[0].scores["acc"].mean < 0.9


def test_without_labels_there_are_no_scores_and_no_upper_bound(tmp_path):
    project = run(tmp_path / "project", colour_photos(tmp_path / "photos", 3), labels="none")
    assert compare(project, ["kmeans"], n_seeds=1)[0].to_json()["scores"] is None
    with pytest.raises(InputError, match="'zeroshot' needs class names, which"):
        compare(project, ["kmeans", "zeroshot"])


def test_with_a_split_knowledge_comes_from_train_and_scores_from_test(tmp_path):
    photos = tmp_path / "photos"
    colour_photos(photos / "train", 6)
    colour_photos(photos / "test", 3)
    project = run(tmp_path / "project", photos)
    started = []
    rows = compare(project, hooks=Hooks(on_start=started.append))
    assert "concepts" in started  # made again, from the train photos alone
    for row in rows:
        assert "Knowledge comes from 24 photos in train/, scores from 12 in test/." in row.note
        assert row.scores["acc"].mean == 1.0
        stored: StageResult = project.store.load("method", row.keys[0])
        assert len(stored.arrays["labels"]) == 12


def test_unknown_methods_are_refused_before_anything_runs(project):
    with pytest.raises(InputError, match=re.escape("Unknown method 'nope'; known methods: kmeans, ")):
        compare(project, ["kmeans", "nope"])


def test_a_project_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match="no result to compare with yet; run `kec run`"):
        compare(Project.create(tmp_path / "new", "new"))


def test_the_command_prints_one_object(project, here, capsys):
    status = cli.main(["methods", str(project.folder), "--methods", "kmeans, kec", "--seeds", "2", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [row["name"] for row in printed["methods"]] == ["kmeans", "kec"]
    assert set(printed["methods"][0]) == {"name", "provenance", "scores", "seconds", "note"}


def test_the_command_refuses_an_unknown_method_in_one_line(project, here, capsys):
    assert cli.main(["methods", str(project.folder), "--methods", "magic"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("kec: Unknown method 'magic'; known methods: kmeans")
    assert err.count("\n") == 1


def test_the_job_does_the_same(project, here):
    context = JobContext(project=project, params={"methods": ["kmeans"], "seeds": 1}, progress=Quiet())
    (row,) = methods_job(context)["methods"]
    assert row["scores"]["acc"]["mean"] == 1.0
    assert row["caption"] == "k-means on the photos alone"


class Quiet:
    def __call__(self, _done, _total, _label):
        """Nobody watches."""

    def stage(self, _name):
        """Nobody watches."""

    def paused(self):
        return False


def test_labels_become_words_for_prompts():
    assert readable_names(["birds/sea_gull", "fish/tuna-fish"]) == ("sea gull", "tuna fish")
    assert readable_names(["a/bowl", "b/bowl"]) == ("a bowl", "b bowl")


def test_captions_are_lines(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("a dog  runs\n\na dog runs\ntwo cats\n", encoding="utf-8")
    assert read_captions(path) == ("a dog runs", "two cats")
    path.write_text("\n\n")
    with pytest.raises(InputError, match="holds no caption; write one per line"):
        read_captions(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="one caption per line"):
        read_captions(path)


def test_captions_of_photos_come_from_a_file(project, tmp_path):
    with pytest.raises(InputError, match=r"'caption' needs photo captions.* --send-photos\), or leave"):
        compare(project, ["caption"])
    path = tmp_path / "captions.csv"
    rows = [f"{image.id},a {image.id.split('/')[0]} thing" for image in project.images()]
    path.write_text("\n".join(["file,caption", *rows[1:]]), encoding="utf-8")
    (row,) = compare(project, ["caption"], n_seeds=1, described=PhotoCaptions(file=path))
    assert row.scores["acc"].mean > 0.9
    assert "Without a caption: 1 photo." in row.note
    path.write_text(f"file,caption\n{project.images()[0].id},\n", encoding="utf-8")
    with pytest.raises(InputError, match="Of 24 photos none has a caption"):
        compare(project, ["caption"], described=PhotoCaptions(file=path))


def test_a_model_describes_the_photos_only_when_it_may_see_them(project, monkeypatch):
    asked = []

    def describe(client, photos, root, *, consent, progress):
        assert consent
        assert (
            client.answers.retry_failed
        )  # a first photo that failed once must not stand in the way for ever
        asked.append((client.endpoint.model, root))
        return [Caption(text=f"a {photo.id.split('/')[0]} thing") for photo in photos]

    monkeypatch.setattr("state.methods.labels.caption_photos", describe)
    setup = named_setup("http://localhost:1/v1", "sees")
    (row,) = compare(project, ["caption"], n_seeds=1, described=PhotoCaptions(model=setup))
    assert row.scores["acc"].mean == 1.0
    compare(project, ["kmeans"], n_seeds=1, described=PhotoCaptions(model=setup))
    assert asked == [("sees", project.images_root)]
