"""Each edit by hand: what it changes and what it leaves alone."""

from __future__ import annotations

import json

import pytest

from kec_core.knowledge.edits import assigned, describe, parse_edit
from kec_core.types import BiAttribute, Concept, Constraint, Group, Knowledge, Noun, UniAttribute
from tests.edit_samples import noun, refused, run, three_animals


@pytest.fixture
def deer():
    return three_animals()


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


def test_what_still_has_the_old_name_is_said():
    knowledge = run(
        Knowledge(),
        {"op": "add_concept", "name": "gong", "attributes": ["a photo of a Gong", "gongs", "round"]},
        {"op": "add_concept", "name": "drum", "description": "like a gong"},
    )
    edit = parse_edit({"op": "rename_concept", "concept": "gong", "name": "coin"})
    assert (
        edit.sentence(knowledge) == 'Renamed "gong" to "coin". Still with the old name: "a photo of a Gong".'
    )


def test_namesakes_that_are_merged_are_told_apart():
    dingo = Concept(id="c001", name="dingo", nouns=(Noun(word="warrigal"),))
    other = Concept(id="c002", name="dingo", nouns=(Noun(word="wild dog"),))
    edit = parse_edit({"op": "merge_concepts", "concepts": ["c001", "c002"]})
    said = edit.sentence(Knowledge(concepts=(dingo, other)))
    assert said == 'Merged "dingo (warrigal)" and "dingo (wild dog)" into "dingo".'


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


def test_a_name_stays_with_merged_and_split_concepts_where_another_has_it_too():
    saws = Knowledge(concepts=tuple(Concept(id=f"c00{n}", name="saw") for n in (1, 2, 3)), last_id=3)
    merged = run(saws, {"op": "merge_concepts", "concepts": ["c001", "c002"]})
    assert [c.name for c in merged.concepts] == ["saw", "saw"]
    parts = [{"name": "saw"}, {"name": "axe"}]
    split = run(saws, {"op": "split_concept", "concept": "c001", "into": parts})
    assert sorted(c.name for c in split.concepts) == ["axe", "saw", "saw", "saw"]
    taken = {"op": "merge_concepts", "concepts": ["c001", "c002"], "name": "axe"}
    assert 'already a concept "axe"' in refused(split, {**taken, "concepts": ["c002", "c003"]})


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


def test_what_becomes_of_the_constraints_of_a_concept_is_said(deer):
    first = next(one for one in deer.concepts if not assigned(deer, one.id) and not one.locked)
    bound = run(deer, {"op": "assign", "images": ["a.jpg", "b.jpg"], "concept": first.id})
    delete = parse_edit({"op": "delete_concept", "concept": first.id})
    mute = parse_edit({"op": "mute_concept", "concept": first.id})
    assert describe(delete, bound).endswith("With it went the wish that puts 2 photos into it.")
    assert describe(mute, bound).endswith("Kept until it is unmuted: the wish that puts 2 photos into it.")
    assert "wish" not in describe(delete, deer) + describe(mute, deer)
    two = run(bound, {"op": "assign", "images": ["c.jpg"], "concept": first.id})
    assert assigned(two, first.id) == "the 2 wishes that put 3 photos into it"
    other = next(one for one in deer.concepts if one.id != first.id and not one.locked)
    merge = parse_edit({"op": "merge_concepts", "concepts": [first.id, other.id], "name": "both"})
    assert describe(merge, bound).endswith("takes over the wish that puts 2 photos into them.")
    parts = [{"name": "one", "images": ["a.jpg"]}, {"name": "another"}]
    split = parse_edit({"op": "split_concept", "concept": first.id, "into": parts})
    assert describe(split, bound).endswith("No wish holds 1 photo of it any more.")
    parts[1]["images"] = ["b.jpg"]
    held = parse_edit({"op": "split_concept", "concept": first.id, "into": parts})
    assert "wish" not in describe(held, bound) + describe(
        split, run(deer, {"op": "mute_concept", "concept": first.id})
    )


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
