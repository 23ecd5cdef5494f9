"""Free words without a language model: how they are read, and what they do to concepts, attributes and nouns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.clustering import spherical_kmeans
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.grounding import concept_scores, concept_vectors, ground
from kec_core.knowledge.edits import SetGuidance, apply
from kec_core.knowledge.guidance import EMPHASIS, Guidance, relevance
from kec_core.live import start, update
from kec_core.types import Concept, Group, Knowledge, UniAttribute
from tests.test_core_live import collection


@pytest.mark.parametrize(
    ("text", "prefer", "avoid"),
    [
        ("", (), ()),
        ("group by aircraft model; look at engines and tail", ("aircraft model", "engines", "tail"), ()),
        ("ignore background", (), ("background",)),
        ("not plants", (), ("plants",)),
        ("prefer species", ("species",), ()),
        ("group by species, ignore background and people", ("species",), ("background", "people")),
        ("ignore the background.\nFocus on coat colour", ("coat colour",), ("background",)),
        ("not plants but animals", ("animals",), ("plants",)),
        ("Don\N{RIGHT SINGLE QUOTATION MARK}t use cars, prefer trucks", ("trucks",), ("cars",)),
        ("birds without water", ("birds",), ("water",)),
        ("colour, Colour, colour", ("colour",), ()),
        ("cars and no cars", (), ("cars",)),
        ("please group them", (), ()),
        ("Vögel, 鳥", ("vögel", "鳥"), ()),
    ],
)
def test_words_are_read_by_plain_rules(text, prefer, avoid):
    assert Guidance.parse(text) == Guidance(prefer=prefer, avoid=avoid)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    read = Guidance.parse(text)
    assert not set(read.prefer) & set(read.avoid)
    assert bool(read) is bool(read.prefer or read.avoid)


def test_the_person_is_told_how_the_words_were_understood():
    assert (
        Guidance.parse("by species, not plants").sentence() == "Understood as: prefer species; avoid plants."
    )
    assert Guidance.parse("please").sentence() == "No word to prefer or to avoid was found."


AXES = np.eye(4, dtype=np.float32)


def test_relevance_is_by_likeness_or_by_the_very_words():
    features = np.stack([AXES[0], AXES[1], AXES[2], AXES[3]])
    guidance = Guidance(prefer=("aquatic",), avoid=("plants",))
    phrases = np.stack([AXES[1], AXES[2]])
    texts = ["a car", "a fish", "a tree", "a box of plants"]
    assert relevance(texts, features, guidance, phrases).tolist() == [0.0, 1.0, -1.0, -1.0]


def encode(texts):
    """ "sea" is like ships, "leafy" like trees; everything else lies for itself."""
    like = {"sea": 0, "ship": 0, "leafy": 1, "tree": 1, "car": 2, "wet hull": 0, "tall": 3}
    return np.stack([AXES[like.get(text, 3)] + 1e-3 for text in texts])


def known(guidance=""):
    concepts = tuple(Concept(id=f"c{i}", name=name) for i, name in enumerate(("ship", "tree", "car")))
    uni = (
        UniAttribute(id="a1", concept="c0", text="wet hull"),
        UniAttribute(id="a2", concept="c0", text="tall"),
    )
    return Knowledge(concepts=concepts, uni=uni, guidance=guidance)


def test_guidance_is_a_prior_on_concepts_and_a_weight_of_attributes():
    plain = concept_vectors(known(), encode, GroundingConfig())
    told = concept_vectors(known("sea, not leafy"), encode, GroundingConfig())
    assert plain.prior is None
    assert told.prior == pytest.approx([np.log(EMPHASIS), -np.log(EMPHASIS), 0.0], abs=1e-5)
    assert np.array_equal(plain.logit, told.logit)
    hull, tall = plain.attributes[0][[0, 3]]
    assert told.attributes[0][0] / told.attributes[0][3] == pytest.approx(EMPHASIS * hull / tall, rel=1e-2)


def test_guidance_reaches_every_photo_and_without_it_nothing_changes():
    x = np.full((2, 4), 0.5, dtype=np.float32)
    config, defaults = GroundingConfig(), EncoderDefaults(logit_scale=1.0)
    plain, told = (
        ground(x, concept_vectors(known(g), encode, config), config, defaults) for g in ("", "sea")
    )
    assert told.omega[0, 0] / told.omega[0, 2] == pytest.approx(
        EMPHASIS * plain.omega[0, 0] / plain.omega[0, 2], rel=1e-4
    )
    words_of_no_weight = ground(x, concept_vectors(known("please"), encode, config), config, defaults)
    assert np.array_equal(words_of_no_weight.omega, plain.omega)


# ---- collapsed groups ------------------------------------------------------------------------------------------


def grouped(*, collapsed):
    knowledge = known()
    return replace(
        knowledge,
        concepts=tuple(replace(c, group="g1" if c.id != "c2" else "") for c in knowledge.concepts),
        groups=(Group(id="g1", name="outside", parent="g2", collapsed=collapsed), Group(id="g2", name="all")),
    )


def test_a_collapsed_group_counts_as_one_concept_the_mean_of_its_members():
    config = GroundingConfig()
    each = concept_vectors(grouped(collapsed=False), encode, config)
    one = concept_vectors(grouped(collapsed=True), encode, config)
    assert each.concept_ids == ("c0", "c1", "c2")
    assert one.concept_ids == ("g1", "c2")
    assert one.zeta[0] == pytest.approx(each.zeta[:2].mean(axis=0), abs=1e-5)
    assert np.linalg.norm(one.logit[0]) == pytest.approx(1.0, abs=1e-5)
    assert one.attributes[0] == pytest.approx(each.attributes[0], abs=1e-5)  # the other member has none
    assert one.logit[1] == pytest.approx(each.logit[2], abs=1e-5)
    x = np.eye(4, dtype=np.float32)
    assert concept_scores(x, one, config, EncoderDefaults()).shape == (4, 2)


def test_the_outermost_collapsed_group_counts_and_muted_members_do_not():
    knowledge = grouped(collapsed=True)
    outer = replace(knowledge, groups=tuple(replace(g, collapsed=True) for g in knowledge.groups))
    assert outer.column_of == {"c0": "g2", "c1": "g2", "c2": "c2"}
    muted = replace(knowledge, concepts=tuple(replace(c, muted=c.id == "c0") for c in knowledge.concepts))
    assert muted.column_of == {"c1": "g1", "c2": "c2"}
    vectors = concept_vectors(muted, encode, GroundingConfig())
    assert vectors.zeta[0] == pytest.approx(
        concept_vectors(known(), encode, GroundingConfig()).zeta[1], abs=1e-5
    )


def test_a_collapsed_group_is_found_and_named_where_concepts_are():
    knowledge = grouped(collapsed=True)
    assert knowledge.by_id["g1"].name == "outside"
    assert "g2" not in knowledge.by_id


def test_the_live_loop_equals_grounding_anew_when_guidance_comes_changes_and_goes():
    live = collection()
    concepts = tuple(
        Concept(id=f"c{i:03d}", name=name, source="wordnet")
        for i, name in enumerate(("cat", "dog", "bus", "car"), 1)
    )
    state = start(live, Knowledge(concepts=concepts, last_id=4), spherical_kmeans(live.x, 4))
    plain = state.grounding.omega
    for text in ("cat", "cat, not dog", ""):
        state = update(state, apply(state.knowledge, SetGuidance(text=text)))
        vectors = concept_vectors(state.knowledge, live.encode, live.config)
        expected = ground(live.x, vectors, live.config, live.defaults)
        assert state.grounding.omega == pytest.approx(expected.omega, abs=1e-5)
        assert bool(np.abs(state.grounding.omega - plain).max() > 0.05) is bool(text)
