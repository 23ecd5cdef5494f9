"""Words that explain the photos: planted groups and nouns in one space made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.mapping import choosing
from kec_core.mapping.choosing import facility_location
from kec_core.mapping.explaining import explain_groups
from tests.planted import same_partition

DIM = 32


def planted(noise=0.15, per_group=40, gap=0.0):
    """Four groups of photos, a noun beside each, twenty nouns elsewhere, and a hub that is near to every photo.

    ``gap`` moves all nouns along one direction, as an image-text encoder does.
    """
    rng = np.random.default_rng(1)
    centres = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][:, :8].T
    truth = np.repeat(np.arange(4), per_group).astype(np.int32)
    x = centres[truth] + noise * rng.normal(size=(len(truth), DIM))
    nouns = np.concatenate(
        [
            centres[:4] + 0.3 * centres[4:],
            0.3 * rng.normal(size=(20, DIM)) / np.sqrt(DIM) + 0.2 * centres[4],
            centres[:4].mean(axis=0, keepdims=True),
        ]
    )
    x, nouns = l2_normalize(x.astype(np.float32)), nouns + gap * centres[7]
    return l2_normalize(x - x.mean(axis=0)), l2_normalize(nouns.astype(np.float32)), truth


@pytest.mark.parametrize("noise", [0.02, 0.08, 0.15])
def test_every_group_gets_the_noun_beside_it_and_never_the_hub(noise):
    x, nouns, truth = planted(noise)
    looks = spherical_kmeans(x, 4, seed=0).labels
    found = explain_groups(x, nouns, looks)
    assert same_partition(found.labels, truth)
    chosen = found.nouns[:, 0]
    assert sorted(chosen.tolist()) == [0, 1, 2, 3]
    for group, noun in enumerate(chosen.tolist()):
        assert np.bincount(truth[found.labels == group]).argmax() == noun
    assert (found.fit > 0.5).all()


def test_a_gap_between_photos_and_nouns_is_taken_out_by_centring():
    x, nouns, truth = planted(0.15, gap=3.0)
    found = explain_groups(x, l2_normalize(nouns - nouns.mean(axis=0)), spherical_kmeans(x, 4, seed=0).labels)
    assert same_partition(found.labels, truth)
    assert sorted(found.nouns[:, 0].tolist()) == [0, 1, 2, 3]


def test_words_mend_groups_by_looks_that_are_wrong():
    x, nouns, truth = planted(0.15)
    wrong = np.where(truth == 3, 2, truth)
    wrong[0] = 3  # two groups in one, and a group of one photo
    assert same_partition(explain_groups(x, nouns, wrong.astype(np.int32)).labels, truth)


def test_nouns_of_one_name_compete_and_one_is_chosen():
    x, nouns, _ = planted(0.15)
    doubled = np.concatenate([nouns, nouns[:4]])
    names = [str(i) for i in range(len(nouns))] + ["0", "1", "2", "3"]
    found = explain_groups(x, doubled, spherical_kmeans(x, 4, seed=0).labels, names=names)
    chosen = [names[noun] for noun in found.nouns[:, 0]]
    assert sorted(chosen) == ["0", "1", "2", "3"]


def test_a_group_without_a_noun_of_its_own_fits_badly():
    x, nouns, truth = planted(0.1)
    without = np.delete(nouns, 2, axis=0)
    found = explain_groups(x, without, spherical_kmeans(x, 4, seed=0).labels)
    fits = [found.fit[found.labels[truth == group][0]] for group in range(4)]
    assert np.argmin(fits) == 2
    assert fits[2] < 0.36 < min(fits[:2])


def test_a_preferred_noun_is_chosen_sooner():
    x, nouns, _ = planted(0.15)
    rival = l2_normalize(nouns[:1] + 0.05 * nouns[10:11])
    both = np.concatenate([nouns, rival])
    looks = spherical_kmeans(x, 4, seed=0).labels
    assert len(nouns) not in explain_groups(x, both, looks).nouns[:, 0]
    wanted = np.zeros(len(both), np.float32)
    wanted[-1] = 1.0
    assert len(nouns) in explain_groups(x, both, looks, preference=wanted).nouns[:, 0]


def test_bursts_stay_whole():
    x, nouns, _ = planted(0.3)
    bursts = np.full(len(x), -1, np.int32)
    bursts[:6] = 0
    found = explain_groups(x, nouns, spherical_kmeans(x, 4, seed=0).labels, bursts=bursts)
    assert len(set(found.labels[:6].tolist())) == 1


def plain_greedy(similar, count):
    reached, chosen = np.zeros(similar.shape[1]), []
    for _ in range(count):
        gains = np.maximum(similar - reached, 0).sum(axis=1)
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        reached = np.maximum(reached, similar[chosen[-1]])
    return chosen


def test_lazy_choice_is_the_plain_greedy_one():
    rng = np.random.default_rng(3)
    similar = rng.normal(size=(60, 200)).astype(np.float32)
    assert facility_location(similar, 12).tolist() == plain_greedy(similar.astype(np.float64), 12)


def test_as_many_nouns_as_there_are():
    assert sorted(facility_location(np.eye(3, 5, dtype=np.float32), 3).tolist()) == [0, 1, 2]


def planted_words(n_groups=30, per_group=100, n_nouns=600, seed=0):
    """Groups of photos, a noun that fits each best, and many nouns that fit some photos of some groups less."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_groups, 64))
    truth = np.repeat(np.arange(n_groups), per_group)
    x = centres[truth] + 0.7 * rng.normal(size=(len(truth), 64))
    others = centres[rng.integers(n_groups, size=n_nouns)] + 2.0 * rng.normal(size=(n_nouns, 64))
    nouns = np.concatenate([centres + 0.3 * rng.normal(size=centres.shape), others])
    x = l2_normalize(x.astype(np.float32))
    return l2_normalize(x - x.mean(axis=0)), l2_normalize(nouns.astype(np.float32)), truth.astype(np.int32)


def words_of(x, nouns, truth, **options):
    """The words of the groups, in the order of the planted groups."""
    found = explain_groups(x, nouns, truth, **options)
    return [found.nouns[np.bincount(found.labels[truth == group]).argmax(), 0] for group in np.unique(truth)]


def test_a_sample_of_the_photos_chooses_nearly_the_same_words():
    planted = planted_words()
    every = words_of(*planted)
    assert len(set(every)) == 30
    assert np.mean(np.equal(words_of(*planted, sample=750), every)) >= 0.95
    assert np.mean(np.equal(words_of(*planted, sample=30), every)) < 0.95  # one photo per group is too few


@pytest.mark.parametrize(("name", "value"), [("SCREENED", 120), ("NOUNS_AT_ONCE", 50)])
def test_the_likely_nouns_of_very_many_choose_nearly_the_same_words(monkeypatch, name, value):
    planted = planted_words()
    every = words_of(*planted)
    monkeypatch.setattr(choosing, name, value)
    assert np.mean(np.equal(words_of(*planted), every)) >= 0.95
