"""Addresses of the map: places as small whole numbers, photos by row, and nothing of anybody else."""

import json
import shutil

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app
from kec_core.maps.planar import drawn_rows, quantised
from kec_core.store import StageResult
from pages.map import canvas
from pages.map.canvas import Pane, Sight
from pages.map.colourings import by_cluster
from pages.map.routes import places_address
from state.project.project import Project
from state.revisions.layouts import STAGE

KEY = "0123456789abcdef" * 2
MEGABYTE = 1_000_000


@pytest.fixture
def client():
    return TestClient(Starlette(routes=app.photo_routes()), follow_redirects=False)


@pytest.fixture
def mapped(colours):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(len(colours.images()), 2)).astype(np.float32)
    data = {"space": "visual", "method": "tsne", "revision": "r1", "scan": 1, "recall": 1.0}
    colours.store.save(STAGE, KEY, StageResult(arrays={"places": points}, data=data))
    return colours, points


def test_places_are_sent_once_and_kept_by_the_browser(client, mapped):
    _, points = mapped
    answer = client.get(places_address("colours", KEY))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(-1, 2), quantised(points))


def test_a_row_leads_to_the_thumbnail_of_its_photo(client, mapped):
    project, _ = mapped
    scan = project.last_scan
    answer = client.get(f"/map/colours/{scan}/5.jpg")
    assert answer.status_code in (302, 307)
    assert answer.headers["location"] == f"/thumb/colours/{project.images(scan)[5].sha256}/256.jpg"


@pytest.mark.parametrize(
    "address",
    [
        f"/map/other/{KEY}.bin",
        f"/map/colours/{'f' * 32}.bin",
        "/map/colours/..%2F..%2Fproject.bin",
        "/map/colours/short.bin",
        "/map/other/1/5.jpg",
        "/map/colours/1/99999.jpg",
        "/map/colours/99/0.jpg",
        f"/map/colours/1/{10**30}.jpg",
    ],
)
def test_nothing_else_is_at_these_addresses(client, mapped, address):
    assert client.get(address).status_code == 404


def test_no_rerun_of_a_huge_map_is_heavy(empty_home, made_project):
    shutil.copytree(made_project, empty_home / made_project.name)
    project = Project(empty_home / made_project.name)
    rng = np.random.default_rng(0)
    count = 300_000
    labels = rng.integers(100, size=count).astype(np.int32)
    data = {"space": "visual", "method": "umap", "revision": "r1", "scan": 1, "recall": 1.0}
    points = rng.normal(size=(count, 2)).astype(np.float32)
    project.store.save(STAGE, KEY, StageResult(arrays={"places": points}, data=data))
    sight = Sight(
        panes=[Pane(title="one", layout=KEY), Pane(title="two", layout=KEY)],
        scan=1,
        drawn=drawn_rows(labels, 50_000),
        picked=rng.random(count) < 0.5,
        colouring=by_cluster(labels, [f"cluster {number}" for number in range(100)]),
        name="cluster",
        heading="Cluster",
    )
    sent = canvas._data(project, sight)
    assert sent["note"] == "drawn 50,000 of 300,000 photos"
    assert len(json.dumps(sent)) < MEGABYTE / 3
