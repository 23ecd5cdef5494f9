"""The overview of a clustering: central and boundary photos, likeness, names that tell clusters apart."""

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import FusedRows, fuse
from kec_core.clustering.constraints import ConstraintPlan
from kec_core.config import EncoderDefaults
from kec_core.encoders.base import visual_features, visual_rows
from kec_core.errors import StoreError
from kec_core.result.cluster_names import EXAMPLE_WORTH
from kec_core.store import StageResult
from kec_core.types import Clustering, Concept, Grounding, Knowledge
from state.project.project import Project
from state.revisions.overview import (
    Overview,
    cluster_cards,
    cluster_names,
    compute_overview,
    load_overview,
    save_overview,
)
from tests.state_helpers import commit_simple, scan

X = l2_normalize(np.array([[1, 0], [1, 0.1], [1, 0.9], [0, 1], [0.1, 1]], dtype=np.float32))
LABELS = np.array([0, 0, 0, 1, 1], dtype=np.int32)
OMEGA = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]], dtype=np.float32)


def made(weight=0.0, labels=LABELS, wishes=None):
    clustering = Clustering(
        labels=labels, centroids=np.zeros((2, 4), np.float32), objective=0.0, method="kmeans", seed=0
    )
    grounding = Grounding(omega=OMEGA, kappa=X, concept_ids=("c001", "c002"))
    return compute_overview(X, fuse(X, X, weight), grounding, clustering, wishes=wishes)


def overview(concepts, labels=LABELS, ids=None, votes=None):
    concepts = np.asarray(concepts, dtype=np.float32)
    n = len(labels)
    return Overview(
        labels=np.asarray(labels, np.int32),
        own=np.ones(n, np.float32),
        rival=np.zeros(n, np.float32),
        coherence=np.full(len(concepts), 0.5, np.float32),
        concepts=concepts,
        votes=concepts if votes is None else np.asarray(votes, dtype=np.float32),
        concept_ids=ids or tuple(f"c{i + 1:03d}" for i in range(concepts.shape[1])),
    )


def knowledge(*names):
    return Knowledge(concepts=tuple(Concept(id=f"c{i + 1:03d}", name=name) for i, name in enumerate(names)))


def test_rows_that_are_made_when_they_are_read_are_those_of_arrays():
    features, defaults = 3 * X + 1, EncoderDefaults(centre=True)
    rows = visual_rows(features, defaults)
    np.testing.assert_allclose(rows[:], visual_features(features, defaults), atol=1e-6)
    np.testing.assert_allclose(rows[np.array([4, 0])], rows[:][[4, 0]], atol=1e-6)
    fused = FusedRows(X, X[:, ::-1], 0.5)
    assert (len(rows), rows.shape, len(fused), fused.shape) == (5, (5, 2), 5, (5, 4))
    np.testing.assert_allclose(fused[1:4], fuse(X, X[:, ::-1], 0.5)[1:4], atol=1e-6)
    clustering = Clustering(
        labels=LABELS, centroids=np.zeros((2, 4), np.float32), objective=0.0, method="kmeans", seed=0
    )
    grounding = Grounding(omega=OMEGA, kappa=X, concept_ids=("c001", "c002"))
    read, whole = (
        compute_overview(x, space, grounding, clustering)
        for x, space in ((rows, FusedRows(X, X, 0.5)), (rows[:], fuse(X, X, 0.5)))
    )
    for one, other in ((read.own, whole.own), (read.rival, whole.rival), (read.coherence, whole.coherence)):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_own_and_rival_are_cosines_with_the_centres_of_the_members():
    found = made()
    centres = l2_normalize(np.stack([X[:3].sum(0), X[3:].sum(0)]))
    cosines = X @ centres.T
    np.testing.assert_allclose(found.own, cosines[np.arange(5), LABELS], atol=1e-5)
    np.testing.assert_allclose(found.rival, cosines[np.arange(5), 1 - LABELS], atol=1e-5)


def test_members_are_sorted_by_centrality_or_by_how_near_the_next_cluster_is():
    assert made().members(0).tolist() == [1, 0, 2]
    assert made().members(0, "boundary").tolist() == [2, 1, 0]


def test_coherence_is_the_mean_cosine_with_the_mean():
    direction = X[3:].mean(0) / np.linalg.norm(X[3:].mean(0))
    assert made().coherence[1] == pytest.approx((X[3:] @ direction).mean(), abs=1e-6)


def test_concept_weights_are_means_over_the_members():
    np.testing.assert_allclose(made().concepts, [OMEGA[:3].mean(0), OMEGA[3:].mean(0)], atol=1e-5)


def test_a_photo_votes_for_the_concept_it_is_assigned_to_and_else_for_the_one_that_wins_it():
    np.testing.assert_allclose(made().votes, [[1, 0], [0, 1]])
    wishes = ConstraintPlan(units=(np.array([2]), np.array([3])), concepts=("c002", "gone"))
    assert EXAMPLE_WORTH == 5
    np.testing.assert_allclose(made(wishes=wishes).votes, [[2 / 7, 5 / 7], [0, 1]])


def test_a_cluster_is_named_by_what_the_person_put_there():
    wishes = ConstraintPlan(units=(np.array([2]),), concepts=("c002",))
    assert cluster_names(made(wishes=wishes), knowledge("dog", "cat"))[0] == "cat, near dog"


def test_votes_for_concepts_of_one_name_count_together():
    split = overview([[0.4, 0.3, 0.3]], labels=[0], votes=[[0.4, 0.3, 0.3]])
    assert cluster_names(split, knowledge("rod", "saw", "saw")) == ["saw"]


def test_equal_votes_are_decided_by_the_mean_weight():
    equal = overview([[0.3, 0.7]], labels=[0], votes=[[0.5, 0.5]])
    assert cluster_names(equal, knowledge("rod", "saw")) == ["saw"]


def test_one_cluster_has_no_rival():
    assert made(labels=np.zeros(5, np.int32)).rival.tolist() == [-1.0] * 5


def test_the_weight_of_the_knowledge_changes_what_is_central():
    with_words = made(weight=1.0)
    assert not np.allclose(with_words.own, made().own * 0.5)
    assert (with_words.own <= 1 + 1e-6).all()


def test_without_concepts_clusters_are_numbered():
    none = overview(np.zeros((2, 0)), labels=[0, 1], ids=())
    assert cluster_names(none, knowledge()) == ["Cluster 1", "Cluster 2"]


def test_cards_are_largest_first_with_purity_over_the_labelled_photos():
    cards = cluster_cards(
        overview([[0.9, 0.1], [0.1, 0.9]]), knowledge("dog", "cat"), ["a", "b", "a", None, None]
    )
    assert [(card.id, card.name, card.size, card.label) for card in cards] == [
        (0, "dog", 3, "a"),
        (1, "cat", 2, ""),
    ]
    assert cards[0].purity == pytest.approx(2 / 3)
    assert cards[1].purity is None


def test_a_cluster_without_photos_has_no_card():
    cards = cluster_cards(overview([[1.0], [1.0], [1.0]], labels=[0, 0, 2]), knowledge("x"))
    assert [card.id for card in cards] == [0, 2]


def test_saved_and_loaded_again_it_is_the_same(tmp_path):
    project = Project.create(tmp_path / "p", "p")
    project.set_images(scan("a", "b", "c", "d", "e"))
    revision = commit_simple(project, None, "dog", clustering_fp="key")
    with pytest.raises(StoreError, match="overview of revision r1 is missing"):
        load_overview(project, revision)
    save_overview(project, "key", made())
    loaded = load_overview(project, revision)
    np.testing.assert_array_equal(loaded.own, made().own)
    np.testing.assert_array_equal(loaded.votes, made().votes)
    assert loaded.concept_ids == ("c001", "c002")


def test_an_overview_kept_without_votes_names_clusters_by_mean_weights(tmp_path):
    project = Project.create(tmp_path / "p", "P")
    project.set_images(scan("a", "b", "c", "d", "e"))
    revision = commit_simple(project, None, "dog", clustering_fp="key")
    kept = made()
    arrays = {name: getattr(kept, name) for name in ("labels", "own", "rival", "coherence", "concepts")}
    data = {"concept_ids": list(kept.concept_ids)}
    project.store.save("overview", "key", StageResult(arrays=arrays, data=data))
    loaded = load_overview(project, revision)
    np.testing.assert_array_equal(loaded.votes, kept.concepts)
    assert cluster_names(loaded, knowledge("dog", "cat")) == ["dog", "cat"]
