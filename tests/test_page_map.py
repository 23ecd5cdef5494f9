"""Map page: what it says before there is a map, what travels to the browser, what a line picks, what is done with it."""

import base64
import json
import shutil

import numpy as np
import pytest

from kec_core.maps.planar import FULL
from kec_core.photos.exif import Exif
from kec_core.photos.images import ScanReport
from pages.map import canvas
from pages.map.canvas import Pane, Sight
from pages.map.colourings import by_cluster
from pages.map.routes import places
from pages.shared import session
from pages.shared.palette import MUTED
from pages.shared.picked import Selection
from state.jobs.jobs import JobManager
from state.project.project import Project
from state.project.saved_selections import saved_selections
from state.revisions import revisions
from state.revisions.layouts import find_layout, make_layout
from state.revisions.overview import load_overview
from state.work import editing
from tests.fakes import HashEncoder
from tests.page_helpers import HOSTILE, app, make_job, shown


@pytest.fixture(autouse=True)
def words(monkeypatch, tmp_path):
    """The encoder of the small project, which no name leads to."""
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(editing, "load_encoder", lambda _name: HashEncoder())
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()
    yield
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()


@pytest.fixture(scope="module")
def mapped_folder(made_project, tmp_path_factory):
    """The small project with a map; made once, never changed."""
    folder = tmp_path_factory.mktemp("mapped") / made_project.name
    shutil.copytree(made_project, folder)
    project = Project(folder)
    make_layout(project, revisions.current(project), "combined", "tsne")
    return folder


@pytest.fixture
def mapped(mapped_folder, empty_home):
    """The small project with a map, ready to be changed."""
    shutil.copytree(mapped_folder, empty_home / mapped_folder.name)
    return Project(empty_home / mapped_folder.name)


def maps(page):
    """The components that draw a map."""
    return [one for one in page.get("bidi_component") if one.key == "map_canvas"]


def sent(page):
    """What the map gets, as the browser sees it."""
    return json.loads(maps(page)[0].proto.json)


def codes(data):
    return np.frombuffer(base64.b64decode(data["codes"]), dtype="<u2")


def pick(page, *images):
    page.session_state["kec_selection"] = Selection(images=images)
    page.run()
    assert not page.exception
    return page


def some(project, count):
    return [image.id for image in project.images()[:count]]


# --- before there is a map


def test_before_the_first_run_it_leads_to_build(empty_home):
    Project.create(empty_home / "new", "New")
    page = app("map", project="new")
    assert "No clusters yet" in shown(page)
    assert page.button(key="empty_build").label == "Go to Build"


def test_without_a_map_it_offers_to_make_one(colours, monkeypatch):
    started = []
    monkeypatch.setattr(
        JobManager, "start", lambda self, project, kind, params, **_: started.append((kind, dict(params)))
    )
    page = app("map", project="colours")
    assert "No map of “Both” with t-SNE yet" in shown(page)
    assert not maps(page)
    made = ("layout", {"spaces": ["combined"], "method": "tsne", "again": False})
    assert started == [made]
    page.run()
    assert started == [made]  # what did not come is made when it is asked for
    page.button(key="map_make").click().run()
    assert started == [made, made]


def test_while_the_map_is_made_it_says_so(colours, monkeypatch):
    job = make_job(kind="layout", stage="layout")
    monkeypatch.setattr(JobManager, "active", lambda self, project: job)
    monkeypatch.setattr(JobManager, "status", lambda self, project, job_id: job)
    page = app("map", project="colours")
    assert "is being made" in shown(page)
    assert not [b for b in page.button if b.key == "map_make"]


def test_a_map_that_failed_tells_why(colours, monkeypatch):
    job = make_job(kind="layout", state="failed", error="The disk is full.")
    monkeypatch.setattr(JobManager, "jobs", lambda self, project: (job,))
    page = app("map", project="colours")
    assert "The disk is full" in shown(page).replace("\\", "")
    assert page.button(key="map_make").label == "Make the map"


# --- what travels


def test_the_browser_gets_one_code_per_photo_and_the_address_of_the_places(mapped):
    data = sent(app("map", project="colours"))
    revision = revisions.current(mapped)
    overview = load_overview(mapped, revision)
    found = find_layout(mapped, revision, "combined", "tsne")
    assert data["panes"][0]["url"] == f"/map/colours/{found.key}.bin"
    assert data["total"] == len(overview.labels)
    assert (data["drawn"], data["picked"]) == ("", "")
    same = {(a, b) for a, b in zip(codes(data).tolist(), overview.labels.tolist(), strict=True)}
    assert len(same) == len(data["names"]) == len(data["palette"]) == 4
    assert sum(data["counts"]) == data["total"]
    assert len(data["panes"][0]["anchors"]) == 4
    assert "ROW" in data["thumb"]


def test_two_maps_side_by_side_share_their_colours(mapped):
    make_layout(mapped, revisions.current(mapped), "visual", "tsne")
    page = app("map", project="colours")
    page.button_group(key="map_spaces").set_value(["combined", "visual"]).run()
    data = sent(page)
    assert [pane["title"] for pane in data["panes"]] == ["Both · t-SNE", "Looks · t-SNE"]
    assert data["panes"][0]["url"] != data["panes"][1]["url"]


def test_a_map_that_is_missing_is_offered_above_the_other_one(mapped, monkeypatch):
    monkeypatch.setattr(JobManager, "start", lambda *_, **__: None)
    page = app("map", project="colours")
    page.button_group(key="map_spaces").set_value(["combined", "knowledge"]).run()
    assert len(sent(page)["panes"]) == 1
    assert page.button(key="map_make").label == "Make the map"


def test_a_third_map_takes_the_place_of_the_first_and_that_is_said(mapped, monkeypatch):
    monkeypatch.setattr(JobManager, "start", lambda *_, **__: None)
    page = app("map", project="colours")
    page.button_group(key="map_spaces").set_value(["combined", "knowledge"]).run()
    page.button_group(key="map_spaces").set_value(["combined", "knowledge", "visual"]).run()
    assert page.button_group(key="map_spaces").value == ["knowledge", "visual"]
    assert "Two maps fit" in page.toast[0].value


@pytest.mark.parametrize(
    ("colour", "heading", "groups"),
    [("concept", "Strongest concept", None), ("label", "Label", ["crimson", "leaf", "lemon", "ocean"])],
)
def test_colours_follow_the_choice(mapped, colour, heading, groups):
    page = app("map", project="colours")
    page.selectbox(key="map_colour").set_value(colour).run()
    data = sent(page)
    assert data["heading"] == heading
    assert data["scale"] is None
    assert groups is None or sorted(data["names"]) == groups


def test_cameras_and_dates_colour_the_map_where_photos_tell_them(mapped):
    page = app("map", project="colours")
    assert not {"Camera", "Date taken"} & set(page.selectbox(key="map_colour").options)
    images = mapped.images()
    exif = {
        images[0].id: Exif("2024-01-01T10:00:00", "X100"),
        images[20].id: Exif("2026-01-01T10:00:00", "Q"),
    }
    mapped.set_images(ScanReport(images=images, exif=exif))
    page = app("map", project="colours")
    page.selectbox(key="map_colour").set_value("camera").run()
    data = sent(page)
    assert set(data["names"]) == {"X100", "Q", "no camera"}
    page.selectbox(key="map_colour").set_value("taken").run()
    data = sent(page)
    assert data["scale"]["high"].endswith("grey: no date")
    assert data["palette"][data["scale"]["steps"]] == MUTED
    assert len(set(data["palette"])) == len(data["palette"])


def test_uncertainty_and_phrases_are_scales(mapped):
    page = app("map", project="colours")
    page.selectbox(key="map_colour").set_value("unsure").run()
    assert sent(page)["scale"]["high"].endswith("%")
    page.selectbox(key="map_colour").set_value("phrase").run()
    assert "Until a phrase is chosen" in shown(page)
    phrases = page.selectbox(key="map_phrase")
    phrases.select_index(
        next(i for i, one in enumerate(phrases.options) if one.startswith("leaf part"))
    ).run()
    data = sent(page)
    labels = np.array(mapped.labels())
    assert codes(data)[labels == "leaf"].min() > codes(data)[labels == "crimson"].max()


def test_before_any_edit_nothing_has_moved(mapped):
    page = app("map", project="colours")
    page.selectbox(key="map_colour").set_value("moved").run()
    assert "nothing has moved yet" in shown(page)
    assert sent(page)["names"] == ["stayed"]


# --- what is picked


def sight(project):
    revision = revisions.current(project)
    overview = load_overview(project, revision)
    labels = np.asarray(overview.labels)
    everything = np.ones(len(labels), dtype=bool)
    return Sight(
        panes=[Pane(title="Both", layout=find_layout(project, revision, "combined", "tsne").key)],
        scan=revision.scan,
        drawn=everything,
        picked=~everything,
        colouring=by_cluster(labels, [str(number) for number in range(labels.max() + 1)]),
        name="cluster",
        heading="Cluster",
    )


@pytest.fixture
def take(mapped, monkeypatch):
    """Report something from the map; returns what is picked then, and the sight."""
    picked = [Selection()]
    monkeypatch.setattr(
        session, "select", lambda images, way="replace": picked.append(picked[-1].with_images(images, way))
    )
    looked = sight(mapped)
    ids = [image.id for image in mapped.images()]

    def report(**event):
        monkeypatch.setattr(session, "widget", lambda key: {"picked": event})
        canvas.take(mapped, "map", looked, ids)
        return picked[-1].images

    return report, looked, ids


WHOLE = [[-1, -1], [FULL + 1, -1], [FULL + 1, FULL + 1], [-1, FULL + 1]]


def test_a_line_picks_what_lies_inside_and_leaves_hidden_groups_out(mapped, take):
    report, looked, ids = take
    assert report(pane=0, shape=WHOLE, way="replace", hidden=[]) == tuple(ids)
    code = looked.colouring.codes
    kept = tuple(one for one, group in zip(ids, code, strict=True) if group != 2)
    assert report(pane=0, shape=WHOLE, way="replace", hidden=[2], colouring="cluster") == kept
    at = places(mapped, looked.panes[0].layout)
    left = at[:, 0] < FULL // 2
    half = [[-1, -1], [FULL // 2, -1], [FULL // 2, FULL + 1], [-1, FULL + 1]]
    assert report(pane=0, shape=half, way="replace") == tuple(np.array(ids)[left])


def test_lines_add_and_take_away(take):
    report, looked, ids = take
    first = report(group=0, way="replace")
    assert set(first) == {one for one, code in zip(ids, looked.colouring.codes, strict=True) if code == 0}
    both = report(group=1, way="add")
    assert set(first) < set(both)
    assert set(report(group=0, way="subtract")) == set(both) - set(first)
    assert report(row=3, way="replace") == (ids[3],)
    assert report(clear=True) == ()


@pytest.mark.parametrize(
    "event",
    [
        {"pane": 7, "shape": WHOLE},
        {"pane": 0, "shape": "all"},
        {"pane": 0, "shape": [[0, 0], [1, 1]]},
        {"pane": 0, "shape": [[0, 0], [1, 1], ["x", 0]]},
        {"pane": 0, "shape": [[0, 0], [1, 1], [1e300, 0]]},
        {"pane": 0, "shape": [[0, 0]] * 6000},
        {"row": 10**6},
        {"row": -1},
        {"group": 99},
        {},
    ],
)
def test_what_makes_no_sense_picks_nothing(take, event):
    report, _, _ = take
    assert report(**event) == ()


# --- what is done with it


def test_nothing_picked_says_how_to_pick(mapped):
    page = app("map", project="colours")
    assert "Draw a line around photos" in shown(page)
    assert not [b for b in page.button if b.key == "selection_clear"]


def test_picked_photos_are_counted_shown_and_marked(mapped):
    page = pick(app("map", project="colours"), *some(mapped, 3))
    assert "3 photos picked" in shown(page)
    beside = [json.loads(one.proto.json) for one in page.get("bidi_component") if one.proto.json]
    assert [len(one["photos"]) for one in beside if "photos" in one] == [3]
    bits = np.unpackbits(np.frombuffer(base64.b64decode(sent(page)["picked"]), np.uint8))
    assert np.flatnonzero(bits).tolist() == [0, 1, 2]


def test_names_of_files_are_text(mapped):
    page = pick(app("map", project="colours"), *[i.id for i in mapped.images() if HOSTILE in i.id])
    assert "<img src=x" not in shown(page)
    assert "1 photo picked" in shown(page)


def test_the_selection_is_cleared_and_inverted(mapped):
    page = pick(app("map", project="colours"), *some(mapped, 3))
    page.button(key="selection_invert").click().run()
    rest = page.session_state["kec_selection"].images
    assert len(rest) == len(mapped.images()) - 3
    assert not set(rest) & set(some(mapped, 3))
    page.button(key="selection_clear").click().run()
    assert page.session_state["kec_selection"].images == ()


def test_a_selection_is_saved_loaded_and_forgotten(mapped):
    page = pick(app("map", project="colours"), *some(mapped, 2))
    page.text_input(key="selection_name").set_value("a *few*")
    page.button(key="selection_keep").click().run()
    assert saved_selections(mapped) == {"a *few*": tuple(some(mapped, 2))}
    page = app("map", project="colours")
    load = page.button(key="selection_load_0")
    assert load.label == r"a \*few\* · 2 photos"
    load.click().run()
    assert page.session_state["kec_selection"].images == tuple(some(mapped, 2))
    page.button(key="selection_forget_0").click().run()
    assert saved_selections(mapped) == {}


def test_a_new_concept_of_picked_photos_recolours_the_map_in_place(mapped):
    page = pick(app("map", project="colours"), *some(mapped, 4))
    before = sent(page)
    page = opened(page, "selection_new")
    page.text_input(key="selection_concept_name").set_value("ocean blue").run()
    assert "would move" in shown(page)
    page.button(key="selection_concept_add").click().run()
    assert not page.exception
    shown_now = revisions.current(mapped)
    assert shown_now.id == "r2"
    assert "ocean blue" in {concept.name for concept in shown_now.knowledge.concepts}
    assert shown_now.knowledge.constraints[0].images == tuple(some(mapped, 4))
    after = sent(page)
    assert after["panes"][0]["url"] == before["panes"][0]["url"]
    assert page.button(key="map_again").label == "Places as of r1 · Reproject"


def test_a_concept_without_a_name_is_asked_for_one(mapped):
    page = opened(pick(app("map", project="colours"), *some(mapped, 4)), "selection_new")
    assert page.button(key="selection_concept_add").disabled
    assert "A concept needs a name" in shown(page)
    assert revisions.current(mapped).id == "r1"


def test_picked_photos_are_put_into_the_concept_that_is_chosen_none_before(mapped):
    page = opened(pick(app("map", project="colours"), *some(mapped, 3)), "selection_move")
    assert page.selectbox(key="selection_concept").value is None
    assert page.button(key="selection_assign_do").disabled
    page.selectbox(key="selection_concept").select_index(1).run()
    page.button(key="selection_assign_do").click().run()
    assert wishes(mapped) == [("assign", tuple(some(mapped, 3)))]
    assert not page.session_state["selection_move"]


def test_picked_photos_are_kept_together_and_that_is_said(mapped):
    page = pick(app("map", project="colours"), *some(mapped, 3))
    page.button(key="selection_together").click().run()
    assert wishes(mapped) == [("together", tuple(some(mapped, 3)))]
    assert "0 photos moved" in page.toast[0].value
    assert page.session_state["kec_selection"].images == () if "kec_selection" in page.session_state else True


def wishes(project):
    return [(wish.kind, wish.images) for wish in revisions.current(project).knowledge.constraints]


def opened(page, popover):
    page.session_state[popover] = True
    return page.run()


def test_reproject_starts_from_the_old_places(mapped, monkeypatch):
    page = pick(app("map", project="colours"), *some(mapped, 3))
    page.button(key="selection_together").click().run()
    started = []
    monkeypatch.setattr(
        JobManager, "start", lambda self, project, kind, params, **_: started.append(dict(params))
    )
    page.button(key="map_again").click().run()
    assert started == [{"spaces": ["combined"], "method": "tsne", "again": True}]


def test_the_list_of_picked_photos_is_safe_to_open(mapped):
    from pages.shared import selection

    files = some(mapped, 2)
    revision = revisions.current(mapped)
    lines = selection._list(mapped, revision, files).decode("utf-8-sig").splitlines()
    assert lines[0] == "file,cluster,cluster_name,label"
    assert len(lines) == 3
    assert lines[1].endswith(",crimson")
