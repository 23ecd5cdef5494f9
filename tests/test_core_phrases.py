"""Phrases out of definitions; the definitions are written for these tests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.knowledge.phrases import LONGEST, clean_gloss, head_of, shows_a_thing, visual_phrases
from tests.tiny_wordnet import real_wordnet


@pytest.mark.parametrize(
    ("gloss", "expected"),
    [
        ("any of various dogs having pointed ears with a curled tail", ["pointed ears", "curled tail"]),
        ("a dog with a short coat; used for hunting rats", ["short coat"]),
        ("a vehicle that has four wheels and moves by itself", ["four wheels"]),
        ("a small black breed of dog native to the north", ["small black dog"]),
        ("a plant (with red petals) of the genus Rosa", []),
        ("an animal lacking a long tail", []),
        ("something good and true", []),
        ("a dog; with its red ears", ["red ears"]),
        ("a building for cars", []),
        ("a plant; absorbs red water", []),
        ("a small dog of the northern United States", ["small dog"]),
        ("a dog having red ears etc", []),
        ("type genus of the small dogs", []),
        ("a particular kind of red dog", []),
    ],
)
def test_what_may_be_seen_is_cut_out(tiny_wordnet, gloss, expected):
    assert list(visual_phrases(gloss, tiny_wordnet)) == expected


def test_what_lies_inside_a_body_is_never_said(tiny_wordnet):
    assert visual_phrases("an animal having a red stomach", tiny_wordnet) == ()
    assert visual_phrases("an animal having long ears and a red stomach", tiny_wordnet) == ("long ears",)


def test_a_long_list_is_cut_at_its_ands(tiny_wordnet):
    gloss = "a dog having a thick red coat and a curled tail and very long ears"
    assert visual_phrases(gloss, tiny_wordnet) == ("thick red coat", "curled tail", "long ears")


@pytest.mark.parametrize("text", ["e.g. ears", "ears (two)", "absorbs", "your tail", "loyalty", "", "xyzzy"])
def test_what_is_no_phrase_about_a_thing(tiny_wordnet, text):
    assert not shows_a_thing(text, tiny_wordnet)


@pytest.mark.parametrize(
    ("text", "head"),
    [("long tail with rings", "tail"), ("covered with red ears", "ears"), ("Tail", "tail"), ("of", "of")],
)
def test_the_head_stands_before_the_first_preposition(text, head):
    assert head_of(text) == head


def test_clean_gloss_drops_brackets_in_brackets():
    assert clean_gloss("a dog (or (rarely) a cat) , very  small; ") == "a dog, very small"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "the",
                "any",
                "of",
                "red",
                "long",
                "dog",
                "ear",
                "ears",
                "with",
                "having",
                "and",
                "or",
                ";",
                ",",
                "(",
                ")",
                "stomach",
                "used",
                "that",
                "in",
            ]
        ),
        max_size=25,
    )
)
def test_any_text_gives_short_phrases_each_once(tiny_wordnet, tokens):
    phrases = visual_phrases(" ".join(tokens), tiny_wordnet)
    assert len({phrase.lower() for phrase in phrases}) == len(phrases)
    for phrase in phrases:
        assert 1 < len(phrase.split()) <= LONGEST
        assert "stomach" not in phrase.split()[-1]


def test_real_definitions_give_what_a_camera_sees():
    wordnet = real_wordnet()

    def said(lemma, topic):
        senses = [wordnet.synset(s) for s in wordnet.senses(lemma)]
        return visual_phrases(next(s for s in senses if s.lexfile == topic).gloss, wordnet)

    assert "pointed muzzles and erect ears" in said("spitz", "animal")
    assert "long hind limbs" in said("frog", "animal")
