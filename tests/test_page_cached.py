"""What reruns remember: read again when it changed, and only then."""

import shutil

import pytest
import streamlit as st

from kec_core.photos.images import ImageRecord, ScanReport
from pages.shared import cached
from state.jobs.jobs import JobManager
from state.project.project import Project
from state.revisions import revisions
from state.revisions.cluster_marks import mark_cluster


@pytest.fixture(autouse=True)
def nothing_remembered():
    st.cache_resource.clear()


def plain_project(folder, label):
    project = Project.create(folder, "Plain")
    records = (ImageRecord(id="a.jpg", width=64, height=64, sha256="0" * 64, mode="RGB"),)
    project.set_images(ScanReport(images=records))
    project.set_labels({"a.jpg": label})
    return project


def test_labels_are_read_again_when_they_change_and_not_when_a_job_tells_how_far_it_is(colours, monkeypatch):
    reads = []
    read = Project.labels
    monkeypatch.setattr(Project, "labels", lambda self, scan=None: reads.append(scan) or read(self, scan))
    first = cached.labels(colours, 1)
    with colours.database.writing() as db:
        db.execute(
            "INSERT INTO jobs (kind, params, state, created, heartbeat) VALUES ('run', '{}', 'done', '', 1)"
        )
    assert JobManager().jobs(colours)
    assert cached.labels(colours, 1) is first
    assert len(reads) == 1
    image = cached.images(colours, 1)[0].id
    colours.set_labels({image: "another label"})
    assert cached.labels(colours, 1)[0] == "another label"
    assert cached.label_counts(colours, 1) == {"another label": 1}


def test_clusters_at_a_glance_follow_names_and_ticks(colours):
    revision = revisions.current(colours)
    first = cached.cards(colours, revision)
    assert cached.cards(colours, revision) is first
    cluster = first[0].id
    mark_cluster(colours, revision.id, cluster, name="mine")
    mark_cluster(colours, revision.id, cluster, done=True)
    named = next(card for card in cached.cards(colours, revision) if card.id == cluster)
    assert (named.name, named.done) == ("mine", True)


def test_a_project_made_anew_in_the_same_folder_is_another_one(tmp_path):
    first = plain_project(tmp_path / "p", "red")
    assert cached.labels(first, 1) == ("red",)
    created = first.created
    shutil.rmtree(tmp_path / "p")
    second = plain_project(tmp_path / "p", "blue")
    assert second.created != created
    assert cached.labels(second, 1) == ("blue",)


def test_what_a_scan_found_is_worked_out_once(colours):
    report = cached.scan_report(colours, 1)
    assert cached.scan_report(colours, 1) is report
    assert report.duplicates is report.duplicates
    assert [len(group) for group in report.duplicates] == [2]
