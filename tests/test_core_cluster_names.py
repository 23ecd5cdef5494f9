"""Names of clusters: the concept of most photos, each name once."""

import numpy as np
import pytest

from kec_core.result.cluster_names import group_names, name_clusters
from kec_core.types import Concept, KeptCluster, Knowledge


def named(shares, *concepts, omega=None):
    votes = np.asarray(shares, dtype=np.float32)
    return name_clusters(votes, votes if omega is None else np.asarray(omega, dtype=np.float32), concepts)


def test_a_cluster_is_called_by_what_most_of_its_photos_speak_for():
    assert named([[0.7, 0.3], [0.1, 0.9]], "dog", "cat") == ["dog", "cat"]


def test_the_surer_of_two_keeps_the_name_and_the_other_takes_one_that_fits_nearly_as_well():
    assert named([[0.5, 0.4], [0.9, 0.1]], "dog", "wolf") == ["wolf", "dog"]


def test_no_name_that_hardly_fits_is_taken_only_to_be_different():
    assert named([[0.9, 0.1, 0.0], [0.8, 0.05, 0.15]], "dog", "cat", "wolf") == ["dog", "dog, near wolf"]


def test_a_namesake_that_merely_fits_its_name_less_leans_to_no_other_concept():
    sure, less_sure = [0.9, 0.04, 0.03, 0.03], [0.7, 0.1, 0.1, 0.1]
    assert named([sure, less_sure], "church", "tench", "horn", "saw") == ["church", "church 2"]


def test_what_hardly_differs_tells_no_namesakes_apart():
    assert named([[0.9, 0.1], [0.88, 0.12]], "church", "tench") == ["church", "church 2"]


def test_namesakes_that_nothing_tells_apart_are_numbered():
    assert named([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], "dog", "cat") == ["dog", "dog 2", "dog 3"]


def test_the_number_of_photos_that_no_word_fits_is_not_the_clusters():
    names = named([[0.9, 0.1, 0], [0, 0.9, 0.1]], "unclear (39 photos)", "unclear 2 (1 photo)", "dog")
    assert names == ["unclear", "unclear 2"]


def test_every_cluster_that_no_word_fits_has_one_number():
    shares = [[0.9, 0.1, 0], [0.8, 0.2, 0], [0, 0.9, 0.1], [0, 0.8, 0.2]]
    names = named(shares, "unclear (39 photos)", "unclear 2 (39 photos)", "dog")
    assert names == ["unclear", "unclear 2", "unclear 3", "unclear 4"]


def test_a_cluster_without_photos_keeps_no_number_of_those_that_no_word_fits():
    names = named([[0, 0], [0, 0], [0.9, 0.1]], "unclear (16 photos)", "unclear 2 (16 photos)")
    assert names[2] == "unclear"


def test_beside_a_cluster_that_the_person_calls_unclear_the_others_have_one_number():
    votes = np.float32([[0.9, 0, 0.1], [0, 0.9, 0.1], [0, 0, 1]])
    concepts = ("unclear (16 photos)", "unclear 2 (16 photos)", "dog")
    assert name_clusters(votes, votes, concepts, {2: "Unclear"}) == ["unclear 2", "unclear 3", "Unclear"]


def test_a_name_that_only_begins_with_unclear_says_what_it_says():
    assert named([[1, 0], [0, 1]], "unclear water", "unclear (9 photos)") == ["unclear water", "unclear"]


def test_what_is_unclear_tells_no_cluster_from_its_namesake():
    shares = [[0.9, 0.1], [0.7, 0.3], [0, 1], [0.1, 0.9]]
    assert named(shares, "dog", "unclear (9 photos)") == ["dog", "dog 2", "unclear", "unclear 2"]


def test_a_cluster_that_the_person_named_takes_no_name_from_another():
    votes = np.float32([[0.9, 0.1], [0.6, 0.4], [0, 1]])
    named_by_hand = Knowledge(
        concepts=(Concept(id="c1", name="bird"), Concept(id="c2", name="fish")),
        kept=(KeptCluster(id=0, name="my birds"),),
    )
    assert group_names(named_by_hand, votes, votes, ("c1", "c2"), {}) == ["my birds", "bird", "fish"]


def test_namesakes_keep_their_numbers_whichever_fits_the_name_better():
    for first, second in ((0.9, 0.88), (0.88, 0.9)):
        assert named([[first, 1 - first], [second, 1 - second]], "ball", "tee") == ["ball", "ball 2"]


def test_a_cluster_without_photos_takes_no_number_from_those_with():
    assert named([[0, 0], [0.9, 0.1], [0.9, 0.1]], "dog", "cat")[1:] == ["dog", "dog 2"]


def test_namesakes_of_a_name_that_the_person_gave_have_different_numbers():
    votes = np.float32([[0, 1], [0.9, 0.1], [0.9, 0.1]])
    assert name_clusters(votes, votes, ("dog", "cat"), {0: "dog"}) == ["dog", "dog 2", "dog 3"]


def test_votes_for_concepts_of_one_name_count_together():
    assert named([[0.4, 0.3, 0.3]], "rod", "saw", "Saw") == ["saw"]


def test_a_namesake_is_not_told_apart_by_its_own_name():
    assert named([[0.6, 0.4, 0.0], [0.3, 0.6, 0.1]], "dog", "dog", "car") == ["dog", "dog, near car"]


def test_equal_votes_are_decided_by_the_mean_posterior():
    assert named([[0.5, 0.5]], "rod", "saw", omega=[[0.3, 0.7]]) == ["saw"]


def test_without_concepts_clusters_are_numbered():
    assert name_clusters(np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), ()) == [
        "Cluster 1",
        "Cluster 2",
    ]


@pytest.mark.parametrize("seed", range(5))
def test_all_names_differ(seed):
    shares = np.random.default_rng(seed).dirichlet(np.ones(4), 9)
    names = named(shares, "dog", "Dog", "cat", "car")
    assert len({name.casefold() for name in names}) == 9
