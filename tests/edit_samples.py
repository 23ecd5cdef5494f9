"""A small knowledge to edit, and edits written as a script writes them."""

from __future__ import annotations

import pytest

from kec_core.errors import InputError
from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.types import BiAttribute, Concept, Constraint, Group, Knowledge, Noun, UniAttribute


def noun(word: str) -> Noun:
    return Noun(word=word, synset=f"n-{word}")


def three_animals() -> Knowledge:
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
