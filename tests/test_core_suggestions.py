"""The review queue and the test bench on planted doubts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import (
    AssignImages,
    DeleteAttribute,
    DeleteConcept,
    MergeConcepts,
    MuteConcept,
    SetClusters,
    apply,
    apply_script,
    parse_edit,
    parse_script,
)
from kec_core.live import LiveCollection, start, update
from kec_core.result.concept_photos import BINS, auc, probe
from kec_core.suggestions import concept_doubts, least_certain, suggest
from kec_core.suggestions.base import strongest
from kec_core.types import Knowledge

DIM = 40
KINDS = ("deer", "owl", "train", "boat", "rose", "cup")
AXES = np.eye(DIM, dtype=np.float32)
PER_KIND = 40


def encode(texts):
    """A kind's name is its axis; "elk" reads like deer; "vehicle" lies between train and boat; "fog" is everywhere."""
    vectors = np.zeros((len(texts), DIM), dtype=np.float32)
    for row, text in enumerate(texts):
        for axis, kind in enumerate(KINDS):
            vectors[row] += AXES[axis] * (kind in text)
        vectors[row] += (AXES[0] + 0.35 * AXES[20]) * ("elk" in text)
        vectors[row] += (AXES[2] + AXES[3]) * ("vehicle" in text)
        vectors[row] += AXES[30] * ("nowhere" in text) + AXES[31:39].sum(axis=0) * ("fog" in text)
        if not vectors[row].any():
            vectors[row] = AXES[39]
    return vectors


def state_of(*names: str, n_clusters: int = 6, attributes: dict[str, str] | None = None, shared: float = 0.0):
    rng = np.random.default_rng(2)
    truth = np.repeat(np.arange(6, dtype=np.int32), PER_KIND)
    x = AXES[truth] + 0.12 * rng.normal(size=(len(truth), DIM)).astype(np.float32)
    x[truth == 0, 20] = rng.permutation(np.linspace(-0.3, 0.3, PER_KIND))  # deer more or less like an elk
    x[(truth == 2) | (truth == 3), 21] += shared  # trains and boats look alike
    collection = LiveCollection(
        image_ids=tuple(f"{n}.jpg" for n in range(len(truth))),
        x=l2_normalize(x),
        grounded=l2_normalize(x),
        encode=encode,
        defaults=EncoderDefaults(logit_scale=20.0),
        config=GroundingConfig(),
        n_clusters=n_clusters,
        weight=0.5,
        truth=truth,
    )
    edits = [
        {"op": "add_concept", "name": name, "attributes": (attributes or {}).get(name, [])} for name in names
    ]
    knowledge = apply_script(Knowledge(), parse_script({"edits": edits}))
    first = spherical_kmeans(collection.x, n_clusters, n_init=5)
    return start(collection, knowledge, first), truth


def of_kind(suggestions, kind):
    return [one for one in suggestions if one.kind == kind]


def test_sound_knowledge_raises_no_doubt():
    state, _ = state_of(*KINDS)
    assert suggest(state) == ()
    assert len(least_certain(state)) == 3


def test_two_concepts_for_the_same_photos_are_to_be_merged():
    state, truth = state_of(*KINDS, "elk")
    (merge,) = of_kind(suggest(state), "merge")
    deer, elk = state.knowledge.concepts[0], state.knowledge.concepts[6]
    assert set(merge.concepts) == {deer.id, elk.id}
    assert merge.question in ('Merge "elk" into "deer"?', 'Merge "deer" into "elk"?')
    assert isinstance(merge.edit, MergeConcepts)
    assert 0.02 < merge.gain < PER_KIND / 240
    assert all((truth[list(gallery.rows)] == 0).all() for gallery in merge.evidence)
    accepted = update(state, apply(state.knowledge, merge.edit))
    assert not of_kind(suggest(accepted), "merge")


def test_two_kinds_that_would_be_split_again_are_not_to_be_merged(monkeypatch):
    state, _ = state_of("deer", "owl", "train vehicle", "boat vehicle", "rose", "cup", shared=1.5)
    train, boat = (state.knowledge.concepts[q].id for q in (2, 3))
    assert not of_kind(suggest(state), "merge")
    merged = update(state, apply(state.knowledge, MergeConcepts(concepts=(train, boat))))
    (both,) = set(merged.knowledge.by_id) - set(state.knowledge.by_id)
    assert [one.concepts for one in of_kind(suggest(merged), "split")] == [(both,)]
    monkeypatch.setattr(concept_doubts, "BIMODAL", 2.0)  # nothing is ever of two kinds
    assert [set(one.concepts) for one in of_kind(suggest(state), "merge")] == [{train, boat}]


def test_a_concept_of_two_kinds_is_to_be_split():
    state, truth = state_of("deer", "owl", "vehicle", "rose", "cup")
    (split,) = of_kind(suggest(state), "split")
    assert split.question == 'Split "vehicle"?'
    kinds = [set(truth[list(gallery.rows)].tolist()) for gallery in split.evidence]
    assert kinds in ([{2}, {3}], [{3}, {2}])
    assert split.edit is None


def test_the_kinds_of_the_same_photos_are_found_once(monkeypatch):
    state, _ = state_of("deer", "owl", "vehicle", "rose", "cup")
    found = suggest(state)
    asked = []
    real = concept_doubts.spherical_kmeans
    monkeypatch.setattr(
        concept_doubts,
        "spherical_kmeans",
        lambda photos, *rest, **more: asked.append(len(photos)) or real(photos, *rest, **more),
    )
    assert suggest(state) == found
    assert not asked
    changed = update(state, apply(state.knowledge, MuteConcept(concept=state.knowledge.concepts[4].id)))
    rows = [
        set(np.flatnonzero(one.grounding.omega.argmax(axis=1) == q))
        for q in range(4)
        for one in (state, changed)
    ]
    moved = sum(before != after for before, after in zip(rows[::2], rows[1::2], strict=True))
    suggest(changed)
    assert len(asked) == moved


def test_no_more_kinds_are_remembered_than_allowed_and_none_is_missed(monkeypatch):
    state, _ = state_of("deer", "owl", "vehicle", "rose", "cup")
    found = suggest(state)
    monkeypatch.setattr(concept_doubts, "REMEMBERED", 1)
    forgetful = replace(state, collection=replace(state.collection))
    assert suggest(forgetful) == found
    assert len(concept_doubts._KINDS[forgetful.collection]) == 1


def test_a_concept_without_photos_is_to_go():
    state, _ = state_of(*KINDS, "nowhere")
    (unused,) = of_kind(suggest(state), "unused")
    assert unused.edit == DeleteConcept(concept=state.knowledge.concepts[6].id)
    assert unused.gain == pytest.approx(float(state.grounding.omega[:, 6].mean()), abs=1e-5)


def test_a_concept_that_photos_were_put_into_is_not_to_go_with_these_wishes():
    state, _ = state_of(*KINDS, "nowhere")
    (unused,) = of_kind(suggest(state), "unused")
    put = AssignImages(images=(state.collection.image_ids[0],), concept=unused.concepts[0])
    assert not of_kind(suggest(update(state, apply(state.knowledge, put))), "unused")


def test_an_attribute_that_separates_nothing_is_to_go():
    state, _ = state_of(*KINDS, attributes={"owl": ["owl face", "fog"]})
    pair = {"op": "add_pair_attribute", "concepts": ["train", "boat"], "text": "fog behind"}
    telling = {"op": "add_pair_attribute", "concepts": ["train", "boat"], "text": "boat shape"}
    knowledge = apply_script(state.knowledge, parse_script({"edits": [pair, telling]}))
    found = of_kind(suggest(update(state, knowledge)), "attribute")
    assert {one.question for one in found} <= {
        'Delete the attribute "fog" of "owl"?',
        'Delete the attribute "fog behind" of "train" and "boat"?',
    }
    assert found
    assert all(isinstance(one.edit, DeleteAttribute) for one in found)


def test_a_name_far_from_its_photos_is_to_change():
    state, truth = state_of("deer", "owl", "train", "boat", "rose", "cup of nowhere")
    (name,) = of_kind(suggest(state), "name")
    assert name.question == 'Rename or describe "cup of nowhere"?'
    assert (truth[list(name.evidence[0].rows)] == 5).all()


def test_a_cluster_of_two_concepts_asks_for_one_more():
    state, truth = state_of(*KINDS, n_clusters=5)
    (mixed,) = of_kind(suggest(state), "mixed")
    assert mixed.edit == SetClusters(k=6)
    first, second = (set(truth[list(gallery.rows)].tolist()) for gallery in mixed.evidence)
    assert len(first) == len(second) == 1
    assert first != second
    after = update(state, apply(state.knowledge, mixed.edit))
    assert not of_kind(suggest(after), "mixed")
    assert after.scores.acc > state.scores.acc


def test_locked_concepts_are_left_alone():
    state, _ = state_of(*KINDS, "elk", "nowhere")
    locks = [{"op": "lock_concept", "concept": c.id, "locked": True} for c in state.knowledge.concepts]
    locked = update(state, apply_script(state.knowledge, parse_script({"edits": locks})))
    assert {one.kind for one in suggest(locked)} <= {"mixed"}


def test_the_queue_is_ordered_and_its_keys_last():
    state, _ = state_of("deer", "elk", "owl", "vehicle", "rose", "nowhere", n_clusters=4)
    queue = suggest(state)
    assert len(queue) >= 3
    assert [one.gain for one in queue] == sorted((one.gain for one in queue), reverse=True)
    assert all(0 <= one.gain <= 1 for one in queue)
    assert len({one.key for one in queue}) == len(queue)
    same = update(state, apply(state.knowledge, parse_edit({"op": "add_group", "name": "g"})))
    assert [one.key for one in suggest(same)] == [one.key for one in queue]


def test_one_concept_or_one_photo_per_concept_is_no_trouble():
    state, _ = state_of("deer", n_clusters=1)
    assert {one.kind for one in suggest(state)} <= {"split"}
    few = replace(
        state.collection,
        x=state.collection.x[:3],
        grounded=state.collection.x[:3],
        image_ids=("a", "b", "c"),
        truth=None,
    )
    tiny = start(few, state.knowledge, spherical_kmeans(few.x, 1))
    assert suggest(tiny) == ()


def test_auc_counts_wins_and_half_the_ties():
    assert auc(np.array([2.0, 3.0]), np.array([1.0])) == 1.0
    assert auc(np.array([1.0]), np.array([2.0, 3.0])) == 0.0
    assert auc(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert auc(np.array([1.0, 3.0]), np.array([2.0, 0.0])) == 0.75


def test_probe_shows_how_a_phrase_scores_two_concepts():
    state, truth = state_of(*KINDS)
    deer, owl = np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)
    found = probe("deer horn", state.collection.x, deer, owl, encode)
    assert found.auc == 1.0
    assert found.first.sum() == found.second.sum() == PER_KIND
    assert len(found.edges) == BINS + 1
    assert (truth[found.top] == 0).all()
    assert not (truth[found.bottom] == 0).any()
    scores = state.collection.x[:, 0]
    assert scores[found.top].tolist() == sorted(scores.tolist(), reverse=True)[:9]
    assert probe("fog", state.collection.x, deer, owl, encode).auc == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    ("phrase", "first", "reason"), [(" ", [0], "should not be empty"), ("fog", [], "has none")]
)
def test_probe_says_what_is_missing(phrase, first, reason):
    state, _ = state_of(*KINDS)
    with pytest.raises(InputError, match=reason):
        probe(phrase, state.collection.x, np.array(first, dtype=np.int64), np.array([1]), encode)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 12))
def test_the_strongest_are_those_that_a_stable_sort_puts_first(values, count):
    scores = np.array(values, dtype=np.float32) / 4
    assert strongest(scores, count).tolist() == np.argsort(-scores, kind="stable")[:count].tolist()
