"""Verbs on clusters: what the person puts into a group stays in it, counts are as said, refusals are sentences."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.clustering import fuse, spherical_kmeans
from kec_core.clustering.constraints import plan_constraints
from kec_core.config import ClusteringConfig, EncoderDefaults, GroundingConfig
from kec_core.errors import InputError
from kec_core.knowledge.edit_clusters import ClusterEdit
from kec_core.knowledge.edits import EDITS, apply_script, parse_script, script_to_json
from kec_core.live import LiveCollection, LiveState, restore, start
from kec_core.live.edited import edited
from kec_core.live.full import finalised, full_clustering, under_kept_ids
from kec_core.types import Knowledge

KINDS = ("cat", "dog", "bus", "car", "cup", "pen")
EACH = 12
IMAGES = tuple(f"{kind}{n:02d}.jpg" for kind in KINDS for n in range(EACH))
AXES = l2_normalize(np.random.default_rng(0).normal(size=(len(KINDS), 16)).astype(np.float32))


def read(texts):
    """A text encoder by table: the name of a kind lies on its axis, other words anywhere."""
    return np.stack([_vector(text) for text in texts])


def _vector(text):
    named = [AXES[i] for i, kind in enumerate(KINDS) if kind in text]
    seed = int.from_bytes(text.encode(), "little") % 2**32
    noise = np.random.default_rng(seed).normal(size=16).astype(np.float32)
    return np.sum(named, axis=0) + 0.02 * noise if named else noise


def of(*kinds: str, first: int = 0, last: int = EACH) -> list[str]:
    """Photos of some kinds."""
    return [f"{kind}{n:02d}.jpg" for kind in kinds for n in range(first, last)]


def begin(n_clusters: int = 6) -> LiveState:
    """Twelve photos of each of six kinds, in clusters of one kind where there are six."""
    truth = np.repeat(np.arange(len(KINDS)), EACH)
    noise = np.random.default_rng(1).normal(size=(len(truth), 16)).astype(np.float32)
    x = l2_normalize(AXES[truth] + 0.08 * noise)
    collection = LiveCollection(
        image_ids=IMAGES,
        x=x,
        grounded=x,
        encode=read,
        defaults=EncoderDefaults(logit_scale=20.0),
        config=GroundingConfig(),
        n_clusters=n_clusters,
        weight=1.0,
        truth=truth.astype(np.int32),
    )
    names = [{"op": "add_concept", "name": kind} for kind in KINDS]
    knowledge = apply_script(Knowledge(), parse_script({"edits": names}))
    # Concepts that nobody made: k-means finds the groups, they are not seeded by name.
    found = tuple(replace(concept, source="wordnet") for concept in knowledge.concepts)
    return start(collection, replace(knowledge, concepts=found), spherical_kmeans(x, n_clusters, n_init=5))


def names(state: LiveState) -> dict[int, str]:
    """Every cluster called by the kind that most of its photos show."""
    kinds = np.repeat(np.arange(len(KINDS)), EACH)
    labels = state.clustering.labels
    return {int(c): KINDS[np.bincount(kinds[labels == c]).argmax()] for c in np.unique(labels)}


def do(state: LiveState, *edits: dict):
    return edited(state, parse_script({"edits": list(edits)}), names=names)


def refused(state: LiveState, *edits: dict) -> str:
    with pytest.raises(InputError) as error:
        do(state, *edits)
    return str(error.value)


def cluster_of(state: LiveState, image: str) -> int:
    return int(state.clustering.labels[IMAGES.index(image)])


def together(state: LiveState, images) -> bool:
    return len({cluster_of(state, image) for image in images}) == 1


def rebuilt(state: LiveState) -> LiveState:
    """The photos clustered anew as a run does, which knows no earlier groups."""
    these, knowledge = state.collection, state.knowledge
    fused = fuse(these.x, state.grounding.kappa, state.weight)
    found = full_clustering(
        fused, state.grounding, knowledge, IMAGES, state.n_clusters, ClusteringConfig(n_init=2)
    )
    found = under_kept_ids(found, plan_constraints(knowledge, IMAGES).kept)
    return start(these, knowledge, found)


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


LATER = {
    "another edit": lambda s: do(s, {"op": "rename_concept", "concept": "bus", "name": "dog bus cat"}).state,
    "more clusters": lambda s: do(s, {"op": "set_clusters", "k": 9}).state,
    "fewer clusters": lambda s: do(s, {"op": "set_clusters", "k": 3}).state,
    "another weight": lambda s: do(s, {"op": "set_weight", "knowledge": 0.2}).state,
    "finalise": lambda s: finalised(s, ClusteringConfig(n_init=2)),
    "a rebuild": rebuilt,
}


@pytest.mark.parametrize("later", LATER)
def test_moved_photos_are_where_they_were_put_after(later):
    state = do(begin(), {"op": "move_photos", "images": of("cat", last=5), "cluster": "dog"}).state
    home = cluster_of(state, "dog00.jpg")
    after = LATER[later](state)
    assert {cluster_of(after, image) for image in of("cat", last=5)} == {home}
    # The cluster is still that of the dogs: five cats do not take its id away with them.
    assert sum(cluster_of(after, image) == home for image in of("dog")) > EACH / 2


def test_photos_that_are_kept_together_go_along_and_it_is_said():
    state = do(begin(), {"op": "together", "images": ["cat00.jpg", "cat01.jpg"]}).state
    moved = do(state, {"op": "move_photos", "images": ["cat00.jpg"], "cluster": "dog"})
    assert together(moved.state, ["cat00.jpg", "cat01.jpg", "dog00.jpg"])
    assert [IMAGES[row] for row in moved.follow] == ["cat01.jpg"]
    assert moved.said == ('Moved 1 photo to "dog". 1 photo went along.',)


def test_photos_that_are_kept_apart_do_not_meet():
    state = do(begin(), {"op": "apart", "images": ["cat00.jpg", "dog00.jpg"]}).state
    said = refused(state, {"op": "move_photos", "images": ["cat00.jpg"], "cluster": "dog"})
    assert said.startswith(
        "Edit at index 0 (move_photos): the photos 'cat00.jpg' and 'dog00.jpg' are kept apart"
    )
    assert 'would both be in "dog"' in said
    assert "kept apart" in refused(state, {"op": "merge_clusters", "clusters": ["cat", "dog"]})


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


def test_fewer_clusters_than_are_kept_are_refused():
    rename = [{"op": "rename_cluster", "cluster": kind, "name": kind.upper()} for kind in KINDS[:4]]
    state = do(begin(), *rename).state
    said = refused(state, {"op": "set_clusters", "k": 3})
    assert "3 clusters are asked for, but 4 are kept because you named or changed them" in said
    few = replace(state, knowledge=replace(state.knowledge, n_clusters=3))
    assert rebuilt(few).clustering.n_clusters == 4


def test_clusters_that_cannot_be_made_are_accounted_for():
    merges = [
        {"op": "merge_clusters", "clusters": list(KINDS[:5])},
        {"op": "merge_clusters", "clusters": [0, 1]},
    ]
    state = begin()
    one = do(state, merges[0]).state
    left = [int(c) for c in np.unique(one.clustering.labels)]
    all_put = do(one, {"op": "merge_clusters", "clusters": left}).state
    assert all_put.clustering.n_clusters == 1
    after = do(all_put, {"op": "set_clusters", "k": 3}).state
    assert after.clustering.n_clusters == 1
    assert after.clustering.note.startswith("Only 1 of the 3 clusters asked for have photos")


def test_undo_brings_back_exactly_what_was_there():
    state = begin()
    after = do(state, {"op": "split_cluster", "cluster": "cat"}, {"op": "set_clusters", "k": 9}).state
    back = restore(after, state.knowledge, state.clustering)
    assert (back.clustering.labels == state.clustering.labels).all()
    assert back.knowledge == state.knowledge


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"op": "move_photos", "images": ["cat00.jpg"], "cluster": 99}, 'there is no cluster "99"'),
        ({"op": "move_photos", "images": ["cat00.jpg"], "cluster": "kat"}, 'did you mean "cat"?'),
        ({"op": "move_photos", "images": ["gone.jpg"], "cluster": "cat"}, "there is no image 'gone.jpg'"),
        ({"op": "move_photos", "images": [], "cluster": "cat"}, "should have at least 1 entries"),
        ({"op": "move_photos", "images": ["cat00.jpg"], "cluster": True}, "cluster"),
        ({"op": "merge_clusters", "clusters": ["cat"]}, "should have at least 2 entries"),
        ({"op": "merge_clusters", "clusters": ["cat", "CAT"]}, 'the cluster "cat" is named twice'),
        ({"op": "split_cluster", "cluster": "cat", "into": 13}, "12 photos and cannot be split in 13"),
        ({"op": "split_cluster", "cluster": "cat", "into": 1}, "into"),
        ({"op": "split_cluster", "cluster": "cat", "names": ["cat"]}, "names"),
        ({"op": "split_cluster", "cluster": "cat", "names": ["a cat", "Rex"]}, "already a cluster \"Rex\""),
        ({"op": "split_cluster", "cluster": "cat", "parts": [["cat00.jpg"], ["cat00.jpg"]]}, "twice"),
        ({"op": "split_cluster", "cluster": "cat", "parts": [["cat00.jpg"], ["dog00.jpg"]]}, "is in \"Rex\", not in \"cat\""),
        ({"op": "split_cluster", "cluster": "cat", "into": 2, "parts": [["cat00.jpg"], ["cat01.jpg"]]}, "give one of them"),
        ({"op": "rename_cluster", "cluster": "cat"}, "the field 'name' is missing"),
        ({"op": "sort_into", "names": []}, "should have at least 1 entries"),
        ({"op": "sort_into", "names": ["cat", "Cat"]}, "twice"),
        ({"op": "sort_into", "names": ["None of these"]}, "leave it out"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence_and_nothing_happens(edit, words):
    good = {"op": "rename_cluster", "cluster": "dog", "name": "Rex"}
    said = refused(begin(), good, edit)
    assert said.startswith("Edit at index 1 (")
    assert words in said
    assert "\n" not in said


def test_a_name_that_another_cluster_has_is_refused():
    state = do(begin(), {"op": "rename_cluster", "cluster": "cat", "name": "Felix"}).state
    for edit in (
        {"op": "rename_cluster", "cluster": "dog", "name": "felix"},
        {"op": "new_cluster", "images": ["dog00.jpg"], "name": "FELIX"},
        {"op": "merge_clusters", "clusters": ["dog", "pen"], "name": "Felix"},
    ):
        assert 'there is already a cluster "Felix"' in refused(state, edit)


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


def a_verb(rng: random.Random, state: LiveState, number: int) -> dict:
    """A verb on random photos and clusters, or a change that clusters anew."""
    clusters = [int(c) for c in np.unique(state.clustering.labels)]
    images = rng.sample(IMAGES, rng.randint(1, 5))
    kind = rng.randrange(13)
    if kind == 0:
        return {"op": "new_cluster", "images": images, "name": rng.choice(["", f"new {number}"])}
    if kind == 1 and len(clusters) > 2:
        return {"op": "merge_clusters", "clusters": rng.sample(clusters, 2)}
    if kind == 2:
        return {"op": "split_cluster", "cluster": rng.choice(clusters)}
    if kind == 3:
        return {"op": "rename_cluster", "cluster": rng.choice(clusters), "name": f"name {number}"}
    if kind == 4:
        return {"op": "set_clusters", "k": rng.choice([None, 4, 8])}
    if kind == 5:
        return {"op": rng.choice(["together", "apart"]), "images": rng.sample(IMAGES, 2)}
    if kind == 6:
        return {"op": "mute_concept", "concept": "pen", "muted": rng.random() < 0.5}
    if kind > 7:
        return a_rarer_verb(rng, state, number, images)
    return {"op": "move_photos", "images": images, "cluster": rng.choice(clusters)}


def a_rarer_verb(rng: random.Random, state: LiveState, number: int, images: list[str]) -> dict:
    """The same, of the other kinds."""
    clusters = [int(c) for c in np.unique(state.clustering.labels)]
    kind = rng.randrange(5)
    if kind == 0:
        names = rng.sample(["cat", "dog", "pen", f"thing {number}"], rng.randint(1, 4))
        return {"op": "sort_into", "names": names, "none": rng.random() < 0.5}
    if kind == 1:
        return {"op": "set_cluster_done", "cluster": rng.choice(clusters), "done": rng.random() < 0.7}
    if kind == 2:
        cluster = rng.choice(clusters)
        inside = [image for image in IMAGES if cluster_of(state, image) == cluster]
        return {"op": "split_cluster", "cluster": cluster, "parts": [inside[:1], inside[1:3] or inside[:1]]}
    if kind == 3:
        return {"op": "assign", "images": images, "concept": rng.choice(state.knowledge.concepts).id}
    return {"op": "move_photos", "images": images[:1], "cluster": rng.choice(clusters), "follow": True}


def check_put(state: LiveState) -> None:
    """Every photo that was put into a cluster is in it; ids of kept clusters are in use or were named."""
    for wish in state.knowledge.constraints:
        if wish.cluster is not None:
            assert {cluster_of(state, image) for image in wish.images} == {wish.cluster}
        if wish.kind == "together":
            assert together(state, wish.images)
        if wish.kind == "apart":
            assert len({cluster_of(state, image) for image in wish.images}) == len(wish.images)
    for kept in state.knowledge.kept:
        assert kept.name or (state.clustering.labels == kept.id).any()


EXPECTED = {"new_cluster": 1, "merge_clusters": -1, "split_cluster": 1, "rename_cluster": 0}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_whatever_verbs_come_photos_are_where_they_were_put(seed):
    rng = random.Random(seed)
    state = begin()
    for number in range(7):
        edit = a_verb(rng, state, number)
        before = state
        try:
            done = do(state, edit)
        except InputError:
            continue
        state = done.state
        check_put(state)
        gone = "no photos left" in done.said[0]
        if edit["op"] in EXPECTED and not gone:
            assert state.clustering.n_clusters == before.clustering.n_clusters + EXPECTED[edit["op"]]
        if edit["op"] == "set_clusters" and edit["k"] and not state.clustering.note:
            assert state.clustering.n_clusters == edit["k"]
        if edit["op"] == "move_photos":
            assert {cluster_of(state, image) for image in edit["images"]} == {edit["cluster"]}
        back = restore(state, before.knowledge, before.clustering)
        assert (back.clustering.labels == before.clustering.labels).all()
        assert back.knowledge == before.knowledge
    for after in (finalised(state, ClusteringConfig(n_init=1)), rebuilt(state)):
        check_put(after)
