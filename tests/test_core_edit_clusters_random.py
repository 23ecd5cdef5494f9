"""Random verbs on clusters: what the person puts into a group stays in it, counts are as said, undo is exact."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.config import ClusteringConfig
from kec_core.errors import InputError
from kec_core.live import LiveState, restore
from kec_core.live.full import finalised
from tests.live_clusters import (
    IMAGES,
    begin,
    cluster_of,
    do,
    rebuilt,
    together,
)


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
