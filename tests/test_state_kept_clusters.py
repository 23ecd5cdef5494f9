"""Groups of the person's in a project: they hold through Finalise, a rebuild, new photos, undo and branches."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from kec_core.knowledge.edits import parse_script
from state.revisions import revisions
from state.revisions.overview import cluster_cards, load_overview
from state.transfer.constraint_files import wishes_csv, wishes_script
from state.work.editing import edit_project
from state.work.rebuild import finalise, rebuild
from state.work.run import run_project
from state.work.workbench import LiveStates, Workbench
from tests.test_state_finalise import edit, labels, project, whole  # noqa: F401 - fixtures
from tests.test_state_run import CONFIG, resources


@pytest.fixture
def filled(project):  # noqa: F811 - the fixture
    """A project where two photos of one colour were moved to another, and that cluster has a name."""
    before = labels(project)
    photos = sorted(before)
    moved, home = photos[:2], before[photos[-1]]
    assert before[moved[0]] != home
    edit(
        project,
        {"op": "move_photos", "images": moved, "cluster": home},
        {"op": "rename_cluster", "cluster": home, "name": "mine"},
    )
    return project, moved, photos[-1]


def check(filled):
    project, moved, inhabitant = filled  # noqa: F811
    found = labels(project)
    shown = revisions.current(project)
    names = {card.id: card.name for card in cluster_cards(load_overview(project, shown), shown.knowledge)}
    assert {found[image] for image in moved} == {found[inhabitant]}
    assert names[found[inhabitant]] == "mine"


def test_photos_stay_and_the_name_too_after_finalise_and_a_rebuild(filled):
    project = filled[0]  # noqa: F811
    check(filled)
    edit(project, {"op": "set_clusters", "k": 6})
    check(filled)
    assert revisions.current(project).facts.n_clusters == 6
    finalise(project)
    check(filled)
    rebuild(project, resources=resources)
    check(filled)
    assert revisions.current(project).facts.n_clusters == 6


def test_photos_stay_when_new_photos_come_and_others_go(filled):
    project, moved, _ = filled  # noqa: F811
    root = project.images_root
    for number in range(5):
        Image.new("RGB", (24, 24), (250, 20, 20 + number)).save(root / f"new {number}.png")
    run_project(project, None, CONFIG, resources=resources)
    check(filled)
    assert "new 0.png" in labels(project)
    (root / moved[1]).unlink()
    run_project(project, None, CONFIG, resources=resources)
    check((project, moved[:1], filled[2]))


def test_photos_moved_within_a_sorted_list_stay_after_new_photos_finalise_and_a_rebuild(project):  # noqa: F811
    edit(project, {"op": "sort_into", "names": ["crimson", "leaf"], "none": False})
    shown = revisions.current(project)
    crimson, leaf = (one.id for one in shown.knowledge.kept)
    moved = [image for image, cluster in labels(project).items() if cluster == leaf][:2]
    edit(project, {"op": "move_photos", "images": moved, "cluster": crimson})
    root = project.images_root
    for number in range(3):
        Image.new("RGB", (24, 24), (20, 160, 20 + number)).save(root / f"new {number}.png")
    for again in (
        lambda: run_project(project, None, CONFIG, resources=resources),
        lambda: finalise(project),
        lambda: rebuild(project, resources=resources),
    ):
        again()
        assert {labels(project)[image] for image in moved} == {crimson}
    assert "new 0.png" in labels(project)
    kept = {one.id: one.name for one in revisions.current(project).knowledge.kept}
    assert (kept[crimson], kept[leaf]) == ("crimson", "leaf")


def test_undo_redo_and_branches_show_exactly_what_was_there(filled):
    project, moved, _ = filled  # noqa: F811
    bench = Workbench(project, LiveStates())
    put = labels(project)
    bench.undo()
    first = labels(project)
    assert first[moved[0]] != put[moved[0]]
    assert revisions.current(project).knowledge.kept == ()
    bench.redo()
    assert labels(project) == put
    bench.undo()
    split = bench.preview(parse_script({"edits": [{"op": "split_cluster", "cluster": first[moved[0]]}]}))
    bench.commit(split)
    assert len(set(labels(project).values())) == len(set(first.values())) + 1
    bench.go_to("r2")
    assert labels(project) == put


def test_what_was_done_is_told_with_the_names_that_the_person_sees(filled):
    project = filled[0]  # noqa: F811
    shown = revisions.current(project)
    assert shown.note.startswith("Moved 2 photos to")
    assert shown.note.endswith(", and 1 more edit.")
    report = edit(
        project, {"op": "merge_clusters", "clusters": ["mine", labels(project)[sorted(labels(project))[2]]]}
    )
    told = report.to_json()
    assert (told["clusters_before"], told["clusters_after"], told["follow"]) == (4, 3, [])
    assert told["notes"][0].startswith('Merged "mine" and')


def test_wishes_of_groups_are_listed_and_made_again_elsewhere(filled):
    project, moved, _ = filled  # noqa: F811
    knowledge = revisions.current(project).knowledge
    rows = wishes_csv(knowledge).decode("utf-8-sig").splitlines()
    assert rows[1].split(",")[1:] == ["stay in", "", moved[0], "mine"]
    script = wishes_script(knowledge)
    revisions.go_to(project, "r1")
    edit_project(project, parse_script(json.loads(script)))
    found = labels(project)
    assert found[moved[0]] == found[moved[1]]
    assert np.sum(np.array(list(found.values())) == found[moved[0]]) >= 2
