import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.stages import Hooks, Resources
from kec_core.stages.table import STAGES
from kec_core.types import Concept
from state.jobs.progress import JobContext, JobProgress
from state.project.near_copies import near_copies
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_baseline, load_clustering, save_clustering
from state.revisions.layouts import layouts
from state.revisions.scoring import rescore, score_against
from state.work.loading import load_resources
from state.work.run import run_job, run_project
from tests.fakes import COLOURS, VOCABULARY, FirstNounBuilder, HashEncoder, colour_photos

CONFIG = RunConfig(
    n_clusters=4,
    mapping=MappingConfig(overclusters=8, n_init=5, top_nouns=2),
    clustering=ClusteringConfig(n_init=10),
)
WIDER = replace(CONFIG, clustering=replace(CONFIG.clustering, weight=0.75))


def resources(_project, _config):
    return Resources(encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A project after its first run."""
    folder = tmp_path_factory.mktemp("whole")
    project = Project.create(folder / "project", "colours")
    summary = run_project(
        project, colour_photos(folder / "photos", 5), CONFIG, labels="folders", resources=resources
    )
    return project, summary


@pytest.fixture
def project(whole, tmp_path):
    """A copy of it with photos of its own."""
    shutil.copytree(whole[0].folder.parent, tmp_path / "copy")
    project = Project.open(tmp_path / "copy/project")
    project.set_images_root(tmp_path / "copy/photos")
    return project


def again(project, config=CONFIG, **options):
    return run_project(project, None, config, resources=resources, **options)


def made(summary):
    """Names of the stages that were not reused."""
    return [report.stage for report in summary.stages if not report.reused]


def labels_of(project, revision):
    return load_clustering(project, revision).labels.tolist()


def test_the_first_run_finds_the_planted_groups_and_tells_it(whole):
    project, summary = whole
    told = summary.to_json()
    assert list(told) == [
        *(
            "images",
            "skipped",
            "others",
            "encoder",
            "knowledge",
            "overclusters",
            "concepts",
            "uni_attributes",
        ),
        *(
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
            "notes",
        ),
    ]
    assert (told["images"], told["clusters"], told["overclusters"], told["seed"]) == (20, 4, 4, 0)
    assert (told["encoder"], told["knowledge"], told["skipped"]) == ("hash", "first-noun", [])
    groups = near_copies(project)
    assert told["near_copies"] == {"photos": sum(map(len, groups)), "groups": len(groups)}
    assert all(len({image_id.partition("/")[0] for image_id in group}) == 1 for group in groups)
    assert told["scores"] == {"acc": 1.0, "nmi": 1.0, "ari": 1.0}
    assert told["baseline"]["method"] == "kmeans"
    assert set(told["baseline"]["scores"]) == {"acc", "nmi", "ari"}
    assert 0 < told["internal"]["silhouette"] <= 1
    assert list(told["seconds"]) == [
        "scan",
        *(stage for stage in STAGES if stage not in ("estimate", "looks", "second")),
    ]
    assert told["concepts"] == len(summary.revision.knowledge.concepts) >= 4
    knowledge = summary.revision.knowledge
    refused = [one for one in knowledge.left_out if not one.against]
    assert told["uni_attributes"] == len(knowledge.uni) == 2 * told["concepts"] - len(refused)
    assert {concept.name for concept in summary.revision.knowledge.concepts} >= set(COLOURS)
    assert summary.is_new
    assert told["revision"] == "r1"
    assert revisions.current(project) == summary.revision


def test_rows_photos_and_labels_stay_aligned(whole):
    project, summary = whole
    photos, groups = project.images(summary.revision.scan), labels_of(project, summary.revision)
    assert project.labels() == [photo.id.partition("/")[0] for photo in photos]
    assert (
        len({(photo.id.partition("/")[0], group) for photo, group in zip(photos, groups, strict=True)}) == 4
    )


def test_a_second_run_makes_nothing_and_gives_the_same_revision(project):
    summary = again(project)
    assert made(summary) == []
    assert not summary.is_new
    assert (summary.revision.id, len(revisions.history(project))) == ("r1", 1)
    assert all(record.state == "fresh" for record in project.stage_reports())


def test_a_changed_option_redoes_only_what_depends_on_it(project):
    summary = again(project, WIDER)
    assert made(summary) == ["cluster"]
    assert (summary.is_new, summary.revision.id, summary.revision.parent) == (True, "r2", "r1")
    assert summary.revision.summary["weight"] == 0.75
    assert project.settings() == WIDER
    assert again(project).revision.id == "r3"


def test_new_labels_only_score_anew_and_change_no_group(project):
    rng = np.random.default_rng(0)
    before = labels_of(project, revisions.current(project))
    ids = [photo.id for photo in project.images()]
    project.set_labels(dict(zip(ids, rng.permutation([i.partition("/")[0] for i in ids]), strict=True)))
    rescore(project)
    shuffled = revisions.current(project)
    assert shuffled.scores.acc < 0.9
    summary = again(project)
    assert (made(summary), summary.revision.id) == ([], "r1")
    assert labels_of(project, summary.revision) == before
    assert again(project, labels="folders").revision.scores.acc == 1.0
    unlabelled = again(project, labels="none").revision
    assert (unlabelled.id, unlabelled.scores, unlabelled.baseline.scores) == ("r1", None, None)


def test_labels_of_a_file_count_for_the_photos_they_name(project, tmp_path):
    csv = tmp_path / "labels.csv"
    csv.write_text("file,label\nocean/0.png,sea\nocean/1.png,sea\nleaf/0.png,wood\n")
    assert again(project, labels=csv).revision.scores.acc == 1.0
    assert sum(label is not None for label in project.labels()) == 3


def test_scores_of_labelled_photos_alone():
    found = score_against(np.array([0, 0, 1, 1, 0], dtype=np.int32), ["a", "a", "b", None, "b"])
    assert found.acc == 0.75
    assert score_against(np.zeros(2, dtype=np.int32), [None, None]) is None


def test_a_revision_whose_arrays_are_gone_loses_its_scores_and_nothing_else(project, caplog):
    shutil.rmtree(project.store.root)
    project.set_labels({"ocean/0.png": "x"})
    rescore(Project.open(project.folder))
    shown = revisions.current(project)
    assert (shown.id, shown.scores) == ("r1", None)
    assert "r1 cannot be scored" in caplog.text
    with pytest.raises(StoreError, match=r"is missing from .*run the project again to restore it"):
        load_clustering(Project.open(project.folder), shown)


def test_clusterings_of_run_and_live_loop_are_found_again(project):
    shown = revisions.current(project)
    clustering = load_clustering(project, shown)
    assert (clustering.labels.dtype, clustering.n_clusters) == (np.int32, 4)
    assert load_baseline(project, shown.baseline).n_clusters == 4
    moved = replace(clustering, labels=np.roll(clustering.labels, 1), method="live")
    key = save_clustering(project, moved, ground="g")
    assert key == save_clustering(project, moved, ground="g")
    stored = load_clustering(project, replace(shown, clustering_fp=key))
    assert (stored.method, stored.labels.tolist()) == ("live", moved.labels.tolist())


def test_more_photos_make_a_new_revision_and_the_old_one_stays_aligned(project):
    shutil.copy(project.images_root / "ocean/0.png", project.images_root / "another.png")
    summary = again(project)
    assert (summary.revision.id, summary.to_json()["images"]) == ("r2", 21)
    assert len(labels_of(project, summary.revision)) == len(project.images()) == 21
    back = revisions.undo(project)
    assert len(labels_of(project, back)) == len(project.images()) == 20


def test_a_photo_that_cannot_be_read_any_more_is_listed_and_leaves_no_row(project):
    new = project.images_root / "ocean/new.png"
    Image.new("RGB", (8, 8), (41, 63, 201)).save(new)

    def break_it(stage):
        if stage == "embed":
            new.unlink()

    (project.images_root / "leaf/9.png").write_bytes((project.images_root / "leaf/0.png").read_bytes())
    summary = again(project, hooks=Hooks(on_start=break_it))
    assert [item.path for item in summary.skipped] == ["ocean/new.png"]
    assert [photo.id for photo in project.images() if photo.id == "ocean/new.png"] == []
    assert len(project.images()) == len(labels_of(project, summary.revision)) == 21
    assert summary.revision.scores.acc == 1.0


def test_a_run_overtaken_by_an_edit_is_refused_keeps_its_work_and_may_run_again(project):
    def edit_meanwhile(stage):
        if stage == "cluster":
            shown = revisions.current(project)
            fields = {name: getattr(shown, name) for name in ("knowledge", "config", "clustering_fp", "scan")}
            new = revisions.NewRevision(**fields, note="an edit", edits=({"op": "x"},))
            revisions.commit(project, new, parent="r1")

    with pytest.raises(StoreError, match="changed in another window: it is at r2 now"):
        again(project, WIDER, hooks=Hooks(on_start=edit_meanwhile))
    assert [info.id for info in revisions.history(project)] == ["r1", "r2"]
    assert revisions.current(project).note == "an edit"


def test_a_cancelled_run_says_where_and_goes_on_there(project):
    def stop(_done, _total, label):
        raise Cancelled(label)

    def cancel(done, total, label):
        if "Naming" in label:
            stop(done, total, label)

    other = replace(CONFIG, knowledge=KnowledgeConfig(guidance="colours"))
    with pytest.raises(Cancelled):
        again(project, other, hooks=Hooks(progress=cancel))
    last = project.stage_reports()[-1]
    assert (last.report.stage, last.state, last.report.summary) == (
        "concepts",
        "failed",
        {"error": "Naming concepts"},
    )
    assert revisions.current(project).id == "r1"
    summary = again(project, other)
    assert made(summary)[0] == "concepts"
    assert summary.revision.id == "r2"


def test_what_a_person_made_stays_in_later_runs(project):
    shown = revisions.current(project)
    mine = Concept(id="c900", name="my own", source="user")
    knowledge = replace(shown.knowledge, concepts=(*shown.knowledge.concepts, mine), last_id=900)
    fields = {name: getattr(shown, name) for name in ("config", "clustering_fp", "scan")}
    new = revisions.NewRevision(**fields, knowledge=knowledge, note="added", edits=({"op": "add_concept"},))
    revisions.commit(project, new, parent="r1")
    rebuilt = again(project)
    assert (rebuilt.revision.id, rebuilt.revision.parent) == ("r3", "r2")
    assert replace(rebuilt.revision.knowledge.by_id["c900"], group="") == mine
    assert all(c.id == mine.id or int(c.id[1:]) > 900 for c in rebuilt.revision.knowledge.concepts)
    third = again(project)
    assert (third.revision.id, made(third)) == ("r3", [])


def test_bad_input_is_said_and_leaves_the_project_as_it_was(project, tmp_path):
    for root, config, message in (
        (tmp_path / "missing", CONFIG, "missing"),
        (None, replace(CONFIG, n_clusters=99), "between 1 and the number of photos"),
    ):
        with pytest.raises(InputError, match=message):
            run_project(project, root, config, resources=resources)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        run_project(project, tmp_path / "empty", CONFIG, resources=resources)
    assert revisions.current(project).id == "r1"
    assert again(project).revision.id == "r1"


def test_near_copies_stay_known_while_later_runs_are_refused(project, tmp_path):
    before = near_copies(project)
    assert before
    labels = tmp_path / "labels.csv"
    labels.write_text("file,label\nno such photo.png,leaf\n")
    for _ in range(2):
        with pytest.raises(InputError):
            again(project, labels=labels)
        assert [record.report.stage for record in project.stage_reports()] == ["scan"]
        assert near_copies(project) == before


def test_a_project_without_photos_asks_for_their_folder(tmp_path):
    with pytest.raises(InputError, match="no photos yet; choose their folder"):
        again(Project.create(tmp_path / "p", "p"))


def test_the_job_runs_with_its_params(project, monkeypatch):
    asked = []

    def load(_project, _config, *, asking):
        asked.append(asking)
        return resources(_project, _config)

    monkeypatch.setattr("state.work.llm_run.load_resources", load)
    with project.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, params, state, created) VALUES ('run', '{}', 'running', '')")
    params = {"images": str(project.images_root), "config": WIDER.to_json(), "labels": "none"}
    params |= {"llm": {"url": "http://localhost:11434", "model": "tiny", "budget": {"tokens": 9}}}
    params |= {"retry_failed": True}
    with JobProgress(project.database, 1) as progress:
        result = run_job(JobContext(project=project, params=params, progress=progress))
    assert (result["revision"], result["scores"], result["is_new"]) == ("r2", None, True)
    (made,) = layouts(project)  # the map is ready when somebody opens it
    assert (made.space, made.method, made.revision) == ("combined", "tsne", "r2")
    (how,) = asked
    assert (how.setup.endpoint.url, how.setup.endpoint.model) == ("http://localhost:11434/v1", "tiny")
    assert (how.setup.budget.tokens, how.retry_failed, how.paused()) == (9, True, False)


def test_the_builder_llm_needs_a_language_model(project):
    config = replace(CONFIG, knowledge=KnowledgeConfig(builder="llm"))
    with pytest.raises(InputError, match="llm needs the address and name of a language model"):
        load_resources(project, config)
