"""The automatic concept tree: by common hypernyms, by likeness without them; the person's groups stay."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from kec_core.clustering import spherical_kmeans as kmeans
from kec_core.errors import InputError
from kec_core.knowledge import tree
from kec_core.knowledge.edits import apply, apply_script, describe, parse_edit, parse_script
from kec_core.knowledge.tree import concept_tree
from kec_core.live import start, update
from kec_core.types import Concept, Group, Knowledge
from tests.test_core_live import collection

NAMES = ("dog", "cat", "cow", "car", "truck", "thingamajig")


def known(*names, **fields):
    concepts = tuple(Concept(id=f"c{i:03d}", name=name, source="wordnet") for i, name in enumerate(names, 1))
    return Knowledge(concepts=concepts, last_id=len(names), **fields)


def nobody(texts):
    raise AssertionError("with hypernyms no text is encoded")


def members(knowledge):
    """Names of the concepts directly in each group, by the group's name."""
    names = {group.id: group.name for group in knowledge.groups}
    found = {group.name: set() for group in knowledge.groups}
    for concept in knowledge.concepts:
        if concept.group:
            found[names[concept.group]].add(concept.name)
    return found


@pytest.fixture
def telling(monkeypatch):
    """In a WordNet of a few dozen meanings even "animal" is far up: any ancestor below the root may name a group."""
    monkeypatch.setattr(tree, "IC_FLOOR", 0.1)


def test_concepts_are_grouped_by_what_their_meanings_share(tiny_wordnet, telling):
    knowledge = known(*NAMES)
    made = apply(knowledge, concept_tree(knowledge, nobody, tiny_wordnet))
    found = members(made)
    assert {"car", "truck"} in found.values()
    assert {"dog", "cat"} <= next(group for group in found.values() if "dog" in group)
    assert made.by_id["c006"].group == ""
    assert all(group.source == "automatic" for group in made.groups)
    assert apply(knowledge, concept_tree(knowledge, nobody, tiny_wordnet)) == made


def test_ancestors_that_say_nothing_make_no_group(tiny_wordnet, monkeypatch):
    monkeypatch.setattr(tree, "IC_FLOOR", 2.0)
    assert concept_tree(known(*NAMES), nobody, tiny_wordnet).groups == ()


def test_grouping_again_keeps_ids_and_the_persons_groups(tiny_wordnet, telling):
    knowledge = known(*NAMES)
    made = apply(knowledge, concept_tree(knowledge, nobody, tiny_wordnet))
    again = apply(made, concept_tree(made, nobody, tiny_wordnet))
    assert again == made
    vehicles = next(g for g in made.groups if {"car", "truck"} == members(made)[g.name])
    own = apply_script(
        made,
        parse_script(
            {
                "edits": [
                    {"op": "rename_group", "group": vehicles.id, "name": "on wheels"},
                    {"op": "set_group", "concepts": ["thingamajig"], "group": "on wheels"},
                    {"op": "add_concept", "name": "Fido"},
                ]
            }
        ),
    )
    later = apply(own, concept_tree(own, nobody, tiny_wordnet))
    assert members(later)["on wheels"] == {"car", "truck", "thingamajig"}
    assert next(g for g in later.groups if g.id == vehicles.id).source == "user"
    assert len({g.id for g in later.groups}) == len(later.groups)
    assert later.last_id >= own.last_id


def test_a_group_that_covers_nearly_everything_divides_nothing(tiny_wordnet, telling):
    knowledge = known("dog", "cat", "cow")
    made = apply(knowledge, concept_tree(knowledge, nobody, tiny_wordnet))
    assert all(len(group) < 3 for group in members(made).values())


def test_one_concept_needs_no_tree(tiny_wordnet):
    edit = concept_tree(known("dog"), nobody, tiny_wordnet)
    assert edit.groups == ()
    assert describe(edit, known("dog")) == "Dissolved the automatic groups."


def alike(texts):
    """Texts lie by their first letter."""
    axes = np.eye(26, dtype=np.float32)
    noise = [np.random.default_rng(sum(map(ord, text))).normal(size=26) for text in texts]
    return np.stack([axes[ord(t[0]) - 97] + 0.05 * n for t, n in zip(texts, noise, strict=True)]).astype(
        np.float32
    )


def test_without_hypernyms_groups_are_by_likeness():
    knowledge = known("apple", "axe", "ant", "bee", "bus", "ball", "cat", "cow", "car")
    made = apply(knowledge, concept_tree(knowledge, alike))
    assert sorted(map(sorted, members(made).values())) == [
        ["ant", "apple", "axe"],
        ["ball", "bee", "bus"],
        ["car", "cat", "cow"],
    ]
    assert all(name.endswith(" and alike") for name in members(made))


def test_names_of_the_persons_groups_are_not_taken_twice():
    knowledge = known("apple", "axe", "bee", "bus", groups=(Group(id="g050", name="apple and alike"),))
    made = apply(replace(knowledge, last_id=50), concept_tree(knowledge, alike))
    names = [group.name for group in made.groups]
    assert len(set(names)) == len(names) == 3


def test_an_automatic_group_inside_a_persons_moves_up_when_it_goes():
    knowledge = known("apple", "axe", "bee", "bus")
    script = [
        {"op": "add_group", "name": "mine"},
        {"op": "group_concepts", "groups": [{"name": "a", "concepts": ["apple", "axe"], "parent": "mine"}]},
        {"op": "group_concepts", "groups": []},
    ]
    made = apply_script(knowledge, parse_script({"edits": script}))
    assert members(made) == {"mine": {"apple", "axe"}}


def test_the_name_of_a_group_does_not_hang_on_rounding():
    """Of two members each is as central as the other; the first gives the name whatever the last bits say."""
    knowledge = known("apple", "axe", "bee", "bus")
    rng = np.random.default_rng(0)

    def blurred(texts):
        return alike(texts) + rng.normal(0, 1e-7, (len(texts), 26)).astype(np.float32)

    names = {tuple(part.name for part in concept_tree(knowledge, blurred).groups) for _ in range(20)}
    assert names == {("apple and alike", "bee and alike")}


def test_a_locked_concept_stays_in_its_automatic_group():
    knowledge = known("apple", "axe", "bee", "bus", "cat", "cow")
    made = apply(knowledge, concept_tree(knowledge, alike))
    home = made.by_id["c001"].group
    locked = replace(
        made,
        concepts=tuple(
            replace(c, locked=c.id == "c001", name=f"z{c.name}" if c.id == "c002" else c.name)
            for c in made.concepts
        ),
    )
    again = apply(locked, concept_tree(locked, alike))
    assert again.by_id["c001"] == locked.by_id["c001"]
    (group,) = (g for g in again.groups if g.id == home)
    assert (group.name, group.source) == ("apple and alike", "automatic")
    assert len({g.name.casefold() for g in again.groups}) == len(again.groups)
    assert {c.group for c in again.concepts} - {""} <= {g.id for g in again.groups}
    assert apply(again, concept_tree(again, alike)) == again


def test_a_locked_concepts_group_outlives_the_one_around_it_and_moves_only_by_name():
    knowledge = known("apple", "axe", "bee", "bus")
    tree_of = [
        {"name": "outer", "concepts": ["bee"]},
        {"name": "inner", "concepts": ["apple"], "parent": "outer"},
    ]
    script = [
        {"op": "group_concepts", "groups": tree_of},
        {"op": "lock_concept", "concept": "apple", "locked": True},
        {"op": "group_concepts", "groups": [{"name": "other", "concepts": ["axe", "bee"]}]},
    ]
    made = apply_script(knowledge, parse_script({"edits": script}))
    assert members(made) == {"other": {"axe", "bee"}, "inner": {"apple"}}
    assert all(group.parent == "" for group in made.groups)
    dissolved = apply(made, parse_edit({"op": "group_concepts", "groups": []}))
    assert members(dissolved) == {"inner": {"apple"}}
    named = parse_edit({"op": "group_concepts", "groups": [{"name": "other", "concepts": ["apple"]}]})
    assert members(apply(made, named)) == {"other": {"apple"}}


def test_a_tree_with_unknown_concepts_or_a_taken_name_is_refused():
    knowledge = known("apple", "axe", groups=(Group(id="g001", name="Mine"),))
    for part, message in (
        ({"name": "a", "concepts": ["pear"]}, 'no concept "pear"'),
        ({"name": "mine", "concepts": []}, "already a group"),
        ({"name": "a", "parent": "b"}, 'no group "b"'),
    ):
        with pytest.raises(InputError, match=message):
            apply(knowledge, parse_edit({"op": "group_concepts", "groups": [part]}))


def test_collapsing_regroups_the_photos_and_opening_brings_them_back():
    live = collection()
    knowledge = Knowledge(
        concepts=tuple(
            Concept(id=f"c{i:03d}", name=name, group="g001" if i < 3 else "")
            for i, name in enumerate(("cat", "dog", "bus", "car"), 1)
        ),
        groups=(Group(id="g001", name="pets"),),
        last_id=4,
    )
    begun = start(live, knowledge, kmeans(live.x, 4))
    one = {"op": "collapse_group", "group": "pets", "collapsed": True}
    closed = update(begun, apply(begun.knowledge, parse_edit(one)))
    assert closed.vectors.concept_ids == ("g001", "c003", "c004")
    assert closed.grounding.omega.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)
    opened = update(closed, apply(closed.knowledge, parse_edit({**one, "collapsed": False})))
    assert opened.knowledge == begun.knowledge
    assert opened.grounding.omega == pytest.approx(begun.grounding.omega, abs=1e-5)


def test_photos_assigned_to_members_of_a_collapsed_group_go_to_one_home():
    live = collection(n_clusters=3)
    knowledge = Knowledge(
        concepts=tuple(
            Concept(id=f"c{i:03d}", name=name, group="g001" if i < 3 else "", source="wordnet")
            for i, name in enumerate(("cat", "dog", "bus", "car"), 1)
        ),
        groups=(Group(id="g001", name="pets", collapsed=True),),
        last_id=4,
    )
    begun = start(live, knowledge, kmeans(live.x, 3))
    rng = random.Random(0)
    cats, dogs = rng.sample(live.image_ids[:30], 3), rng.sample(live.image_ids[30:60], 3)
    script = [
        {"op": "assign", "images": cats, "concept": "cat"},
        {"op": "assign", "images": dogs, "concept": "dog"},
    ]
    after = update(begun, apply_script(knowledge, parse_script({"edits": script})))
    rows = [live.image_ids.index(image) for image in (*cats, *dogs)]
    assert len(set(after.clustering.labels[rows].tolist())) == 1
