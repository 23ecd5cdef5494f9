"""A project that holds a sample says so, and its groups are given to all photos by a job."""

from dataclasses import replace

import pytest

from state.engine.collection import Collection, LatestApplied, save_applied, save_collection
from state.jobs import jobs
from state.revisions import revisions
from tests.page_helpers import app, make_job, shown

COLLECTION = Collection(
    address="s3://museum/photos",
    results="s3://museum/kec",
    files="shards.json",
    photos=20_000_000,
    sample=50,
    cluster="auto",
)


def buttons(page):
    return [button for button in page.button if button.key == "clusters_apply"]


def applied(project, revision):
    save_applied(project, LatestApplied(revision=revision, labels="s3://museum/kec/labels/x", unlike=7))


@pytest.mark.parametrize("collection", [None, replace(COLLECTION, photos=50)])
def test_a_project_with_all_its_photos_has_nothing_to_apply(colours, collection):
    if collection is not None:
        save_collection(colours, collection)
    page = app("clusters", project="colours")
    assert not page.exception
    assert not buttons(page)
    assert "sample" not in shown(page)


def test_a_sample_says_what_its_counts_are_of_and_applies_its_groups_as_a_job(colours, started):
    save_collection(colours, COLLECTION)
    page = app("clusters", project="colours")
    told = shown(page)
    assert "sample of 50 of the 20,000,000 photos at s3://museum/photos" in told
    assert "counts and scores here are of the sample" in told
    assert "No groups were given to all photos yet" in told
    (button,) = buttons(page)
    button.click().run()
    assert not page.exception
    assert started == [("apply", {})]


def test_every_page_says_that_the_project_holds_a_sample(colours):
    save_collection(colours, COLLECTION)
    for name in ("data", "concepts"):
        assert "50 of 20,000,000 photos" in shown(app(name, project="colours"))


def test_what_is_new_in_the_collection_is_added_from_its_address(colours, started):
    save_collection(colours, COLLECTION)
    page = app("data", project="colours")
    page.text_input(key="data_root_colours").set_value("/elsewhere").run()
    page.button(key="data_add").click().run()
    assert not page.exception
    assert started == [("add", {"images": "s3://museum/photos"})]


def test_groups_that_all_photos_have_are_not_applied_again_and_older_ones_are(colours):
    save_collection(colours, COLLECTION)
    now = revisions.current(colours).id
    applied(colours, now)
    page = app("clusters", project="colours")
    assert f"All photos have the groups of {now}, 7 photos of them unlike all groups" in shown(page)
    assert buttons(page)[0].disabled
    applied(colours, "r0")
    page = app("clusters", project="colours")
    assert f"not those of {now} yet" in shown(page)
    assert not buttons(page)[0].disabled


def test_while_a_job_runs_nothing_is_applied(colours, monkeypatch):
    save_collection(colours, COLLECTION)
    running = make_job(kind="apply", label="Assigning all photos", done=3, total=9)
    monkeypatch.setattr(jobs.JobManager, "active", lambda *_: running)
    monkeypatch.setattr(jobs.JobManager, "status", lambda *_: running)
    page = app("clusters", project="colours")
    assert buttons(page)[0].disabled
    assert not page.button(key="job_cancel").disabled
