"""Sentence embeddings that come with the program are those of the sentence model, and no other text is taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.encoders.network import MIN_COSINE
from kec_core.encoders.precomputed import FILE, NOTHING, load_precomputed, save_precomputed
from kec_core.wordnet.vocabulary import wordnet_vocabulary
from kec_core.wordnet.wndb import DEBIAN_FOLDER, holds_wordnet
from kec_core.wordnet.wordnet import load_wordnet

TEXTS = ["cat", "dog", "a photo of a cat", "naïve café"]


@pytest.fixture
def rows():
    return l2_normalize(np.random.default_rng(0).normal(size=(len(TEXTS), 384)).astype(np.float32))


@pytest.fixture
def made(tmp_path, monkeypatch, rows):
    """A file of ``TEXTS``, made by a model of revision "r1"."""
    file = tmp_path / "precomputed.npz"
    save_precomputed(file, "r1", TEXTS, rows, {"list": np.array([True, False, True] * 5)})
    monkeypatch.setattr("kec_core.encoders.precomputed.FILE", file)


def refuse(texts):
    raise AssertionError(f"computed: {texts}")


class TestEmbedding:
    def test_of_texts_that_are_there_computes_none(self, made, rows):
        embedded = load_precomputed("r1").embed(TEXTS[::-1], refuse)
        assert (embedded * rows[::-1]).sum(axis=1).min() > MIN_COSINE
        np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, rtol=1e-6)

    def test_of_other_texts_computes_those_alone(self, made, rows):
        asked = []

        def compute(texts):
            asked.extend(texts)
            return np.full((len(texts), 384), len(asked), dtype=np.float32)

        embedded = load_precomputed("r1").embed(["cow", "dog", "Cat", "zebra"], compute)
        assert asked == ["cow", "Cat", "zebra"]
        assert (embedded[[0, 2, 3]] == 3).all()
        assert embedded[1] @ rows[1] > MIN_COSINE

    @pytest.mark.parametrize("texts", [["zzz"], [], ["cat"]])
    def test_of_another_model_computes_all(self, made, texts):
        expected = np.ones((len(texts), 384), dtype=np.float32)
        asked = []
        embedded = load_precomputed("r2").embed(texts, lambda some: asked.extend(some) or expected)
        assert asked == texts
        assert embedded is expected

    def test_of_nothing(self, made):
        assert load_precomputed("r1").embed([], lambda texts: np.empty((0, 384), np.float32)).shape == (
            0,
            384,
        )


class TestKnownNouns:
    def test_are_told_for_the_list_they_were_found_for(self, made):
        assert load_precomputed("r1").known("list", 15).tolist() == [True, False, True] * 5

    def test_are_not_told_for_another_list_or_model(self, made):
        assert load_precomputed("r1").known("another list", 15) is None
        assert load_precomputed("r2").known("list", 15) is None
        assert NOTHING.known("list", 15) is None


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    from kec_core.encoders.compact import CompactEncoder
    from kec_core.encoders.sentences import SentenceModel

    if not holds_wordnet(DEBIAN_FOLDER):
        pytest.skip("no WordNet of Debian on this machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield CompactEncoder(load_wordnet(DEBIAN_FOLDER), SentenceModel(), load_precomputed)


@pytest.mark.weights
class TestFile:
    """What is wrong here is made right by ``python -m provision.precompute`` with a folder per WordNet."""

    def test_holds_what_the_model_gives(self, encoder):
        texts = (*encoder.anchors.texts, *encoder.anchors.words)
        known = encoder._precomputed().embed(texts, refuse)
        some = np.random.default_rng(0).choice(len(texts), 300, replace=False).tolist()
        computed = encoder._sentences.embed([texts[row] for row in some])
        assert (known[some] * computed).sum(axis=1).min() > MIN_COSINE

    def test_holds_the_prompt_of_every_noun_that_is_known(self, encoder):
        nouns = wordnet_vocabulary(encoder._wordnet)
        known = encoder._precomputed().known(encoder.covers_key(nouns), len(nouns))
        (prompt,) = encoder.info.noun_templates
        words = [noun.word for noun, is_known in zip(nouns, known, strict=True) if is_known]
        encoder._precomputed().embed([prompt.replace("{}", word) for word in words], refuse)
        assert {"dog", "truck", "daisy"} <= set(words)

    def test_knows_the_nouns_that_the_text_map_knows(self, encoder):
        """Words within rounding of the threshold may fall either way on another machine."""
        from kec_core.encoders import text_map

        nouns = wordnet_vocabulary(encoder._wordnet)
        known = encoder._precomputed().known(encoder.covers_key(nouns), len(nouns))
        some = np.random.default_rng(0).choice(len(nouns), 1000, replace=False).tolist()
        words = encoder._precomputed().embed(encoder.anchors.words, refuse)
        computed = encoder._embedded([nouns[row].word for row in some])
        nearest = (computed @ words.T).max(axis=1)
        near = np.array([encoder._is_near(nouns[row]) for row in some])
        taught = np.isin([nouns[row].word for row in some], encoder.anchors.words)
        expected = near & (taught | (nearest >= text_map._COVERED))
        clear = np.abs(nearest - text_map._COVERED) > 0.01
        np.testing.assert_array_equal(known[some][clear], expected[clear])
        assert expected[clear].sum() > 20

    def test_is_of_few_megabytes(self):
        assert FILE.stat().st_size < 5_000_000
