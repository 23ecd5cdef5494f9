"""Nouns and their kinds: which stand above which, what is nearest, and which texts are not read as meant."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.mapping.explaining import explain_groups
from kec_core.mapping.kinds import Kinds, kinds_among, no_kinds, read_as_meant
from kec_core.types import Noun

DOGS = [Noun(word=word) for word in ("Akita", "dog", "domestic dog", "truck", "animal", "zorblax")]


def pairs(kinds):
    return {(int(below), int(above)) for below, above in zip(kinds.below, kinds.above, strict=True)}


def test_a_noun_stands_below_itself_its_synonyms_and_its_hypernyms(tiny_wordnet):
    kinds = kinds_among(DOGS, tiny_wordnet)
    own = {(row, row) for row in range(len(DOGS))}
    assert pairs(kinds) == own | {(0, 1), (0, 2), (1, 2), (2, 1), (0, 4), (1, 4), (2, 4)}
    links = {
        (b, a): n
        for b, a, n in zip(kinds.below.tolist(), kinds.above.tolist(), kinds.links.tolist(), strict=True)
    }
    assert links[0, 1] == 2  # by way of the spitz
    assert links[1, 2] == 0
    assert (np.diff(kinds.above) >= 0).all()


def test_what_has_many_kinds_says_least(tiny_wordnet):
    akita, dog, _, _, animal, unknown = kinds_among(DOGS, tiny_wordnet).content
    assert akita == unknown == 1.0
    assert animal < dog < akita


def test_some_of_the_nouns_keep_their_kinds(tiny_wordnet):
    some = kinds_among(DOGS, tiny_wordnet).among(np.array([0, 3, 4], np.int32))
    assert pairs(some) == {(0, 0), (1, 1), (2, 2), (0, 2)}
    assert some.of(2).tolist() == [0, 2]
    assert len(some.content) == 3


def test_without_wordnet_every_noun_stands_for_itself():
    near = np.array([[0.1, 0.3], [0.4, -0.2]], np.float32)
    assert np.array_equal(kinds_among(DOGS[:2], None).nearest(near), near)


def test_a_noun_is_as_near_as_the_nearest_of_its_kinds(tiny_wordnet):
    near = np.array([[0.5, 0.1, 0.2, 0.9, -0.3, 0.0], [-0.5, 0.1, 0.2, 0.0, -0.3, 0.4]], np.float32)
    nearest = kinds_among(DOGS, tiny_wordnet).nearest(near)
    assert nearest == pytest.approx(
        np.array([[0.5, 0.5, 0.5, 0.9, 0.5, 0.0], [-0.5, 0.2, 0.2, 0.0, 0.2, 0.4]], np.float32)
    )


def bird_kinds(count, birds):
    """Row 0 is a bird, the rows ``birds`` are kinds of it."""
    below = np.array([0, *birds, *range(1, count)], np.int32)
    above = np.array([0] * (1 + len(birds)) + list(range(1, count)), np.int32)
    content = np.array([0.5] + [1.0] * (count - 1), np.float32)
    return Kinds(below, above, (below != above).astype(np.int32), content)


def test_a_text_far_from_all_that_the_noun_is_a_kind_of_is_not_read_as_meant():
    rng = np.random.default_rng(0)
    animal, lamp = np.linalg.qr(rng.normal(size=(48, 2)))[0].T
    t = rng.normal(size=(100, 48)) / 7
    t[:8] += animal  # row 0 is the animal, 1 to 7 its kinds
    t[12:20] += lamp
    t[7] = lamp + rng.normal(size=48) / 7  # an animal by its meaning, a lamp by its text
    t = l2_normalize(t.astype(np.float32))
    read = read_as_meant(t, bird_kinds(100, range(1, 8)))
    assert np.flatnonzero(~read).tolist() == [7]
    assert read_as_meant(t, no_kinds(100)).all()


@pytest.mark.parametrize(("shown", "called"), [((1, 2, 3), 0), ((2,), 2)])
def test_photos_of_many_kinds_get_the_word_for_all_of_them_and_photos_of_one_kind_its_own(shown, called):
    rng = np.random.default_rng(4)
    directions = np.linalg.qr(rng.normal(size=(32, 12)))[0].T
    bird, kinds, others = directions[0], directions[1:4], directions[4:7]
    nouns = np.concatenate([[bird], bird + kinds, others]).astype(
        np.float32
    )  # a bird, three birds, three other things
    each = 60
    birds = (bird + kinds)[[kind - 1 for kind in shown]][rng.integers(len(shown), size=each)]
    x = np.concatenate([birds, others[rng.integers(1, 3, size=2 * each)]]) + 0.05 * rng.normal(
        size=(3 * each, 32)
    )
    x = l2_normalize((x - x.mean(axis=0)).astype(np.float32))
    truth = np.array([0] * each + [1] * (2 * each), np.int32)
    found = explain_groups(x, nouns, truth, kinds=bird_kinds(7, [1, 2, 3]))
    group = np.bincount(found.labels[:each]).argmax()
    assert found.nouns[group, 0] == called
