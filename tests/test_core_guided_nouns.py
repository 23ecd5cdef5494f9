"""Guidance on nouns: what is left out, what is chosen sooner, and what the person is told."""

import numpy as np
import pytest

from kec_core.config import MappingConfig
from kec_core.errors import InputError
from kec_core.knowledge.guidance import Guidance
from kec_core.mapping import nouns_of_centres
from kec_core.mapping.nouns import guide_nouns
from kec_core.types import Noun
from kec_core.wordnet.wordnet import load_wordnet
from tests.tiny_wordnet import write_wordnet

WORDS = ("ship", "boat", "tree", "car")
AXES = np.eye(8, dtype=np.float32)
FEATURES = np.stack([AXES[0], AXES[0] + 0.3 * AXES[4], AXES[1], AXES[2]])
NOUNS = tuple(Noun(word=word) for word in WORDS)


def guide(text, phrases, nouns=NOUNS, features=FEATURES, wordnet=None):
    return guide_nouns(nouns, features, Guidance.parse(text), np.stack(phrases), wordnet)


def test_nouns_like_avoided_words_go_and_nouns_like_preferred_ones_gain():
    found = guide("prefer wood, not vessels", [AXES[1], AXES[0]])
    assert found.kept.tolist() == [False, False, True, True]
    assert found.preference.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert found.note == (
        "Understood as: prefer wood; avoid vessels. For the concepts, 2 nouns left out and 1 chosen sooner."
    )


def test_words_without_effect_are_said_to_have_none():
    found = guide("zeppelins", [AXES[7]])
    assert found.kept.all()
    assert not found.preference.any()
    assert "no noun is like these words" in found.note


def test_avoiding_everything_is_refused():
    with pytest.raises(InputError, match="leaves none of 4 nouns"):
        guide("not ship, boat, tree, car", [AXES[0], AXES[0], AXES[1], AXES[2]])


def test_kinds_of_an_avoided_word_go_whatever_the_encoder_says(tmp_path):
    ids = write_wordnet(tmp_path)
    wordnet = load_wordnet(tmp_path)
    nouns = tuple(Noun(word=key, synset=ids[key]) for key in ("dachshund", "akita", "car", "rose"))
    found = guide("not dogs", [AXES[7]], nouns, AXES[:4], wordnet)
    assert found.kept.tolist() == [False, False, True, True]
    preferred = guide("vehicles", [AXES[7]], nouns, AXES[:4], wordnet)
    assert preferred.preference.tolist() == [0.0, 0.0, 1.0, 0.0]


def test_a_preferred_noun_is_chosen_sooner_but_not_at_any_price():
    centre = np.asarray([[0.8, 0.55, 0.0, 0, 0, 0, 0, 0.2]], dtype=np.float32)
    config = MappingConfig(top_nouns=1)
    pool = AXES[:3]
    assert nouns_of_centres(centre, pool, config).tolist() == [[0]]
    near = np.asarray([0, 1, 0], dtype=np.float32)
    far = np.asarray([0, 0, 1], dtype=np.float32)
    assert nouns_of_centres(centre, pool, config, preference=near).tolist() == [[1]]
    assert nouns_of_centres(centre, pool, config, preference=far).tolist() == [[0]]
