"""Verbs on clusters that cannot be done: one sentence each, and nothing happens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.live_clusters import (
    KINDS,
    begin,
    do,
    rebuilt,
    refused,
)


def test_photos_that_are_kept_apart_do_not_meet():
    state = do(begin(), {"op": "apart", "images": ["cat00.jpg", "dog00.jpg"]}).state
    said = refused(state, {"op": "move_photos", "images": ["cat00.jpg"], "cluster": "dog"})
    assert said.startswith(
        "Edit at index 0 (move_photos): the photos 'cat00.jpg' and 'dog00.jpg' are kept apart"
    )
    assert 'would both be in "dog"' in said
    assert "kept apart" in refused(state, {"op": "merge_clusters", "clusters": ["cat", "dog"]})


def test_fewer_clusters_than_are_kept_are_refused():
    rename = [{"op": "rename_cluster", "cluster": kind, "name": kind.upper()} for kind in KINDS[:4]]
    state = do(begin(), *rename).state
    said = refused(state, {"op": "set_clusters", "k": 3})
    assert "3 clusters asked for, but 4 are kept because you named or changed them" in said
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
    assert after.clustering.note.startswith("Only 1 of 3 clusters asked for got photos")


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
