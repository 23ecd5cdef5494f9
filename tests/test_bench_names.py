"""How names and attributes are judged by labels, on hand-made meanings."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.names import distinct_names, name_fits, name_score


def alike(one, other):
    return 0.7 if "alike" in one or "alike" in other else 0.3


@pytest.mark.parametrize(
    ("name", "label", "fits"),
    [
        ("dog", "dog", 1.0),
        ("Dog, near cat", "dog", 1.0),
        ("spitz", "dog", 1.0),
        ("wheel", "dog", 0.0),
        ("alike thing", "dog", 0.7),
        ("zorblax", "Zorblax", 1.0),
        ("unclear (12 photos)", "dog", 0.0),
    ],
)
def test_a_name_fits_its_class_or_kinds_of_it(tiny_wordnet, name, label, fits):
    assert name_fits(name, label, {}, tiny_wordnet, alike) == fits


def test_the_direct_hypernym_is_half_right(tiny_wordnet):
    akita = next(iter(tiny_wordnet.senses("Akita")))
    above = tiny_wordnet.synset(tiny_wordnet.synset(akita).hypernyms[0]).words[0]
    assert name_fits(above, "Akita", {}, tiny_wordnet, alike) == 0.5


def test_only_photos_of_clusters_with_a_majority_label_count(tiny_wordnet):
    found = np.array([0, 0, 0, 1, 1, 1, 1], dtype=np.int32)
    labels = ["dog", "dog", "cat", "dog", "dog", "cat", "cat"]
    assert name_score(["dog", "wheel"], found, labels, {}, tiny_wordnet, alike) == 1.0
    labels = ["dog", "dog", "cat", "cat", "cat", "cat", None]
    assert name_score(["dog", "wheel"], found, labels, {}, tiny_wordnet, alike) == pytest.approx(0.5)


def test_distinct_names_are_counted_in_any_case():
    assert distinct_names(["dog", "Dog", "cat", "car"]) == 0.5
    assert distinct_names([]) == 1.0
