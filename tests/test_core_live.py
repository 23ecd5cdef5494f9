"""The live loop: what an edit changes, what it leaves, and that it equals computing everything again."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.clustering import fuse, spherical_kmeans
from kec_core.config import ClusteringConfig, EncoderDefaults, GroundingConfig
from kec_core.encoders.text_cache import TextCache, encode_texts
from kec_core.errors import InputError
from kec_core.grounding import concept_vectors, ground
from kec_core.knowledge.edits import apply, apply_script, parse_edit, parse_script
from kec_core.live import LiveCollection, LiveState, recluster, restore, start, update
from kec_core.live import full as grouping
from kec_core.result.impact import compare
from kec_core.types import Knowledge
from tests.fakes import HashEncoder
from tests.random_edits import random_edit

DIM = 24
GROUPS = ("cat", "dog", "bus", "car")
IMAGES = tuple(f"{n:03d}.jpg" for n in range(120))
NIGHT = np.float32(0.3)
DEFAULTS = EncoderDefaults(logit_scale=20.0)


class Words:
    """A text encoder by table: a group's name lies on its axis, "furry" between cat and dog, other words anywhere."""

    def __init__(self) -> None:
        self.axes = l2_normalize(np.random.default_rng(0).normal(size=(4, DIM)).astype(np.float32))
        self.dark = l2_normalize(np.random.default_rng(7).normal(size=(1, DIM)).astype(np.float32))[0]

    def __call__(self, texts):
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text):
        named = [self.axes[i] for i, name in enumerate(GROUPS) if name in text]
        if "furry" in text:
            named += [self.axes[0], self.axes[1]]
        seed = int.from_bytes(text.encode(), "little") % 2**32
        noise = np.random.default_rng(seed).normal(size=DIM).astype(np.float32)
        return np.sum(named, axis=0) + 0.02 * noise if named else noise


def collection(**changes) -> LiveCollection:
    """Thirty photos per group; cats look much like dogs, buses like cars, and half of all are taken at night."""
    words = Words()
    truth = np.repeat(np.arange(4, dtype=np.int32), 30)
    looks = 0.65 * words.axes[truth] + 0.35 * words.axes[truth ^ 1]
    night = np.where(np.arange(120) % 2, NIGHT, -NIGHT)[:, None] * words.dark
    night = np.where(np.arange(120) % 2, NIGHT, -NIGHT)[:, None] * words.dark
    noise = np.random.default_rng(1).normal(size=(120, DIM)).astype(np.float32)
    x = l2_normalize(looks + night + 0.08 * noise)
    values = {
        "image_ids": IMAGES,
        "x": x,
        "grounded": x,
        "encode": words,
        "defaults": DEFAULTS,
        "config": GroundingConfig(),
        "n_clusters": 4,
        "weight": 1.0,
        "truth": truth,
    }
    return LiveCollection(**(values | changes))


def knowledge_of(*names: str) -> Knowledge:
    return apply_script(
        Knowledge(), parse_script({"edits": [{"op": "add_concept", "name": name} for name in names]})
    )


def begin(knowledge: Knowledge, **changes) -> LiveState:
    these = collection(**changes)
    return start(these, knowledge, spherical_kmeans(these.x, these.n_clusters, n_init=5))


def step(state: LiveState, **edit) -> LiveState:
    return update(state, apply(state.knowledge, parse_edit(edit)))


def assert_like_full(state: LiveState) -> None:
    """The grounding of a state equals the one computed from nothing."""
    these = state.collection
    vectors = concept_vectors(state.knowledge, these.encode, these.config)
    full = ground(these.grounded, vectors, these.config, these.defaults)
    assert state.grounding.concept_ids == full.concept_ids
    np.testing.assert_allclose(state.grounding.omega, full.omega, atol=1e-5)
    np.testing.assert_allclose(state.grounding.kappa, full.kappa, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        GroundingConfig(),
        GroundingConfig(mode="raw", logit_scale=5.0),
        GroundingConfig(smooth_neighbours=3),
        GroundingConfig(unit_zeta=True, centre_before_product=True, use_bi=False),
    ],
    ids=["scaled", "raw", "smoothed", "centred"],
)
def test_grounding_after_many_edits_equals_the_full_one(config):
    rng = random.Random(5)
    state = begin(knowledge_of(*GROUPS), config=config)
    done = 0
    while done < 25:
        edit = random_edit(rng, state.knowledge, IMAGES)
        if edit.op in ("set_clusters", "together", "apart", "assign"):
            continue
        try:
            state = update(state, apply(state.knowledge, edit))
        except InputError:
            continue
        done += 1
    assert_like_full(state)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_every_single_edit_gives_the_full_grounding_and_undo_gives_it_back(seed):
    before = begin(knowledge_of(*GROUPS, "furry thing"))
    try:
        knowledge = apply(before.knowledge, random_edit(random.Random(seed), before.knowledge, IMAGES))
        after = update(before, knowledge)
    except InputError:
        return
    assert_like_full(after)
    back = restore(after, before.knowledge, before.clustering)
    assert_like_full(back)
    assert (back.clustering, back.scores) == (before.clustering, before.scores)
    assert not len(compare(before, back).moved)


def test_concepts_that_name_the_groups_raise_the_scores():
    vague = begin(knowledge_of("furry thing", "bus or car"))
    named = update(vague, knowledge_of(*GROUPS))
    assert vague.scores.acc < 0.6
    assert named.scores.acc > 0.9


def test_only_changed_columns_are_scored_again(monkeypatch):
    state = begin(knowledge_of(*GROUPS))
    scored: list[tuple[str, ...]] = []
    compute = recluster.concept_scores

    def spy(x, vectors, config, defaults):
        scored.append(vectors.concept_ids)
        return compute(x, vectors, config, defaults)

    monkeypatch.setattr(recluster, "concept_scores", spy)
    dog = state.knowledge.concepts[1].id
    renamed = step(state, op="rename_concept", concept=dog, name="furry dog")
    assert scored == [(dog,)]
    step(renamed, op="add_attribute", concept=dog, text="wet nose")
    step(renamed, op="mute_concept", concept=dog, muted=True)
    assert scored == [(dog,)]
    merged = step(renamed, op="merge_concepts", concepts=[dog, "cat"])
    assert scored[1:] == [(merged.knowledge.concepts[0].id,)]


def test_only_new_words_are_encoded(tmp_path):
    asked: list[str] = []

    class Counting(HashEncoder):
        def encode_texts(self, texts):
            asked.extend(texts)
            return super().encode_texts(texts)

    encoder, cache = Counting(dim=DIM), TextCache(tmp_path / "texts.sqlite")
    state = begin(knowledge_of(*GROUPS), encode=lambda texts: encode_texts(encoder, texts, cache=cache))
    assert sorted(asked) == sorted(GROUPS)
    asked.clear()
    state = step(state, op="add_attribute", concept="cat", text="whiskers")
    state = step(state, op="merge_concepts", concepts=["cat", "dog"], name="pet")
    state = step(state, op="mute_concept", concept="bus", muted=True)
    assert asked == ["whiskers", "pet"]


def test_edits_that_say_nothing_about_photos_move_nothing_and_cost_nothing():
    state = begin(knowledge_of(*GROUPS))
    for edit in (
        {"op": "lock_concept", "concept": "cat", "locked": True},
        {"op": "add_group", "name": "animals"},
        {"op": "set_guidance", "text": "by species", "rebuild": False},
    ):
        after = step(state, **edit)
        assert after.clustering is state.clustering
        assert after.grounding is state.grounding
        assert after.knowledge != state.knowledge


def test_an_edit_and_its_opposite_lead_back():
    state = update(begin(knowledge_of("furry thing")), knowledge_of(*GROUPS))
    there = step(state, op="mute_concept", concept="dog", muted=True)
    back = step(there, op="mute_concept", concept="dog", muted=False)
    assert len(compare(state, there).moved) > 4
    assert len(compare(state, back).moved) <= 2  # k-means may settle a photo on a border elsewhere


def test_states_are_values():
    state = begin(knowledge_of(*GROUPS))
    kept = [state.logits.copy(), state.grounding.kappa.copy(), state.clustering.labels.copy()]
    step(state, op="rename_concept", concept="cat", name="furry bus")
    for array, copy in zip((state.logits, state.grounding.kappa, state.clustering.labels), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_impact_counts_every_photo_that_moves():
    state = update(
        begin(knowledge_of("furry thing", "bus or car")), knowledge_of("furry thing", "bus or car")
    )
    after = update(state, knowledge_of(*GROUPS))
    impact = compare(state, after)
    old, new = state.clustering.labels, after.clustering.labels
    assert impact.moved.tolist() == [row for row in range(120) if old[row] != new[row]]
    assert len(impact.moved) > 10
    assert sum(flow.photos for flow in impact.flows) == len(impact.moved)
    first = impact.flows[0]
    assert first.photos == max(flow.photos for flow in impact.flows)
    assert first.photos == ((old == first.source) & (new == first.target)).sum()
    assert (impact.concepts, impact.clusters) == ((2, 4), (4, 4))
    assert (impact.scores_before, impact.scores_after) == (state.scores, after.scores)


def test_impact_counts_photos_whose_closest_concept_is_another_even_where_no_cluster_changes():
    state = update(begin(knowledge_of(*GROUPS)), knowledge_of(*GROUPS))
    dog = next(concept.id for concept in state.knowledge.concepts if concept.name == "dog")
    column = state.vectors.concept_ids.index(dog)
    dogs = state.logits.argmax(axis=1) == column
    assert 0 < dogs.sum() < 120
    muted = step(state, op="mute_concept", concept="dog", muted=True)
    assert compare(state, muted).reassigned == dogs.sum()
    assert compare(state, state).reassigned == 0
    still = replace(muted, clustering=state.clustering)
    assert not len(compare(state, still).moved)
    assert compare(state, still).reassigned == dogs.sum()


def test_a_concept_made_anew_under_its_name_is_not_another():
    state = update(begin(knowledge_of(*GROUPS)), knowledge_of(*GROUPS))
    knowledge = state.knowledge
    anew = [replace(one, id=f"{one.id}9") for one in reversed(knowledge.concepts)]
    rebuilt = update(state, Knowledge(concepts=tuple(anew)))
    assert not set(rebuilt.vectors.concept_ids) & set(state.vectors.concept_ids)
    assert compare(state, rebuilt).reassigned == 0
    others = [replace(one, name=f"other {one.name}") for one in anew]
    renamed = replace(rebuilt, knowledge=Knowledge(concepts=tuple(others)))
    assert compare(state, renamed).reassigned == 120


def test_cluster_ids_follow_the_photos_and_are_not_used_again():
    state = update(begin(knowledge_of(*GROUPS)), knowledge_of(*GROUPS))
    state = step(state, op="set_weight", knowledge=2)
    ids = {int(state.clustering.labels[row]) for row in (0, 30, 60, 90)}
    assert len(ids) == 4
    fewer = step(state, op="set_clusters", k=3)
    kept = set(fewer.clustering.labels.tolist())
    assert kept < ids
    (retired,) = ids - kept
    assert not fewer.clustering.centroids[retired].any()
    more = step(fewer, op="set_clusters", k=4)
    assert set(more.clustering.labels.tolist()) == kept | {4}
    assert more.clustering.centroids.shape[0] == 5
    own = more.clustering.centroids[more.clustering.labels]
    fused = fuse(more.collection.x, more.grounding.kappa, 2.0)
    assert (fused * own).sum() == pytest.approx(more.clustering.objective, rel=1e-4)


def test_the_highest_id_is_not_used_again_once_its_cluster_is_gone():
    begun = begin(knowledge_of(*GROUPS))
    gone = {0, 1, 2, 3} - set(step(begun, op="set_clusters", k=3).clustering.labels.tolist())
    order = np.array(sorted(range(4), key=lambda cluster: cluster in gone), dtype=np.int32)
    highest = replace(
        begun.clustering,
        labels=np.argsort(order).astype(np.int32)[begun.clustering.labels],
        centroids=begun.clustering.centroids[order],
    )
    fewer = step(restore(begun, begun.knowledge, highest), op="set_clusters", k=3)
    assert set(fewer.clustering.labels.tolist()) == {0, 1, 2}
    assert fewer.clustering.next_cluster_id == 4
    more = step(fewer, op="set_clusters", k=4)
    assert set(more.clustering.labels.tolist()) == {0, 1, 2, 4}
    assert more.clustering.next_cluster_id == 5


def test_groups_that_fit_as_well_do_not_replace_those_the_person_knows():
    side, height = np.repeat([[1, 1], [1, -1], [-1, 1], [-1, -1]], 30, axis=0).T.astype(np.float32)
    x = np.zeros((120, DIM), dtype=np.float32)
    x[:, :3] = np.stack([np.full(120, 2**0.5), side, height], axis=1) / 2
    known = knowledge_of(*GROUPS)
    known = replace(known, concepts=tuple(replace(one, source="wordnet") for one in known.concepts))
    by_side, by_height = ((each > 0).astype(np.int32) for each in (side, height))
    live = collection(x=x, grounded=x, n_clusters=2, baseline=by_height, truth=None)
    begun = start(live, known, replace(spherical_kmeans(x, 2), labels=by_side))
    assert step(begun, op="set_weight", knowledge=0).clustering.labels.tolist() == by_side.tolist()


def test_automatic_numbers_come_from_the_collection():
    state = begin(knowledge_of(*GROUPS))
    five = step(state, op="set_clusters", k=5)
    assert five.clustering.n_clusters == 5
    assert step(five, op="set_clusters", k=None).clustering.n_clusters == 4


def test_weight_zero_is_plain_k_means_on_the_photos():
    state = step(begin(knowledge_of("furry thing", "bus")), op="set_weight", knowledge=0)
    objective = spherical_kmeans(state.collection.x, 4, n_init=20).objective
    assert state.clustering.objective == pytest.approx(objective, rel=0.01)


def test_wishes_on_photos_hold_after_every_edit():
    state = begin(knowledge_of(*GROUPS))
    state = step(state, op="together", images=["000.jpg", "095.jpg"])
    state = step(state, op="apart", images=["001.jpg", "002.jpg", "003.jpg"])
    state = step(state, op="assign", images=["004.jpg", "005.jpg"], concept="bus")
    state = step(state, op="rename_concept", concept="cat", name="furry cat")
    labels = state.clustering.labels
    assert labels[0] == labels[95]
    assert len({*labels[1:4].tolist()}) == 3
    buses = np.bincount(labels[60:90]).argmax()
    assert labels[4] == labels[5] == buses


def test_impossible_wishes_are_refused_and_say_what_to_do():
    state = begin(knowledge_of(*GROUPS))
    with pytest.raises(InputError, match="5 photos are kept apart, but there are 4 clusters"):
        step(state, op="apart", images=list(IMAGES[:5]))
    with pytest.raises(InputError, match=r"between 1 and the number of photos \(120\), but 121"):
        step(state, op="set_clusters", k=121)
    one = begin(knowledge_of("cat"))
    with pytest.raises(InputError, match="all 1 are muted; unmute one"):
        step(one, op="mute_concept", concept="cat", muted=True)


def test_scores_count_labelled_photos_only():
    truth = np.repeat(np.arange(4, dtype=np.int32), 30)
    half = np.where(np.arange(120) % 2, truth, -1).astype(np.int32)
    full, partly = begin(knowledge_of(*GROUPS)), begin(knowledge_of(*GROUPS), truth=half)
    assert begin(knowledge_of(*GROUPS), truth=None).scores is None
    assert begin(knowledge_of(*GROUPS), truth=np.full(120, -1, np.int32)).scores is None
    assert 0 < partly.scores.acc <= 1
    assert partly.clustering.labels.tolist() == full.clustering.labels.tolist()


def test_coherence_is_the_mean_cosine_to_the_visual_means():
    state = begin(knowledge_of(*GROUPS))
    labels, x = state.clustering.labels, state.collection.x
    means = l2_normalize(np.stack([x[labels == k].mean(axis=0) for k in range(4)]))
    assert state.coherence == pytest.approx(float((x * means[labels]).sum(axis=1).mean()), abs=1e-5)


def test_shuffled_labels_change_no_assignment():
    truth = np.random.default_rng(3).permutation(np.repeat(np.arange(4, dtype=np.int32), 30))
    states = [begin(knowledge_of(*GROUPS), truth=t) for t in (None, truth)]
    ends = [step(state, op="mute_concept", concept="dog", muted=True) for state in states]
    np.testing.assert_array_equal(ends[0].clustering.labels, ends[1].clustering.labels)
    assert (
        replace(ends[0].clustering, labels=ends[1].clustering.labels).objective
        == ends[1].clustering.objective
    )


def test_finalising_leaves_groups_that_fit_better_than_what_the_restarts_find(monkeypatch):
    known = knowledge_of(*GROUPS)
    known = replace(known, concepts=tuple(replace(one, source="wordnet") for one in known.concepts))
    state = begin(known)
    poor = replace(
        state.clustering,
        labels=np.roll(state.clustering.labels, len(state.clustering.labels) // 7),
        objective=0.0,
    )
    monkeypatch.setattr(grouping, "full_clustering", lambda *_args, **_options: poor)
    done = grouping.finalised(state, ClusteringConfig())
    assert grouping.objective(done) >= grouping.objective(state) - 1e-6
