"""Finalise and rebuild on a project made by the real pipeline: what the person said holds, and the change is told."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import cli
from commands.run import run_config
from kec_core.config import MappingConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from kec_core.stages import Resources
from kec_core.types import Noun
from kec_core.wordnet.vocabulary import DomainTerm
from state.jobs.progress import JobContext, JobProgress
from state.jobs.worker import KINDS
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.work import editing
from state.work.editing import edit_project
from state.work.rebuild import NOTE, asks_for_rebuild, finalise, finalise_job, rebuild, rebuild_job
from state.work.run import run_project
from tests.fakes import VOCABULARY, FirstNounBuilder, HashEncoder, colour_photos
from tests.test_state_run import CONFIG, resources


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    project = Project.create(folder / "project", "colours")
    run_project(project, colour_photos(folder / "photos", 6), CONFIG, labels="folders", resources=resources)
    return project


@pytest.fixture
def project(hash_encoder, whole, tmp_path):
    shutil.copytree(whole.folder.parent, tmp_path / "copy")
    project = Project.open(tmp_path / "copy/project")
    project.set_images_root(tmp_path / "copy/photos")
    return project


def edit(project, *edits):
    return edit_project(project, parse_script({"edits": list(edits)}))


def labels(project):
    """Cluster of every photo of the shown revision, by image id."""
    shown = revisions.current(project)
    ids = [image.id for image in project.images(shown.scan)]
    return dict(zip(ids, load_clustering(project, shown).labels.tolist(), strict=True))


def disturb(project, rng=None):
    """Shuffle the shown groups, as if many edits had led somewhere poor."""
    shown = revisions.current(project)
    live = editing.open_live(project, shown)
    poor = np.roll(live.clustering.labels, 3)
    return editing.keep(
        project, shown, replace(live, clustering=replace(live.clustering, labels=poor)), (), note="disturbed"
    )


def test_finalise_finds_the_groups_again_and_tells_what_that_changed(project):
    good = labels(project)
    poor = disturb(project)
    report = finalise(project)
    told = report.to_json()
    assert list(told) == ["before", "after", "moved", "concepts", "clusters", "revision"]
    assert told["moved"] == len(report.impact.moved) > 0
    assert told["before"]["objective"] < told["after"]["objective"] <= 1
    assert told["after"]["scores"]["acc"] == 1.0
    new = revisions.current(project)
    assert (new.id, new.parent, new.note, new.edits) == (told["revision"], poor.id, NOTE, ())
    same = [len({good[i] for i in good if labels(project)[i] == c}) for c in set(labels(project).values())]
    assert same == [1, 1, 1, 1]


def test_finalise_makes_no_revision_when_nothing_moves(project):
    report = finalise(project)
    assert (report.revision, len(report.impact.moved)) == ("r1", 0)
    assert report.objective[0] == pytest.approx(report.objective[1], abs=1e-5)


def test_finalise_respects_constraints_k_and_weight(project):
    ids = list(labels(project))
    pair = [ids[0], ids[-1]]
    edit(
        project,
        {"op": "together", "images": pair},
        {"op": "set_clusters", "k": 3},
        {"op": "set_weight", "knowledge": 1.0},
    )
    disturb(project)
    report = finalise(project)
    found = labels(project)
    assert found[pair[0]] == found[pair[1]]
    assert report.impact.clusters[1] == len(set(found.values())) == 3
    assert revisions.current(project).summary["weight"] == 1.0


def test_finalise_keeps_groups_that_were_named(project):
    names = [{"name": name} for name in ("crimson", "leaf", "ocean", "lemon")]
    edit(project, {"op": "set_knowledge", "concepts": names})
    named = labels(project)
    finalise(project)
    assert labels(project) == named


def test_a_project_without_result_cannot_be_finalised_or_rebuilt(tmp_path):
    empty = Project.create(tmp_path / "p", "p")
    with pytest.raises(InputError, match="no result to finalise yet"):
        finalise(empty)
    with pytest.raises(InputError, match="no knowledge to build again yet"):
        rebuild(empty)


def job(project, kind, function, params):
    with project.database.writing() as db:
        db.execute(
            f"INSERT INTO jobs (kind, params, state, created) VALUES ('{kind}', '{{}}', 'running', '')"
        )
    with JobProgress(project.database, 1) as progress:
        return function(JobContext(project=project, params=params, progress=progress))


def test_both_are_jobs(project, monkeypatch):
    assert KINDS["finalise"] == "state.work.rebuild:finalise_job"
    assert KINDS["rebuild"] == "state.work.rebuild:rebuild_job"
    monkeypatch.setattr("state.work.llm_run.load_resources", resources)
    assert job(project, "finalise", finalise_job, {})["revision"] == "r1"
    edit(project, {"op": "set_guidance", "text": "crimson", "rebuild": True})
    again = rebuild_job(JobContext(project=project, params={}, progress=Quiet()))
    assert (again["revision"], again["is_new"]) == ("r3", True)


class Quiet:
    """Progress that nobody watches."""

    def __call__(self, done, total, label):
        return None

    def stage(self, name):
        return None

    def paused(self):
        return False


def test_the_command_finalises(project, capsys):
    disturb(project)
    assert cli.main(["finalise", str(project.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["revision"] == "r3"
    assert cli.main(["finalise", str(project.folder / "missing")]) == 2


def test_guidance_in_a_script_rebuilds_when_it_asks_for_it(project, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "state.work.rebuild.rebuild", lambda project, hooks: rebuild(project, resources=resources)
    )
    script = tmp_path / "edits.json"
    for asked, revision in ((False, "r2"), (True, "r4")):
        edits = [{"op": "set_guidance", "text": f"not lemon {asked}", "rebuild": asked}]
        script.write_text(json.dumps({"edits": edits}))
        assert cli.main(["edit", str(project.folder), "--script", str(script), "--json"]) == 0
        assert ("rebuilt" in json.loads(capsys.readouterr().out)) is asked
        assert revisions.current(project).id == revision


# ---- rebuild -----------------------------------------------------------------------------------------------------


def test_a_rebuild_keeps_what_the_person_said(project):
    ids = list(labels(project))
    pair = [ids[0], ids[-1]]
    edit(
        project,
        {"op": "add_concept", "name": "mine", "attributes": ["very own"]},
        {
            "op": "lock_concept",
            "concept": revisions.current(project).knowledge.concepts[0].id,
            "locked": True,
        },
        {"op": "together", "images": pair},
        {"op": "set_clusters", "k": 3},
        {"op": "set_weight", "knowledge": 0.75},
        {"op": "set_guidance", "text": "prefer crimson, not lemon", "rebuild": True},
    )
    before = revisions.current(project).knowledge
    summary = rebuild(project, resources=resources)
    after = summary.revision.knowledge
    locked, mine = before.concepts[0], next(c for c in before.concepts if c.name == "mine")
    assert after.by_id[locked.id] == locked
    assert replace(after.by_id[mine.id], group="") == mine
    assert [a.text for a in after.uni if a.concept == mine.id] == ["very own"]
    assert (after.n_clusters, after.weight, after.guidance) == (3, 0.75, before.guidance)
    assert after.constraints == before.constraints
    found = labels(project)
    assert found[pair[0]] == found[pair[1]]
    assert len(set(found.values())) == 3
    assert any(
        "Understood as: prefer crimson; avoid lemon. For the concepts, " in note for note in summary.notes
    )
    assert "lemon" not in {noun.word for c in after.concepts if c.id != locked.id for noun in c.nouns}


def test_a_rebuild_keeps_the_weight_and_k_of_now_whatever_the_options_of_the_run(project):
    settings = project.settings()
    project.save_settings(
        replace(settings, n_clusters=4, clustering=replace(settings.clustering, weight=0.25))
    )
    edit(project, {"op": "set_clusters", "k": 3}, {"op": "set_weight", "knowledge": 0.75})
    made = rebuild(project, resources=resources).revision
    assert (made.knowledge.n_clusters, made.knowledge.weight) == (3, 0.75)
    assert (made.summary["clusters"], made.summary["weight"]) == (3, 0.75)


def test_a_rebuild_with_nothing_new_makes_no_revision(project):
    summary = rebuild(project, resources=resources)
    assert (summary.revision.id, summary.is_new) == ("r1", False)


def test_words_that_touch_nothing_are_said_to_do_so(project):
    edit(project, {"op": "set_guidance", "text": "zeppelins", "rebuild": True})
    summary = rebuild(project, resources=resources)
    assert any("no noun is like these words" in note for note in summary.notes)


def test_guidance_asks_for_a_rebuild_only_when_it_says_so():
    one, other = parse_script(
        {"edits": [{"op": "set_guidance", "text": "x"}, {"op": "set_guidance", "text": "x", "rebuild": True}]}
    )
    assert not asks_for_rebuild([one])
    assert asks_for_rebuild([one, other])


def test_the_persons_own_terms_are_candidates_with_their_descriptions(project, tiny_wordnet):
    terms = (
        DomainTerm(noun=Noun(word="crimson dye"), description="what I paint with"),
        DomainTerm(noun=Noun(word="leaf")),
    )

    def own(_project, config):
        only = config.mapping.vocabulary_mode == "only"
        return Resources(
            encoder=HashEncoder(),
            vocabulary=() if only else VOCABULARY,
            domain=terms,
            wordnet=tiny_wordnet,
            builder=FirstNounBuilder(),
        )

    config = replace(
        CONFIG, mapping=replace(CONFIG.mapping, vocabulary="crimson dye", vocabulary_mode="only")
    )
    summary = run_project(project, None, config, resources=own)
    alone = summary.revision.knowledge
    unread = next(note for note in summary.notes if "Not in the dictionary" in note)
    assert '"crimson dye", "leaf". Most encoders read such names as English text' in unread
    assert {noun.word for c in alone.concepts for noun in c.nouns} <= {"crimson dye", "leaf"}
    dye = next(c for c in alone.concepts if c.name == "crimson dye")
    assert dye.description == "what I paint with"
    config = replace(CONFIG, mapping=replace(CONFIG.mapping, vocabulary="crimson dye"))
    beside = run_project(project, None, config, resources=own).revision.knowledge
    words = {noun.word for c in beside.concepts for noun in c.nouns}
    assert "crimson dye" in words
    assert "ocean" in words


def test_a_vocabulary_file_becomes_an_option(tmp_path):
    file = tmp_path / "terms.txt"
    file.write_text("red deer\nroe deer: small\n")
    words = ["run", "photos", "--project", "p", "--vocabulary", str(file), "--vocabulary-mode", "only"]
    mapping = run_config(cli.make_parser().parse_args(words)).mapping
    assert mapping == MappingConfig(vocabulary="red deer\nroe deer: small\n", vocabulary_mode="only")
    words[5] = str(tmp_path / "none.txt")
    with pytest.raises(InputError, match="--vocabulary should be a text file"):
        run_config(cli.make_parser().parse_args(words))
