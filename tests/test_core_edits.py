"""Each edit by hand: what it changes, what it leaves alone, what it refuses and why."""

from __future__ import annotations

import json

import pytest

from kec_core.errors import InputError
from kec_core.knowledge.diff import diff
from kec_core.knowledge.edits import (
    EDITS,
    AddConcept,
    MergeConcepts,
    apply,
    apply_script,
    describe,
    parse_script,
    script_to_json,
)
from kec_core.types import BiAttribute, Concept, Constraint, Group, Knowledge, Noun, UniAttribute


def noun(word: str) -> Noun:
    return Noun(word=word, synset=f"n-{word}")


@pytest.fixture
def deer() -> Knowledge:
    """Three animals with nouns, attributes, groups and one assigned photo."""
    return Knowledge(
        concepts=(
            Concept(
                id="c001",
                name="Red deer",
                description="with antlers",
                nouns=(noun("deer"), noun("stag")),
                synset="n1",
            ),
            Concept(id="c002", name="Elk", nouns=(noun("elk"), noun("deer")), source="wordnet", group="g021"),
            Concept(id="c003", name="Bird", source="wordnet", note="a fallback", synset="n3"),
        ),
        uni=(
            UniAttribute(id="a004", concept="c002", text="Antlers", source="wordnet"),
            UniAttribute(id="a005", concept="c001", text="antlers"),
            UniAttribute(id="a006", concept="c003", text="wings"),
            UniAttribute(id="a007", concept="c002", text="neck mane"),
        ),
        bi=(
            BiAttribute(id="a008", pair=("c001", "c002"), text="antler size", ends=("c001",)),
            BiAttribute(id="a009", pair=("c001", "c003"), text="legs", ends=("c001",)),
            BiAttribute(id="a010", pair=("c002", "c003"), text="Legs", ends=("c002", "c003")),
        ),
        groups=(Group(id="g020", name="Animals"), Group(id="g021", name="Mammals", parent="g020")),
        constraints=(Constraint(id="k022", kind="assign", images=("a.jpg", "b.jpg"), concept="c001"),),
        last_id=22,
    )


def run(knowledge: Knowledge, *edits: dict) -> Knowledge:
    return apply_script(knowledge, parse_script({"edits": list(edits)}))


def refused(knowledge: Knowledge, *edits: dict) -> str:
    with pytest.raises(InputError) as error:
        run(knowledge, *edits)
    return str(error.value)


def test_add_concept_gives_new_ids_and_assigns_its_photos(deer):
    after = run(
        deer,
        {
            "op": "add_concept",
            "name": "  Roe   deer ",
            "description": "small",
            "attributes": ["white rump"],
            "nouns": ["roe"],
            "images": ["b.jpg", "c.jpg"],
        },
    )
    assert after.concepts[3] == Concept(
        id="c023", name="Roe deer", description="small", nouns=(Noun(word="roe"),)
    )
    assert after.uni[-1] == UniAttribute(id="a024", concept="c023", text="white rump")
    assert after.constraints == (
        Constraint(id="k022", kind="assign", images=("a.jpg",), concept="c001"),
        Constraint(id="k025", kind="assign", images=("b.jpg", "c.jpg"), concept="c023"),
    )
    assert after.concepts[:3] == deer.concepts


def test_ids_of_removed_things_are_not_used_again(deer):
    after = run(
        deer,
        {"op": "add_concept", "name": "X"},
        {"op": "delete_concept", "concept": "X"},
        {"op": "add_concept", "name": "X"},
    )
    assert after.concepts[-1].id == "c024"


def test_rename_changes_text_only(deer):
    after = run(deer, {"op": "rename_concept", "concept": "bird", "name": "Songbird"})
    assert after.concepts[2] == Concept(id="c003", name="Songbird", source="user")
    assert after.concepts[:2] == deer.concepts[:2]
    assert (after.uni, after.bi, after.constraints) == (deer.uni, deer.bi, deer.constraints)


def test_a_new_description_keeps_name_and_synset(deer):
    after = run(deer, {"op": "rename_concept", "concept": "c003", "description": "has feathers"})
    changed = after.by_id["c003"]
    assert (changed.name, changed.description, changed.synset) == ("Bird", "has feathers", "n3")


def test_merge_pools_members_and_repoints_their_pairs(deer):
    after = run(deer, {"op": "merge_concepts", "concepts": ["c001", "c002"], "name": "Elk"})
    merged, bird = after.concepts
    # "deer" is in both lists, so it is most frequent; then by rank, first member first.
    assert [n.word for n in merged.nouns] == ["deer", "elk", "stag"]
    assert (merged.id, merged.name, merged.group) == ("c023", "Elk", "g021")
    assert merged.description == "with antlers"
    assert bird == deer.concepts[2]
    assert [(a.id, a.concept, a.text) for a in after.uni] == [
        ("a005", "c023", "antlers"),
        ("a007", "c023", "neck mane"),
        ("a006", "c003", "wings"),
    ]
    assert after.bi == (BiAttribute(id="a009", pair=("c003", "c023"), text="legs", ends=("c023", "c003")),)
    assert after.constraints[0].concept == "c023"


def test_merge_without_a_name_takes_the_first_one(deer):
    assert run(deer, {"op": "merge_concepts", "concepts": ["Elk", "Red deer"]}).concepts[0].name == "Elk"


def test_merge_is_muted_only_if_all_members_are(deer):
    muted = run(deer, {"op": "mute_concept", "concept": "Elk", "muted": True})
    both = run(muted, {"op": "mute_concept", "concept": "Red deer", "muted": True})
    merge = {"op": "merge_concepts", "concepts": ["Elk", "Red deer"]}
    assert not run(muted, merge).concepts[0].muted
    assert run(both, merge).concepts[0].muted


def test_split_hands_out_nouns_and_copies_attributes(deer):
    after = run(
        deer,
        {
            "op": "split_concept",
            "concept": "Elk",
            "into": [
                {"name": "Elk", "nouns": ["elk"]},
                {"name": "Moose", "nouns": ["DEER", "moose"], "attributes": ["big nose"]},
            ],
        },
    )
    first, second = after.concepts[1:3]
    assert (first.nouns, first.synset, first.group) == ((noun("elk"),), "n-elk", "g021")
    assert (second.nouns, second.synset) == ((noun("deer"), Noun(word="moose")), "")
    assert after.attributes_of(first.id) == ("Antlers", "neck mane", "Legs")
    assert after.attributes_of(second.id) == ("big nose", "Legs")
    assert "c002" not in json.dumps(after.to_json())
    assert after.uni[0] == deer.uni[1]
    assert [a.source for a in after.uni if a.concept == first.id] == ["wordnet", "user"]


def test_split_keeps_assigned_photos_that_a_part_names(deer):
    parts = [{"name": "Stag", "images": ["a.jpg"]}, {"name": "Hind"}]
    after = run(deer, {"op": "split_concept", "concept": "Red deer", "into": parts})
    assert after.constraints == (Constraint(id="k028", kind="assign", images=("a.jpg",), concept="c023"),)


def test_delete_cascades(deer):
    after = run(deer, {"op": "delete_concept", "concept": "Red deer"})
    assert [a.id for a in after.uni] == ["a004", "a006", "a007"]
    assert [a.id for a in after.bi] == ["a010"]
    assert after.constraints == ()


def test_mute_and_lock_and_back(deer):
    on = run(
        deer,
        {"op": "mute_concept", "concept": "Elk", "muted": True},
        {"op": "lock_concept", "concept": "Elk", "locked": True},
    )
    assert on.by_id["c002"].muted
    assert on.by_id["c002"].locked
    off = run(
        on,
        {"op": "mute_concept", "concept": "Elk", "muted": False},
        {"op": "lock_concept", "concept": "Elk", "locked": False},
    )
    assert off == deer


@pytest.mark.parametrize(
    "edit",
    [
        {"op": "rename_concept", "concept": "Elk", "name": "Moose"},
        {"op": "merge_concepts", "concepts": ["Bird", "Elk"]},
        {"op": "split_concept", "concept": "Elk", "into": [{"name": "A"}, {"name": "B"}]},
        {"op": "delete_concept", "concept": "Elk"},
    ],
)
def test_a_locked_concept_wants_to_be_unlocked_first(deer, edit):
    lock = {"op": "lock_concept", "concept": "Elk", "locked": True}
    message = refused(deer, lock, edit)
    assert '"Elk" (c002) is locked' in message
    assert "unlock it first" in message
    assert (
        run(deer, lock, {"op": "add_attribute", "concept": "Elk", "text": "big nose"}).uni[-1].text
        == "big nose"
    )


def test_attributes_are_added_edited_moved_deleted(deer):
    after = run(
        deer,
        {"op": "add_attribute", "concept": "Bird", "text": "beak"},
        {"op": "edit_attribute", "attribute": "a004", "text": "palmate antlers"},
        {"op": "edit_attribute", "attribute": "a008", "text": "antler shape"},
        {"op": "move_attribute", "attribute": "a007", "concept": "Red deer"},
        {"op": "delete_attribute", "attribute": "a006"},
        {"op": "delete_attribute", "attribute": "a010"},
    )
    assert [(a.id, a.concept, a.text, a.source) for a in after.uni] == [
        ("a004", "c002", "palmate antlers", "user"),
        ("a005", "c001", "antlers", "user"),
        ("a007", "c001", "neck mane", "user"),
        ("a023", "c003", "beak", "user"),
    ]
    assert [(a.id, a.text, a.ends) for a in after.bi] == [
        ("a008", "antler shape", ("c001",)),
        ("a009", "legs", ("c001",)),
    ]


def test_pair_attribute_is_received_by_both(deer):
    after = run(deer, {"op": "add_pair_attribute", "concepts": ["Elk", "Red deer"], "text": "size"})
    assert after.bi[-1] == BiAttribute(id="a023", pair=("c001", "c002"), text="size", ends=("c001", "c002"))


def test_settings(deer):
    after = run(
        deer,
        {"op": "set_guidance", "text": " group by species,\n ignore background ", "rebuild": True},
        {"op": "set_clusters", "k": 7},
        {"op": "set_weight", "knowledge": 1},
    )
    assert (after.guidance, after.n_clusters, after.weight) == (
        "group by species,\nignore background",
        7,
        1.0,
    )
    automatic = run(
        after,
        {"op": "set_guidance", "text": ""},
        {"op": "set_clusters", "k": None},
        {"op": "set_weight", "knowledge": None},
    )
    assert automatic == deer


def test_set_knowledge_keeps_what_is_locked(deer):
    wanted = [{"name": "Fish", "description": "swims", "attributes": ["fins"]}, {"name": "Plant"}]
    after = run(
        deer,
        {"op": "lock_concept", "concept": "Elk", "locked": True},
        {"op": "together", "images": ["x.jpg", "y.jpg"]},
        {"op": "set_knowledge", "concepts": wanted},
    )
    assert [c.name for c in after.concepts] == ["Elk", "Fish", "Plant"]
    assert [(a.concept, a.text) for a in after.uni] == [
        ("c002", "Antlers"),
        ("c002", "neck mane"),
        ("c024", "fins"),
    ]
    assert after.bi == ()
    assert after.groups == deer.groups
    assert [c.kind for c in after.constraints] == ["together"]


def test_set_knowledge_drops_groups_that_hold_nothing(deer):
    assert run(deer, {"op": "set_knowledge", "concepts": [{"name": "Fish"}]}).groups == ()


def test_constraints_are_listed_and_removed(deer):
    after = run(
        deer,
        {"op": "together", "images": ["x", "y"]},
        {"op": "apart", "images": ["x", "z"]},
        {"op": "assign", "images": ["b.jpg", "z"], "concept": "Elk"},
        {"op": "remove_constraint", "constraint": "k023"},
    )
    assert [(c.id, c.kind, c.images, c.concept) for c in after.constraints] == [
        ("k022", "assign", ("a.jpg",), "c001"),
        ("k024", "apart", ("x", "z"), ""),
        ("k025", "assign", ("b.jpg", "z"), "c002"),
    ]


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        (
            [
                {"op": "together", "images": ["a.jpg", "z"]},
                {"op": "assign", "images": ["z"], "concept": "Elk"},
            ],
            "kept together",
        ),
        (
            [{"op": "together", "images": ["x", "y"]}, {"op": "apart", "images": ["y", "x"]}],
            "also kept together",
        ),
        (
            [
                {"op": "together", "images": ["x", "y"]},
                {"op": "together", "images": ["y", "z"]},
                {"op": "apart", "images": ["x", "z"]},
            ],
            "also kept together",
        ),
        ([{"op": "apart", "images": ["a.jpg", "b.jpg"]}], "assigned to the same concept"),
        (
            [
                {"op": "assign", "images": ["b.jpg"], "concept": "Elk"},
                {"op": "apart", "images": ["a.jpg", "b.jpg"]},
                {"op": "merge_concepts", "concepts": ["Elk", "Red deer"]},
            ],
            "assigned to the same concept",
        ),
    ],
)
def test_constraints_that_contradict_each_other_are_refused(deer, edits, reason):
    message = refused(deer, *edits)
    assert message.startswith(f"Edit at index {len(edits) - 1} (")
    assert reason in message


def test_groups_form_a_tree(deer):
    after = run(
        deer,
        {"op": "add_group", "name": "Deer", "parent": "Mammals"},
        {"op": "set_group", "concepts": ["Red deer", "Elk"], "group": "Deer"},
        {"op": "rename_group", "group": "Deer", "name": "Deer family"},
        {"op": "move_group", "group": "Deer family", "parent": ""},
        {"op": "delete_group", "group": "Mammals"},
    )
    assert after.groups == (Group(id="g020", name="Animals"), Group(id="g023", name="Deer family"))
    assert [c.group for c in after.concepts] == ["g023", "g023", ""]


def test_deleting_a_group_moves_what_it_holds_up(deer):
    after = run(deer, {"op": "delete_group", "group": "g021"})
    assert after.by_id["c002"].group == "g020"
    assert run(after, {"op": "delete_group", "group": "Animals"}).by_id["c002"].group == ""


@pytest.mark.parametrize("parent", ["Animals", "Mammals"])
def test_a_group_never_lies_inside_itself(deer, parent):
    assert "(a cycle)" in refused(deer, {"op": "move_group", "group": "Animals", "parent": parent})


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"op": "paint", "colour": "red"}, "unknown op 'paint'; known ops are add_concept"),
        ({"concept": "Elk"}, "unknown op None"),
        ("merge", 'an object with "op" was expected'),
        (
            {"op": "delete_concept", "concept": "Elk", "why": "x"},
            "unknown field 'why'; its fields are concept",
        ),
        ({"op": "delete_concept"}, "the field 'concept' is missing"),
        ({"op": "delete_concept", "concept": "Elq"}, 'no concept "Elq"; did you mean "Elk"?'),
        ({"op": "delete_concept", "concept": "c099"}, 'no concept "c099"'),
        ({"op": "delete_attribute", "attribute": "a099"}, "no attribute 'a099'"),
        ({"op": "delete_group", "group": "g099"}, 'no group "g099"'),
        ({"op": "remove_constraint", "constraint": "k099"}, "no constraint 'k099'"),
        ({"op": "add_concept", "name": "   "}, "name should be a text, but is empty"),
        ({"op": "add_concept", "name": 7}, "name should be a text, but is 7"),
        ({"op": "add_concept", "name": "elk"}, 'already a concept "Elk" (c002)'),
        ({"op": "add_concept", "name": "x" * 201}, "may have 200 characters, but has 201"),
        ({"op": "add_concept", "name": "a\x00b"}, "control character"),
        ({"op": "add_concept", "name": "\ud800"}, "half a character"),
        ({"op": "add_concept", "name": "X", "attributes": ["Red", "red"]}, "attributes names 'red' twice"),
        ({"op": "add_concept", "name": "X", "attributes": [""]}, "attributes should be a text, but is empty"),
        ({"op": "add_concept", "name": "X", "nouns": "one"}, "nouns should be a list"),
        ({"op": "add_concept", "name": "X", "images": [3]}, "images should be image ids, but one is 3"),
        ({"op": "rename_concept", "concept": "Elk"}, "a new name or a new description"),
        ({"op": "rename_concept", "concept": "Elk", "name": "BIRD"}, 'already a concept "Bird"'),
        ({"op": "merge_concepts", "concepts": ["Elk"]}, "at least 2 entries, but has 1"),
        ({"op": "merge_concepts", "concepts": ["Elk", "c002"]}, '"Elk" is named twice'),
        (
            {"op": "merge_concepts", "concepts": ["Elk", "Red deer"], "name": "Bird"},
            'already a concept "Bird"',
        ),
        ({"op": "split_concept", "concept": "Elk", "into": [{"name": "A"}]}, "at least 2 entries"),
        (
            {"op": "split_concept", "concept": "Elk", "into": [{"name": "A"}, {"name": "a"}]},
            "two parts with the name",
        ),
        (
            {
                "op": "split_concept",
                "concept": "Elk",
                "into": [{"name": "A", "nouns": ["elk"]}, {"name": "B", "nouns": ["Elk"]}],
            },
            "gives 'elk' of nouns to two parts",
        ),
        (
            {"op": "split_concept", "concept": "Elk", "into": [{"name": "A"}, {"nom": "B"}]},
            "unknown field 'nom'",
        ),
        ({"op": "mute_concept", "concept": "Elk", "muted": 1}, "muted should be true or false, but is 1"),
        ({"op": "add_attribute", "concept": "Elk", "text": "ANTLERS"}, "already there (a004)"),
        ({"op": "edit_attribute", "attribute": "a007", "text": "antlers"}, "already there (a004)"),
        ({"op": "move_attribute", "attribute": "a004", "concept": "Red deer"}, "already there (a005)"),
        (
            {"op": "move_attribute", "attribute": "a008", "concept": "Bird"},
            "sets two concepts apart and cannot move",
        ),
        (
            {"op": "add_pair_attribute", "concepts": ["Elk", "Red deer"], "text": "antler Size"},
            "already there (a008)",
        ),
        (
            {"op": "add_pair_attribute", "concepts": ["Elk", "Red deer", "Bird"], "text": "x"},
            "two concepts, but names 3",
        ),
        ({"op": "set_clusters"}, "the field 'k' is missing"),
        ({"op": "set_clusters", "k": 0}, "whole number from 1"),
        ({"op": "set_clusters", "k": True}, "whole number from 1"),
        ({"op": "set_weight", "knowledge": -0.1}, "number from 0"),
        ({"op": "set_weight", "knowledge": float("nan")}, "number from 0"),
        ({"op": "set_knowledge", "concepts": []}, "at least 1 entries"),
        ({"op": "set_knowledge", "concepts": [{"name": "A"}, {"name": "a"}]}, 'already a concept "A"'),
        ({"op": "together", "images": ["a"]}, "at least 2 entries"),
        ({"op": "apart", "images": ["a", "a"]}, "images names 'a' twice"),
        ({"op": "add_group", "name": "animals"}, 'already a group "Animals"'),
        ({"op": "set_group", "concepts": [], "group": "Animals"}, "at least 1 entries"),
    ],
)
def test_bad_edits_are_refused_with_index_and_reason(deer, edit, reason):
    good = {"op": "add_attribute", "concept": "Bird", "text": "beak"}
    message = refused(deer, good, edit)
    assert message.startswith("Edit at index 1")
    assert reason in message


def test_an_ambiguous_name_asks_for_the_id():
    twice = Knowledge(
        concepts=(Concept(id="c001", name="Crane"), Concept(id="c002", name="crane")), last_id=2
    )
    assert "may mean 2 concepts (c001, c002); name it by its id" in refused(
        twice, {"op": "delete_concept", "concept": "Crane"}
    )
    assert run(twice, {"op": "delete_concept", "concept": "c002"}).concepts == twice.concepts[:1]


@pytest.mark.parametrize(
    "script", [[], {"edits": {}}, {"edit": []}, {"edits": [], "note": ""}, None, "edits"]
)
def test_a_script_has_one_form(script):
    with pytest.raises(InputError, match=r'A script should be \{"edits": \[...\]\}'):
        parse_script(script)


def test_images_of_a_script_are_checked_when_they_are_known(deer):
    edits = parse_script({"edits": [{"op": "assign", "images": ["a.jpg", "no.jpg"], "concept": "Elk"}]})
    with pytest.raises(InputError, match=r"Edit at index 0 \(assign\): there is no image 'no.jpg'"):
        apply_script(deer, edits, images={"a.jpg"})


def test_image_ids_are_kept_to_the_letter(deer):
    after = run(deer, {"op": "together", "images": ["A  b.jpg", "a  b.jpg", " c.jpg"]})
    assert after.constraints[-1].images == ("A  b.jpg", "a  b.jpg", " c.jpg")


def test_an_edit_made_in_code_is_checked_like_one_from_json():
    with pytest.raises(InputError, match="name should be a text, but is empty"):
        AddConcept(name=" ")
    assert AddConcept(name=" a  b ") == AddConcept(name="a b")
    assert hash(MergeConcepts(concepts=("a", "b"))) == hash(MergeConcepts(concepts=("a", "b")))


SCRIPT = {
    "edits": [
        {
            "op": "add_concept",
            "name": "Roe",
            "description": "",
            "attributes": ["white rump"],
            "nouns": ["roe"],
            "images": ["c"],
        },
        {"op": "rename_concept", "concept": "Bird", "name": "Songbird", "description": "sings"},
        {"op": "rename_concept", "concept": "Songbird", "description": "sings well"},
        {"op": "add_pair_attribute", "concepts": ["Elk", "Roe"], "text": "size"},
        {"op": "add_attribute", "concept": "Elk", "text": "big nose"},
        {"op": "edit_attribute", "attribute": "a004", "text": "palmate antlers"},
        {"op": "move_attribute", "attribute": "a004", "concept": "Roe"},
        {"op": "delete_attribute", "attribute": "a008"},
        {"op": "merge_concepts", "concepts": ["Elk", "Red deer"], "name": "Deer"},
        {
            "op": "split_concept",
            "concept": "Deer",
            "into": [
                {"name": "Stag", "nouns": ["stag"], "description": "", "attributes": [], "images": []},
                {"name": "Hind", "nouns": [], "description": "", "attributes": [], "images": []},
            ],
        },
        {"op": "mute_concept", "concept": "Stag", "muted": True},
        {"op": "lock_concept", "concept": "Hind", "locked": True},
        {"op": "set_guidance", "text": "by species", "rebuild": True},
        {"op": "set_clusters", "k": 7},
        {"op": "set_clusters", "k": None},
        {"op": "set_weight", "knowledge": 0.5},
        {"op": "together", "images": ["x", "y"]},
        {"op": "apart", "images": ["x", "z"]},
        {"op": "assign", "images": ["x"], "concept": "Roe"},
        {"op": "remove_constraint", "constraint": "k022"},
        {"op": "add_group", "name": "Deer", "parent": ""},
        {"op": "set_group", "concepts": ["Stag", "Hind"], "group": "Deer"},
        {"op": "rename_group", "group": "Deer", "name": "Deer family"},
        {"op": "move_group", "group": "Deer family", "parent": "Animals"},
        {"op": "delete_group", "group": "Mammals"},
        {"op": "collapse_group", "group": "Animals", "collapsed": True},
        {
            "op": "group_concepts",
            "groups": [{"name": "Beasts", "concepts": ["Stag", "Roe"], "parent": "Animals"}],
        },
        {"op": "delete_concept", "concept": "Stag"},
        {
            "op": "set_knowledge",
            "concepts": [{"name": "Fish", "description": "swims", "attributes": ["fins"]}],
        },
    ]
}

SENTENCES = [
    'Added the concept "Roe" with 1 photo.',
    'Renamed "Bird" to "Songbird" and described it anew.',
    'Described "Songbird" anew.',
    'Set "Elk" and "Roe" apart by "size".',
    'Gave "Elk" the attribute "big nose".',
    'Changed the attribute "Antlers" of "Elk" to "palmate antlers".',
    'Moved the attribute "palmate antlers" from "Elk" to "Roe".',
    'Deleted the attribute "antler size" of "Red deer" and "Elk".',
    'Merged "Elk" and "Red deer" into "Deer".',
    'Split "Deer" into "Stag" and "Hind".',
    'Muted "Stag".',
    'Locked "Hind".',
    'Set the guidance to "by species" and asked for new knowledge.',
    "Asked for 7 clusters.",
    "Left the number of clusters to the program.",
    "Set the weight of the knowledge to 0.5.",
    "Kept 2 photos together.",
    "Kept 2 photos apart.",
    'Assigned 1 photo to "Roe".',
    "REMOVED",
    'Added the group "Deer".',
    'Moved 2 concepts to the group "Deer".',
    'Renamed the group "Deer" to "Deer family".',
    'Moved the group "Deer family" to the group "Animals".',
    'Dissolved the group "Mammals".',
    'Let the group "Animals" count as one concept.',
    "Grouped 2 concepts into 1 group.",
    'Deleted the concept "Stag".',
    "Replaced the knowledge by 1 concept, keeping 1 locked concept.",
]


def test_every_edit_is_said_in_one_sentence_and_comes_back_as_the_same_json(deer):
    constraint = {"op": "together", "images": ["p", "q"]}
    script = json.loads(json.dumps(SCRIPT))
    # Split releases the photos assigned to Deer, so the constraint to remove is one made here.
    script["edits"][19]["constraint"] = "k023"
    knowledge = run(deer, constraint)
    edits = parse_script(script)
    assert script_to_json(edits) == script
    said = []
    for edit in edits:
        said.append(describe(edit, knowledge))
        knowledge = apply(knowledge, edit)
    assert said == [s.replace("REMOVED", "No longer keeps 2 photos together.") for s in SENTENCES]
    assert {edit.op for edit in edits} == set(EDITS)


def test_diff_says_what_changed_in_words(deer):
    after = run(
        deer,
        {"op": "rename_concept", "concept": "Bird", "name": "Songbird", "description": "sings"},
        {"op": "mute_concept", "concept": "Songbird", "muted": True},
        {"op": "merge_concepts", "concepts": ["Elk", "Red deer"], "name": "Deer"},
        {"op": "edit_attribute", "attribute": "a006", "text": "feathered wings"},
        {"op": "set_group", "concepts": ["Songbird"], "group": "Animals"},
        {"op": "set_clusters", "k": 4},
    )
    difference = diff(deer, after)
    assert [d.words for d in difference.added] == ['concept "Deer"']
    assert [(d.id, d.words) for d in difference.removed] == [
        ("c001", 'concept "Red deer"'),
        ("c002", 'concept "Elk"'),
        ("a005", 'attribute "antlers" of "Red deer"'),
        ("a008", 'attribute "antler size" between "Red deer" and "Elk"'),
        ("a010", 'attribute "Legs" between "Elk" and "Bird"'),
    ]
    assert [d.words for d in difference.changed] == [
        'concept "Songbird": was "Bird"; description was "", is "sings"; moved from the top to "Animals"; muted',
        'attribute "Antlers" of "Deer": belonged to "Elk"',
        'attribute "neck mane" of "Deer": belonged to "Elk"',
        'attribute "feathered wings" of "Songbird": was "wings"',
        'attribute "legs" between "Songbird" and "Deer": was between "Red deer" and "Bird"',
        '2 photos assigned to "Deer": was 2 photos assigned to "Red deer"',
    ]
    assert [d.words for d in difference.settings] == ["number of clusters was automatic, is 4"]
    assert difference.sentence() == "1 added, 5 removed, 7 changed"


def test_diff_of_equal_versions_is_empty(deer):
    same = diff(deer, Knowledge.from_json(deer.to_json()))
    assert not same
    assert same.sentence() == "no difference"
