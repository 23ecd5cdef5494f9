"""Nouns that would name a concept better, and names that are there already, on planted directions."""

from dataclasses import replace

import numpy as np
import pytest

from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.knowledge.unique_names import concepts_named_like
from kec_core.live import start
from kec_core.suggestions.concept_doubts import fitting_names
from kec_core.types import Knowledge, Noun
from tests.test_core_suggestions import KINDS, encode, state_of


def knowledge(*names):
    return apply_script(
        Knowledge(), parse_script({"edits": [{"op": "add_concept", "name": name} for name in names]})
    )


@pytest.fixture(scope="module")
def state():
    """Six kinds of photos; the concept for deer is called "fog", and so is near no photo."""
    made, _truth = state_of("fog deer", *KINDS[1:])
    nouns = tuple(Noun(word=word) for word in ("owl", "deer", "nowhere", "elk"))
    concepts = tuple(replace(c, nouns=nouns) if c.name == "fog deer" else c for c in made.knowledge.concepts)
    return start(made.collection, replace(made.knowledge, concepts=concepts), made.clustering)


def test_nouns_that_fit_the_photos_come_best_first_and_taken_names_are_left_out(state):
    concept = next(one for one in state.knowledge.concepts if one.name == "fog deer")
    # "owl" names another concept, "nowhere" fits no photo; "elk" reads a little less like these photos than "deer".
    assert fitting_names(state, concept.id, 5) == ("deer", "elk")
    assert fitting_names(state, concept.id, 1) == ("deer",)


def test_a_concept_without_nouns_or_photos_has_no_other_name(state):
    owl = next(one for one in state.knowledge.concepts if one.name == "owl")
    assert fitting_names(state, owl.id, 5) == ()


def test_the_same_name_in_any_case_goes_before_one_that_reads_alike():
    known = knowledge("my deer", "Deer", "owl")
    found = concepts_named_like(["DEER", "a deer", "boat"], known, encode)
    assert [known.by_id[one].name if one else "" for one in found] == ["Deer", "my deer", ""]


def test_nothing_to_compare_with():
    assert concepts_named_like([], knowledge("deer"), encode) == ()
    assert concepts_named_like(["deer", "owl"], Knowledge(), encode) == ("", "")


def test_nearly_alike_counts_from_the_threshold_on():
    def rows(texts):
        return np.array(
            [{"a": [1, 0], "b": [0.91, 0.4146], "c": [0.88, 0.475]}[t] for t in texts], np.float32
        )

    assert concepts_named_like(["b", "c"], knowledge("a"), rows) == ("c001", "")
