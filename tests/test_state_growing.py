"""A collection that grows: new photos join the groups there are, what is gone leaves, all else stays."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import cli
import kec_core as kec
from kec_core.encoders.readymade import load_readymade
from kec_core.errors import InputError
from kec_core.photos.images import open_image, scan_images
from kec_core.result.group_model import groups_of
from kec_core.result.group_model_file import model_bytes
from state.engine.new_photos import add_job, add_photos
from state.jobs.progress import JobContext, JobProgress
from state.jobs.worker import KINDS
from state.project.project import Project
from state.project.saved_selections import saved_selections
from state.project.thumbnails import SIDES, THUMBNAILS, thumbnail_path
from state.revisions import revisions
from state.revisions.clusterings import load_baseline
from state.revisions.group_models import model_of
from state.revisions.layouts import layouts
from state.revisions.overview import cluster_cards, load_overview
from state.work import assign as assign_module
from state.work import editing, growing
from state.work.assign import assign_folder
from state.work.growing import grow
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.grown import CountingEncoder, edit, labels_of, photo


@pytest.fixture
def project(grown_project):
    return grown_project


def test_new_photos_join_the_groups_there_are_and_only_they_are_encoded(project):
    before, shown = labels_of(project), revisions.current(project)
    new = [photo(project.images_root / f"new/{name}{n}.png", name, n) for name in COLOURS for n in range(3)]
    report = grow(project, project.images_root)
    told = report.to_json()
    assert sorted(told["added"]) == sorted(f"new/{path.name}" for path in new)
    assert told["removed"] == told["changed"] == told["unlike"] == []
    assert told["encoded"] == CountingEncoder.photos == len(new) == 12
    after = labels_of(project)
    assert {i: after[i] for i in before} == before
    for one in told["assigned"]:
        colour = one["file"].removeprefix("new/")[:-5]
        assert one["cluster"] == before[f"{colour}/0.png"] == after[one["file"]]
        assert 0 < one["confidence"] <= 1
    kept = revisions.current(project)
    assert (kept.id, kept.parent) == (told["revision"], shown.id)
    assert (kept.knowledge, kept.config) == (shown.knowledge, shown.config)
    assert kept.facts.images == told["images"] == 60
    assert len(load_baseline(project, kept.baseline).labels) == 60


def test_wishes_names_and_the_way_back_are_kept(project):
    stranger = "leaf/3.png"
    home = labels_of(project)["crimson/0.png"]
    edit(
        project,
        {"op": "move_photos", "images": [stranger], "cluster": home},
        {"op": "rename_cluster", "cluster": home, "name": "reds of mine"},
    )
    edited = revisions.current(project)
    photo(project.images_root / "crimson/new.png", "crimson")
    told = grow(project, project.images_root).to_json()
    assert [one["name"] for one in told["assigned"]] == ["reds of mine"]
    assert labels_of(project)[stranger] == home
    overview = load_overview(project, revisions.current(project))
    cards = {card.id: card.name for card in cluster_cards(overview, edited.knowledge)}
    assert cards[home] == "reds of mine"
    edit(project, {"op": "rename_cluster", "cluster": home, "name": "warm"})
    assert "crimson/new.png" in labels_of(project)
    revisions.undo(project)
    revisions.undo(project)
    assert revisions.current(project).id == edited.id
    assert "crimson/new.png" not in labels_of(project)


def test_the_command_tells_people_numbers_and_programs_every_photo(project, capsys):
    for number in range(3):
        photo(project.images_root / f"leaf/new{number}.png", "leaf", number)
    (project.images_root / "ocean/0.png").unlink()
    command = ["add", str(project.folder), str(project.images_root)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "added: 3\nremoved: 1\n" in said
    assert "into:\n  leaf: 3\n" in said
    assert "new0.png" not in said
    photo(project.images_root / "leaf/new3.png", "leaf", 3)
    assert cli.main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told)[:2] == ["added", "removed"]
    assert {"assigned", "unlike", "encoded", "revision"} <= set(told)
    assert told["added"] == ["leaf/new3.png"]


def test_photos_that_are_gone_leave_and_come_back_to_where_they_were_put(project):
    home = labels_of(project)["crimson/0.png"]
    edit(project, {"op": "move_photos", "images": ["leaf/3.png"], "cluster": home})
    gone = project.images_root / "leaf/3.png"
    content = gone.read_bytes()
    gone.unlink()
    told = grow(project, project.images_root).to_json()
    assert (told["removed"], told["added"], told["encoded"]) == (["leaf/3.png"], [], 0)
    assert "leaf/3.png" not in labels_of(project)
    gone.write_bytes(content)
    told = grow(project, project.images_root).to_json()
    assert told["added"] == ["leaf/3.png"]
    assert told["encoded"] == 0, "its features were stored"
    assert labels_of(project)["leaf/3.png"] == home


def test_a_group_that_lost_all_photos_never_lends_its_id(project):
    before = labels_of(project)
    shutil.rmtree(project.images_root / "lemon")
    grow(project, project.images_root)
    after = labels_of(project)
    assert set(after.values()) == set(before.values()) - {before["lemon/0.png"]}
    state = editing.open_live(project, revisions.current(project))
    assert state.clustering.next_cluster_id == 4


def test_what_is_unlike_all_groups_is_listed_and_saved_as_a_selection(project):
    photo(project.images_root / "odd.png", (250, 250, 250))
    photo(project.images_root / "leaf/new.png", "leaf")
    told = grow(project, project.images_root).to_json()
    assert told["unlike"] == ["odd.png"]
    assert [one["file"] for one in told["assigned"]] == ["leaf/new.png"]
    assert saved_selections(project) == {f"Unlike anything here ({told['revision']})": ("odd.png",)}


def test_the_job_of_the_app_adds_and_makes_thumbnails(project):
    added = photo(project.images_root / "leaf/new.png", "leaf")
    params = {"images": str(project.images_root)}
    with project.database.writing() as db:
        db.execute("INSERT INTO jobs (kind, state, params, created) VALUES ('add', 'running', '{}', 0)")
    with JobProgress(project.database, 1) as progress:
        told = add_job(JobContext(project=project, params=params, progress=progress))
    assert KINDS["add"] == "state.engine.new_photos:add_job"
    assert [made.revision for made in layouts(project)] == [told["revision"]]
    assert told["added"] == ["leaf/new.png"]
    record = next(image for image in project.images() if image.id == "leaf/new.png")
    assert thumbnail_path(project.folder / THUMBNAILS, record.sha256, SIDES[0]) is not None
    assert added.is_file()


def test_nothing_new_makes_no_revision(project):
    shown = revisions.current(project)
    told = grow(project, project.images_root).to_json()
    assert (told["revision"], told["encoded"]) == (shown.id, 0)
    assert len(revisions.history(project)) == 1


def test_photos_of_another_folder_are_copied_in_and_those_known_are_not(project, tmp_path):
    root, other = project.images_root, tmp_path / "week 48"
    photo(other / "a.png", "leaf", seed=1)
    photo(other / "0.png", "lemon", seed=2)
    shutil.copy(root / "ocean/1.png", other / "again.png")
    (root / "week 48").mkdir()
    (root / "week 48/notes.txt").write_text("mine", encoding="utf-8")
    (other / "broken.jpg").write_bytes(b"no photo")
    report = grow(project, other)
    assert [item.path for item in report.skipped] == ["broken.jpg"]
    assert sorted(report.differences.added) == ["week 48/0.png", "week 48/a.png"]
    assert report.differences.removed == ()
    assert (root / "week 48/notes.txt").read_text(encoding="utf-8") == "mine"
    assert "2 photos were copied" in report.notes[0]
    assert project.images_root == root
    again = grow(project, other)
    assert (bool(again.differences), again.revision) == (False, report.revision)
    with pytest.raises(InputError, match="holds the photo folder"):
        grow(project, root.parent)


def test_photos_without_features_in_the_files_of_a_project_are_not_copied(hash_encoder, tmp_path):
    root = colour_photos(tmp_path / "photos", 4)
    names = [image.id for image in scan_images(root).images]
    rows = np.random.default_rng(0).normal(size=(len(names), 12)).astype(np.float32)
    np.savez(tmp_path / "looks.npz", ids=np.array(names), features=rows)
    known = {"knowledge": dict.fromkeys(COLOURS, ""), "n_clusters": 3, "progress": False}
    looks = str(tmp_path / "looks.npz")
    kec.cluster(root, encoder=HashEncoder(), looks=looks, **known).save(tmp_path / "project")
    photo(tmp_path / "new/a.png", "leaf")
    before, project = sorted(root.rglob("*")), Project.open(tmp_path / "project")
    said = r"should hold every photo, but looks.npz lacks 1 of .* first new/a.png .*no row for it"
    with pytest.raises(InputError, match=said):
        grow(project, tmp_path / "new")
    with pytest.raises(InputError, match=said):
        add_photos(project, str(tmp_path / "new"))
    with pytest.raises(InputError, match=said):
        grow(project, tmp_path / "new", is_aside=True)
    assert sorted(root.rglob("*")) == before
    assert [path.name for path in project.folder.glob(".adding*")] == []


def test_photos_without_a_row_of_ready_made_features_are_listed_and_not_copied(
    project, tmp_path, monkeypatch
):
    root, shown = project.images_root, revisions.current(project)
    assert shown is not None
    names = [image.id for image in project.images()]
    features = HashEncoder().encode_images(
        np.stack([HashEncoder().preprocess(open_image(root / n)) for n in names])
    )
    np.savez(
        tmp_path / "rows.npz", ids=np.array([*names, "new/b.png"]), features=features[[*range(len(names)), 0]]
    )
    ready = load_readymade(tmp_path / "rows.npz", HashEncoder())
    monkeypatch.setattr(growing, "_encoder", lambda project, shown: ready)
    photo(tmp_path / "new/a.png", "leaf")
    photo(tmp_path / "new/b.png", "lemon", seed=5)
    report = grow(project, tmp_path / "new")
    assert [(item.path, "has no row for it" in item.reason) for item in report.skipped] == [("a.png", True)]
    assert [path.name for path in (root / "new").iterdir()] == ["b.png"]
    assert report.differences.added == ("new/b.png",)


def test_a_newer_copy_of_the_photo_folder_takes_its_place(project, tmp_path):
    newer = tmp_path / "newer"
    shutil.copytree(project.images_root, newer)
    (newer / "leaf/3.png").unlink()
    photo(newer / "leaf/new.png", "leaf")
    report = grow(project, newer)
    assert (report.differences.added, report.differences.removed) == (("leaf/new.png",), ("leaf/3.png",))
    assert project.images_root == newer


def test_adding_says_where_photos_go_as_assigning_does(project, tmp_path):
    for number in range(4):
        for name in COLOURS:
            photo(tmp_path / f"unseen/{name}{number}.png", name, 50 + number)
    photo(tmp_path / "unseen/odd.png", (250, 250, 250))
    (tmp_path / "unseen/broken.jpg").write_bytes(b"no photo")
    told = assign_folder(project.folder, tmp_path / "unseen").to_json()
    assert list(told) == ["images", "skipped", "assigned", "unlike"]
    assert told["images"] == 17 == len(told["assigned"]) + len(told["unlike"])
    assert told["unlike"] == ["odd.png"]
    assert [item["path"] for item in told["skipped"]] == ["broken.jpg"]
    before = labels_of(project)
    for one in told["assigned"]:
        assert one["cluster"] == before[f"{one['file'][:-5]}/0.png"]
    assert len(revisions.history(project)) == 1, "nothing is kept"
    added = grow(project, tmp_path / "unseen").to_json()
    as_assigned = [{**one, "file": one["file"].removeprefix("unseen/")} for one in added["assigned"]]
    assert [one["cluster"] for one in as_assigned] == [one["cluster"] for one in told["assigned"]]
    assert [one["file"] for one in as_assigned] == [one["file"] for one in told["assigned"]]


def test_what_cannot_grow_says_why(tmp_path, project):
    fresh = Project.create(tmp_path / "fresh", "fresh")
    with pytest.raises(InputError, match="has no groups yet"):
        grow(fresh, project.images_root)
    with pytest.raises(InputError, match="is not a folder"):
        grow(project, tmp_path / "nowhere")
    photo(tmp_path / "other/a.png", "leaf")
    shutil.rmtree(project.images_root)
    with pytest.raises(InputError, match="not there any more"):
        grow(project, tmp_path / "other")
    assert len(revisions.history(project)) == 1


def test_another_version_of_the_encoder_is_refused(project, tmp_path, monkeypatch):
    class Newer(HashEncoder):
        def __init__(self):
            super().__init__()
            self.info = editing.replace(self.info, revision="hash-newer")

    model = tmp_path / "model.npz"
    model.write_bytes(model_bytes(model_of(project, revisions.current(project), HashEncoder())))
    monkeypatch.setattr(assign_module, "loaded_encoder", lambda name: Newer())
    monkeypatch.setattr(growing, "loaded_encoder", lambda name: Newer())
    with pytest.raises(InputError, match="another version of the encoder"):
        assign_folder(model, project.images_root)
    with pytest.raises(InputError, match="another version of the encoder"):
        grow(project, project.images_root)


def test_the_limit_lets_nearly_all_of_the_groups_own_kind_in_and_finds_another_kind():
    rng = np.random.default_rng(0)
    centres = np.eye(4, 16, dtype=np.float32)

    def draw(kind, count):
        rows = centres[kind] + rng.normal(0, 0.12, size=(count, 16)).astype(np.float32)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    labels = np.repeat(np.arange(3), 200).astype(np.int32)
    groups = groups_of(
        np.concatenate([draw(kind, 200) for kind in range(3)]), labels, {0: "a", 1: "b", 2: "c"}
    )
    own = groups.assign(np.concatenate([draw(kind, 200) for kind in range(3)]))
    assert (own.clusters == labels).mean() > 0.99
    assert own.unlike.mean() < 0.04
    assert groups.assign(draw(3, 200)).unlike.mean() > 0.9


def test_photos_alone_in_their_group_set_no_limit():
    rows = np.eye(3, dtype=np.float32)
    groups = groups_of(rows, np.arange(3, dtype=np.int32), ("a", "b", "c"))
    assert groups.limit == -1
    assert not groups.assign(-rows).unlike.any()
