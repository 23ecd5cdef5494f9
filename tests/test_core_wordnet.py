"""The reader of WordNet's noun files, against a tiny WordNet whose every number is known, and the real one."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.errors import InputError
from kec_core.wordnet import wordnet as module
from kec_core.wordnet.synsets import table_without_relations
from kec_core.wordnet.table import RELATIONS, NounTable, count_below, make_links
from kec_core.wordnet.vocabulary import domain_vocabulary
from kec_core.wordnet.wordnet import WordNet, load_wordnet, wordnet_from_timm
from tests.tiny_wordnet import ENTRIES, entry, real_wordnet, write_wordnet

CACHE = os.environ.get("KEC_CACHE_DIR")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KEC_WORDNET", raising=False)


@pytest.fixture
def ids(tmp_path):
    return write_wordnet(tmp_path / "wn")


@pytest.fixture
def tiny(tmp_path, ids):
    return load_wordnet(tmp_path / "wn")


def words_of(wordnet, found):
    return [wordnet.synset(synset).words[0] for synset in found]


def test_a_synset_is_read_with_everything_that_is_used(tiny, ids):
    dog = tiny.synset(ids["dog"])
    assert dog.id == ids["dog"]
    assert dog.words == ("dog", "domestic dog", "Canis familiaris")
    assert dog.gloss == "a tame animal (kept by people) that barks; comes in many breeds"
    assert dog.examples == ("the dog barked", "a good dog")
    assert dog.lexfile == "animal"
    assert words_of(tiny, dog.hypernyms) == ["animal", "pet"]
    assert words_of(tiny, dog.hyponyms) == ["spitz", "hound"]
    assert words_of(tiny, dog.parts) == ["tail", "ear"]
    assert not dog.is_instance


def test_a_named_animal_is_an_instance_and_no_hyponym(tiny, ids):
    fido = tiny.synset(ids["fido"])
    assert fido.is_instance
    assert fido.instance_hypernyms == (ids["dog"],)
    assert ids["fido"] not in tiny.synset(ids["dog"]).hyponyms


def test_senses_keep_the_order_of_the_index(tiny, ids):
    assert tiny.senses("church") == (ids["church_group"], ids["church_building"])
    assert tiny.senses("crane") == (ids["crane_machine"], ids["crane_bird"])


@pytest.mark.parametrize("word", ["Canis familiaris", "canis_familiaris", " CANIS  familiaris "])
def test_senses_find_a_word_in_any_case_and_with_underscores(tiny, ids, word):
    assert tiny.senses(word) == (ids["dog"],)


def test_an_unknown_word_has_no_senses(tiny):
    assert tiny.senses("unicorn") == ()


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        ("dogs", "dog"),
        ("Dogs", "dog"),
        ("churches", "church"),
        ("church buildings", "church building"),
        ("feet", "foot"),
        ("grass", "grass"),
        ("gazebos", "gazebos"),
        ("truck", "truck"),
    ],
)
def test_singular(tiny, word, singular):
    assert tiny.singular(word) == singular


def test_ancestors_have_the_least_number_of_steps(tiny, ids):
    steps = {words_of(tiny, [synset])[0]: n for synset, n in tiny.ancestors(ids["akita"]).items()}
    assert steps == {"Akita": 0, "spitz": 1, "dog": 2, "animal": 3, "pet": 3, "object": 4, "entity": 5}


def test_information_content_counts_each_meaning_below_once(tiny, ids):
    n = len(ENTRIES)
    # below animal: dog, pet, spitz, akita, hound, dachshund, cat, cow, crane; dog and cat are reached by two ways
    assert tiny.information_content(ids["animal"]) == pytest.approx(1 - math.log(10) / math.log(n))
    assert tiny.information_content(ids["dog"]) == pytest.approx(1 - math.log(5) / math.log(n))
    assert tiny.information_content(ids["akita"]) == 1.0
    assert tiny.information_content(ids["entity"]) == pytest.approx(1 - math.log(n - 1) / math.log(n))


def test_an_unknown_id_is_refused(tiny):
    for unknown in ("n99999999", "dog", "", "n-0000001"):
        assert unknown not in tiny
        with pytest.raises(InputError, match="is not a noun synset"):
            tiny.synset(unknown)


def test_common_nouns_give_each_word_once_without_names(tiny, ids):
    nouns = tiny.common_nouns()
    words = [word for word, _ in nouns]
    assert len({word.lower() for word in words}) == len(words)
    assert "Fido" not in words
    assert ("Canis familiaris", ids["dog"]) in nouns
    assert ("church", ids["church_group"]) in nouns
    assert [synset for _, synset in nouns] == sorted(synset for _, synset in nouns)


def test_common_words_are_those_of_tagged_texts(tiny):
    assert tiny.is_common("dog")
    assert tiny.is_common("Church_Building")
    assert not tiny.is_common("domestic dog")
    assert not tiny.is_common("unicorn")


def test_match_finds_a_meaning_of_another_version_by_words_and_gloss(tiny, ids):
    assert tiny.match(["crane"], "a bird with a long neck") == ids["crane_bird"]
    assert tiny.match(["crane"], "a machine with a hook") == ids["crane_machine"]
    assert tiny.match(["truck", "lorry"], "anything", synset_id=ids["truck"]) == ids["truck"]
    assert tiny.match(["truck"], "for hauling", synset_id=ids["dog"]) == ids["truck"]
    assert tiny.match(["unicorn"], "a horned horse") == ""


def test_the_notice_stays_with_the_table(tiny):
    assert tiny.licence == "A notice of this tiny WordNet.\nKeep it with every copy."


def test_the_second_load_comes_from_the_cache(monkeypatch, tmp_path, tiny):
    monkeypatch.setattr(module, "read_nouns", lambda folder: pytest.fail("parsed again"))
    assert load_wordnet(tmp_path / "wn") is tiny
    module._wordnet_in.cache_clear()
    again = load_wordnet(tmp_path / "wn")
    assert [again.synset(i) for i in again.ids] == [tiny.synset(i) for i in tiny.ids]
    assert again.licence == tiny.licence


@pytest.mark.parametrize("damage", [b"", b"no zip file", b"PK\x03\x04 cut"])
def test_a_damaged_cache_is_made_again(tmp_path, tiny, damage):
    (cached,) = (tmp_path / "cache").glob("wordnet-*.npz")
    cached.write_bytes(damage)
    module._wordnet_in.cache_clear()
    again = load_wordnet(tmp_path / "wn")
    assert again.ids == tiny.ids
    with np.load(cached, allow_pickle=False) as arrays:
        assert len(arrays["offsets"]) == len(ENTRIES)


def test_changed_files_are_read_anew(tmp_path, tiny):
    write_wordnet(tmp_path / "wn", [*ENTRIES, entry("yak", 5, "yak", "animal", "a shaggy animal")])
    assert len(load_wordnet(tmp_path / "wn")) == len(tiny) + 1


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"should hold WordNet's data.noun and index.noun, but data.noun is missing"
    ):
        load_wordnet(tmp_path)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("data.noun", "not a synset at all"),
        ("data.noun", "00000001 05 n 02 dog 0"),
        ("index.noun", "dog n x"),
        ("index.noun", "dog n 1 1 @ 1 0 00000007"),
    ],
)
def test_a_damaged_file_names_the_line(tmp_path, ids, file, line):
    path = tmp_path / "wn" / file
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match="has the line") as error:
        load_wordnet(tmp_path / "wn")
    assert line in str(error.value)


def test_a_file_without_synsets_is_refused(tmp_path, ids):
    (tmp_path / "wn" / "data.noun").write_text("  1 only a notice\n")
    with pytest.raises(InputError, match="holds no synset"):
        load_wordnet(tmp_path / "wn")


def test_the_environment_names_the_folder(monkeypatch, tmp_path, ids):
    monkeypatch.setenv("KEC_WORDNET", str(tmp_path / "wn"))
    assert len(load_wordnet()) == len(ENTRIES)


def test_without_any_files_timm_stands_in(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "local_folders", lambda: [("nowhere", tmp_path / "nowhere")])
    wordnet = load_wordnet()
    assert len(wordnet) == 21842  # ImageNet's 21,841 and the teddy bear of the 1,000 classes
    assert not wordnet.has_relations
    dog = wordnet.synset("n02084071")
    assert dog.words[0] == "dog"
    assert dog.hypernyms == ()
    assert "Princeton" in wordnet.licence
    assert wordnet.ids == wordnet_from_timm().ids


def test_a_table_without_relations_gives_every_meaning_full_content():
    wordnet = WordNet(
        table_without_relations([(5, ["cat"], "an animal"), (9, ["dog", "cat"], "x")]), source="test"
    )
    assert wordnet.senses("cat") == ("n00000005", "n00000009")
    assert wordnet.information_content("n00000005") == 1.0
    assert wordnet.ancestors("n00000005") == {"n00000005": 0}
    assert wordnet.synset("n00000005").lexfile == ""


def test_a_loop_in_the_files_ends():
    below = count_below(make_links([[1], [2], [0]]))
    assert len(below) == 3
    assert below.max() <= 2


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n)))
def test_count_below_equals_a_plain_walk(lists):
    down = [
        sorted(child for child in children if child > row) for row, children in enumerate(lists)
    ]  # no loops

    def reach(row):
        return set(down[row]).union(*(reach(child) for child in down[row]))

    assert count_below(make_links(down)).tolist() == [len(reach(row)) for row in range(len(down))]


TEXT = st.text(st.characters(blacklist_characters="\n|", blacklist_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_tables_survive_the_way_to_arrays_and_back(texts):
    rows = [[i] for i in range(len(texts))]
    table = NounTable(
        offsets=np.arange(len(texts), dtype=np.int32),
        lexfiles=np.zeros(len(texts), dtype=np.uint8),
        words=[word for word, _ in texts],
        glosses=[gloss for _, gloss in texts],
        examples=[""] * len(texts),
        links={name: make_links(rows) for name in RELATIONS.values()},
        below=np.zeros(len(texts), dtype=np.int32),
        lemmas=[word for word, _ in texts],
        senses=make_links(rows),
        common=np.ones(len(texts), dtype=np.bool_),
        licence="two\nlines",
    )
    again = NounTable.from_arrays(table.to_arrays())
    assert (again.words, again.glosses, again.lemmas) == (table.words, table.glosses, table.lemmas)
    assert again.licence == table.licence
    assert [again.links["parts"].of(i) for i in range(len(texts))] == rows


class TestRealWordNet:
    @pytest.fixture(autouse=True)
    def shared_cache(self, monkeypatch, own_cache):
        """The cache of this machine, where ``kec setup`` may have put WordNet."""
        if CACHE is None:
            monkeypatch.delenv("KEC_CACHE_DIR")
        else:
            monkeypatch.setenv("KEC_CACHE_DIR", CACHE)

    def test_size_and_well_known_meanings(self):
        wordnet = real_wordnet()
        assert 80_000 < len(wordnet) < 90_000
        assert wordnet.has_relations
        dog = wordnet.synset(wordnet.senses("dog")[0])
        assert "domestic dog" in dog.words
        assert {"carnivore", "animal"} <= {wordnet.synset(a).words[0] for a in wordnet.ancestors(dog.id)}
        assert 70_000 < sum(1 for _ in wordnet.common_nouns()) < 120_000
        assert "Princeton University" in wordnet.licence

    def test_a_word_of_a_persons_list_means_a_thing_that_a_photo_shows(self):
        wordnet = real_wordnet()
        church, tench, nothing, both = domain_vocabulary(
            "church\ntench\nzorblax truck\nchurch group", wordnet
        )
        assert (
            "place for public" in church.description
        )  # not the group of Christians, which is its first meaning
        assert church.noun.synset == wordnet.senses("church")[1]
        assert tench.noun.synset == wordnet.senses("tench")[0]
        assert (nothing.noun.synset, both.noun.synset) == ("", "")  # whole words only

    def test_content_falls_towards_the_root(self):
        wordnet = real_wordnet()
        for word in ("dog", "violin", "glacier", "tulip"):
            contents = [wordnet.information_content(a) for a in wordnet.ancestors(wordnet.senses(word)[0])]
            assert contents[0] == max(contents)
            assert min(contents) < 0.05

    def test_every_relation_leads_somewhere(self):
        wordnet = real_wordnet()
        for word in ("bird", "car", "tree", "church"):
            for sense in wordnet.senses(word):
                synset = wordnet.synset(sense)
                assert all(other in wordnet for other in (*synset.hypernyms, *synset.hyponyms, *synset.parts))


def test_home_and_environment_are_looked_through(monkeypatch, tmp_path):
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "nltk"))
    folders = {folder: source for source, folder in module.local_folders()}
    assert folders[tmp_path / "nltk" / "corpora" / "wordnet"] == "NLTK's data"
    assert Path.home() / "nltk_data" / "corpora" / "wordnet" in folders
