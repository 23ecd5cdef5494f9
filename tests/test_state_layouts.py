"""Maps of a project: made once, kept by content, shown by the revisions that follow, made again from the old places."""

import numpy as np
import pytest

from kec_core.errors import Cancelled, InputError, StoreError
from kec_core.photos.images import ScanReport
from kec_core.types import SkippedImage
from state.jobs.jobs import JobManager
from state.jobs.progress import JobContext
from state.jobs.worker import KINDS, _function
from state.project.project import Project
from state.revisions import layouts, revisions
from state.revisions.layouts import find_layout, layout_job, load_layout, make_layout
from tests import patience
from tests.state_helpers import new_revision


@pytest.fixture
def r1(colours):
    return revisions.current(colours)


def after(project, parent, **fields):
    """A revision that follows another, with the same photos and features."""
    new = new_revision(
        project, scan=parent.scan, clustering_fp=parent.clustering_fp, summary=parent.summary, **fields
    )
    return revisions.commit(project, new, parent=parent.id)


def test_a_map_is_made_once_and_holds_a_place_for_every_photo(colours, r1):
    made = make_layout(colours, r1, "visual", "tsne")
    places = load_layout(colours, made.key)
    assert places.shape == (len(colours.images(r1.scan)), 2)
    assert places.dtype == np.float32
    assert (made.space, made.method, made.revision, made.scan, made.recall) == (
        "visual",
        "tsne",
        "r1",
        r1.scan,
        1.0,
    )

    def never(*_):
        raise AssertionError("made again")

    assert make_layout(colours, r1, "visual", "tsne", progress=never) == made


def test_photos_of_a_colour_lie_together(colours, r1):
    places = load_layout(colours, make_layout(colours, r1, "combined", "tsne").key)
    labels = np.array(colours.labels(r1.scan))
    gaps = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    near = np.argsort(gaps, axis=1)[:, :5]
    assert (labels[near] == labels[:, None]).mean() > 0.9


def test_spaces_and_methods_have_maps_of_their_own(colours, r1):
    keys = {make_layout(colours, r1, space, "tsne").key for space in ("visual", "knowledge", "combined")}
    assert len(keys) == 3
    assert find_layout(colours, r1, "visual", "umap") is None
    assert find_layout(colours, r1, "knowledge", "tsne").key in keys


def test_places_stay_while_the_knowledge_is_edited(colours, r1):
    made = make_layout(colours, r1, "combined", "tsne")
    r2 = after(colours, r1)
    r3 = after(colours, r2)
    assert find_layout(colours, r3, "combined", "tsne") == made
    again = make_layout(colours, r2, "combined", "tsne", again=True)
    assert again.key != made.key
    assert again.revision == "r2"
    assert find_layout(colours, r3, "combined", "tsne") == again
    assert find_layout(colours, r1, "combined", "tsne") == made
    revisions.go_to(colours, "r1")
    other_branch = after(colours, r1)
    assert find_layout(colours, other_branch, "combined", "tsne") == made


def test_the_same_photos_scanned_anew_get_a_map_that_is_found(colours, r1):
    make_layout(colours, r1, "visual", "tsne")
    skipped = (SkippedImage(path="new.png", reason="not a picture"),)
    scan = colours.set_images(ScanReport(images=colours.images(r1.scan), skipped=skipped, warnings=()))
    new = new_revision(colours, scan=scan, clustering_fp=r1.clustering_fp, summary=r1.summary)
    r2 = revisions.commit(colours, new, parent="r1")
    assert find_layout(colours, r2, "visual", "tsne") is None
    made = make_layout(colours, r2, "visual", "tsne")
    assert find_layout(colours, r2, "visual", "tsne") == made


def test_a_revision_before_every_map_shows_the_newest_of_its_photos(colours, r1):
    made = make_layout(colours, after(colours, r1), "visual", "tsne")
    assert find_layout(colours, r1, "visual", "tsne") == made


def test_a_map_made_again_starts_from_the_old_places(colours, r1):
    old = load_layout(colours, make_layout(colours, r1, "combined", "tsne").key)
    again = make_layout(colours, after(colours, r1), "combined", "tsne", again=True)
    moved = np.linalg.norm(load_layout(colours, again.key) - old, axis=1).mean()
    assert moved < 0.3 * old.std()


def test_a_stopped_map_leaves_nothing_but_the_neighbours(colours, r1):
    def stop(done, total, label):
        if label == "Placing the photos":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        make_layout(colours, r1, "visual", "tsne", progress=stop)
    assert find_layout(colours, r1, "visual", "tsne") is None
    assert len(colours.store.fingerprints(layouts.GRAPH_STAGE)) == 1


class Steps:
    """Takes note of what a job reports."""

    def __init__(self):
        self.stages, self.labels = [], set()

    def stage(self, name):
        self.stages.append(name)

    def __call__(self, done, total, label):
        self.labels.add(label)


def test_the_job_makes_the_maps_that_are_asked_for(colours):
    steps = Steps()
    params = {"spaces": ["visual", "combined"], "method": "tsne"}
    result = _function("layout", KINDS)(JobContext(project=colours, params=params, progress=steps))
    assert result["images"] == len(colours.images())
    assert [info.key for info in layouts.layouts(colours)] == result["layouts"][::-1]
    assert steps.stages == ["layout"]
    assert {"Finding neighbours", "Placing the photos"} <= steps.labels


def test_the_job_runs_in_a_process_of_its_own(colours):
    import time

    manager = JobManager()
    job = manager.start(colours, "layout", {"spaces": ["visual"], "method": "tsne"})
    until = time.monotonic() + patience.SECONDS
    while manager.status(colours, job.id).is_active and time.monotonic() < until:
        time.sleep(0.1)
    for child in manager._children:
        child.wait()
    assert manager.status(colours, job.id).state == "done"
    assert find_layout(colours, revisions.current(colours), "visual", "tsne") is not None


def test_without_a_result_there_is_no_map(tmp_path):
    context = JobContext(
        project=Project.create(tmp_path / "new", "New"),
        params={"spaces": ["visual"], "method": "tsne"},
        progress=Steps(),
    )
    with pytest.raises(InputError, match="none yet; build one first"):
        layout_job(context)


def test_wrong_wishes_are_refused(colours, r1):
    with pytest.raises(InputError, match="'taste' and 'umap'"):
        make_layout(colours, r1, "taste", "umap")
    with pytest.raises(StoreError, match="make it again on the Map page"):
        load_layout(colours, "0" * 32)
