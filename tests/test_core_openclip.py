"""The open_clip encoder on real, tiny models loaded from disk; no network."""

from __future__ import annotations

import pickle
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from kec_core.encoders import known_names, networks, openclip_text, openclip_weights
from kec_core.encoders.openclip import load_open_clip
from kec_core.encoders.openclip_weights import KNOWN_MODELS
from kec_core.errors import InputError, ResourceMissing
from tests.doc_pointers import ROOT
from tests.tiny_clip import CONFIGS, CROPPED, FULL

TEXTS = [
    "dog",
    "a photo of a cat",
    "",
    "a small red bird that sits on a wire in the rain",
    "a photo of a cat",
    "été 🐦",
]


@pytest.fixture(scope="module")
def encoders(tiny_clips):
    """Every tiny model, computed by torch: converting each takes seconds (``TestThroughOpenVino`` has one)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "_has_openvino", lambda: False)
        yield {name: load_open_clip(f"{name}/{tiny_clips[name]}") for name in CONFIGS}


def all_positions(encoder, texts, model="kec-tiny"):
    """What open_clip itself computes, padded to all 77 positions."""
    with torch.no_grad():
        return encoder.model.encode_text(open_clip.get_tokenizer(model)(texts), normalize=False).numpy()


def test_a_pickled_encoder_computes_the_same(through_openvino):
    through_openvino.encode_texts(["dog"])  # its networks are made
    other = pickle.loads(pickle.dumps(through_openvino))
    np.testing.assert_allclose(other.encode_texts(TEXTS), through_openvino.encode_texts(TEXTS), atol=1e-4)
    pixels = np.stack([through_openvino.preprocess(Image.new("RGB", (40, 30), "red"))])
    np.testing.assert_allclose(other.encode_images(pixels), through_openvino.encode_images(pixels), atol=1e-2)


class TestTextsAreCroppedToTheLongestPrompt:
    @pytest.mark.parametrize("name", CROPPED)
    def test_the_features_are_those_of_all_positions(self, encoders, name):
        encoder = encoders[name]
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), all_positions(encoder, TEXTS), atol=1e-5)

    @pytest.mark.parametrize("name", CROPPED)
    def test_only_as_many_positions_are_computed_as_the_prompts_have(self, encoders, name, monkeypatch):
        widths = []
        encoder = encoders[name]
        real = encoder.text._network()

        def watched(batches):
            return real([widths.append(tokens.shape[1]) or tokens for tokens in batches])

        monkeypatch.setattr(encoder.text, "_network", lambda: watched)
        encoder.encode_texts(["dog", "cat"])
        assert widths == [3]  # start, word, end

    def test_padding_never_counts(self, encoders):
        """What makes cropping right: another filling of the padding changes nothing."""
        encoder = encoders["kec-tiny"]
        tokens = open_clip.get_tokenizer("kec-tiny")(["dog"])
        other = tokens.clone()
        other[0, 3:] = 7
        with torch.no_grad():
            features = [encoder.model.encode_text(t, normalize=False).numpy() for t in (tokens, other)]
        np.testing.assert_array_equal(*features)

    @pytest.mark.parametrize("name", FULL)
    def test_where_later_positions_count_all_are_computed(self, encoders, name):
        encoder = encoders[name]
        assert not encoder.text.crops
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), all_positions(encoder, TEXTS), atol=1e-5)

    @pytest.mark.parametrize("name", FULL)
    def test_and_cropping_those_would_be_wrong(self, encoders, name):
        """The fallback is needed: the padding changes the features of these towers."""
        encoder = encoders[name]
        tokens = open_clip.get_tokenizer(name)(["dog"])
        other = tokens.clone()
        other[0, 3:] = 7
        with torch.no_grad():
            features = [encoder.model.encode_text(t, normalize=False).numpy() for t in (tokens, other)]
        assert np.abs(features[0] - features[1]).max() > 1e-3

    def test_texts_longer_than_the_context_are_cut(self, encoders):
        encoder = encoders["kec-tiny"]
        texts = ["word " * 200, "dog"]
        np.testing.assert_allclose(encoder.encode_texts(texts), all_positions(encoder, texts), atol=1e-5)

    def test_rows_keep_the_order_of_the_texts_over_many_batches(self, encoders, monkeypatch):
        monkeypatch.setattr(openclip_text, "_BATCH_TOKENS", 16)
        encoder = encoders["kec-tiny"]
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), all_positions(encoder, TEXTS), atol=1e-5)

    def test_threads_do_not_see_each_others_cropping(self, encoders):
        encoder = encoders["kec-tiny"]
        expected = encoder.encode_texts(TEXTS)
        with ThreadPoolExecutor(4) as pool:
            rows = list(pool.map(lambda i: encoder.encode_texts([TEXTS[i % len(TEXTS)]])[0], range(40)))
        for number, row in enumerate(rows):
            np.testing.assert_allclose(row, expected[number % len(TEXTS)], atol=1e-5)

    def test_the_model_keeps_its_full_context_afterwards(self, encoders):
        encoder = encoders["kec-tiny"]
        encoder.encode_texts(["dog"])
        assert encoder.model.positional_embedding.shape == (77, 32)
        assert encoder.model.attn_mask.shape == (77, 77)

    def test_no_texts(self, encoders):
        assert encoders["kec-tiny"].encode_texts([]).shape == (0, 16)


class TestImages:
    def test_bfloat16_barely_changes_the_features(self, encoders):
        encoder = encoders["kec-tiny"]
        pixels = np.random.default_rng(0).normal(size=(6, 3, 32, 32)).astype(np.float32)
        with torch.no_grad():
            exact = encoder.model.encode_image(torch.from_numpy(pixels)).numpy()
        ours = encoder.encode_images(pixels)
        cosines = (exact * ours).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(ours, axis=1)
        assert cosines.min() > 0.999

    def test_preprocessing_is_the_models_own(self, encoders):
        encoder = encoders["kec-tiny"]
        image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8))
        expected = open_clip.create_model_and_transforms("kec-tiny")[2](image).numpy()
        np.testing.assert_array_equal(encoder.preprocess(image), expected)

    def test_a_very_long_strip_is_cut_to_its_centre_first(self, encoders, monkeypatch):
        encoder = encoders["kec-tiny"]
        seen = []
        real = encoder._transform
        monkeypatch.setattr(encoder, "_transform", lambda image: seen.append(image.size) or real(image))
        strip = Image.new("RGB", (50_000, 10), "white")
        strip.paste("red", (25_000, 0, 50_000, 10))
        pixels = encoder.preprocess(strip)
        assert seen == [(40, 10)]
        assert pixels.shape == (3, 32, 32)
        assert pixels[1, 16, 2] > pixels[1, 16, 29]  # white left, red right: still the centre


@pytest.fixture(scope="module")
def through_openvino(tiny_clips):
    if not networks._has_openvino():
        pytest.skip("OpenVINO is not used here")
    return load_open_clip(f"kec-tiny-custom/{tiny_clips['kec-tiny-custom']}")


class TestThroughOpenVino:
    def test_texts_are_cropped_and_exact(self, through_openvino):
        encoder = through_openvino
        assert type(encoder.text._network()).__name__ == "OpenVinoNetwork"
        ours = encoder.encode_texts(TEXTS)
        np.testing.assert_allclose(ours, all_positions(encoder, TEXTS), atol=1e-5)

    def test_images(self, through_openvino):
        encoder = through_openvino
        assert type(encoder._images()).__name__ == "OpenVinoNetwork"
        pixels = np.random.default_rng(0).normal(size=(6, 3, 32, 32)).astype(np.float32)
        with torch.no_grad():
            exact = encoder.model.encode_image(torch.from_numpy(pixels)).numpy()
        ours = encoder.encode_images(pixels)
        cosines = (exact * ours).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(ours, axis=1)
        assert cosines.min() > 0.999


class TestInfo:
    def test_temperatures_come_from_the_model(self, encoders):
        info = encoders["kec-tiny"].info
        assert info.defaults.logit_scale == pytest.approx(1 / 0.07, abs=0.05)  # open_clip's start value
        assert info.defaults.counterpart_tau == pytest.approx(0.5 * 0.07, rel=0.01)
        assert (info.dim, info.image_side) == (16, 32)

    def test_other_weights_are_another_revision(self, tiny_clips, encoders, tmp_path):
        state = torch.load(tiny_clips["kec-tiny"], weights_only=True)
        state["text_projection"][0, 0] += 1
        torch.save(state, tmp_path / "other.pt")
        other = load_open_clip(f"kec-tiny/{tmp_path / 'other.pt'}")
        assert other.info.revision != encoders["kec-tiny"].info.revision

    def test_the_same_weights_elsewhere_are_the_same_revision(self, tiny_clips, encoders, tmp_path):
        copy = tmp_path / "copy.pt"
        copy.write_bytes(tiny_clips["kec-tiny"].read_bytes())
        assert load_open_clip(f"kec-tiny/{copy}").info.revision == encoders["kec-tiny"].info.revision


class Grenade:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


class TestWeightsThatAreNotUsable:
    def test_code_in_a_checkpoint_is_never_run(self, tmp_path, monkeypatch, tiny_clips):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "bad.pt").write_bytes(pickle.dumps(Grenade(), protocol=2))
        with pytest.raises(InputError, match="should hold weights of kec-tiny"):
            load_open_clip("kec-tiny/bad.pt")
        assert not (tmp_path / "exploded").exists()

    def test_weights_of_another_model(self, tiny_clips, tmp_path):
        torch.save({"visual.proj": torch.zeros(2, 2)}, tmp_path / "other.pt")
        with pytest.raises(InputError, match="give a state dict"):
            load_open_clip(f"kec-tiny/{tmp_path / 'other.pt'}")

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("ViT-B-33/openai", "no model 'ViT-B-33'; similar ones: ViT-B-32"),
            ("ViT-B-32", "no weights are named; ViT-B-32 has openai, "),
            ("ViT-B-32/nowhere.pt", "neither a checkpoint file nor a tag of ViT-B-32; give the path"),
        ],
    )
    def test_the_message_says_what_is_known(self, spec, message):
        with pytest.raises(InputError, match=message):
            load_open_clip(spec)

    def test_names_read_from_open_clips_files_are_those_it_knows_once_imported(self, monkeypatch):
        tags = {
            model: set(open_clip.list_pretrained_tags_by_model(model)) for model in open_clip.list_models()
        }
        monkeypatch.delitem(sys.modules, "open_clip")
        read = known_names.open_clip_models()
        assert set(read) <= set(tags)
        assert len(read) > 100
        for model in read:
            from_file = known_names.open_clip_tags(model)
            assert set(from_file or tags[model]) == tags[model]
        assert known_names.open_clip_tags("ViT-B-32")

    def test_mistyped_names_are_refused_before_anything_is_imported_that_takes_long(self):
        refused = subprocess.run(
            [sys.executable, "-c", MISTYPED], cwd=ROOT, check=True, capture_output=True, text=True
        )
        said = refused.stdout.splitlines()
        assert len(said) == 6
        assert not [line for line in said if not re.match(r"\w+: .*\(imported: \)$", line)]


MISTYPED = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
from kec_core.encoders import load_looks
from kec_core.errors import KecError
for name in ("open_clip:ViT-B-99/openai", "open_clip:ViT-B-32/opnai", "open_clip:ViT-B-32/gone.pt", "timm:no_such_net",
             "timm:resnet18/gone.pth", "transformers:/gone/folder"):
    try:
        load_looks(name)
    except KecError as error:
        heavy = {"torch", "open_clip", "timm", "transformers"} & sys.modules.keys()
        print(f"{type(error).__name__}: {error} (imported: {', '.join(heavy)})")
"""


@contextmanager
def host(handler):
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class NotFound(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_error(404)

    def log_message(self, *_):
        return


class TestWithoutNetwork:
    @pytest.fixture(autouse=True)
    def _nothing_cached(self, tmp_path, monkeypatch):
        from huggingface_hub import constants

        monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    @pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
    def test_offline_says_at_once_which_file_goes_where(self, monkeypatch, switch, tmp_path):
        monkeypatch.setenv(switch, "1")
        with pytest.raises(
            ResourceMissing, match="weights of ViT-B-32/openai are not on this machine"
        ) as caught:
            load_open_clip("ViT-B-32/openai")
        assert "https://huggingface.co/timm/vit_base_patch32_clip_224.openai" in str(caught.value)
        assert str(tmp_path / "cache" / "weights" / "ViT-B-32-openai.safetensors") in str(caught.value)

    def test_a_host_that_does_not_answer(self, monkeypatch):
        monkeypatch.setattr(openclip_weights, "_answers", lambda _address: False)
        with pytest.raises(ResourceMissing, match="does not answer: download them from"):
            load_open_clip("ViT-B-32/openai")

    def test_a_download_that_fails(self, monkeypatch):
        def fail(_entry):
            raise FileNotFoundError("connection reset")

        monkeypatch.setattr(openclip_weights, "_answers", lambda _address: True)
        monkeypatch.setattr(open_clip, "download_pretrained", fail)
        with pytest.raises(ResourceMissing, match=r"could not be fetched \(connection reset\)"):
            load_open_clip("ViT-B-32/openai")

    def test_a_tokenizer_that_must_be_fetched_is_missed_before_anything_hangs(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        (tmp_path / "siglip.pt").write_bytes(b"")
        with pytest.raises(ResourceMissing, match="Files of timm/ViT-B-16-SigLIP that ViT-B-16-SigLIP needs"):
            load_open_clip(f"ViT-B-16-SigLIP/{tmp_path / 'siglip.pt'}")

    def test_weights_put_where_the_message_said_are_found(self, tmp_path):
        assert not openclip_weights.preferred_on_disk()
        place = tmp_path / "cache" / "weights" / "ViT-B-32-openai.safetensors"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"weights")
        assert openclip_weights.preferred_on_disk()
        weights = openclip_weights.find_weights("ViT-B-32/openai")
        assert weights.file == place
        assert weights.quick_gelu  # OpenAI's weights need it, whatever the architecture's file says

    def test_a_checkpoint_is_preprocessed_as_the_models_published_weights_are(self, tmp_path):
        (tmp_path / "mine.pt").write_bytes(b"")
        weights = openclip_weights.find_weights(f"ViT-B-16-SigLIP/{tmp_path / 'mine.pt'}")
        assert weights.preprocess["mean"] == (0.5, 0.5, 0.5)
        assert weights.preprocess["resize_mode"] == "squash"

    @pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.weights)
    def test_known_models_are_in_open_clips_table(self, model):
        entry = open_clip.get_pretrained_cfg(*model.weights.split("/"))
        assert entry["hf_hub"] == model.hub

    def test_the_page_of_encoders_lists_the_known_models(self):
        page = (Path(__file__).parent.parent / "docs/how-to/encoders.md").read_text(encoding="utf-8")
        for model in KNOWN_MODELS:
            assert f"| `{model.weights}` | {model.caption} | " in page
            assert f" | {model.cost:g} | {model.zero_shot:g} | {model.licence} |" in page

    def test_any_status_is_an_answer(self):
        with host(NotFound) as address:
            assert openclip_weights._answers(address)

    def test_silence_is_none(self, monkeypatch):
        monkeypatch.setattr(openclip_weights, "_ANSWER_TIMEOUT", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            started = time.monotonic()
            assert not openclip_weights._answers(f"http://127.0.0.1:{silent.getsockname()[1]}")
            assert time.monotonic() - started < 30  # it gave up by itself

    def test_nor_is_a_closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert not openclip_weights._answers(f"http://127.0.0.1:{port}")
