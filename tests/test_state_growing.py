"""A collection that grows: new photos join the groups there are, what is gone leaves, all else stays."""

from __future__ import annotations

import json
import shutil
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

import cli
import kec_core as kec
from kec_core.encoders.readymade import load_readymade
from kec_core.errors import InputError
from kec_core.knowledge.edits import parse_script
from kec_core.photos.images import ImageRecord, open_image, scan_images
from kec_core.result.group_model import groups_of
from kec_core.result.group_model_file import model_bytes, read_model
from state.engine.new_photos import add_job, add_photos
from state.jobs.progress import JobContext, JobProgress
from state.jobs.worker import KINDS
from state.project.project import Project
from state.project.saved_selections import saved_selections
from state.project.thumbnails import SIDES, THUMBNAILS, thumbnail_path
from state.revisions import revisions
from state.revisions.clusterings import load_baseline, load_clustering
from state.revisions.group_models import model_of
from state.revisions.layouts import layouts
from state.revisions.overview import cluster_cards, load_overview
from state.work import assign as assign_module
from state.work import editing, growing
from state.work.assign import assign_folder
from state.work.changed_folder import differences_between
from state.work.editing import edit_project
from state.work.growing import grow
from state.work.run import run_project
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.test_state_run import CONFIG, resources


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    project = Project.create(folder / "project", "colours")
    run_project(project, colour_photos(folder / "photos", 12), CONFIG, labels="folders", resources=resources)
    return project


class CountingEncoder(HashEncoder):
    """Counts the photos it is asked for."""

    photos = 0

    def encode_images(self, pixels):
        CountingEncoder.photos += len(pixels)
        return super().encode_images(pixels)


@pytest.fixture
def project(hash_encoder, whole, tmp_path, monkeypatch):
    shutil.copytree(whole.folder.parent, tmp_path / "copy")
    project = Project.open(tmp_path / "copy/project")
    project.set_images_root(tmp_path / "copy/photos")
    monkeypatch.setattr(editing, "load_encoder", lambda name: CountingEncoder())
    monkeypatch.setattr(CountingEncoder, "photos", 0)
    return project


def photo(path, colour, seed=0):
    """A tiny noisy photo of a colour, as ``colour_photos`` makes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(1000 + seed).normal(0, 25, size=(24, 24, 3))
    pixels = np.clip(np.array(COLOURS.get(colour, colour)) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def labels_of(project):
    shown = revisions.current(project)
    ids = [image.id for image in project.images(shown.scan)]
    return dict(zip(ids, load_clustering(project, shown).labels.tolist(), strict=True))


def edit(project, *edits):
    return edit_project(project, parse_script({"edits": list(edits)}))


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


def test_photos_that_moved_keep_their_group_and_their_wishes(project):
    home = labels_of(project)["crimson/0.png"]
    edit(project, {"op": "move_photos", "images": ["leaf/3.png"], "cluster": home})
    root = project.images_root
    (root / "sorted").mkdir()
    (root / "leaf/3.png").rename(root / "sorted/a.png")
    told = grow(project, root).to_json()
    assert told["renamed"] == {"leaf/3.png": "sorted/a.png"}
    assert told["added"] == told["removed"] == []
    assert labels_of(project)["sorted/a.png"] == home
    wishes = revisions.current(project).knowledge.constraints
    assert [one.images for one in wishes] == [("sorted/a.png",)]


def renumbered(root, gone):
    """One photo goes, and the names of all after it in its folder move on by one, as programs that number photos do."""
    names = sorted(root.joinpath(gone).parent.iterdir(), key=lambda path: int(path.stem))
    place = names.index(root / gone)
    names[place].unlink()
    for before, after in zip(names[place:], names[place + 1 :], strict=False):
        after.rename(before)


def test_photos_whose_names_moved_on_by_one_keep_their_group_and_their_wishes(project):
    before = labels_of(project)
    home = before["crimson/0.png"]
    edit(
        project,
        {"op": "move_photos", "images": ["leaf/3.png"], "cluster": home},
        {"op": "move_photos", "images": ["leaf/0.png"], "cluster": home},
        {"op": "together", "images": ["leaf/0.png", "leaf/1.png"]},
    )
    held = labels_of(project)
    renumbered(project.images_root, "leaf/0.png")
    told = grow(project, project.images_root).to_json()
    assert told["renamed"] == {f"leaf/{n}.png": f"leaf/{n - 1}.png" for n in range(1, 12)}
    assert (told["added"], told["removed"], told["changed"]) == ([], ["leaf/0.png"], [])
    assert told["encoded"] == 0
    after = labels_of(project)
    assert after == {
        **{i: c for i, c in held.items() if not i.startswith("leaf")},
        **{f"leaf/{n - 1}.png": held[f"leaf/{n}.png"] for n in range(1, 12)},
    }
    assert [one.images for one in revisions.current(project).knowledge.constraints] == [("leaf/2.png",)]


def test_a_run_again_knows_moved_photos_by_what_they_show(project):
    home = labels_of(project)["crimson/0.png"]
    edit(project, {"op": "move_photos", "images": ["leaf/3.png"], "cluster": home})
    renumbered(project.images_root, "leaf/0.png")
    (project.images_root / "leaf/2.png").rename(project.images_root / "mine.png")
    run_project(project, None, CONFIG, resources=resources)
    shown = revisions.current(project)
    assert [one.images for one in shown.knowledge.constraints] == [("mine.png",)]
    assert labels_of(project)["mine.png"] == labels_of(project)["crimson/0.png"]
    assert not run_project(project, None, CONFIG, resources=resources).is_new


@pytest.mark.parametrize("seed", range(20))
def test_differences_count_every_photo_once(seed):
    rng = np.random.default_rng(seed)

    def folder():
        names = rng.choice(8, size=rng.integers(1, 8), replace=False)
        contents = rng.integers(0, 5, size=len(names))
        return {f"{n}.png": f"content {c}" for n, c in zip(names, contents, strict=True)}

    old, new = folder(), folder()
    before, now = (
        [ImageRecord(id=i, width=1, height=1, sha256=c, mode="RGB") for i, c in photos.items()]
        for photos in (old, new)
    )
    found = differences_between(before, now)
    same = [i for i in new if old.get(i) == new[i]]
    assert sorted([*same, *found.added, *found.changed, *found.renamed.values()]) == sorted(new)
    assert sorted([*same, *found.removed, *found.changed, *found.renamed]) == sorted(old)
    assert all(old[i] == new[name] for i, name in found.renamed.items())
    lost = {old[i] for i in (*found.removed, *found.changed)}
    assert not lost & {new[i] for i in (*found.added, *found.changed)}, "no photo is gone and new"


def test_a_photo_that_shows_something_else_now_is_sorted_anew(project):
    before = labels_of(project)
    photo(project.images_root / "leaf/3.png", "ocean", seed=9)
    told = grow(project, project.images_root).to_json()
    assert told["changed"] == ["leaf/3.png"]
    assert told["encoded"] == 1
    assert labels_of(project)["leaf/3.png"] == before["ocean/0.png"]


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


def test_a_model_file_assigns_as_the_project_does(project, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kec_core.encoders.load_encoder", lambda name: HashEncoder())
    edit(project, {"op": "together", "images": ["leaf/0.png", "leaf/1.png"]})
    assert cli.main(["export", str(project.folder), "--out", str(tmp_path / "out"), "--format", "model"]) == 0
    capsys.readouterr()
    model = tmp_path / "out/model.npz"
    for number, name in enumerate(COLOURS):
        photo(tmp_path / f"unseen/{name}.png", name, 70 + number)
    told = []
    for source in (project.folder, model):
        assert cli.main(["assign", str(source), str(tmp_path / "unseen"), "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert len(told[0]["assigned"]) == 4
    assert b"leaf/0.png" not in model.read_bytes()
    assert "leaf/0.png" not in json.dumps(read_model(model).knowledge.to_json()), "it names no photo"


@pytest.mark.parametrize(
    "damage", ["cut", "foreign", "other format", "shape", "text", "one number", "missing"]
)
def test_an_unusable_model_is_one_sentence(project, tmp_path, damage):
    path = tmp_path / "model.npz"
    content = model_bytes(model_of(project, revisions.current(project), HashEncoder()))
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "foreign":
        path.write_text("hello", encoding="utf-8")
    elif damage != "missing":
        path.write_bytes(content)
        with np.load(path) as file:
            arrays = dict(file)
        if damage == "shape":
            arrays["centres"] = arrays["centres"][:, :-1]
        elif damage == "text":
            arrays["mean"] = arrays["mean"].astype(str)
        elif damage == "one number":
            arrays["mean"] = np.float32(1)
        else:
            arrays["model"] = np.array(str(arrays["model"]).replace("kec-groups-1", "kec-groups-9"))
        np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"model written by .* was expected.*") as caught:
        read_model(path)
    assert str(path) in str(caught.value)
    if damage in ("text", "one number"):
        assert "its array mean should hold finite numbers of shape" in str(caught.value)


CHANGED = {
    "names of numbers": (lambda facts: facts | {"names": [1, 2, 3, 4]}, "its names should be a list of texts"),
    "names as one text": (lambda facts: facts | {"names": "abcd"}, "its names should be a list of texts"),
    "no weight": (lambda facts: facts | {"weight": float("nan")}, "its weight should be a number of at least 0, but is nan"),
    "endless weight": (lambda facts: facts | {"weight": float("inf")}, "its weight should be a number of at least 0, but is inf"),
    "weight below zero": (lambda facts: facts | {"weight": -1}, "its weight should be a number of at least 0, but is -1"),
    "limit as text": (lambda facts: facts | {"limit": "0.3"}, "its limit should be a number of at least -1, but is '0.3'"),
    "ids in parts": (np.array([0.5, 1, 2, 3]), "its array clusters should hold ids of groups"),
    "ids twice": (np.array([0, 0, 1, 2]), "its array clusters should hold ids of groups"),
    "ids out of order": (np.array([0, 2, 1, 3]), "its array clusters should hold ids of groups"),
    "ids too large": (np.array([0, 1, 2, 2**40]), "its array clusters should hold ids of groups"),
}  # fmt: skip


@pytest.mark.parametrize("damage", CHANGED)
def test_a_changed_model_sorts_no_photo_wrongly_in_silence(project, tmp_path, damage):
    path = tmp_path / "model.npz"
    path.write_bytes(model_bytes(model_of(project, revisions.current(project), HashEncoder())))
    with np.load(path) as file:
        arrays = dict(file)
    change, said = CHANGED[damage]
    if callable(change):
        arrays["model"] = np.array(json.dumps(change(json.loads(str(arrays["model"])))))
    else:
        arrays["clusters"] = change
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=said):
        read_model(path)


def test_numbers_that_float32_cannot_hold_are_no_numbers_of_a_model(project, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(model_bytes(model_of(project, revisions.current(project), HashEncoder())))
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"mean": arrays["mean"].astype(np.float64) + 1e300})
    with pytest.raises(InputError, match="its array mean should hold finite numbers"):
        read_model(path)


def test_a_missing_model_is_not_called_a_project_to_be_made(tmp_path):
    photo(tmp_path / "a.png", "leaf")
    with pytest.raises(InputError, match=r"A project or a model .* nothing at .*/away\.npz; check the path"):
        assign_folder(tmp_path / "away.npz", tmp_path)


def test_what_is_no_model_is_said_without_a_word_of_how_numpy_could_load_it(tmp_path):
    """What is given for a model by mistake: a photo, a text, another archive, arrays, nothing."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "a.npz").write_bytes(b"")
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("model.npy", "no array")
    np.save(tmp_path / "a.npy", np.zeros(3))
    np.save(tmp_path / "old.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "old.npz", model=np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "list.npz", model=np.array("[1]"))
    told = {
        "a.png": r"should be an archive of np.savez, but begins with b'\x89P'",
        "a.txt": "should be an archive of np.savez, but begins with b'he'",
        "a.npz": "should be an archive of np.savez, but is empty",
        "a.zip": "its format is None, not 'kec-groups-1'",
        "a.npy": "should be an archive of np.savez, but begins with",
        "old.npy": "should be an archive of np.savez, but begins with",
        "old.npz": "it holds model as pickled objects, which are never read",
        "list.npz": "its format is None, not 'kec-groups-1'",
        "nowhere.npz": "(No such file or directory)",
    }
    for name, why in told.items():
        with pytest.raises(InputError, match=r"name the file of a model, or export it again\.$") as caught:
            read_model(tmp_path / name)
        assert why in str(caught.value)


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
