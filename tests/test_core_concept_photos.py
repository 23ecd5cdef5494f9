"""Whose the photos are, kinds within a concept, and merging down to a number: by hand."""

from dataclasses import replace

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import AddConcept, LockConcept, MergeConcepts, apply_script
from kec_core.knowledge.pairs import merges_to
from kec_core.live import LiveCollection, start
from kec_core.result.concept_photos import concept_photos, kinds_of
from kec_core.types import Clustering, Grounding, Knowledge

WORDS = {"a": (1, 0, 0, 0), "b": (0, 1, 0, 0), "c": (0, 0, 1, 0), "d": (0.1, 0, 0.9, 0)}


def encode(texts):
    rows = [
        next((v for word, v in WORDS.items() if text.split()[-1].startswith(word)), (0, 0, 0, 1))
        for text in texts
    ]
    return np.array(rows, dtype=np.float32)


def state_of(x, knowledge):
    x = l2_normalize(np.array(x, dtype=np.float32))
    collection = LiveCollection(
        image_ids=tuple(f"{row}.png" for row in range(len(x))),
        x=x,
        grounded=x,
        encode=encode,
        defaults=EncoderDefaults(),
        config=GroundingConfig(),
        n_clusters=2,
        weight=1.0,
    )
    labels = np.zeros(len(x), dtype=np.int32)
    first = Clustering(labels=labels, centroids=x[:1], objective=1.0, method="kmeans", seed=0)
    return start(collection, knowledge, first)


@pytest.fixture
def knowledge():
    return apply_script(Knowledge(), [AddConcept(name=name) for name in "abcd"])


def with_omega(state, omega):
    omega = np.array(omega, dtype=np.float32)
    grounding = Grounding(omega=omega, kappa=state.grounding.kappa, concept_ids=state.grounding.concept_ids)
    return replace(state, grounding=grounding)


def test_a_photo_belongs_to_the_concept_with_its_largest_omega(knowledge):
    state = with_omega(
        state_of(np.eye(4), knowledge),
        [[0.7, 0.1, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.6, 0.2, 0.1], [0.25, 0.05, 0.5, 0.2]],
    )
    photos = concept_photos(state)
    a, b, c, d = state.grounding.concept_ids
    assert photos.counts.tolist() == [2, 1, 1, 0]
    assert photos.rows(a).tolist() == [0, 1]
    assert photos.rows(a, "boundary").tolist() == [1, 0]
    assert photos.rows(d).tolist() == []
    assert photos.rows("gone").tolist() == []
    assert photos.sureness.tolist() == pytest.approx([0.55, 0.6, 0.5, 0.0], abs=1e-5)
    assert photos.margin.tolist() == pytest.approx([0.6, 0.1, 0.4, 0.25], abs=1e-5)
    assert photos.examples == {a: 0, b: 2, c: 3}
    assert photos.unclear(0.3).tolist() == [1, 3]


def test_the_odd_one_is_least_like_the_others(knowledge):
    x = [[1, 0, 0, 0], [1, 0.1, 0, 0], [1, 0, 0.1, 0], [1, 0, 0, 3]]
    state = with_omega(state_of(x, knowledge), [[1, 0, 0, 0]] * 4)
    assert concept_photos(state).rows(state.grounding.concept_ids[0], "outlier")[0] == 3


def test_a_single_concept_is_always_clear():
    state = state_of(np.eye(4), apply_script(Knowledge(), [AddConcept(name="a")]))
    photos = concept_photos(state)
    assert photos.margin.tolist() == [1, 1, 1, 1]
    assert photos.similar(state.grounding.concept_ids[0], 3) == ()


def test_similar_concepts_are_those_whose_words_are_near(knowledge):
    photos = concept_photos(state_of(np.eye(4), knowledge))
    ids = photos.state.grounding.concept_ids
    assert photos.similar(ids[2], 1) == (ids[3],)
    assert ids[2] not in photos.similar(ids[2], 3)


def test_merging_down_joins_the_most_similar_and_leaves_locked_ones(knowledge):
    state = state_of(np.eye(4), knowledge)
    ids = state.grounding.concept_ids
    counts = {ids[2]: 1, ids[3]: 5}
    merges = merges_to(knowledge, state.vectors.logit, ids, counts, 3)
    assert merges == (MergeConcepts(concepts=(ids[3], ids[2])),)
    assert len(apply_script(knowledge, merges).concepts) == 3
    locked = apply_script(knowledge, [LockConcept(concept=ids[3])])
    (merge,) = merges_to(locked, state.vectors.logit, ids, counts, 3)
    assert ids[3] not in merge.concepts


def test_merging_down_leaves_as_many_as_asked_among_equal_texts():
    twins = apply_script(Knowledge(), [AddConcept(name=name) for name in ("ant", "bee", "cat", "dog", "elk")])
    vectors = np.float32([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]])
    ids = [concept.id for concept in twins.concepts]
    for target in (4, 3, 2):
        assert len(apply_script(twins, merges_to(twins, vectors, ids, {}, target)).concepts) == target


@pytest.mark.parametrize("target", [0, 4, 9])
def test_a_number_that_merging_cannot_reach_is_refused(knowledge, target):
    state = state_of(np.eye(4), knowledge)
    with pytest.raises(InputError, match=f"Merging can leave 1 to 3 of the 4 concepts, but {target}"):
        merges_to(knowledge, state.vectors.logit, state.grounding.concept_ids, {}, target)


def test_kinds_share_out_photos_and_nouns():
    knowledge = apply_script(Knowledge(), [AddConcept(name="x", nouns=("a thing", "apple", "banana"))])
    x = [[1, 0, 0, 0.01 * i] for i in range(4)] + [[0, 1, 0, 0.01 * i] for i in range(3)]
    state = state_of(x, knowledge)
    kinds = kinds_of(concept_photos(state), knowledge.concepts[0].id, 2)
    by_rows = {tuple(sorted(kind.rows.tolist())): kind.nouns for kind in kinds}
    assert set(by_rows) == {(0, 1, 2, 3), (4, 5, 6)}
    assert "apple" in by_rows[(0, 1, 2, 3)]
    assert "banana" in by_rows[(4, 5, 6)]
    with pytest.raises(InputError, match="needs at least 9 photos, but this concept has 7"):
        kinds_of(concept_photos(state), knowledge.concepts[0].id, 9)
