"""The stage rail: what a changed option, a running job or a failure makes of the steps; what stages have made."""

import pytest

from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.photos.images import ScanReport
from kec_core.stages.table import STAGES, STEPS
from kec_core.types import StageReport
from state.project.project import Project, StageRecord
from state.work.stage_results import StageResults, view_steps
from tests.page_helpers import HOSTILE, make_job

ALL = tuple(stage for step in STEPS for stage in step.stages)


def record(stage, state="fresh", config=None, **report):
    known = {"fingerprint": "f", "seconds": 2.0, "reused": False, "summary": {}}
    return StageRecord(
        report=StageReport(stage=stage, **{**known, **report}),
        state=state,
        config=(config or RunConfig()).to_json(),
        created="2026-01-01T00:00:00+00:00",
    )


def states(records, settings=None, running=None):
    return "".join(view.state[0] for view in view_steps(records, settings or RunConfig(), running))


def test_the_rail_has_a_place_for_every_stage_in_order():
    assert ("scan", *STAGES) == ALL


def test_before_the_first_run_everything_waits():
    assert states([]) == "wwwwwwww"


def test_after_a_run_everything_is_fresh_and_times_add_up():
    views = view_steps([record(stage) for stage in ALL], RunConfig(), None)
    assert {view.state for view in views} == {"fresh"}
    assert [view.seconds for view in views] == [2.0 * len(step.stages) for step in STEPS]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (RunConfig(encoder="compact"), "fsssssss"),
        (RunConfig(n_clusters=7), "ffssssss"),
        (RunConfig(mapping=MappingConfig(top_nouns=9)), "fffsssss"),
        (RunConfig(knowledge=KnowledgeConfig(guidance="by colour")), "fffsssss"),
        (RunConfig(knowledge=KnowledgeConfig(uni=4)), "fffffsss"),
        (RunConfig(clustering=ClusteringConfig(weight=0.2)), "fffffffs"),
    ],
)
def test_a_changed_option_makes_its_step_and_those_after_it_stale(settings, expected):
    assert states([record(stage) for stage in ALL], settings) == expected


def test_a_running_job_shows_where_it_is():
    done = [record("scan"), record("embed", reused=True), record("overcluster", "running")]
    assert states(done, running=make_job(stage="overcluster")) == "ffrwwwww"
    assert view_steps(done, RunConfig(), None)[1].reused


def test_between_two_stages_the_finished_one_is_done():
    views = view_steps([record("scan")], RunConfig(), make_job(stage="scan"))
    assert [view.state for view in views[:2]] == ["fresh", "waiting"]


def test_without_a_job_a_stage_that_never_ended_has_stopped():
    views = view_steps([record("scan"), record("embed", "running")], RunConfig(), None)
    assert [view.state for view in views[:3]] == ["fresh", "failed", "waiting"]


def test_a_failed_stage_says_why():
    failed = record("embed", "failed", summary={"error": "No weights here."})
    view = view_steps([record("scan"), failed], RunConfig(), None)[1]
    assert (view.state, view.problem) == ("failed", "No weights here.")


# --- what the stages made


def test_results_come_with_the_photos_behind_them(colours):
    results = StageResults(colours)
    assert len(results.photos()) == 50
    assert any(photo.id.endswith(HOSTILE) for photo in results.photos())
    assert results.n_centres() == 4
    assert results.sizes().sum() == 50
    centres = results.centres(0, 3, photos=4)
    assert [centre.size for centre in centres] == sorted(results.sizes(), reverse=True)[:3]
    for centre in centres:
        folders = {photo.id.split("/")[0] for photo in centre.photos}
        assert centre.nouns[0] in folders  # then those that compete with it
        assert len(folders) == 1
        assert centre.component is not None


def test_the_photos_strongest_in_a_concept_show_it(colours):
    results = StageResults(colours)
    known = results.knowledge()
    photos = results.concept_photos([concept.id for concept in known.concepts], photos=3)
    for concept in known.concepts:
        assert {photo.id.split("/")[0] for photo in photos[concept.id]} == {concept.name}


def test_a_photo_that_a_later_scan_does_not_find_keeps_its_row(colours):
    before = StageResults(colours).photos()
    gone = colours.images(colours.last_scan)[3]
    left = tuple(image for image in colours.images(colours.last_scan) if image.id != gone.id)
    colours.set_images(ScanReport(images=left))
    after = StageResults(colours).photos()
    assert [photo.id for photo in after] == [photo.id for photo in before]


def test_before_a_run_there_is_nothing(empty_home):
    results = StageResults(Project.create(empty_home / "new", "New"))
    assert (results.photos(), results.n_centres(), results.centres(0, 5), results.knowledge()) == (
        (),
        0,
        (),
        None,
    )
    assert results.concept_photos(["c001"]) == {}
