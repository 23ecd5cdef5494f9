"""Groups that the person named: every concept seeds its cluster, with the photos assigned to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.constraints import ConstraintPlan, plan_constraints
from kec_core.clustering.seeded import names_groups, seeded_clustering
from kec_core.errors import InputError
from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.live import start, update
from kec_core.types import Concept, Constraint, Grounding, Knowledge
from tests.planted import planted_rows, same_partition
from tests.test_core_live import collection


def concepts(*sources, **fields):
    return tuple(
        Concept(id=f"c{i:03d}", name=f"thing {i}", source=source, **fields)
        for i, source in enumerate(sources, 1)
    )


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (concepts("user", "user"), True),
        (concepts("user", "wordnet"), False),
        (concepts("user", "llm"), False),
        (concepts("wordnet", "llm", locked=True), True),
        (concepts("user"), False),
        ((), False),
        ((*concepts("user", "user"), replace(concepts("wordnet")[0], id="c009", muted=True)), True),
        (concepts("user", "user", muted=True), False),
    ],
)
def test_the_person_names_the_groups_when_every_concept_that_counts_is_theirs(made, expected):
    assert names_groups(Knowledge(concepts=made)) is expected


def grounding_of(truth, n_concepts, share=0.8):
    omega = np.full((len(truth), n_concepts), (1 - share) / (n_concepts - 1), dtype=np.float32)
    omega[np.arange(len(truth)), truth] = share
    ids = tuple(f"c{i:03d}" for i in range(1, n_concepts + 1))
    return Grounding(omega=omega, kappa=omega, concept_ids=ids)


def halves():
    """Rows that k-means with two groups parts by colour, the stronger difference; the concepts part them by shape."""
    colour, shape = np.repeat([1, -1], 40), np.tile([1, -1], 40)
    noise = 0.02 * np.random.default_rng(0).normal(size=(80, 3))
    x = np.stack([1.2 * colour, 0.9 * shape, np.zeros(80)], axis=1) + noise
    return l2_normalize(x.astype(np.float32)), (colour < 0).astype(np.int32), (shape < 0).astype(np.int32)


def test_groups_start_from_names_although_others_would_fit_better():
    x, colour, shape = halves()
    assert same_partition(spherical_kmeans(x, 2).labels, colour)
    found = seeded_clustering(x, grounding_of(shape, 2), ConstraintPlan(), 2)
    assert same_partition(found.labels, shape)
    assert found.objective < spherical_kmeans(x, 2).objective


def test_assigned_photos_correct_what_the_words_confuse():
    x, truth = planted_rows(n_clusters=3, per_cluster=30)
    confused = np.where(truth == 2, 1, truth)  # the third concept wins no photo
    grounding = grounding_of(confused, 3)
    ids = tuple(map(str, range(len(x))))
    examples = tuple(np.flatnonzero(truth == 2)[:5])
    wish = Constraint(id="k1", kind="assign", images=tuple(ids[i] for i in examples), concept="c003")
    found = seeded_clustering(x, grounding, plan_constraints(Knowledge(constraints=(wish,)), ids), 3)
    assert same_partition(found.labels, truth)


def test_more_clusters_than_concepts_are_parted_and_fewer_joined():
    x, truth = planted_rows(n_clusters=4, per_cluster=20)
    grounding = grounding_of(truth // 2, 2)
    assert same_partition(seeded_clustering(x, grounding, ConstraintPlan(), 4).labels, truth)
    joined = seeded_clustering(x, grounding_of(truth, 4), ConstraintPlan(), 2)
    assert joined.n_clusters == 2
    with pytest.raises(InputError, match="between 1 and"):
        seeded_clustering(x, grounding, ConstraintPlan(), 0)


def naming(*names):
    return {"op": "set_knowledge", "concepts": [{"name": name} for name in names]}


def after(state, *edits):
    return update(state, apply_script(state.knowledge, parse_script({"edits": list(edits)})))


def test_a_naming_script_gives_the_groups_named_whatever_the_groups_before():
    live = collection()
    known = Knowledge(concepts=concepts("wordnet", "wordnet"), last_id=2)
    by_night = (np.arange(120) % 4).astype(np.int32)
    begun = start(live, known, replace(spherical_kmeans(live.x, 4), labels=by_night))
    named = after(begun, naming("cat", "dog", "bus", "car"))
    assert named.scores.acc > 0.9
    assert named.scores.acc > begun.scores.acc
    # in one script or step by step, with photos or without
    wish = {"op": "assign", "images": ["000.jpg"], "concept": "cat"}
    at_once = after(begun, naming("cat", "dog", "bus", "car"), wish)
    assert same_partition(after(named, wish).clustering.labels, at_once.clustering.labels)


def test_small_edits_of_named_groups_go_on_from_them():
    live = collection()
    known = Knowledge(concepts=concepts("wordnet", "wordnet"), last_id=2)
    begun = start(live, known, spherical_kmeans(live.x, 4))
    named = after(begun, naming("cat", "dog", "bus", "car"))
    attribute = {"op": "add_attribute", "concept": "cat", "text": "cat ears"}
    assert np.mean(after(named, attribute).clustering.labels != named.clustering.labels) < 0.1


@pytest.mark.parametrize(("by_colour", "starts"), [(22, "colour"), (5, "shape")])
def test_groups_that_most_names_agree_with_start(by_colour, starts):
    """The names of the first photos tell their colour, those of the others their shape."""
    x, colour, shape = halves()
    told = np.where(np.random.default_rng(0).permutation(80) < by_colour, colour, shape)
    found = seeded_clustering(x, grounding_of(told, 2), ConstraintPlan(), 2, present=3 * colour)
    assert same_partition(found.labels, {"colour": colour, "shape": shape}[starts])
    assert same_partition(seeded_clustering(x, grounding_of(told, 2), ConstraintPlan(), 2).labels, shape)
