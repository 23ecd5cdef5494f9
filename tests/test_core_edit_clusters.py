"""Verbs on clusters: what the person puts into a group stays in it, counts are as said, refusals are sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kec_core.config import ClusteringConfig
from kec_core.errors import InputError
from kec_core.knowledge.edit_clusters import ClusterEdit
from kec_core.knowledge.edits import EDITS, apply_script, parse_script, script_to_json
from kec_core.live import LiveState, restore
from kec_core.live.full import finalised, under_kept_ids
from kec_core.types import Clustering, Knowledge
from tests.live_clusters import (
    EACH,
    IMAGES,
    KINDS,
    LATER,
    begin,
    cluster_of,
    do,
    of,
    rebuilt,
    refused,
    together,
)
from tests.tiny_wordnet import write_wordnet


def test_moved_photos_leave_their_cluster_and_no_other_photo_moves():
    state = begin()
    moved = do(state, {"op": "move_photos", "images": of("cat", last=5), "cluster": "dog"})
    after = moved.state
    changed = [IMAGES[row] for row in np.flatnonzero(after.clustering.labels != state.clustering.labels)]
    assert changed == of("cat", last=5)
    assert together(after, of("cat", last=5) + of("dog"))
    assert together(after, of("cat", first=5))
    assert (after.clustering.n_clusters, list(moved.follow)) == (6, [])
    assert moved.said == ('Moved 5 photos to "dog".',)


@pytest.mark.parametrize("later", LATER)
def test_moved_photos_are_where_they_were_put_after(later):
    state = do(begin(), {"op": "move_photos", "images": of("cat", last=5), "cluster": "dog"}).state
    home = cluster_of(state, "dog00.jpg")
    after = LATER[later](state)
    assert {cluster_of(after, image) for image in of("cat", last=5)} == {home}
    # The cluster is still that of the dogs: five cats do not take its id away with them.
    assert sum(cluster_of(after, image) == home for image in of("dog")) > EACH / 2


def test_photos_that_were_there_already_are_kept_and_not_said_to_move():
    kept = do(begin(), {"op": "move_photos", "images": of("cat", last=2), "cluster": "cat"})
    assert kept.said == ('Kept 2 photos in "cat".',)
    partly = do(
        begin(), {"op": "move_photos", "images": [*of("cat", last=2), *of("dog", last=1)], "cluster": "cat"}
    )
    assert partly.said == ('Moved 3 photos to "cat".',)


def test_photos_that_are_kept_together_go_along_and_it_is_said():
    state = do(begin(), {"op": "together", "images": ["cat00.jpg", "cat01.jpg"]}).state
    moved = do(state, {"op": "move_photos", "images": ["cat00.jpg"], "cluster": "dog"})
    assert together(moved.state, ["cat00.jpg", "cat01.jpg", "dog00.jpg"])
    assert [IMAGES[row] for row in moved.follow] == ["cat01.jpg"]
    assert moved.said == ('Moved 1 photo to "dog". 1 photo went along.',)


def test_the_latest_word_on_a_photo_holds_and_what_it_replaces_is_said():
    state = do(begin(), {"op": "assign", "images": ["cat00.jpg"], "concept": "bus"}).state
    assert together(state, ["cat00.jpg", "bus00.jpg"])
    moved = do(state, {"op": "move_photos", "images": ["cat00.jpg"], "cluster": "car"})
    assert together(moved.state, ["cat00.jpg", "car00.jpg"])
    assert moved.said == ('Moved 1 photo to "car". For 1 photo this takes the place of an earlier wish.',)
    assert [wish.kind for wish in moved.state.knowledge.constraints] == ["member"]


def test_a_cluster_that_lost_its_last_photo_is_gone_and_it_is_said():
    moved = do(begin(), {"op": "move_photos", "images": of("cat"), "cluster": "dog"})
    assert moved.state.clustering.n_clusters == 5
    assert moved.state.n_clusters == 5
    assert moved.said == ('Moved 12 photos to "dog". "cat" has no photos left.',)
    all_others = [*of("cat"), *of("car")]
    assert do(begin(), {"op": "move_photos", "images": all_others, "cluster": "dog"}).said == (
        'Moved 24 photos to "dog". "car" and "cat" have no photos left.',
    )


def test_a_new_cluster_holds_its_photos_and_those_clearly_nearer_to_it():
    state = begin(5)  # two kinds share a cluster
    mixed = next(c for c in np.unique(state.clustering.labels) if (state.clustering.labels == c).sum() > EACH)
    kinds = {IMAGES[row][:3] for row in np.flatnonzero(state.clustering.labels == mixed)}
    one, other = sorted(kinds)
    made = do(state, {"op": "new_cluster", "images": of(one, last=6), "name": "mine"})
    assert made.state.clustering.n_clusters == 6
    assert together(made.state, of(one, last=6))
    assert {IMAGES[row] for row in made.follow} <= set(of(one, first=6))
    assert len(made.follow) >= 4
    assert together(made.state, of(other))
    alone = do(state, {"op": "new_cluster", "images": of(one, last=6), "name": "mine", "follow": False})
    assert (alone.state.clustering.labels == cluster_of(alone.state, f"{one}00.jpg")).sum() == 6
    assert not len(alone.follow)


def test_a_merge_takes_one_cluster_away_and_its_photos_stay_one():
    state = begin()
    merged = do(state, {"op": "merge_clusters", "clusters": ["cat", "pen"], "name": "odd"})
    assert merged.state.clustering.n_clusters == 5
    assert merged.said == ('Merged "cat" and "pen" into "odd": 24 photos in one group.',)
    for later in LATER:
        assert together(LATER[later](merged.state), of("cat", "pen"))
    three = do(state, {"op": "merge_clusters", "clusters": ["cat", "pen", "bus"]}).state
    assert three.clustering.n_clusters == 4
    assert cluster_of(three, "bus00.jpg") == cluster_of(state, "cat00.jpg")


def test_a_merge_keeps_wishes_on_concepts():
    state = do(begin(), {"op": "assign", "images": ["cat00.jpg"], "concept": "bus"}).state
    merged = do(state, {"op": "merge_clusters", "clusters": ["car", "bus"]}).state
    assert [w.concept for w in merged.knowledge.constraints if w.kind == "assign"] == ["c003"]
    assert together(rebuilt(merged), ["cat00.jpg", "car00.jpg", "bus00.jpg"])


def test_a_split_by_looks_adds_one_cluster_within_the_old_one():
    state = do(begin(), {"op": "merge_clusters", "clusters": ["cat", "pen"], "name": "odd"}).state
    split = do(state, {"op": "split_cluster", "cluster": "odd", "into": 2})
    assert split.state.clustering.n_clusters == 6
    assert together(split.state, of("cat"))
    assert together(split.state, of("pen"))
    assert split.said == ('Split "odd" into 2 groups of 12 and 12 photos.',)
    changed = split.state.clustering.labels != state.clustering.labels
    assert {IMAGES[row][:3] for row in np.flatnonzero(changed)} < {"cat", "pen"}
    for later in ("finalise", "a rebuild"):
        after = LATER[later](split.state)
        assert after.clustering.n_clusters == 6
        assert cluster_of(after, "cat00.jpg") != cluster_of(after, "pen00.jpg")


def test_a_split_by_parts_puts_exactly_these_photos_and_the_others_by_their_looks():
    state = do(begin(), {"op": "merge_clusters", "clusters": ["cat", "pen"], "name": "odd"}).state
    parts = [["cat00.jpg", "cat01.jpg", "pen00.jpg"], ["pen01.jpg", "pen02.jpg"]]
    split = do(state, {"op": "split_cluster", "cluster": "odd", "parts": parts}).state
    assert split.clustering.n_clusters == 6
    assert together(split, [*parts[0], *of("cat")])
    assert together(split, of("pen", first=1))
    assert together(finalised(split, ClusteringConfig(n_init=2)), parts[0])


def test_a_split_by_words_gives_every_photo_to_the_name_it_fits_and_names_the_parts():
    state = do(begin(), {"op": "merge_clusters", "clusters": ["cat", "pen"], "name": "odd"}).state
    split = do(state, {"op": "split_cluster", "cluster": "odd", "names": ["a pen", "a cat"]}).state
    assert split.clustering.n_clusters == 6
    named = {kept.id: kept.name for kept in split.knowledge.kept}
    for kind in ("pen", "cat"):
        assert together(split, of(kind))
        assert named[cluster_of(split, f"{kind}00.jpg")] == f"a {kind}"
    assert 'no photo of "odd" fits "a bus" best' in refused(
        state, {"op": "split_cluster", "cluster": "odd", "names": ["pen", "cat", "a bus"]}
    )


def test_a_split_keeps_photos_together_that_the_person_keeps_together():
    pair = ["cat00.jpg", "pen00.jpg"]
    state = do(
        begin(),
        {"op": "merge_clusters", "clusters": ["cat", "pen"], "name": "odd"},
        {"op": "together", "images": pair},
    ).state
    assert together(do(state, {"op": "split_cluster", "cluster": "odd"}).state, pair)
    said = refused(state, {"op": "split_cluster", "cluster": "odd", "parts": [pair[:1], pair[1:]]})
    assert "'cat00.jpg' and 'pen00.jpg' are kept together" in said


def test_a_name_is_kept_whatever_comes_and_can_be_taken_back():
    state = do(begin(), {"op": "rename_cluster", "cluster": "cat", "name": "Felix"}).state
    home = cluster_of(state, "cat00.jpg")
    for later in LATER:
        after = LATER[later](state)
        kept = {one.id: one.name for one in after.knowledge.kept}
        assert kept == {home: "Felix"}
        assert sum(cluster_of(after, image) == home for image in of("cat")) == EACH
    done = do(state, {"op": "rename_cluster", "cluster": "felix", "name": ""})
    assert done.said == ('Took the name "Felix" back.',)
    assert [one.name for one in done.state.knowledge.kept] == [""]


def test_a_name_that_stays_is_not_said_to_change():
    state = do(begin(), {"op": "rename_cluster", "cluster": "cat", "name": "Felix"}).state
    assert do(state, {"op": "rename_cluster", "cluster": "Felix", "name": "Felix"}).said == (
        'Kept the name "Felix".',
    )
    assert do(begin(), {"op": "rename_cluster", "cluster": "cat", "name": ""}).said == (
        '"cat" had no other name to take back.',
    )


def test_a_cluster_is_ticked_off_and_that_is_undone_like_any_edit():
    state = begin()
    done = do(state, {"op": "set_cluster_done", "cluster": "cat"})
    assert [one.done for one in done.state.knowledge.kept] == [True]
    assert done.said == ('Ticked "cat" off.',)
    back = do(done.state, {"op": "set_cluster_done", "cluster": "cat", "done": False})
    assert back.said == ('"cat" is not done any more.',)
    assert (done.state.clustering.labels == state.clustering.labels).all()


def test_photos_are_sorted_into_a_list_with_none_of_these_and_empty_answers():
    listed = ["cat", "bus", "zzz", "pen"]
    made = do(begin(), {"op": "sort_into", "names": listed, "none": True})
    names_now = {one.id: one.name for one in made.state.knowledge.kept}
    answer = {image: names_now[cluster_of(made.state, image)] for image in IMAGES}
    assert all(answer[image] == image[:3] for image in of("cat", "bus", "pen"))
    assert {answer[image] for image in of("dog", "car", "cup")} == {"none of these"}
    assert [one.name for one in made.state.knowledge.kept] == [*listed, "none of these"]
    assert made.state.clustering.n_clusters == 4
    assert made.said[0].endswith('No photo fits "zzz".')
    # The empty answer is a cluster as soon as somebody puts a photo into it.
    filled = do(made.state, {"op": "move_photos", "images": ["cup00.jpg"], "cluster": "zzz"}).state
    assert filled.clustering.n_clusters == 5
    assert cluster_of(finalised(filled, ClusteringConfig(n_init=2)), "cup00.jpg") == cluster_of(
        filled, "cup00.jpg"
    )


def answers(names: list[str], state: LiveState) -> dict[str, set[str]]:
    """The names that the photos of each kind get from a list."""
    made = do(state, {"op": "sort_into", "names": names, "none": True}).state
    name_of = {one.id: one.name for one in made.knowledge.kept}
    return {kind: {name_of[cluster_of(made, image)] for image in of(kind)} for kind in KINDS}


def test_a_name_takes_the_photos_of_every_concept_that_it_explains_in_part():
    none, wide = {"none of these"}, {"cat dog car"}
    found = answers(["cat dog car", "cup"], begin())
    assert found == {"cat": wide, "dog": wide, "car": wide, "cup": {"cup"}, "bus": none, "pen": none}


def test_photos_of_what_is_a_kind_of_a_name_are_on_the_list(monkeypatch, tmp_path):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KEC_WORDNET", str(tmp_path / "wordnet"))
    synset_of = write_wordnet(tmp_path / "wordnet")
    state = begin()
    concepts = tuple(replace(one, synset=synset_of.get(one.name, "")) for one in state.knowledge.concepts)
    state = replace(state, knowledge=replace(state.knowledge, concepts=concepts))
    none = {"none of these"}
    assert answers(["lorry", "cup"], state) == {kind: {"cup"} if kind == "cup" else none for kind in KINDS}
    found = answers(["beasts", "cup"], state)  # its text is like that of no photo
    assert found["cat"] == found["dog"] == {"beasts"}
    assert found["bus"] == found["pen"] == none


def test_names_that_no_dictionary_knows_are_said_to_be_read_as_english(monkeypatch, tmp_path):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KEC_WORDNET", str(tmp_path / "wordnet"))
    write_wordnet(tmp_path / "wordnet")
    made = do(begin(), {"op": "sort_into", "names": ["dog", "Katze", "yellow cups", "car"]})
    assert made.remarks[0].startswith('Not in the dictionary: "Katze", "yellow cups". Most encoders')
    assert made.remarks[0].endswith("translate those of another language.")
    assert made.said[0].endswith(" ".join(made.remarks))
    assert not do(begin(), {"op": "sort_into", "names": ["dog", "cat", "three trucks"]}).remarks[:1]


def test_a_name_that_hardly_fits_the_photos_it_takes_is_said_to_be_looked_at():
    said = 'Hardly fits its photos, so look there first: "zzz".'
    script = {"op": "sort_into", "names": ["cat", "bus", "zzz", "pen"], "none": False}
    made = do(begin(), script)
    assert said in made.remarks
    zzz = made.state.knowledge.kept[2].id
    taken = [image for image in IMAGES if cluster_of(made.state, image) == zzz]
    put = {"op": "new_cluster", "images": taken, "name": "zzz", "follow": False}
    assert said not in do(begin(), put, script).remarks
    assert said in do(begin(), {**script, "names": ["zzz", "yyy"]}).remarks  # "yyy" has most photos


def test_a_tick_that_goes_with_its_group_is_said():
    ticks = [{"op": "set_cluster_done", "cluster": kind} for kind in ("cat", "dog", "cup")]
    made = do(begin(), *ticks, {"op": "sort_into", "names": ["dog", "pen"]})
    assert made.remarks[-1] == 'Ticked off, but replaced by the list: "cat" and "cup".'
    assert [(one.name, one.done) for one in made.state.knowledge.kept] == [
        ("dog", True),
        ("pen", False),
        ("none of these", False),
    ]
    later = do(made.state, {"op": "rename_concept", "concept": "cup", "name": "mug"})
    assert later.remarks == ()


def test_without_none_every_photo_gets_a_name_and_put_photos_stay():
    state = do(
        begin(),
        {"op": "new_cluster", "images": of("cup", last=3), "name": "CAT", "follow": False},
        {"op": "move_photos", "images": ["pen00.jpg"], "cluster": "car"},
    ).state
    made = do(state, {"op": "sort_into", "names": ["cat", "bus"], "none": False})
    assert made.state.clustering.n_clusters == 2
    assert together(made.state, [*of("cup", last=3), *of("cat")])
    assert "1 wish about other groups went." in made.said[0]


def test_photos_put_into_a_group_that_words_named_stay_when_its_name_is_on_the_list():
    state = do(
        begin(), {"op": "move_photos", "images": of("cup", last=2), "cluster": "cat", "follow": False}
    ).state
    made = do(state, {"op": "sort_into", "names": ["cat", "bus"], "none": True})
    assert together(made.state, [*of("cup", last=2), *of("cat")])
    assert cluster_of(made.state, "cat00.jpg") == cluster_of(state, "cat00.jpg")
    assert [one.name for one in made.state.knowledge.kept] == ["cat", "bus", "none of these"]
    assert "went" not in made.said[0]


def test_a_concept_made_from_photos_has_a_cluster_that_holds_them():
    state = begin()
    made = do(state, {"op": "add_concept", "name": "qqq", "images": of("cup", last=6)}).state
    assert made.clustering.n_clusters == 7
    assert together(made, of("cup", last=6))
    assert cluster_of(made, "cup00.jpg") != cluster_of(state, "cup00.jpg")
    again = do(made, {"op": "assign", "images": ["pen00.jpg"], "concept": "qqq"}).state
    assert together(again, ["pen00.jpg", "cup00.jpg"])
    assert again.clustering.n_clusters == 7
    for later in ("finalise", "a rebuild"):
        assert together(LATER[later](again), ["pen00.jpg", *of("cup", last=6)])


def test_photos_assigned_to_a_concept_go_to_its_cluster():
    after = do(begin(), {"op": "assign", "images": of("cup", last=5), "concept": "bus"}).state
    assert together(after, of("cup", last=5) + of("bus"))
    assert not together(after, of("cup"))
    assert after.clustering.n_clusters == 6


def test_many_assignments_in_one_script_find_the_clusters_of_concepts_that_it_made():
    concepts = [{"name": f"a {kind}"} for kind in KINDS]
    assign = [{"op": "assign", "images": of(kind, last=2), "concept": f"a {kind}"} for kind in KINDS]
    after = do(begin(), {"op": "set_knowledge", "concepts": concepts}, *assign).state
    assert after.clustering.n_clusters == 6
    assert all(together(after, of(kind)) for kind in KINDS)


def test_keeping_two_clusters_together_leaves_no_photo_alone_and_the_number_as_it_is():
    after = do(begin(), {"op": "together", "images": of("cat", "dog")}).state
    assert after.clustering.n_clusters == 6
    assert np.bincount(after.clustering.labels)[np.unique(after.clustering.labels)].min() > 1
    more = do(after, {"op": "set_clusters", "k": 8}).state
    assert more.clustering.n_clusters == 8


def test_undo_brings_back_exactly_what_was_there():
    state = begin()
    after = do(state, {"op": "split_cluster", "cluster": "cat"}, {"op": "set_clusters", "k": 9}).state
    back = restore(after, state.knowledge, state.clustering)
    assert (back.clustering.labels == state.clustering.labels).all()
    assert back.knowledge == state.knowledge


def test_edits_of_clusters_come_back_as_the_same_json_and_are_said_without_a_project():
    script = {
        "edits": [
            {"op": "move_photos", "images": ["a", "b"], "cluster": 3, "follow": True},
            {"op": "new_cluster", "images": ["a"], "name": "x", "follow": True},
            {"op": "merge_clusters", "clusters": [3, "x"], "name": "y"},
            {"op": "split_cluster", "cluster": "y", "into": 2},
            {"op": "rename_cluster", "cluster": "y", "name": "z"},
            {"op": "set_cluster_done", "cluster": "z", "done": True},
            {"op": "sort_into", "names": ["p", "q"], "none": True},
        ]
    }
    edits = parse_script(script)
    assert script_to_json(edits) == script
    assert {edit.op for edit in edits} == {op for op, kind in EDITS.items() if issubclass(kind, ClusterEdit)}
    assert [edit.sentence(Knowledge()) for edit in edits] == [
        "Moved 2 photos to cluster 3.",
        'Made a group "x" of 1 photo.',
        'Merged cluster 3 and "x" into "y".',
        'Split "y" into 2 groups.',
        'Renamed "y" to "z".',
        'Ticked "z" off.',
        'Sorted the photos into "p" and "q".',
    ]
    with pytest.raises(InputError, match="which only a project with photos has"):
        apply_script(Knowledge(), edits)


def test_clusters_beside_kept_ones_have_the_lowest_free_ids():
    labels = np.array([0, 1, 2, 2], dtype=np.int32)
    found = Clustering(
        labels=labels, centroids=np.eye(3, dtype=np.float32), objective=0, method="kmeans", seed=0
    )
    named = under_kept_ids(found, (1,))
    assert named.labels.tolist() == [1, 0, 2, 2]
    np.testing.assert_array_equal(named.centroids, np.eye(3)[[1, 0, 2]])
