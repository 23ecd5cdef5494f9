"""The facts of a revision as they are stored: those of before can be read, and nothing changes on the way."""

from __future__ import annotations

from dataclasses import replace

from state.project.facts import Automatic, Facts

BEFORE = {
    "images": 20,
    "encoder": "compact",
    "knowledge": "wordnet",
    "overclusters": 12,
    "concepts": 5,
    "uni_attributes": 10,
    "bi_attributes": 4,
    "clusters": 4,
    "weight": 0.75,
    "notes": ["K was estimated."],
}


def test_a_run_of_before_chose_what_it_came_to():
    facts = Facts.from_json(BEFORE)
    assert facts.automatic == Automatic(n_clusters=4, weight=0.75)
    assert facts.notes == ("K was estimated.",)
    assert facts.to_json() == {**BEFORE, "automatic": {"clusters": 4, "weight": 0.75}}


def test_what_the_run_chose_is_told_from_what_holds():
    edited = replace(
        Facts.from_json(BEFORE), n_clusters=3, weight=0.0, near_copies={"photos": 2, "groups": 1}
    )
    again = Facts.from_json(edited.to_json())
    assert again == edited
    assert (again.n_clusters, again.weight) == (3, 0.0)
    assert again.automatic == Automatic(n_clusters=4, weight=0.75)


def test_a_revision_without_a_summary_has_no_numbers():
    facts = Facts.from_json({})
    assert (facts.images, facts.n_clusters, facts.encoder, facts.near_copies) == (0, 0, "", None)
