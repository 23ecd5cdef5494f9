"""The nouns photos are compared with, from WordNet and from text a person pasted."""

from __future__ import annotations

import pytest

from kec_core.errors import InputError
from kec_core.types import Noun
from kec_core.wordnet.vocabulary import domain_vocabulary, kinds_of, not_in_wordnet, wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet
from tests.tiny_wordnet import write_wordnet


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    ids = write_wordnet(tmp_path / "wn")
    return load_wordnet(tmp_path / "wn"), ids


def test_every_word_once_with_its_meaning_and_no_names(tiny):
    wordnet, ids = tiny
    vocabulary = wordnet_vocabulary(wordnet)
    assert Noun(word="domestic dog", synset=ids["dog"]) in vocabulary
    assert Noun(word="crane", synset=ids["crane_machine"]) in vocabulary  # the first sense
    assert "Fido" not in {noun.word for noun in vocabulary}
    assert len({noun.word.lower() for noun in vocabulary}) == len(vocabulary) == len(wordnet.lemmas) - 1
    assert vocabulary == wordnet_vocabulary(wordnet)


def test_pasted_terms_carry_meaning_and_description(tiny):
    wordnet, ids = tiny
    terms = domain_vocabulary(
        "\n dogs \nBoeing 747: a wide airliner: with a hump\n\nTRUCK: our own words\ndogs", wordnet
    )
    assert [term.noun for term in terms] == [
        Noun(word="dogs", synset=ids["dog"]),
        Noun(word="Boeing 747"),
        Noun(word="TRUCK", synset=ids["truck"]),
    ]
    assert [term.description for term in terms] == [
        "a tame animal (kept by people) that barks; comes in many breeds",
        "a wide airliner: with a hump",
        "our own words",
    ]


@pytest.mark.parametrize("text", ["", "  \n \n"])
def test_no_term_at_all_is_refused(tiny, text):
    with pytest.raises(InputError, match="vocabulary is empty"):
        domain_vocabulary(text, tiny[0])


def test_a_description_without_a_word_names_its_line(tiny):
    with pytest.raises(InputError, match="Line 2 has a description but no word"):
        domain_vocabulary("dog\n: barks", tiny[0])


def test_kinds_of_a_word_by_its_meanings(tiny):
    wordnet, ids = tiny
    synsets = [ids["akita"], ids["cat"], ids["truck"], "", "n99999999"]
    assert kinds_of("Dogs", synsets, wordnet) == {ids["akita"]}
    assert kinds_of("pet", synsets, wordnet) == {ids["akita"], ids["cat"]}
    assert kinds_of("akita", [ids["dog"]], wordnet) == frozenset()
    assert kinds_of("xyzzy", synsets, wordnet) == kinds_of("", synsets, wordnet) == frozenset()


def test_what_no_dictionary_knows_is_listed_and_a_long_list_is_cut(tiny):
    wordnet = tiny[0]
    assert not_in_wordnet(["dog", "Dogs", "three white trucks", "zorblax dog"], wordnet) == ""
    said = not_in_wordnet(["dog", "Hund", "Kätzchen"], wordnet)
    assert said.startswith('Not in the dictionary: "Hund", "Kätzchen". Most encoders')
    many = not_in_wordnet([f"xy{number}" for number in range(30)], wordnet)
    assert '"xy7" and 22 more. ' in many
    assert "xy8" not in many
