"""Photos kept together, apart, or under a concept: planned, placed, refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import l2_normalize
from kec_core.clustering.constrained import apply_constraints, constrained_clustering, home_clusters
from kec_core.clustering.constraints import ConstraintPlan, check_constraints, plan_constraints
from kec_core.clustering.geometry import centroids_of
from kec_core.config import KnowledgeConfig
from kec_core.errors import InputError
from kec_core.knowledge.construct import build_concepts
from kec_core.types import Clustering, Concept, Constraint, Grounding, Knowledge, Noun
from tests.fakes import FirstNounBuilder

AXES = np.eye(3, dtype=np.float32)
IMAGES = [f"{n}.jpg" for n in range(9)]


def three_blobs() -> tuple[np.ndarray, np.ndarray]:
    """Nine photos, three on each of three axes with a small lean to the next axis."""
    labels = np.repeat(np.arange(3, dtype=np.int32), 3)
    lean = np.tile([0.0, 0.1, 0.2], 3).astype(np.float32)[:, None]
    return l2_normalize(AXES[labels] + lean * AXES[(labels + 1) % 3]), labels


def constraint(kind: str, *images: int, concept: str = "") -> Constraint:
    return Constraint(id=f"k{images}", kind=kind, images=tuple(f"{n}.jpg" for n in images), concept=concept)


def plan_of(constraints, images=IMAGES):
    return plan_constraints(Knowledge(constraints=tuple(constraints)), images)


def place(*constraints: Constraint, homes: dict[str, int] | None = None) -> list[int]:
    x, labels = three_blobs()
    return apply_constraints(x, labels, AXES, plan_of(constraints), homes or {}).tolist()


def test_without_constraints_nothing_moves():
    assert place() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_together_goes_where_the_mean_score_is_best():
    assert place(constraint("together", 0, 3, 4)) == [1, 0, 0, 1, 1, 1, 2, 2, 2]


def test_overlapping_together_sets_are_one():
    assert place(constraint("together", 0, 3), constraint("together", 7, 8), constraint("together", 3, 8)) == [
        2, 0, 0, 2, 1, 1, 2, 2, 2,
    ]  # fmt: skip


def test_apart_takes_the_best_sum_of_scores():
    # Photo 2 leans most to cluster 1, photo 0 not at all; the third goes to what is left.
    assert place(constraint("apart", 0, 2)) == [0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert sorted(place(constraint("apart", 0, 1, 2))[:3]) == [0, 1, 2]


def test_apart_moves_together_sets_as_wholes():
    placed = place(constraint("together", 0, 1), constraint("apart", 1, 2))
    assert placed[:3] == [0, 0, 1]


def test_overlapping_apart_sets_hold_all_at_once():
    placed = place(constraint("apart", 0, 1), constraint("apart", 1, 2), constraint("apart", 0, 2))
    assert sorted(placed[:3]) == [0, 1, 2]


def test_assigned_photos_go_home_and_take_their_set_along():
    placed = place(constraint("assign", 0, concept="c1"), constraint("together", 0, 3), homes={"c1": 2})
    assert placed == [2, 0, 0, 2, 1, 1, 2, 2, 2]


def test_apart_makes_way_for_assigned_photos():
    placed = place(constraint("assign", 2, concept="c1"), constraint("apart", 0, 2), homes={"c1": 0})
    assert placed[2] == 0
    assert placed[0] == 1 or placed[0] == 2


def test_photos_that_are_gone_are_passed_over():
    plan = plan_of([Constraint(id="k", kind="together", images=("gone", "3.jpg", "0.jpg"))])
    assert [rows.tolist() for rows in plan.units] == [[0, 3]]
    assert not plan_of([])
    assert plan == plan


def test_too_few_clusters_for_photos_kept_apart():
    with pytest.raises(InputError, match=r"4 photos are kept apart, but there are 3 clusters; ask for more"):
        place(constraint("apart", 0, 1, 2, 3))
    x, labels = three_blobs()
    with pytest.raises(InputError, match=r"2 photos are kept apart, but there is 1 cluster; ask for more"):
        apply_constraints(x, 0 * labels, AXES[:1], plan_of([constraint("apart", 0, 1)]), {})


def test_photos_of_two_concepts_in_one_cluster_cannot_be_apart():
    with pytest.raises(InputError, match="cannot all be placed in 3 clusters"):
        place(
            constraint("assign", 0, concept="c1"),
            constraint("assign", 1, concept="c2"),
            constraint("apart", 0, 1),
            homes={"c1": 0, "c2": 0},
        )


def test_contradictions_are_refused():
    with pytest.raises(InputError, match=r"'0\.jpg' and '1\.jpg' are kept apart but also kept together"):
        check_constraints([constraint("together", 0, 1), constraint("apart", 0, 1)])
    with pytest.raises(
        InputError, match=r"'0\.jpg' and '1\.jpg' are kept apart but assigned to the same concept"
    ):
        check_constraints([constraint("assign", 0, 1, concept="c1"), constraint("apart", 0, 1)])
    with pytest.raises(
        InputError, match=r"photos of another concept; take the wish k\(0, 1\) or k\(1,\) back\."
    ):
        check_constraints(
            [
                constraint("assign", 0, concept="c1"),
                constraint("assign", 1, concept="c2"),
                constraint("together", 0, 1),
            ]
        )


def test_home_is_where_the_concept_dominates():
    x, labels = three_blobs()
    x, centroids = l2_normalize(x + 1), l2_normalize(AXES + 1)  # photos of one collection look alike
    omega = np.full((9, 2), 0.1, dtype=np.float32)
    omega[labels == 2, 0] = 0.9
    grounding = Grounding(omega=omega, kappa=x, concept_ids=("c1", "c2"))
    # Photo 0 looks like cluster 0, but the person says it shows c1, whose photos are in cluster 2.
    plan = plan_of([constraint("assign", 0, concept="c1")])
    assert home_clusters(x, labels, centroids, plan, grounding) == {"c1": 2}
    assert home_clusters(x, labels, centroids, plan, None) == {"c1": 0}


def test_two_concepts_get_two_homes_while_there_are_enough():
    x, labels = three_blobs()
    plan = plan_of([constraint("assign", 0, concept="c1"), constraint("assign", 1, 2, concept="c2")])
    homes = home_clusters(x, labels, AXES, plan, None)
    assert homes == {"c1": 0, "c2": 1}
    one = home_clusters(x, np.zeros(9, np.int32), AXES[:1], plan, None)
    assert one == {"c1": 0, "c2": 0}


def test_clustering_keeps_constraints_and_lets_the_others_follow():
    x, labels = three_blobs()
    start = Clustering(labels=labels, centroids=AXES, objective=0.0, method="kmeans", seed=3)
    plan = plan_of([constraint("together", 0, 1, 2, 3), constraint("apart", 6, 7)])
    after = constrained_clustering(x, start, plan, None)
    assert len(set(after.labels[:4].tolist())) == 1
    assert after.labels[6] != after.labels[7]
    assert (after.method, after.seed) == ("kmeans", 3)
    assert after.centroids.shape == (3, 3)
    assert constrained_clustering(x, start, ConstraintPlan(), None) is start


def test_a_few_examples_found_a_group():
    # Two pairs of kinds; k-means with two clusters from here separates the pairs, the person wants the kinds.
    rng = np.random.default_rng(0)
    kind = np.tile([0, 1], 40)
    side = np.repeat([0, 1], 40)
    axes = np.eye(6, dtype=np.float32)
    x = l2_normalize(axes[kind] + 0.9 * axes[2 + side] + 0.1 * rng.normal(size=(80, 6)).astype(np.float32))
    images = [str(n) for n in range(80)]
    by_side = Clustering(
        labels=side.astype(np.int32), centroids=centroids_of(x, side.astype(np.int32), 2),
        objective=0.0, method="kmeans", seed=0,
    )  # fmt: skip
    wishes = [
        Constraint(
            id=f"k{q}",
            kind="assign",
            concept=f"c{q}",
            images=tuple(str(n) for n in np.flatnonzero(kind == q)[15:25]),
        )
        for q in (0, 1)
    ]
    plan = plan_of(wishes, images)
    pulled = constrained_clustering(x, by_side, plan, None)
    pinned = constrained_clustering(x, by_side, plan, None, pull=False)
    assert (pulled.labels == kind).mean() in (0.0, 1.0)
    assert (pinned.labels == kind).mean() not in (0.0, 1.0)


def test_a_rebuild_keeps_a_concept_that_was_given_photos():
    concepts = (
        Concept(id="c1", name="Elk", source="wordnet"),
        Concept(id="c2", name="Owl", source="wordnet"),
    )
    earlier = Knowledge(concepts=concepts, constraints=(constraint("assign", 0, concept="c1"),), last_id=3)
    rebuilt = build_concepts([[Noun(word="cup")]], FirstNounBuilder(), KnowledgeConfig(), keep=earlier)
    assert [concept.name for concept in rebuilt.concepts] == ["Elk", "cup"]
    assert rebuilt.constraints == earlier.constraints


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_whatever_is_asked_for_holds(seed):
    rng = np.random.default_rng(seed)
    x = l2_normalize(rng.normal(size=(30, 5)).astype(np.float32))
    centroids = l2_normalize(rng.normal(size=(6, 5)).astype(np.float32))
    labels = (x @ centroids.T).argmax(axis=1).astype(np.int32)
    images = [str(n) for n in range(30)]
    order = [str(n) for n in rng.permutation(30)]
    wishes = [
        Constraint(id="k1", kind="together", images=tuple(order[:3])),
        Constraint(id="k2", kind="together", images=tuple(order[2:5])),
        Constraint(id="k3", kind="apart", images=(order[0], *order[5:8])),
        Constraint(id="k4", kind="apart", images=(order[5], order[8])),
        Constraint(id="k5", kind="assign", images=(order[8], order[9]), concept="c1"),
        Constraint(id="k6", kind="assign", images=(order[10],), concept="c2"),
    ]
    plan = plan_of(wishes, images)
    homes = home_clusters(x, labels, centroids, plan, None)
    placed = dict(zip(images, apply_constraints(x, labels, centroids, plan, homes).tolist(), strict=True))
    assert len({placed[one] for one in order[:5]}) == 1
    assert len({placed[one] for one in wishes[2].images}) == 4
    assert placed[order[5]] != placed[order[8]]
    assert placed[order[8]] == placed[order[9]] == homes["c1"]
    assert placed[order[10]] == homes["c2"]
    free = order[11:]
    assert [placed[one] for one in free] == [int(labels[int(one)]) for one in free]
