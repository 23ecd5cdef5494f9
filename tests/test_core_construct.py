"""From noun sets to knowledge: what the builder sees, who made each part, what a rebuild leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kec_core.arrays import no_progress
from kec_core.config import KnowledgeConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, PairDraft
from kec_core.knowledge.construct import build_attributes, build_concepts
from kec_core.types import Knowledge
from tests.fakes import HashEncoder
from tests.llm_fakes import concept, nouns

ENCODER = HashEncoder()
EVERY_PAIR = KnowledgeConfig(beta_mass=1.0)


class MixedBuilder:
    """Says what it was shown; every second thing is another source's."""

    name, revision = "llm:mixed", "1"

    def __init__(self):
        self.shown = []

    def concepts(self, noun_lists, *, guidance, progress):
        self.shown.extend([noun.word for noun in group] for group in noun_lists)
        return [ConceptDraft(name=group[0].word, source=_source(i)) for i, group in enumerate(noun_lists)]

    def uni_attributes(self, concepts, count, *, guidance, progress):
        return [(AttributeDraft(text=f"{c.name} mark", source=_source(i)),) for i, c in enumerate(concepts)]

    def bi_attributes(self, pairs, count, *, guidance, progress):
        self.pairs = pairs
        return [
            (PairDraft(text=f"{a.name} not {b.name}", source=_source(i)),) for i, (a, b) in enumerate(pairs)
        ]

    def items(self):
        return ()


def _source(number):
    return "wordnet" if number % 2 else "llm"


def whole(knowledge, builder, config=EVERY_PAIR):
    return build_attributes(knowledge, builder, ENCODER.encode_texts, config, ENCODER.info.defaults)[0]


def test_the_builder_sees_whole_lists_and_the_concept_keeps_them():
    many = nouns(*(f"noun{i}" for i in range(70)))
    builder = MixedBuilder()
    made = build_concepts([many], builder, KnowledgeConfig(max_nouns=60))
    assert builder.shown == [[noun.word for noun in many]]
    assert made.concepts[0].nouns == many


def test_each_attribute_tells_what_made_it():
    builder = MixedBuilder()
    lists = [nouns(word) for word in ("ant", "bee", "cod")]
    made = whole(build_concepts(lists, builder, EVERY_PAIR), builder)
    assert [(c.name, c.source) for c in made.concepts] == [("ant", "llm"), ("bee", "wordnet"), ("cod", "llm")]
    assert [(a.text, a.source) for a in made.uni] == [
        ("ant mark", "llm"),
        ("bee mark", "wordnet"),
        ("cod mark", "llm"),
    ]
    assert [a.source for a in made.bi] == ["llm", "wordnet", "llm"]
    assert Knowledge.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    "kept",
    [
        replace(concept(1, "hound", nouns=nouns("dog", "puppy")), source="user"),
        replace(concept(1, "dog", nouns=nouns("Dog", "puppy", "wolf")), source="wordnet", locked=True),
    ],
)
def test_nouns_that_a_kept_concept_holds_are_not_asked_about_again(kept):
    builder = MixedBuilder()
    lists = [nouns("dog", "puppy"), nouns("dog", "cat")]
    made = build_concepts(lists, builder, EVERY_PAIR, keep=Knowledge(concepts=(kept,), last_id=1))
    assert builder.shown == [["dog", "cat"]]
    assert made.concepts[0] == kept
    assert len(made.concepts) == (1 if kept.name == "dog" else 2)  # a name is never given twice


def test_two_parts_of_a_split_hold_the_nouns_together():
    parts = (concept(4, "small dog", nouns=nouns("puppy")), concept(5, "big dog", nouns=nouns("dog")))
    builder = MixedBuilder()
    keep = Knowledge(concepts=parts, last_id=5)
    made = build_concepts([nouns("dog", "puppy")], builder, EVERY_PAIR, keep=keep, progress=no_progress)
    assert builder.shown == []
    assert made.concepts == parts


class OneNameBuilder(MixedBuilder):
    """Calls everything a bird."""

    def __init__(self, source):
        super().__init__()
        self.source = source

    def concepts(self, noun_lists, *, guidance, progress):
        return [ConceptDraft(name="Bird", source=self.source, note="late") for _ in noun_lists]


SETS = [nouns("bird", "wren"), nouns("bird", "owl", "wren"), nouns("BIRD", "owl")]


def test_a_language_models_equal_names_are_told_apart_and_that_is_said():
    made = build_concepts(SETS, OneNameBuilder("llm"), KnowledgeConfig())
    assert [c.name for c in made.concepts] == ["Bird", "owl", "Bird 2"]
    assert [c.note for c in made.concepts] == ["late", *['"Bird" names another concept; late'] * 2]


def test_no_namesake_takes_the_name_of_a_kept_concept():
    keep = Knowledge(concepts=(concept(9, "Owl", source="user"),))
    made = build_concepts(SETS, OneNameBuilder("llm"), KnowledgeConfig(), keep=keep)
    assert [c.name for c in made.concepts] == ["Owl", "Bird", "wren", "Bird 2"]


def test_the_option_joins_equal_names_whoever_gave_them():
    for source, distinct in (("llm", False), ("wordnet", True)):
        made = build_concepts(
            SETS, OneNameBuilder(source), KnowledgeConfig(merge_same_name=True), distinct=distinct
        )
        assert [c.name for c in made.concepts] == ["Bird"]
        assert {noun.word for noun in made.concepts[0].nouns} == {"bird", "BIRD", "wren", "owl"}


def test_namesakes_of_wordnet_stay_as_the_paper_has_them():
    made = build_concepts(SETS, OneNameBuilder("wordnet"), KnowledgeConfig())
    assert [c.name for c in made.concepts] == ["Bird"] * 3
