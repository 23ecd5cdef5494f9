"""What people call the things that a photo shows."""

from __future__ import annotations

import pytest

from kec_core.types import Noun
from kec_core.wordnet.vocabulary import everyday_name
from kec_core.wordnet.wordnet import WordNet, load_wordnet
from tests.tiny_wordnet import real_wordnet, write_wordnet


@pytest.mark.parametrize(
    ("word", "meant", "name"),
    [
        ("Tinca tinca", "tench", "tench"),
        ("painter", "cougar", "cougar"),
        ("killer", "killer whale", "killer whale"),
        ("dog", "dog", "dog"),
        ("lorry", "truck", "truck"),
    ],
)
def test_a_meaning_is_called_as_people_call_it_before_all_else(word: str, meant: str, name: str):
    wordnet = real_wordnet()
    assert everyday_name(Noun(word=word, synset=wordnet.senses(meant)[0]), wordnet) == name


def test_a_meaning_that_no_word_means_first_has_its_first_word(tmp_path):
    ids = write_wordnet(tmp_path)
    wordnet: WordNet = load_wordnet(tmp_path)
    assert everyday_name(Noun(word="crane", synset=ids["crane_bird"]), wordnet) == "crane"
    assert everyday_name(Noun(word="Canis familiaris", synset=ids["dog"]), wordnet) == "dog"
    assert everyday_name(Noun(word="my own term"), wordnet) == "my own term"
