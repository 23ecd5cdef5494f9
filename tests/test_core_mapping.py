import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.config import EncoderDefaults, MappingConfig
from kec_core.errors import InputError, ShapeError
from kec_core.mapping import (
    component_nouns,
    components,
    count_overclusters,
    nouns_of_centres,
    over_cluster,
)
from kec_core.mapping.components import collapsed, cut_at, cut_to_count, merge_similarity
from kec_core.mapping.overclusters import ksem
from kec_core.types import Noun, NounMapping
from tests.planted import planted_rows, same_partition, unit

DEFAULTS = EncoderDefaults(beta=0.8)


def ids(*values):
    return np.array(values, dtype=np.int32)


def symmetric(k, **pairs):
    matrix = np.eye(k, dtype=np.float32)
    for key, value in pairs.items():
        i, j = int(key[1]), int(key[2])
        matrix[i, j] = matrix[j, i] = value
    return matrix


# ---- over-clusters ----


@pytest.mark.parametrize(
    ("n_images", "n_clusters", "expected"),
    [
        (50_000, 10, 167),  # the values of methods.md 0 and 8.3
        (50_000, 20, 167),
        (5_000, 10, 17),
        (3_760, 47, 141),
        (9_537, 101, 303),
        (1_281_167, 1000, 4271),
        (294_912, 2, 983),
        (6_667, 100, 300),
        (19_850, 397, 1191),
        (8_500, 2, 28),
        (100, 30, 50),  # 3K would be 90: half of the photos
        (40, 30, 30),  # half would be below K
        (10, 1, 3),
        (3, 3, 3),
        (1, 1, 1),
    ],
)
def test_ksem(n_images, n_clusters, expected):
    assert ksem(n_images, n_clusters) == expected


def test_the_number_of_overclusters_follows_the_rule_chosen():
    assert count_overclusters(3000, 20, MappingConfig()) == (60, "")
    assert count_overclusters(3000, 20, MappingConfig(overclusters="n_over_300")) == (10, "")
    assert count_overclusters(3000, 20, MappingConfig(overclusters=77)) == (77, "")
    count, note = count_overclusters(100, 30, MappingConfig())
    assert count == 50
    assert note.startswith("100 photos are few for 30 clusters, so only 50 micro-clusters were made")
    count, note = count_overclusters(400, 5, MappingConfig(overclusters="n_over_300"))
    assert count == 2
    assert note == "400 photos: too few for one micro-cluster per 300, so it is 2."
    with pytest.raises(InputError, match=r"between 1 and the number of photos \(20\), but 21 .* choose 9"):
        count_overclusters(20, 3, MappingConfig(overclusters=21))


def test_centres_are_unit_means_of_their_photos():
    x, truth = planted_rows(n_clusters=4)
    labels, centres = over_cluster(x, MappingConfig(overclusters=4, n_init=3), n_clusters=2)
    assert same_partition(labels, truth)
    for p in range(4):
        mean = x[labels == p].mean(axis=0)
        np.testing.assert_allclose(centres[p], mean / np.linalg.norm(mean), atol=1e-5)


def test_empty_overclusters_are_dropped():
    x = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    labels, centres = over_cluster(x, MappingConfig(overclusters=6, n_init=2), n_clusters=2)
    assert len(centres) == 3
    assert set(labels.tolist()) == {0, 1, 2}


# ---- nouns ----


def test_each_centre_takes_its_nearest_nouns():
    angles = np.radians([0, 10, 20, 90, 100, 85])
    nouns = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 7
    centres = np.eye(2, dtype=np.float32)
    chosen = nouns_of_centres(centres, nouns, MappingConfig(top_nouns=3))
    assert chosen.tolist() == [[0, 1, 2], [3, 5, 4]]
    assert chosen.dtype == np.int32


def test_nearest_nouns_are_right_over_several_blocks():
    rng = np.random.default_rng(0)
    centres, nouns = unit(rng.normal(size=(7, 4))), unit(rng.normal(size=(20_000, 4)))
    expected = np.argsort(-(centres @ nouns.T), axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(nouns_of_centres(centres, nouns, MappingConfig()), expected)


def test_short_vocabularies_are_padded_and_empty_ones_refused():
    centres = np.eye(3, dtype=np.float32)
    assert nouns_of_centres(centres, centres[:2], MappingConfig(top_nouns=4)).tolist() == [
        [0, 1, -1, -1],
        [1, 0, -1, -1],
        [0, 1, -1, -1],
    ]
    with pytest.raises(InputError, match="vocabulary is empty"):
        nouns_of_centres(centres, np.empty((0, 3), np.float32), MappingConfig())
    with pytest.raises(ShapeError, match=r"shape \(rows, 3\)"):
        nouns_of_centres(centres, np.ones((4, 2), np.float32), MappingConfig())


def test_tac_reverse_gives_every_noun_to_one_centre():
    rng = np.random.default_rng(2)
    centres, nouns = unit(rng.normal(size=(6, 5))), unit(rng.normal(size=(40, 5)))
    centres[5] = -nouns.sum(axis=0) / np.linalg.norm(nouns.sum(axis=0))
    nouns[nouns @ centres[5] > 0] *= -1
    chosen = nouns_of_centres(centres, nouns, MappingConfig(top_nouns=3, noun_choice="tac_reverse"))
    scores = nouns @ centres.T
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for p in range(6):
        owned = [j for j in range(40) if shares[j].argmax() == p]
        best = sorted(owned, key=lambda j: -shares[j, p])[:3]
        assert [j for j in chosen[p].tolist() if j >= 0] == best
    named = chosen[chosen >= 0].tolist()
    assert len(named) == len(set(named))


def test_a_centre_that_owns_no_noun_has_none():
    centres = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    nouns = np.array([[1, 0.1], [1, 0.2]], dtype=np.float32)
    chosen = nouns_of_centres(centres, nouns, MappingConfig(top_nouns=2, noun_choice="tac_reverse"))
    assert chosen.tolist() == [[0, 1], [-1, -1]]


# ---- similarity and components ----


def test_similarity_of_a_hand_made_case():
    centres = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    nouns = np.array([[2, 0], [0, 5], [0, 1]], dtype=np.float32)
    lists = ids([0, 1], [2, -1])
    # nu_0 = ((1,0) + (0,1)) / 2, nu_1 = (0,1): cosine sqrt(1/2); mu: 0.6
    found = merge_similarity(centres, lists, nouns, MappingConfig(alpha=0.7), DEFAULTS)
    np.testing.assert_allclose(found[0, 1], 0.7 * 0.6 + 0.3 * np.sqrt(0.5), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.diag(found), 1, rtol=1e-5, atol=1e-6)
    no_noun = merge_similarity(centres, ids([0, 1], [-1, -1]), nouns, MappingConfig(), DEFAULTS)
    np.testing.assert_allclose(no_noun[0, 1], 0.6, rtol=1e-5, atol=1e-6)


def test_the_ways_to_compare():
    rng = np.random.default_rng(0)
    cone = unit(rng.normal(size=(12, 6)) + 6)
    lists = np.arange(12, dtype=np.int32)[:, None]

    def similarity(name):
        return merge_similarity(cone, lists, cone, MappingConfig(similarity=name), DEFAULTS)

    upper = np.triu_indices(12, 1)
    assert similarity("cosine")[upper].min() > 0.8
    centred = unit(cone - cone.mean(axis=0))
    np.testing.assert_allclose(similarity("centred"), centred @ centred.T, atol=1e-5)
    standard = unit((cone - cone.mean(axis=0)) / cone.std(axis=0))
    np.testing.assert_allclose(similarity("zscore"), standard @ standard.T, atol=1e-4)
    shares = similarity("quantile")[upper]
    assert sorted((shares * 66).round().astype(int).tolist()) == list(range(66))
    np.testing.assert_array_equal(np.argsort(shares), np.argsort(similarity("cosine")[upper]))
    np.testing.assert_array_equal(similarity("agglomerative"), similarity("cosine"))


def test_the_similarity_of_the_encoder_gives_way_to_the_persons():
    centres = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    lists = ids([0], [1], [2])
    centred = EncoderDefaults(similarity="centred")
    plain = merge_similarity(centres, lists, centres, MappingConfig(similarity="cosine"), centred)
    np.testing.assert_allclose(plain, centres @ centres.T, atol=1e-5)
    assert not np.allclose(merge_similarity(centres, lists, centres, MappingConfig(), centred), plain)


def test_components_join_through_others():
    chain = symmetric(5, p03=0.9, p34=0.85, p12=0.8)
    assert cut_at(chain, 0.8).tolist() == [0, 1, 2, 0, 0]  # 0.8 is not above 0.8
    assert cut_at(chain, 0.79).tolist() == [0, 1, 1, 0, 0]
    assert cut_at(chain, 0.95).tolist() == [0, 1, 2, 3, 4]


def test_average_linkage_does_not_chain():
    chain = symmetric(4, p01=0.9, p12=0.9, p23=0.9)
    assert cut_at(chain, 0.8).tolist() == [0, 0, 0, 0]
    assert len(set(cut_at(chain, 0.8, average=True).tolist())) == 2
    assert cut_at(np.ones((1, 1), np.float32), 0.8, average=True).tolist() == [0]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(0, 999), st.booleans())
def test_any_number_of_concepts_can_be_asked_for(k, seed, average):
    x = unit(np.random.default_rng(seed).normal(size=(k, 5)))
    similarity = x @ x.T
    for count in range(1, k + 1):
        found, note = cut_to_count(similarity, count, average=average)
        assert len(set(found.tolist())) == count
        assert note == ""


def test_the_number_asked_for_is_a_cut_at_some_beta():
    x = unit(np.random.default_rng(3).normal(size=(12, 5)))
    similarity = np.asarray(x @ x.T, dtype=np.float32)
    for count in range(1, 13):
        found, _ = cut_to_count(similarity, count)
        values = np.unique(similarity[np.triu_indices(12, 1)])
        cuts = [cut_at(similarity, beta).tolist() for beta in (-2, *values)]
        assert found.tolist() in cuts


def test_equal_similarities_are_told():
    tied = symmetric(4, p01=0.9, p12=0.9, p23=0.9)
    found, note = cut_to_count(tied, 2)
    assert found.tolist() == [0, 0, 0, 0]
    assert note == "1 concept instead of 2, because several merges are exactly equally similar."
    with pytest.raises(InputError, match=r"number of micro-clusters \(4\), but 5 was asked for"):
        cut_to_count(tied, 5)


def test_what_counts_as_collapsed():
    assert collapsed(ids(0, 0, 0, 1), 2)  # 3 of 4
    assert collapsed(ids(0, 0, 1, 1, 2, 2), 8)  # 3 concepts for 8 clusters
    assert not collapsed(ids(0, 0, 1, 1, 2, 2), 6)
    assert not collapsed(ids(0, 0, 1), 2)  # two may always join
    assert not collapsed(ids(0), 5)


def in_a_cone(n_groups=4, per_group=5, seed=0):
    """Centres in a narrow cone, where plain cosine merges everything; and their groups."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), per_group)
    directions = 0.3 * unit(rng.normal(size=(n_groups, 16)))
    shared = unit(rng.normal(size=(1, 16)))
    return unit(shared + directions[groups] + 0.01 * rng.normal(size=(len(groups), 16))), groups


def test_the_collapse_guard_takes_the_mean_out_and_says_so():
    centres, groups = in_a_cone()
    lists = np.arange(len(centres), dtype=np.int32)[:, None]
    found, note = components(centres, lists, centres, MappingConfig(), DEFAULTS, n_clusters=4)
    assert same_partition(found, groups)
    assert note == (
        "With cosine similarity nearly everything merged (1 concept, the largest from 20 of 20 micro-clusters), "
        "so the mean was taken out first, giving 4 concepts, the largest from 5 of 20 micro-clusters."
    )
    open_gate = MappingConfig(collapse_guard=False)
    found, note = components(centres, lists, centres, open_gate, DEFAULTS, n_clusters=4)
    assert set(found.tolist()) == {0}
    assert note == ""
    asked = MappingConfig(similarity="centred")
    found, note = components(centres, lists, centres, asked, DEFAULTS, n_clusters=4)
    assert same_partition(found, groups)
    assert note == ""


def test_a_collapse_that_stays_is_told():
    centres, _ = in_a_cone()
    lists = np.arange(len(centres), dtype=np.int32)[:, None]
    config = MappingConfig(beta=-1.5)
    _, note = components(centres, lists, centres, config, DEFAULTS, n_clusters=4)
    assert note.endswith("which still lumps most together: ask for a number of concepts.")


def test_beta_and_the_number_of_concepts():
    centres, groups = in_a_cone()
    lists = np.arange(len(centres), dtype=np.int32)[:, None]

    def count(**options):
        config = MappingConfig(similarity="centred", **options)
        return components(centres, lists, centres, config, DEFAULTS, n_clusters=4)[0].max() + 1

    counts = [count(beta=beta) for beta in (-1.1, 0.0, 0.8, 0.99, 0.9999)]
    assert counts == sorted(counts)
    assert (counts[0], counts[2], counts[-1]) == (1, 4, 20)
    assert [count(n_concepts=n) for n in (1, 4, 7, 20)] == [1, 4, 7, 20]
    config = MappingConfig(similarity="agglomerative", n_concepts=4)
    found, _ = components(centres, lists, centres, config, DEFAULTS, n_clusters=4)
    assert same_partition(found, groups)


# ---- all of it ----


def test_nouns_of_components_most_frequent_first():
    vocabulary = [Noun(word=word) for word in ("ant", "bee", "cat", "dog", "eel")]
    mapping = NounMapping(
        labels=ids(0, 1, 2, 3),
        centroids=np.eye(4, dtype=np.float32),
        nouns=ids([2, 0, 1], [3, 1, -1], [4, 1, 0], [-1, -1, -1]),
        components=ids(0, 1, 0, 2),
    )
    words = [[noun.word for noun in nouns] for nouns in component_nouns(mapping, vocabulary)]
    # ant and bee twice (both best at rank 1): order of the vocabulary; then cat and eel, both at rank 0
    assert words == [["ant", "bee", "cat", "eel"], ["dog", "bee"]]


def test_photos_to_noun_sets():
    x, truth = planted_rows(n_clusters=4, per_cluster=30, noise=0.03)
    directions = np.stack([x[truth == c].mean(axis=0) for c in range(4)])
    nouns = np.vstack([directions, -directions])
    vocabulary = [Noun(word=f"noun {i}") for i in range(8)]
    config = MappingConfig(overclusters=8, top_nouns=1, n_init=5)
    told = []
    labels, centroids = over_cluster(x, config, n_clusters=4, progress=lambda *args: told.append(args))
    chosen = nouns_of_centres(centroids, nouns, config)
    found, _ = components(centroids, chosen, nouns, config, DEFAULTS, n_clusters=4)
    mapping = NounMapping(labels=labels, centroids=centroids, nouns=chosen, components=found)
    assert told
    assert len(mapping.centroids) == 8
    assert same_partition(mapping.components[mapping.labels], truth)
    assert sorted(nouns_[0].word for nouns_ in component_nouns(mapping, vocabulary)) == [
        f"noun {i}" for i in range(4)
    ]
    _, few = count_overclusters(10, 4, MappingConfig())
    assert few.startswith("10 photos are few for 4 clusters, so only 5 micro-clusters")
