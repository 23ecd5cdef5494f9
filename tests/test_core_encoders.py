"""What every encoder keeps to, and how one is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kec_core.config import EncoderDefaults
from kec_core.encoders import (
    PREFERRED,
    available_encoders,
    compact,
    encode_files,
    load_encoder,
    openclip,
)
from kec_core.encoders.base import centred_features, visual_features
from kec_core.errors import InputError
from kec_core.types import Noun
from tests.fakes import HashEncoder
from tests.photos import gradient, save

TEXTS = ["dog", "a photo of a cat", "", "a small red bird that sits on a wire in the rain", "dog"]


@pytest.fixture(scope="module")
def encoders(tiny_clips, compact_encoder, tmp_path_factory):
    file = tmp_path_factory.mktemp("encoders") / "x.npy"
    np.save(file, np.ones((2, 16), dtype=np.float32))
    clip = f"open_clip:kec-tiny/{tiny_clips['kec-tiny']}"
    return {
        "hash": HashEncoder(),
        "clip": load_encoder(clip),
        "custom": load_encoder(f"open_clip:kec-tiny-custom/{tiny_clips['kec-tiny-custom']}"),
        "compact": compact_encoder,
        "readymade": load_encoder(f"embeddings:{file}#{clip}"),
    }


@pytest.fixture(autouse=True)
def _caches(compact_home, monkeypatch):
    monkeypatch.setenv("KEC_CACHE_DIR", str(compact_home / "cache"))


WITH_IMAGES = ["hash", "clip", "custom", pytest.param("compact", marks=pytest.mark.weights)]


def cosines(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("name", [*WITH_IMAGES, "readymade"])
class TestTexts:
    def test_are_finite_float32_rows(self, encoders, name):
        encoder = encoders[name]
        features = encoder.encode_texts(TEXTS)
        assert features.shape == (len(TEXTS), encoder.info.dim)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()

    def test_the_same_text_has_the_same_features(self, encoders, name):
        features = encoders[name].encode_texts(TEXTS)
        np.testing.assert_allclose(features[0], features[4], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(features, encoders[name].encode_texts(TEXTS))

    def test_company_does_not_matter(self, encoders, name):
        encoder = encoders[name]
        alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
        assert cosines(encoder.encode_texts(TEXTS), alone).min() > 0.9995

    def test_different_texts_differ(self, encoders, name):
        features = encoders[name].encode_texts(TEXTS[:4])
        assert np.abs(features[0] - features[1:]).max(axis=1).min() > 1e-3

    def test_covers_answers_for_every_noun(self, encoders, name):
        known = encoders[name].covers([Noun(word="dog"), Noun(word="cat")])
        assert known.dtype == np.bool_
        assert known.shape == (2,)


@pytest.mark.parametrize("name", WITH_IMAGES)
class TestImages:
    def photos(self, encoder):
        images = [
            gradient(),
            Image.new("RGB", (90, 40), "red"),
            Image.new("RGB", (7, 300), "blue"),
            gradient(300, 200),
        ]
        return np.stack([encoder.preprocess(image) for image in images])

    def test_are_finite_float32_rows(self, encoders, name):
        encoder = encoders[name]
        pixels = self.photos(encoder)
        assert pixels.dtype == np.float32
        assert pixels.shape == (4, 3, encoder.info.image_side, encoder.info.image_side)
        features = encoder.encode_images(pixels)
        assert features.shape == (4, encoder.info.dim)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()

    def test_company_does_not_matter(self, encoders, name):
        encoder = encoders[name]
        pixels = self.photos(encoder)
        alone = np.concatenate([encoder.encode_images(row[None]) for row in pixels])
        assert cosines(encoder.encode_images(pixels), alone).min() > 0.999

    def test_files_give_what_their_pixels_give(self, encoders, name, tmp_path):
        encoder = encoders[name]
        path = save(tmp_path / "photo.png")
        encoded = encode_files(encoder, [path, path])
        expected = encoder.encode_images(encoder.preprocess(Image.open(path))[None])
        assert cosines(encoded.features, np.concatenate([expected, expected])).min() > 0.999


class TestChoice:
    @pytest.mark.parametrize("name", ["clip", "", "open_clip:", "embeddings:", "Compact"])
    def test_an_unknown_name_is_answered_with_the_known_ones(self, name):
        with pytest.raises(
            InputError, match=r'Unknown encoder .*known encoders: "auto", "compact", "open_clip:MODEL'
        ):
            load_encoder(name)

    def test_auto_is_clip_when_its_weights_are_here(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path))
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "ViT-B-32-openai.safetensors").touch()
        monkeypatch.setattr(openclip, "load_open_clip", lambda spec: spec)
        assert load_encoder("auto") == "ViT-B-32/openai"

    def test_auto_is_compact_otherwise(self, tmp_path, monkeypatch):
        from huggingface_hub import constants

        monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(compact, "load_compact", lambda: "the compact one")
        assert load_encoder() == "the compact one"
        clip, *others, offline = available_encoders()
        assert not any(other.ready for other in others)
        assert all(
            f"kec setup --clip {other.name.removeprefix('open_clip:')}`" in other.advice for other in others
        )
        assert (clip.name, clip.ready) == (PREFERRED, False)
        assert "kec setup --clip" in clip.advice
        assert (offline.name, offline.ready) == ("compact", True)

    def test_names_lead_back_to_the_encoder(self, encoders):
        for name in ("clip", "readymade"):
            again = load_encoder(encoders[name].info.name)
            assert again.info == encoders[name].info


class TestVisualFeatures:
    def test_are_centred_and_of_unit_length(self):
        features = np.array([[3, 1], [-1, 1], [1, 4]], dtype=np.float32)  # mean (1, 2)
        expected = np.array([[2, -1], [-2, -1], [0, 2]]) / np.sqrt([[5], [5], [4]])
        np.testing.assert_allclose(
            visual_features(features, EncoderDefaults(centre=True)), expected, rtol=1e-5
        )

    def test_keep_their_lengths_where_they_are_only_centred(self):
        features = np.array([[3, 1], [-1, 1], [1, 4]], dtype=np.float32)
        centred = centred_features(features, EncoderDefaults(centre=True))
        np.testing.assert_allclose(centred, [[2, -1], [-2, -1], [0, 2]])
        moved = centred_features(features, EncoderDefaults(centre=True), mean=np.float32([1, 0]))
        np.testing.assert_allclose(moved, [[2, 1], [-2, 1], [0, 4]])
        assert centred_features(features, EncoderDefaults(centre=False)) is features

    def test_are_not_centred_when_the_encoder_does_not_want_it(self):
        ours = visual_features(np.array([[3, 4], [0, 2]], dtype=np.float32), EncoderDefaults(centre=False))
        np.testing.assert_allclose(ours, [[0.6, 0.8], [0, 1]], rtol=1e-5, atol=1e-6)

    def test_a_row_at_the_mean_stays_zero(self):
        features = np.array([[1, 1], [1, 1]], dtype=np.float32)
        np.testing.assert_array_equal(
            visual_features(features, EncoderDefaults(centre=True)), np.zeros((2, 2))
        )

    def test_a_single_photo_is_not_centred_away(self):
        ours = visual_features(np.array([[3, 4]], dtype=np.float32), EncoderDefaults(centre=True))
        np.testing.assert_allclose(ours, [[0.6, 0.8]], rtol=1e-5, atol=1e-6)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(2, 12), st.integers(30, 40), st.integers(0, 1000))
    def test_rows_are_unit_and_the_input_is_left_alone(self, count, dim, seed):
        features = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
        features.flags.writeable = False
        ours = visual_features(features, EncoderDefaults(centre=True))
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, rtol=1e-5, atol=1e-6)
        shifted = visual_features(features + np.float32(3), EncoderDefaults(centre=True))
        np.testing.assert_allclose(shifted, ours, atol=1e-2)
