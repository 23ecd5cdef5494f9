"""Visual phrases out of definitions; the definitions are written for these tests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.knowledge.phrases import LONGEST, clean_gloss, visual_phrases
from kec_core.knowledge.visual_words import NUMBER, ORGAN, PLAIN, STRONG, VisualWords
from kec_core.wordnet.wordnet import load_wordnet
from tests.tiny_wordnet import real_wordnet, write_wordnet


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wn")
    write_wordnet(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(folder / "cache"))
        return VisualWords(load_wordnet(folder))


def texts(gloss, words):
    return [phrase.text for phrase in visual_phrases(gloss, words)]


@pytest.mark.parametrize(
    ("gloss", "expected"),
    [
        ("any of various dogs having pointed ears with a curled tail", ["curled tail", "pointed ears"]),
        ("a dog with a short coat; used for hunting rats", ["short coat"]),
        ("a vehicle that has four wheels and moves by itself", ["four wheels"]),
        ("a small black breed of dog native to the north", ["small black dog"]),
        ("a building covered with white walls", ["covered with white walls"]),
        ("a plant (with red petals) of the genus Rosa", []),
        ("an animal lacking a long tail", []),
        ("something good and true", []),
    ],
)
def test_what_can_be_seen_is_cut_out(words, gloss, expected):
    assert sorted(texts(gloss, words)) == sorted(expected)


def test_what_lies_inside_a_body_is_never_said(words):
    assert texts("an animal having a stomach divided into four compartments", words) == []
    assert texts("an animal having long ears and a red stomach", words) == ["long ears"]


def test_a_definition_that_only_names_its_kind_says_nothing(words):
    assert texts("a building for cars", words) == []


def test_colour_outweighs_size_and_the_first_words_count_less(words):
    by_text = {p.text: p for p in visual_phrases("a striped dog having red ears and long legs", words)}
    assert by_text["red ears and long legs"].score > by_text["striped dog"].score
    best = visual_phrases("a dog having long legs; with red ears", words)[0]
    assert best.text == "red ears"
    assert best.score == pytest.approx(STRONG + 0.85 * ORGAN, abs=1e-5)
    assert best.visible == {"red", "ear"}


def test_a_long_list_is_cut_at_its_ands(words):
    gloss = "a dog having a thick red coat and a curled tail and very long neck and legs"
    assert set(texts(gloss, words)) == {"thick red coat", "curled tail", "long neck and legs"}


def test_a_phrase_with_a_verb_is_left(words):
    assert texts("a plant; absorbs red water", words) == []


def test_pink_to_scarlet_stays_together(words):
    assert texts("a pink to scarlet dog", words) == ["pink to scarlet dog"]


@pytest.mark.parametrize(
    ("word", "weight"),
    [
        ("red", STRONG),
        ("striped", STRONG),
        ("long", PLAIN),
        ("bell-shaped", PLAIN),
        ("ears", ORGAN),
        ("ear", ORGAN),
        ("long-eared", ORGAN),
        ("four", NUMBER),
        ("wheel", 0.7),
        ("loyalty", 0.0),
        ("stomach", 0.0),
        ("the", 0.0),
        ("thing", 0.0),
        ("xyzzy", 0.0),
    ],
)
def test_weights(words, word, weight):
    assert words.weight(word) == weight


def test_content_is_in_base_forms_without_small_words(words):
    assert words.content("The ears of two DOGS, and their long-haired feet") == {
        *("ear", "two", "dog", "long-haired", "foot"),
    }


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
def test_any_text_gives_short_phrases_best_first(words, tokens):
    phrases = visual_phrases(" ".join(tokens), words)
    assert [p.score for p in phrases] == sorted((p.score for p in phrases), reverse=True)
    for phrase in phrases:
        assert 0 < len(phrase.text.split()) <= LONGEST
        assert phrase.visible
        assert "stomach" not in phrase.text


def test_real_definitions_give_what_a_camera_sees():
    wordnet = real_wordnet()
    words = VisualWords(wordnet)

    def said(lemma, topic):
        senses = [wordnet.synset(s) for s in wordnet.senses(lemma)]
        return texts(next(s for s in senses if s.lexfile == topic).gloss, words)

    assert "pointed muzzles and erect ears" in said("spitz", "animal")
    assert "long hind limbs" in said("frog", "animal")
    assert said("ruminant", "animal") == []
    assert "covered with trees and shrubs" in said("forest", "object")
