"""Photos that moved, were numbered anew, swapped or replaced: a photo is what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.photos.images import ImageRecord
from state.revisions import revisions
from state.work.changed_folder import differences_between
from state.work.growing import grow
from state.work.run import run_project
from tests.grown import edit, labels_of, photo
from tests.test_state_run import CONFIG, resources


@pytest.fixture
def project(grown_project):
    return grown_project


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
