"""The builder without a language model: concepts that cover their nouns, attributes that can be seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.arrays import no_progress
from kec_core.knowledge.base import KnowledgeBuilder, PairDraft
from kec_core.knowledge.wordnet_builder import CANDIDATES, WordNetBuilder
from kec_core.types import Concept, Noun
from kec_core.wordnet.synsets import table_without_relations
from kec_core.wordnet.wordnet import WordNet, load_wordnet
from tests.tiny_wordnet import ENTRIES, real_wordnet, write_wordnet


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wn")
    ids = write_wordnet(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(folder / "cache"))
        return WordNetBuilder(load_wordnet(folder), named_by="overclusters"), ids


@pytest.fixture(scope="module")
def builder(built):
    return built[0]


@pytest.fixture(scope="module")
def ids(built):
    return built[1]


def nouns(*words):
    return tuple(Noun(word=word) for word in words)


def draft(builder, *words):
    return builder.concepts([nouns(*words)], guidance="", progress=no_progress)[0]


def concept(builder, *words, **changes):
    made = draft(builder, *words)
    fields = {
        "name": made.name,
        "description": made.description,
        "synset": made.synset,
        "nouns": nouns(*words),
    }
    return Concept(**{"id": "c001", **fields, **changes})


def uni(builder, made, count=2):
    drafts = builder.uni_attributes([made], count, guidance="", progress=no_progress)[0]
    assert all(draft.source == "wordnet" for draft in drafts)
    return tuple(draft.text for draft in drafts)


def bi(builder, first, second, count=1):
    return builder.bi_attributes([(first, second)], count, guidance="", progress=no_progress)[0]


def test_it_is_a_knowledge_builder(builder):
    checked: KnowledgeBuilder = builder
    assert checked.name == "wordnet"
    assert checked.revision.startswith("wordnet")
    assert checked.items() == ()


class TestConcepts:
    def test_the_hypernym_that_covers_them_all(self, builder, ids):
        made = draft(builder, "spitz", "dachshund", "hound")
        assert (made.name, made.synset, made.source, made.note) == ("dog", ids["dog"], "wordnet", "")
        assert made.description == "a tame animal that barks; comes in many breeds"

    def test_a_single_noun_keeps_its_own_meaning(self, builder, ids):
        assert draft(builder, "Akita").synset == ids["akita"]

    def test_an_outlier_is_left_out_and_named(self, builder):
        made = draft(builder, "spitz", "hound", "dachshund", "wheel")
        assert made.name == "dog"
        assert made.note == "does not cover: wheel"

    def test_photos_show_the_building_and_not_the_belief(self, builder, ids):
        assert draft(builder, "church").synset == ids["church_building"]

    def test_company_decides_between_meanings(self, builder):
        assert draft(builder, "crane", "dog", "cat").name in ("animal", "pet")

    def test_a_carried_meaning_counts_alone(self, builder, ids):
        made = builder.concepts([[Noun(word="church", synset=ids["church_group"])]])[0]
        assert made.synset == ids["church_group"]

    def test_nouns_that_share_only_what_says_nothing_are_named_by_the_first(self, builder):
        made = draft(builder, "rose", "loyalty", "wheel", "stomach")
        assert made.name == "rose"
        assert made.note == "does not cover: loyalty, wheel, stomach"

    def test_plurals_are_understood(self, builder):
        assert draft(builder, "spitzes", "hounds", "dachshunds").name == "dog"

    def test_words_outside_wordnet_keep_their_name(self, builder):
        made = draft(builder, "Zorblax", "quux")
        assert (made.name, made.synset, made.description) == ("Zorblax", "", "")
        assert made.note == "WordNet knows none of: Zorblax, quux"

    def test_the_last_word_helps_when_the_whole_is_unknown(self, builder, ids):
        made = draft(builder, "zorblax truck")
        assert (made.name, made.synset) == ("zorblax truck", ids["truck"])

    def test_no_noun_at_all_still_has_a_name(self, builder):
        assert draft(builder).name == "unnamed group"

    def test_siblings_may_get_the_same_concept(self, builder):
        made = builder.concepts([nouns("spitz", "hound"), nouns("hound", "dachshund", "spitz")])
        assert [d.name for d in made] == ["dog", "dog"]

    def test_long_notes_are_cut(self, builder):
        made = draft(builder, *(f"zorb{i}" for i in range(9)))
        assert made.note == "WordNet knows none of: zorb0, zorb1, zorb2, zorb3, zorb4, ..."

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.sampled_from([w for e in ENTRIES for w in e.words.split()] + ["zorblax", "x y"]), max_size=9
        )
    )
    def test_any_list_gets_a_name_and_a_known_meaning(self, builder, words):
        made = draft(builder, *words)
        assert made.name.strip()
        assert made.synset == "" or made.synset in builder._wordnet
        assert made == draft(builder, *words)


class TestUniAttributes:
    def test_own_definition_first(self, builder):
        assert uni(builder, concept(builder, "Akita"))[0] == "thick red coat"
        assert uni(builder, concept(builder, "car"), 1)[0] == "four wheels"

    def test_what_is_said_above_and_below_it_follows(self, builder):
        made = concept(builder, "spitz", "dachshund", "hound")
        said = uni(builder, made)
        assert {"curled tail", "long drooping ears"} <= set(said)

    def test_what_is_inside_is_never_said(self, builder):
        said = uni(builder, concept(builder, "cow"), 5)
        assert not any("stomach" in text or "four" in text for text in said)

    def test_a_silent_definition_stays_silent(self, builder):
        assert uni(builder, concept(builder, "surfing")) == ()

    def test_a_word_outside_wordnet_has_its_own_description(self, builder):
        assert uni(builder, concept(builder, "Zorblax")) == ()
        told = concept(builder, "Zorblax", description="a beast with striped legs")
        assert uni(builder, told) == ("striped legs",)

    def test_a_users_word_is_looked_up_by_its_name(self, builder):
        made = Concept(id="c009", name="pickup", source="user")
        assert "open body" in " ".join(uni(builder, made))

    def test_neither_its_name_nor_its_kind_is_an_attribute(self, builder):
        for word in ("dog", "spitz", "dachshund"):
            assert not any("dog" in text.split() for text in uni(builder, concept(builder, word), 6))

    def test_attributes_differ_from_each_other(self, builder):
        said = uni(builder, concept(builder, "spitz", "dachshund", "Akita"), 4)
        assert len({text.casefold() for text in said}) == len(said) >= 4

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_the_photos_choose_among_a_few_for_each_that_is_wanted(self, builder, count):
        assert len(uni(builder, concept(builder, "dachshund"), count)) <= CANDIDATES * count


class TestBiAttributes:
    def test_each_side_gets_what_the_other_lacks(self, builder):
        pair = (concept(builder, "spitz"), concept(builder, "dachshund", id="c002"))
        sides = {side: [d.text for d in bi(builder, *pair) if d.side == side] for side in ("first", "second")}
        assert "curled tail" in sides["first"]
        assert "short sleek coat" in sides["second"]
        assert not set(sides["first"]) & set(sides["second"])

    def test_the_same_concept_twice_has_nothing_apart(self, builder):
        made = concept(builder, "spitz")
        assert bi(builder, made, concept(builder, "spitz", id="c002")) == ()

    def test_a_silent_side_stays_silent(self, builder):
        drafts = bi(builder, concept(builder, "surfing"), concept(builder, "Akita", id="c002"))
        assert PairDraft(text="thick red coat", side="second") in drafts
        assert {draft.side for draft in drafts} == {"second"}


def test_progress_is_told_and_can_stop_the_work(builder):
    told = []
    made = concept(builder, "dog")
    builder.concepts([nouns("dog")] * 2, guidance="", progress=lambda *step: told.append(step))
    builder.uni_attributes([made], 1, guidance="", progress=lambda *step: told.append(step))
    builder.bi_attributes([(made, made)], 1, guidance="", progress=lambda *step: told.append(step))
    assert told == [(1, 2, "concepts"), (2, 2, "concepts"), (1, 1, "attributes"), (1, 1, "pairs")]


def test_without_relations_the_nouns_themselves_are_the_concepts():
    table = table_without_relations(
        [(1, ["rose"], "a red thorny flower"), (2, ["tulip"], "an upright flower")]
    )
    builder = WordNetBuilder(WordNet(table, source="test"), named_by="overclusters")
    made = concept(builder, "rose", "tulip")
    assert made.name == "rose"
    assert uni(builder, made) == ()


SCRIPT = """
from tests.tiny_wordnet import real_wordnet
from kec_core.knowledge.wordnet_builder import CANDIDATES, WordNetBuilder
from kec_core.types import Concept, Noun
b = WordNetBuilder(real_wordnet(), named_by="overclusters")
lists = [[Noun(word=w) for w in words.split()] for words in ("violin cello lute", "rose bouquet wave", "tench carp")]
drafts = b.concepts(lists)
concepts = [Concept(id=d.name, name=d.name, synset=d.synset, nouns=tuple(n)) for d, n in zip(drafts, lists)]
print(drafts, b.uni_attributes(concepts, 3), b.bi_attributes([tuple(concepts[:2]), tuple(concepts[1:])], 2))
"""


def test_two_processes_build_the_same():
    real_wordnet()
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


@pytest.fixture(scope="module")
def real():
    return WordNetBuilder(real_wordnet(), named_by="overclusters")


class TestRealWordNet:
    @pytest.mark.parametrize(
        ("words", "names"),
        [
            ("tabby;Siamese cat;Persian cat", {"cat", "domestic cat"}),
            ("airliner;jet;fighter;biplane", {"airplane"}),
            ("lorry;pickup;garbage truck;dump truck", {"truck"}),
            ("church;cathedral;basilica;abbey", {"church"}),
            ("violin;viola;cello;guitar", {"stringed instrument", "bowed stringed instrument"}),
            ("rose;tulip;peony;bouquet", {"flower", "rose", "tulip", "peony"}),
            ("wrench;hammer;pliers;screwdriver", {"hand tool"}),
            ("dolphin;porpoise;killer whale", {"dolphin", "whale", "toothed whale", "cetacean"}),
        ],
    )
    def test_lists_of_kinds_get_the_name_a_person_would_give(self, real, words, names):
        assert draft(real, *words.split(";")).name in names

    def test_mixed_lists_are_named_after_one_of_them(self, real):
        made = draft(real, "gas pump", "vending machine", "phone booth", "filling station")
        assert made.name == "gas pump"
        assert made.note == "does not cover: vending machine, phone booth, filling station"

    def test_most_things_have_two_attributes_to_choose_from(self, real):
        words = "dog cat horse frog lion violin car forest street crab flamingo tulip coin building dachshund giraffe"
        said = [len(uni(real, concept(real, word))) for word in words.split()]
        assert sum(n >= 2 for n in said) >= 12

    def test_pairs_are_told_apart_on_both_sides(self, real):
        pairs = [
            ("lion", "tiger"),
            ("violin", "trumpet"),
            ("car", "truck"),
            ("crab", "flamingo"),
            ("dog", "cat"),
        ]
        both = 0
        for one, other in pairs:
            drafts = bi(real, concept(real, one), concept(real, other, id="c002"))
            both += {d.side for d in drafts} == {"first", "second"}
        assert both >= 3
