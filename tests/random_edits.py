"""Random edits that mostly fit a knowledge, for properties and long journals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from kec_core.errors import InputError
from kec_core.knowledge.edits import Edit, apply, parse_edit
from kec_core.types import Knowledge

WORDS = (
    "fur",
    "Antlers",
    "long neck",
    "Räder",
    "羽",
    "spots & stripes",
    "=cmd()",
    "<b>bold</b>",
    "🦌",
    "red-brown",
)


def random_edit(rng: random.Random, knowledge: Knowledge, images: Sequence[str]) -> Edit:
    """An edit of a random kind; it may be one that this knowledge refuses."""
    makers = [_add_concept, _set_guidance, _set_clusters, _set_weight, _photos, _add_group]
    if knowledge.concepts:
        makers += [_concept_text, _flag, _add_attribute, _assign, _split, _delete, _set_group, _tree]
    if len(knowledge.concepts) > 1:
        makers += [_merge, _pair, _merge, _pair]
    if knowledge.uni or knowledge.bi:
        makers += [_attribute, _attribute]
    if knowledge.constraints:
        makers.append(_remove_constraint)
    if knowledge.groups:
        makers.append(_group)
    make: Callable[[random.Random, Knowledge, Sequence[str]], dict] = rng.choice(makers)
    return parse_edit(make(rng, knowledge, images))


def random_journal(
    rng: random.Random, knowledge: Knowledge, images: Sequence[str], length: int
) -> tuple[list[Edit], list[Knowledge]]:
    """A journal of edits that fit, and the knowledge before the first and after each."""
    edits: list[Edit] = []
    versions = [knowledge]
    while len(edits) < length:
        edit = random_edit(rng, versions[-1], images)
        try:
            versions.append(apply(versions[-1], edit))
        except InputError:
            continue
        edits.append(edit)
    return edits, versions


def _word(rng: random.Random) -> str:
    return f"{rng.choice(WORDS)} {rng.randrange(1000)}"


def _concept(rng: random.Random, knowledge: Knowledge) -> str:
    return rng.choice(knowledge.concepts).id


def _add_concept(rng, knowledge, images):
    return {
        "op": "add_concept",
        "name": _word(rng),
        "description": rng.choice(["", _word(rng)]),
        "attributes": [f"{word} {rng.randrange(9)}" for word in rng.sample(WORDS, rng.randrange(3))],
        "nouns": rng.sample(WORDS, rng.randrange(4)),
        "images": rng.sample(images, min(len(images), rng.choice([0, 0, 2]))),
    }


def _concept_text(rng, knowledge, images):
    return {"op": "rename_concept", "concept": _concept(rng, knowledge), "name": _word(rng)}


def _flag(rng, knowledge, images):
    kind, field = rng.choice(
        [("mute_concept", "muted"), ("mute_concept", "muted"), ("lock_concept", "locked")]
    )
    return {"op": kind, "concept": _concept(rng, knowledge), field: rng.random() < 0.5}


def _merge(rng, knowledge, images):
    members = rng.sample(knowledge.concepts, min(len(knowledge.concepts), rng.choice([2, 2, 3])))
    return {
        "op": "merge_concepts",
        "concepts": [c.id for c in members],
        "name": rng.choice([members[-1].name, _word(rng)]),
    }


def _split(rng, knowledge, images):
    source = rng.choice(knowledge.concepts)
    words = list(dict.fromkeys(noun.word for noun in source.nouns))
    middle = rng.randrange(len(words) + 1)
    name = _word(rng)
    parts = [{"name": name, "nouns": words[:middle]}, {"name": f"other {name}", "nouns": words[middle:]}]
    return {"op": "split_concept", "concept": source.id, "into": parts}


def _delete(rng, knowledge, images):
    return {"op": "delete_concept", "concept": _concept(rng, knowledge)}


def _add_attribute(rng, knowledge, images):
    return {"op": "add_attribute", "concept": _concept(rng, knowledge), "text": _word(rng)}


def _pair(rng, knowledge, images):
    pair = [concept.id for concept in rng.sample(knowledge.concepts, 2)]
    return {"op": "add_pair_attribute", "concepts": pair, "text": rng.choice(WORDS)}


def _attribute(rng, knowledge, images):
    one = rng.choice([*knowledge.uni, *knowledge.bi]).id
    return rng.choice(
        [
            {"op": "edit_attribute", "attribute": one, "text": _word(rng)},
            {"op": "delete_attribute", "attribute": one},
            {"op": "move_attribute", "attribute": one, "concept": _concept(rng, knowledge)},
        ]
    )


def _set_guidance(rng, knowledge, images):
    return {"op": "set_guidance", "text": rng.choice(["", "by species\nnot by background"]), "rebuild": False}


def _set_clusters(rng, knowledge, images):
    return {"op": "set_clusters", "k": rng.choice([None, 3, 10])}


def _set_weight(rng, knowledge, images):
    return {"op": "set_weight", "knowledge": rng.choice([None, 0, 0.5, 1])}


def _photos(rng, knowledge, images):
    return {"op": rng.choice(["together", "apart"]), "images": rng.sample(images, min(len(images), 2))}


def _assign(rng, knowledge, images):
    return {"op": "assign", "images": rng.sample(images, 2), "concept": _concept(rng, knowledge)}


def _remove_constraint(rng, knowledge, images):
    return {"op": "remove_constraint", "constraint": rng.choice(knowledge.constraints).id}


def _add_group(rng, knowledge, images):
    parent = rng.choice(["", *(group.id for group in knowledge.groups)])
    return {"op": "add_group", "name": _word(rng), "parent": parent}


def _set_group(rng, knowledge, images):
    group = rng.choice(["", *(group.id for group in knowledge.groups)])
    return {"op": "set_group", "concepts": [_concept(rng, knowledge)], "group": group}


def _tree(rng, knowledge, images):
    concepts = [concept.id for concept in knowledge.concepts]
    rng.shuffle(concepts)
    parts = [concepts[:2], concepts[2:4]]
    return {
        "op": "group_concepts",
        "groups": [{"name": _word(rng), "concepts": part} for part in parts if part],
    }


def _group(rng, knowledge, images):
    one, other = (rng.choice(knowledge.groups).id for _ in range(2))
    return rng.choice(
        [
            {"op": "rename_group", "group": one, "name": _word(rng)},
            {"op": "move_group", "group": one, "parent": rng.choice(["", other])},
            {"op": "delete_group", "group": one},
            {"op": "collapse_group", "group": one, "collapsed": rng.random() < 0.5},
        ]
    )
