"""Attributes are kept when the photos confirm them; concepts and texts are planted directions of a small space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.config import EncoderDefaults, KnowledgeConfig
from kec_core.grounding.telling import auc, telling_attributes
from kec_core.types import BiAttribute, Concept, Knowledge, LeftOut, UniAttribute

SPACE = {
    "dog": [1, 0, 0, 0, 0],
    "cat": [0, 1, 0, 0, 0],
    "car": [0, 0, 1, 0, 0],
    "barks": [0.7, -0.3, 0, 0.2, 0],
    "tail": [0.5, 0.5, -0.5, 0, 0],
    "engine": [-0.5, -0.5, 0.7, 0, 0],
    "noise": [0, 0, 0, 0, 1],
    "hurrah": [0.2, 0, 0, 0, 0.8],
}
DEFAULTS = EncoderDefaults(logit_scale=10.0, pair_scale=10.0, weight=0.5, counterpart_tau=0.05, centre=True)


def encode(texts):
    return np.array([SPACE[text] for text in texts], dtype=np.float32)


def photos(each=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = encode(["dog", "cat", "car"])
    noise = rng.standard_normal((3 * each, 5)).astype(np.float32)
    return l2_normalize(np.repeat(centres, each, axis=0) + 0.15 * noise)


def knowledge(*uni, bi=(), locked=False):
    concepts = tuple(
        Concept(id=f"c00{i}", name=name, source="wordnet", locked=locked)
        for i, name in enumerate(("dog", "cat", "car"), 1)
    )
    return Knowledge(
        concepts=concepts,
        uni=tuple(
            UniAttribute(id=f"a{i:03d}", concept=concept, text=text, source=source)
            for i, (concept, text, source) in enumerate(uni)
        ),
        bi=tuple(bi),
    )


def kept(made, x=None, **config):
    return telling_attributes(made, photos() if x is None else x, encode, KnowledgeConfig(**config), DEFAULTS)


def test_what_tells_the_photos_of_a_concept_stays_and_what_does_not_is_listed():
    found = kept(knowledge(("c001", "barks", "wordnet"), ("c001", "noise", "wordnet")))
    assert [a.text for a in found.uni] == ["barks"]
    assert [(one.concept, one.text, one.against) for one in found.left_out] == [("c001", "noise", "")]
    assert 0.3 < found.left_out[0].auc < 0.6


def test_an_attribute_of_another_concept_is_left_out():
    found = kept(knowledge(("c001", "engine", "wordnet"), ("c003", "engine", "wordnet")))
    assert [(a.concept, a.text) for a in found.uni] == [("c003", "engine")]


def test_the_persons_own_and_locked_ones_stay_whatever_the_photos_say():
    own = knowledge(("c001", "noise", "user"))
    assert kept(own).uni == own.uni
    locked = knowledge(("c001", "noise", "wordnet"), locked=True)
    assert kept(locked) == locked


def test_the_best_stay_when_there_are_more_than_wanted():
    made = knowledge(*[("c001", text, "wordnet") for text in ("hurrah", "tail", "barks")])
    assert [a.text for a in kept(made, uni=1).uni] == ["barks"]
    assert len(kept(made, uni=0).uni) == 0


def pair(text, ends=("c001", "c002"), number=9):
    return BiAttribute(id=f"a{number:03d}", pair=("c001", "c002"), text=text, ends=ends, source="wordnet")


def test_a_pair_attribute_counts_only_for_the_side_it_speaks_for():
    found = kept(knowledge(bi=[pair("barks")]))
    assert [a.ends for a in found.bi] == [("c001",)]
    assert [(one.concept, one.against) for one in found.left_out] == [("c002", "c001")]


def test_a_pair_attribute_that_speaks_for_neither_goes():
    found = kept(knowledge(bi=[pair("tail")]))
    assert found.bi == ()
    assert {one.text for one in found.left_out} == {"tail"}


def test_what_a_concept_has_already_is_not_said_again():
    found = kept(knowledge(("c001", "barks", "wordnet"), bi=[pair("barks", ("c001",))]))
    assert found.bi == ()
    assert found.left_out == ()


def test_too_few_photos_confirm_nothing_and_refute_nothing():
    made = knowledge(("c001", "noise", "wordnet"))
    assert kept(made, photos(each=1)).uni == made.uni


def test_it_travels_with_the_knowledge():
    made = Knowledge(left_out=(LeftOut(concept="c001", text="noise", auc=0.5),))
    assert Knowledge.from_json(made.to_json()) == made
    assert "left_out" not in Knowledge().to_json()


def test_the_area_by_hand():
    inside = np.array([True, True, False, False])
    assert auc(np.array([4.0, 3.0, 2.0, 1.0]), inside) == 1.0
    assert auc(np.array([4.0, 1.0, 2.0, 3.0]), inside) == 0.5
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), inside) == 0.5


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=30))
def test_the_area_is_the_share_of_pairs_in_order(rows):
    scores = np.array([score for score, _ in rows], dtype=np.float64)
    inside = np.array([one for _, one in rows])
    if inside.all() or not inside.any():
        return
    pairs = scores[inside][:, None] - scores[~inside][None, :]
    assert auc(scores, inside) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
