"""What a proposal would change, line by line: nothing of the person's goes unasked, nothing is said twice."""

from __future__ import annotations

import pytest

from kec_core.errors import InputError
from kec_core.knowledge.base import ConceptDraft, PairDraft
from kec_core.knowledge.edits import (
    AddAttribute,
    AddPairAttribute,
    EditAttribute,
    RenameConcept,
    SplitPart,
    apply_script,
    describe,
    parse_edit,
)
from kec_core.llm.proposals import (
    YOURS,
    ProposedPart,
    SplitProposal,
    attribute_lines,
    concept_lines,
    edits_of,
    pair_lines,
    split_lines,
)
from kec_core.types import BiAttribute, Knowledge, UniAttribute
from tests.llm_fakes import concept, nouns

DOG = concept(1, "dog", "has a long muzzle", source="llm", nouns=nouns("husky", "poodle", "wolf"))
CAT = concept(2, "cat", "has whiskers", source="user")
KNOWN = Knowledge(
    concepts=(DOG, CAT),
    uni=(
        UniAttribute(id="a003", concept="c001", text="long muzzle", source="llm"),
        UniAttribute(id="a004", concept="c001", text="hanging tongue", source="wordnet"),
        UniAttribute(id="a005", concept="c001", text="my own words", source="user"),
    ),
    bi=(
        BiAttribute(id="a006", pair=("c001", "c002"), text="shape of the ears", ends=("c001",), source="llm"),
        BiAttribute(id="a007", pair=("c001", "c002"), text="mine too", ends=("c001", "c002"), source="user"),
    ),
    last_id=7,
)


def told(lines):
    return [(line.what, line.old, line.new, line.ticked) for line in lines]


def test_a_concept_has_a_line_for_each_text_that_differs():
    draft = ConceptDraft(name="hound", description="has a long muzzle")
    assert told(concept_lines(KNOWN, DOG, draft)) == [("Name", "dog", "hound", True)]
    draft = ConceptDraft(name="Dog", description="four legs")
    assert told(concept_lines(KNOWN, DOG, draft)) == [("Description", "has a long muzzle", "four legs", True)]
    draft = ConceptDraft(name="dog", description="")
    assert concept_lines(KNOWN, DOG, draft) == ()


def test_the_persons_own_words_start_unticked_and_a_taken_name_cannot_be_had():
    lines = concept_lines(KNOWN, CAT, ConceptDraft(name="kitten", description="small"))
    assert told(lines) == [
        ("Name", "cat", "kitten", False),
        ("Description", "has whiskers", "small", False),
    ]
    assert {line.note for line in lines} == {YOURS}
    (name,) = concept_lines(KNOWN, DOG, ConceptDraft(name="CAT", description=""))
    assert (name.change, name.ticked, name.note) == (None, False, "another concept has this name")


def test_new_attributes_take_the_place_of_what_no_person_wrote():
    lines = attribute_lines(KNOWN, DOG, ["Long muzzle", "curled tail", "the curled tail", "spotted coat"])
    assert told(lines) == [
        ("Typical", "hanging tongue", "curled tail", True),
        ("Typical", "", "spotted coat", True),
    ]
    assert edits_of(KNOWN, DOG, lines) == (
        EditAttribute(attribute="a004", text="curled tail"),
        AddAttribute(concept="c001", text="spotted coat"),
    )
    after = apply_script(KNOWN, edits_of(KNOWN, DOG, lines))
    assert [a.text for a in after.uni] == ["long muzzle", "curled tail", "my own words", "spotted coat"]


def test_a_pair_gets_dimensions_for_both_or_looks_for_one():
    lines = pair_lines(KNOWN, DOG, CAT, [PairDraft(text="length of the nose")])
    assert told(lines) == [("Apart", "shape of the ears", "length of the nose", True)]
    sides = [PairDraft(text="drooping ears", side="first"), PairDraft(text="upright ears", side="second")]
    lines = pair_lines(KNOWN, DOG, CAT, sides)
    assert told(lines) == [
        ("dog", "shape of the ears", "drooping ears", True),
        ("cat", "", "upright ears", True),
    ]
    after = apply_script(KNOWN, edits_of(KNOWN, DOG, lines))
    assert [(a.text, a.ends) for a in after.bi] == [
        ("drooping ears", ("c001",)),
        ("mine too", ("c001", "c002")),
        ("upright ears", ("c002",)),
    ]


def test_a_pair_attribute_of_one_side_is_said_and_read_back():
    edit = AddPairAttribute(concepts=("dog", "cat"), text="upright ears", only="cat")
    assert parse_edit(edit.to_json()) == edit
    assert "only" not in AddPairAttribute(concepts=("dog", "cat"), text="x").to_json()
    assert describe(edit, KNOWN) == 'Set "dog" and "cat" apart by "upright ears", seen on "cat".'
    other = concept(3, "cow")
    with pytest.raises(InputError, match='only should be one of the two concepts, but is "cow"'):
        apply_script(
            Knowledge(concepts=(DOG, CAT, other), last_id=7),
            [AddPairAttribute(concepts=("dog", "cat"), text="horns", only="cow")],
        )


def split(*parts):
    return SplitProposal(
        parts=tuple(ProposedPart(name=name, nouns=nouns(*words)) for name, words in parts), rest=()
    )


def test_what_no_part_takes_stays_with_the_concept():
    lines = split_lines(KNOWN, DOG, split(("sled dog", ["husky"]), ("curly dog", ["poodle"])))
    assert [(line.new, line.note, line.ticked) for line in lines] == [
        ("sled dog", "husky", True),
        ("curly dog", "poodle", True),
    ]
    after = apply_script(KNOWN, edits_of(KNOWN, DOG, lines))
    assert [(c.name, [n.word for n in c.nouns]) for c in after.concepts[:3]] == [
        ("sled dog", ["husky"]),
        ("curly dog", ["poodle"]),
        ("dog", ["wolf"]),
    ]
    one = apply_script(KNOWN, edits_of(KNOWN, DOG, lines[:1]))
    assert [c.name for c in one.concepts] == ["sled dog", "dog", "cat"]
    assert edits_of(KNOWN, DOG, ()) == ()


def test_a_split_that_takes_everything_ends_the_concept_unless_its_name_is_wanted():
    proposal = split(("sled dog", ["husky", "wolf"]), ("cat", ["poodle"]))
    lines = split_lines(KNOWN, DOG, proposal)
    assert [line.change is None for line in lines] == [False, True]
    lines = split_lines(KNOWN, DOG, split(("sled dog", ["husky", "wolf"]), ("curly dog", ["poodle"])))
    (edit,) = edits_of(KNOWN, DOG, lines)
    assert edit.into == (
        SplitPart(name="sled dog", nouns=("husky", "wolf")),
        SplitPart(name="curly dog", nouns=("poodle",)),
    )


def test_taking_a_name_alone_leaves_the_description():
    name, _description = concept_lines(KNOWN, DOG, ConceptDraft(name="hound", description="four legs"))
    assert edits_of(KNOWN, DOG, [name]) == (RenameConcept(concept="c001", name="hound"),)


def test_a_concept_that_the_person_named_is_divided_only_on_request():
    own = concept(2, "cat", source="user", nouns=nouns("tabby", "lion"))
    lines = split_lines(KNOWN, own, split(("house cat", ["tabby"]), ("dog", ["lion"])))
    assert [(line.ticked, line.note) for line in lines] == [
        (False, "tabby · you named this concept yourself"),
        (False, "lion · another concept has this name"),
    ]


def test_what_stays_of_a_concept_with_a_namesake_gets_another_name():
    twin = concept(4, "Dog", source="llm")
    known = Knowledge(concepts=(DOG, twin, concept(5, "other dog")), last_id=7)
    lines = split_lines(known, DOG, split(("sled dog", ["husky"]), ("curly dog", ["poodle"])))
    after = apply_script(known, edits_of(known, DOG, lines[:1]))
    assert [c.name for c in after.concepts] == ["sled dog", "other other dog", "Dog", "other dog"]


def test_a_concept_with_a_namesake_can_be_described_anew():
    known = Knowledge(concepts=(DOG, concept(4, "dog", source="llm")), last_id=7)
    lines = concept_lines(known, DOG, ConceptDraft(name="dog", description="four legs"))
    after = apply_script(known, edits_of(known, DOG, lines))
    assert [c.description for c in after.concepts] == ["four legs", ""]
