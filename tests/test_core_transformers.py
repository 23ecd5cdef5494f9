"""Image-text models of transformers: tiny random CLIP and SigLIP in folders; what cannot be loaded is one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from kec_core.encoders import load_encoder, transformers_models
from kec_core.errors import InputError, ResourceMissing

WORDS = ["[PAD]", "[UNK]", "[EOS]", "a", "photo", "of", "red", "blue", "bird"]
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {
    **TOWER,
    "vocab_size": len(WORDS),
    "max_position_embeddings": 12,
    "pad_token_id": 0,
    "eos_token_id": 2,
    "bos_token_id": 2,
}
IMAGE = {**TOWER, "image_size": 32, "patch_size": 8}


def tokenizer():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="$A [EOS]", special_tokens=[("[EOS]", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    )


def save(folder, kind, seed=0):
    import transformers as t

    torch.manual_seed(seed)
    if kind == "clip":
        model = t.CLIPModel(t.CLIPConfig(text_config=TEXT, vision_config=IMAGE, projection_dim=16))
        images = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    else:
        model = t.SiglipModel(
            t.SiglipConfig(text_config={**TEXT, "projection_size": 32}, vision_config=IMAGE)
        )
        images = t.SiglipImageProcessor(size={"height": 32, "width": 32})
    model.save_pretrained(folder)
    images.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["clip", "siglip"])
def folder(request, tmp_path_factory):
    return save(tmp_path_factory.mktemp(request.param), request.param)


def test_a_local_folder_gives_photos_and_words_in_one_space(folder):
    encoder = load_encoder(f"transformers:{folder}")
    photos = [Image.new("RGB", (50, 30), colour) for colour in ("red", "red", "blue")]
    features = encoder.encode_images(np.stack([encoder.preprocess(photo) for photo in photos]))
    words = encoder.encode_texts(["a red bird", "a blue bird", "a photo of a bird " * 9])
    assert features.shape == words.shape == (3, encoder.info.dim)
    assert features.dtype == words.dtype == np.float32
    np.testing.assert_allclose(features[0], features[1], atol=1e-4)
    assert np.abs(features[0] - features[2]).max() > 1e-4
    assert np.abs(words[0] - words[1]).max() > 1e-4
    assert encoder.encode_texts([]).shape == (0, encoder.info.dim)
    assert encoder.info.image_side == 32
    assert encoder.info.name == f"transformers:{folder}"
    assert encoder.info.defaults.logit_scale >= 1


def test_features_are_those_of_the_model_itself(folder):
    from transformers import AutoModel

    encoder = load_encoder(f"transformers:{folder}")
    pixels = encoder.preprocess(Image.new("RGB", (40, 40), "red"))[None]
    with torch.inference_mode():
        found = AutoModel.from_pretrained(folder).get_image_features(pixel_values=torch.from_numpy(pixels))
    expected = getattr(found, "pooler_output", found).numpy()
    np.testing.assert_allclose(encoder.encode_images(pixels), expected, atol=1e-4)


def test_texts_do_not_depend_on_what_they_are_encoded_with(folder):
    encoder = load_encoder(f"transformers:{folder}")
    together = encoder.encode_texts(["bird", "a photo of a red bird"])
    np.testing.assert_allclose(encoder.encode_texts(["bird"])[0], together[0], atol=1e-4)


def test_other_weights_are_another_encoder(tmp_path, folder):
    first, again = (load_encoder(f"transformers:{folder}").info.revision for _ in range(2))
    assert first == again
    assert load_encoder(f"transformers:{save(tmp_path, 'clip', seed=1)}").info.revision != first


def test_clip_folders_of_sentence_transformers_are_read(tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    save(tmp_path / "0_CLIPModel", "clip")
    assert load_encoder(f"transformers:{tmp_path}").info.dim == 16


def test_models_without_images_are_refused(tmp_path):
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(**TOWER, vocab_size=9)).save_pretrained(tmp_path)
    with pytest.raises(
        InputError, match="should be a model of images and texts such as CLIP or SigLIP, but is bert"
    ):
        load_encoder(f"transformers:{tmp_path}")


def test_folders_that_hold_no_model_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        load_encoder(f"transformers:{tmp_path}")


def test_pickled_weights_are_not_read(tmp_path):
    save(tmp_path, "clip")
    (tmp_path / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_encoder(f"transformers:{tmp_path}")


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(transformers_models, "LIBRARY", "transformers_that_is_not_there")
    with pytest.raises(InputError, match="pip install transformers_that_is_not_there"):
        load_encoder("transformers:owner/name")


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("openai/no-such-clip", ResourceMissing, r"not on this machine .*transformers:FOLDER"),
        ("/no/such/folder", InputError, "A folder or the name of a model"),
    ],
)
def test_models_that_are_not_here_are_said(monkeypatch, name, error, said):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(error, match=said):
        load_encoder(f"transformers:{name}")
