"""Scripts of edits: what they refuse and why, how they are said in words, and what differs afterwards."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kec_core.errors import InputError
from kec_core.knowledge.diff import diff
from kec_core.knowledge.edit_clusters import ClusterEdit
from kec_core.knowledge.edits import (
    EDITS,
    AddConcept,
    MergeConcepts,
    apply,
    apply_script,
    describe,
    parse_script,
    read_script,
    script_to_json,
)
from kec_core.types import Concept, Knowledge
from tests.edit_samples import refused, run, three_animals


@pytest.fixture
def deer():
    return three_animals()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"op": "paint", "colour": "red"}, "unknown op 'paint'; known ops are add_attribute"),
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
        ({"op": "add_concept", "name": "x" * 201}, "may have 200 characters, but 'xxxxx"),
        ({"op": "add_concept", "name": "a\x00b"}, "control character"),
        ({"op": "add_concept", "name": "\u202e \u200b"}, "nothing that can be seen"),
        ({"op": "add_concept", "name": "\ud800"}, "half a character"),
        ({"op": "add_concept", "name": "X", "attributes": ["Red", "red"]}, "attributes holds 'red' twice"),
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
        ({"op": "apart", "images": ["a", "a"]}, "images holds 'a' twice"),
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


def script(value):
    return b'{"edits": [{"op": "set_clusters", "k": 3}, %s]}' % value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            script(b'{"op": "set_weight", "knowledge": 1%s}' % (b"0" * 400)),
            "Edit at index 1 (set_weight): knowledge",
        ),
        (script(b'{"op": "set_clusters", "k": 1%s}' % (b"0" * 5000)), "a whole number from 1 to 1000000"),
        (script(b'{"op": "set_clusters", "k": 1%s}' % (b"0" * 300)), "but is a number of 301 digits"),
        (script(b'{"op": "set_weight", "knowledge": NaN}'), "but is nan"),
        (script(b'{"op": "set_weight", "knowledge": -Infinity}'), "but is -inf"),
        (
            script(b'{"op": "add_concept", "name": %s1%s}' % (b"[" * 5000, b"]" * 5000)),
            "Edit at index 1: lists and",
        ),
        (script(b'{"a": ' * 100_000), "Edit at index 1: lists and objects may lie 20 deep"),
        (script(b'{"op": "set_clusters", "k": 3, "k": 4}'), "(set_clusters): the field 'k' is given twice"),
        (
            script(
                b'{"op": "split_concept", "concept": "Elk", "into": [{"name": "a", "name": "b"}, {"name": "c"}]}'
            ),
            "the field 'name' is given twice",
        ),
        (b'{"edits": [], "edits": []}', "A script should be"),
        (script(b'{"op": "add_concept", "name": "\\ud800"}'), "half a character"),
        (script(b'{"op": "together", "images": ["a", "\\udfff"]}'), "half a character"),
        (script(b'{"op": ["x"]}'), "unknown op ['x']"),
        (script(b'{"op": "%s"}' % (b"x" * 100_000)), "Edit at index 1: unknown op 'xxx"),
        (script(b'{"op": "add_concept", "%s": 1}' % (b"x" * 100_000)), "unknown field 'xxx"),
        (script(b'{"op": "add_concept", "name": "%s"}' % (b"x" * 100_000)), "has 100000; shorten it"),
        (script(b'{"op": "together", "images": ["%s", "b"]}' % (b"x" * 100_000)), "there is no image 'xxx"),
        (
            script(b'{"op": "add_concept", "name": %s}' % json.dumps([["x"] * 99] * 99).encode()),
            "should be a text",
        ),
        (b'{"edits": [1,', "should be a JSON file"),
        (b"", "should be a JSON file"),
        ('{"edits": ["ö"]}'.encode("latin-1"), "should be text in UTF-8"),
    ],
)
def test_hostile_scripts_are_refused_in_one_short_sentence(deer, content, reason):
    with pytest.raises(InputError) as error:
        apply_script(deer, read_script(content), images={"a.jpg"})
    assert reason in str(error.value)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_script_may_come_in_any_unicode_encoding(encoding):
    content = '{"edits": [{"op": "add_concept", "name": "Hörnchen [{"}]}'.encode(encoding)
    assert [edit.name for edit in read_script(content)] == ["Hörnchen [{"]


def test_a_value_nested_deeply_in_code_is_refused_too():
    name = []
    for _ in range(5000):
        name = [name]
    with pytest.raises(
        InputError,
        match=r"Edit at index 0 \(add_concept\): name should be a text, but is \[\[\[\.\.\.\]\]\]\.",
    ):
        parse_script({"edits": [{"op": "add_concept", "name": name}]})


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
    'Merged "Elk" and "Red deer" into "Deer". The merged concept takes over the wish that puts 2 photos into them.',
    'Split "Deer" into "Stag" and "Hind". No wish holds 2 photos of it any more.',
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
    in_words = {op for op, kind in EDITS.items() if not issubclass(kind, ClusterEdit)}
    assert {edit.op for edit in edits} == in_words


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


def test_what_a_rebuild_makes_anew_as_it_was_is_no_difference(deer):
    text = json.dumps(replace(deer, constraints=()).to_json())
    anew = Knowledge.from_json(json.loads(text.replace('"c0', '"c9').replace('"a0', '"a9')))
    assert not set(anew.by_id) & set(deer.by_id)
    assert not diff(replace(deer, constraints=()), anew)
    muted = run(anew, {"op": "mute_concept", "concept": "Bird", "muted": True})
    found = diff(replace(deer, constraints=()), muted)
    assert [one.words for one in found.changed] == ['concept "Bird": muted']
    assert not found.added
    assert not found.removed


def test_wishes_that_read_alike_are_not_one(deer):
    wish = {"op": "together", "images": ["one.jpg", "two.jpg"]}
    other = {"op": "together", "images": ["three.jpg", "four.jpg"]}
    first = run(deer, wish)
    second = run(first, {"op": "remove_constraint", "constraint": first.constraints[-1].id}, other)
    found = diff(first, second)
    assert [one.words for one in found.added] == ["2 photos kept together"]
    assert [one.words for one in found.removed] == ["2 photos kept together"]


def test_diff_of_equal_versions_is_empty(deer):
    same = diff(deer, Knowledge.from_json(deer.to_json()))
    assert not same
    assert same.sentence() == "no difference"
