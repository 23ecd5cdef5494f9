"""Prompts learned through the text tower of real, tiny open_clip models with random weights."""

import numpy as np
import pytest
import torch

from kec_core.clustering.metrics import score
from kec_core.encoders.openclip import load_open_clip
from kec_core.encoders.openclip_prompts import learned_prompts
from kec_core.errors import Cancelled
from kec_core.methods import MethodInputs, photo_features, run_method
from kec_core.methods.options import LaicOptions
from kec_core.types import Noun
from tests.fakes import HashEncoder
from tests.tiny_clip import CROPPED, FULL, make_checkpoints


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    checkpoints = make_checkpoints(tmp_path_factory.mktemp("clip"))
    names = ("kec-tiny", "kec-tiny-eos", "kec-tiny-two-way")
    return {name: load_open_clip(f"{name}/{checkpoints[name]}") for name in names}


@pytest.mark.parametrize("name", ["kec-tiny", "kec-tiny-eos"])
def test_the_embeddings_of_words_give_the_features_of_the_written_prompt(encoders, name):
    assert name in CROPPED
    encoder = encoders[name]
    prompts = learned_prompts(encoder)
    context = prompts.start(["golden retriever", "steam engine"], 2)  # two tokens each
    expected = encoder.encode_texts(["a photo of a golden retriever.", "a photo of a steam engine."])
    np.testing.assert_allclose(prompts.features(context).detach().numpy(), expected, atol=1e-5)


def test_words_are_cut_or_repeated_to_the_room(encoders):
    prompts = learned_prompts(encoders["kec-tiny"])
    one, three = prompts.start(["dog"], 1), prompts.start(["dog"], 3)
    torch.testing.assert_close(three, one.expand(-1, 3, -1))
    two = prompts.start(["golden retriever"], 2)
    torch.testing.assert_close(prompts.start(["golden retriever"], 1), two[:, :1])
    assert prompts.start([""], 2).shape == (1, 2, 32)


def test_the_gradient_points_where_differences_do(encoders):
    prompts = learned_prompts(encoders["kec-tiny"])
    context = prompts.start(["dog", "cat"], 2).requires_grad_()
    (slope,) = torch.autograd.grad(prompts.features(context)[:, 0].sum(), context)
    step = torch.zeros_like(context)
    step[1, 1, 5] = 1e-2
    with torch.no_grad():
        difference = prompts.features(context + step) - prompts.features(context - step)
    assert float(difference[1, 0] / 2e-2) == pytest.approx(float(slope[1, 1, 5]), rel=0.02)
    assert float(difference[0].abs().max()) < 1e-6  # one prompt does not change another


def test_the_tower_is_as_before_afterwards(encoders):
    encoder = encoders["kec-tiny"]
    before = encoder.encode_texts(["a dog"])
    prompts = learned_prompts(encoder)
    prompts.features(prompts.start(["cat"], 4))
    np.testing.assert_array_equal(encoder.encode_texts(["a dog"]), before)


def test_encoders_without_such_a_tower_have_no_prompts_to_learn(encoders):
    assert "kec-tiny-two-way" in FULL
    assert learned_prompts(encoders["kec-tiny-two-way"]) is None
    assert learned_prompts(HashEncoder()) is None


@pytest.fixture
def inputs(encoders):
    """Photos near the features of four written prompts."""
    encoder = encoders["kec-tiny"]
    words = ("dog", "airplane", "tulip", "violin", "house", "river")
    nouns = encoder.encode_texts([f"a photo of a {word}." for word in words])
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 12)
    apart = nouns.std(axis=0).mean()  # texts of a random tower lie close together
    raw = (nouns[truth] + 0.1 * apart * rng.normal(size=(48, nouns.shape[1]))).astype(np.float32)
    photos = photo_features(raw, encoder.info.defaults)
    return truth, MethodInputs(
        train=photos,
        test=photos,
        nouns=nouns,
        vocabulary=tuple(Noun(word=word) for word in words),
        defaults=encoder.info.defaults,
        encode=encoder.encode_texts,
        prompts=learned_prompts(encoder),
    )


def test_laic_learns_prompts_that_find_the_classes(inputs):
    truth, given = inputs
    options = LaicOptions(steps=15, tokens=2, n_init=5)
    first = run_method("laic-centres", given, 4, options=options)
    assert first.note.startswith("Prompts learned through the text tower.")
    assert score(first.labels, truth).acc > 0.9
    np.testing.assert_array_equal(first.labels, run_method("laic-centres", given, 4, options=options).labels)


def test_learning_prompts_can_be_stopped(inputs):
    def stop(_done, _total, label):
        if label == "Learning prompts":
            raise Cancelled("stopped by the person")

    with pytest.raises(Cancelled):
        run_method("laic-centres", inputs[1], 4, progress=stop)
