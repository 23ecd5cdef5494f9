"""What holds for every journal of edits."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.clustering.constraints import check_constraints
from kec_core.errors import InputError
from kec_core.knowledge.diff import diff
from kec_core.knowledge.edits import (
    DeleteConcept,
    MergeConcepts,
    RenameConcept,
    apply,
    apply_script,
    describe,
    parse_script,
    script_to_json,
)
from kec_core.types import Knowledge
from tests.random_edits import random_journal

IMAGES = [f"photos/{n}.jpg" for n in range(12)]

seeds = st.integers(0, 10**6)
few = settings(max_examples=25, deadline=None)


def journal(seed: int, length: int = 25):
    return random_journal(random.Random(seed), Knowledge(), IMAGES, length)


def ids_of(knowledge: Knowledge) -> set[str]:
    parts = (knowledge.concepts, knowledge.uni, knowledge.bi, knowledge.groups, knowledge.constraints)
    return {item.id for part in parts for item in part}


@few
@given(seeds)
def test_replay_of_the_stored_journal_gives_the_same_fingerprint(seed):
    edits, versions = journal(seed)
    stored = json.loads(json.dumps(script_to_json(edits)))
    assert parse_script(stored) == tuple(edits)
    copy = Knowledge.from_json(json.loads(json.dumps(versions[0].to_json())))
    assert apply_script(copy, parse_script(stored)).fingerprint == versions[-1].fingerprint


@few
@given(seeds)
def test_the_parent_of_every_edit_stays_byte_equal(seed):
    edits, versions = journal(seed)
    before = [json.dumps(version.to_json()).encode() for version in versions]
    for edit, version in zip(edits, versions, strict=False):
        apply(version, edit)
        describe(edit, version)
    assert [json.dumps(version.to_json()).encode() for version in versions] == before


@few
@given(seeds)
def test_knowledge_survives_json(seed):
    _, versions = journal(seed)
    last = versions[-1]
    again = Knowledge.from_json(json.loads(json.dumps(last.to_json())))
    assert again == last
    assert not diff(last, again)


@few
@given(seeds)
def test_no_reference_dangles_and_no_id_returns(seed):
    _, versions = journal(seed)
    gone: set[str] = set()
    for old, new in pairwise(versions):
        gone |= ids_of(old) - ids_of(new)
        assert not gone & ids_of(new)
        concepts, groups = set(new.by_id), {group.id for group in new.groups}
        assert len(ids_of(new)) == sum(map(len, (new.concepts, new.uni, new.bi, new.groups, new.constraints)))
        assert {a.concept for a in new.uni} <= concepts
        assert all(set(a.pair) <= concepts and len(set(a.pair)) == 2 for a in new.bi)
        assert all(a.pair == tuple(sorted(a.pair)) and set(a.ends) <= set(a.pair) for a in new.bi)
        assert {c.group for c in new.concepts} | {g.parent for g in new.groups} <= groups | {""}
        assert {c.concept for c in new.constraints} <= concepts | {""}
        check_constraints(new.constraints)


@few
@given(seeds, seeds)
def test_one_bad_edit_refuses_the_whole_script(seed, place):
    edits, versions = journal(seed, length=8)
    place %= len(edits) + 1
    bad = DeleteConcept(concept="no such concept")
    before = versions[0].fingerprint
    with pytest.raises(InputError, match=rf"Edit at index {place} \(delete_concept\)"):
        apply_script(versions[0], [*edits[:place], bad, *edits[place:]])
    assert versions[0].fingerprint == before


def untouched(old: Knowledge, new: Knowledge, touched: set[str]) -> None:
    """Everything that does not concern the touched concepts is the very same, in the same order."""
    assert [c for c in old.concepts if c.id not in touched] == [
        c for c in new.concepts if c.id in old.by_id and c.id not in touched
    ]
    kept = {a.id for a in new.uni}
    assert [a for a in old.uni if a.concept not in touched] == [
        a for a in new.uni if a.concept in old.by_id and a.concept not in touched
    ]
    assert {a.id for a in old.uni if a.concept not in touched} <= kept
    free = [a for a in old.bi if not touched & set(a.pair)]
    assert free == [a for a in new.bi if a.id in {f.id for f in free}]
    assert old.groups == new.groups
    assert (old.guidance, old.n_clusters, old.weight) == (new.guidance, new.n_clusters, new.weight)
    free_constraints = [c for c in old.constraints if c.concept not in touched]
    assert free_constraints == [c for c in new.constraints if c.concept in {"", *old.by_id} - touched]


@few
@given(seeds)
def test_unrelated_concepts_are_untouched(seed):
    rng = random.Random(seed)
    base = random_journal(rng, Knowledge(), IMAGES, 30)[1][-1]
    open_ids = [c.id for c in base.concepts if not c.locked]
    if len(open_ids) < 2:
        return
    one, other = rng.sample(open_ids, 2)
    untouched(base, apply(base, RenameConcept(concept=one, name="entirely new")), {one})
    untouched(base, apply(base, DeleteConcept(concept=one)), {one})
    try:
        merged = apply(base, MergeConcepts(concepts=(one, other), name="entirely new"))
    except InputError:  # photos kept apart would come under one concept
        return
    untouched(base, merged, {one, other})
    assert {c.id for c in merged.concepts} - set(base.by_id) == {f"c{base.last_id + 1:03d}"}
