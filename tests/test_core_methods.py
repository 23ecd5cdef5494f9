import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from kec_core.arrays import l2_normalize
from kec_core.clustering.metrics import score
from kec_core.errors import Cancelled, InputError
from kec_core.methods import METHODS, photo_features, run_method
from kec_core.methods.counterparts import filtered_nouns, mix_of_nouns
from kec_core.methods.options import (
    CaptionOptions,
    KecOptions,
    KMeansOptions,
    LaicOptions,
    SicOptions,
    TacTrainingOptions,
    TurtleOptions,
)
from tests.planted_methods import Planted


@pytest.fixture(scope="module")
def easy():
    return Planted()


STEPS = {
    TacTrainingOptions: lambda steps: {"max_steps": steps},
    TurtleOptions: lambda steps: {"outer_steps": steps, "outer_rate": 0.03},
    SicOptions: lambda steps: {"epochs": steps, "n_init": 2, "learning_rate": 0.01},
    LaicOptions: lambda steps: {"steps": steps, "n_init": 5},
}
"""Training of the tiny collections of these tests; the other methods have nothing to shorten."""


def run(name, inputs, n_clusters=4, *, steps=8, **changes):
    """Run a method with little training."""
    options = METHODS[name].options
    shorten = STEPS.get(type(options), lambda _steps: {})
    return run_method(name, inputs, n_clusters, options=replace(options, **shorten(steps)), **changes)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_plain_groups_and_says_so_in_the_same_form(easy, name):
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    made = run(name, easy.inputs(), seed=1, steps=60)
    assert made.labels.dtype == np.int32
    assert made.labels.shape == easy.truth.shape
    assert set(np.unique(made.labels)) <= set(range(4))
    assert made.centroids.shape[0] >= made.n_clusters
    assert np.isfinite(made.objective)
    assert score(made.labels, easy.truth).acc > 0.9
    assert torch.equal(torch.get_rng_state(), torch_before), "drew from torch's global random numbers"
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_labels_whatever_the_true_ones_are(name):
    planted = Planted(noise=2.0)
    shuffled = np.random.default_rng(0).permutation(planted.truth)
    changes = {} if "labels" in METHODS[name].needs else {"labels": shuffled}
    first, second = run(name, planted.inputs(), 5, seed=3), run(name, planted.inputs(**changes), 5, seed=3)
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_stopped(easy, name):
    def stop(done, total, label):
        raise Cancelled("stopped by the person")

    with pytest.raises(Cancelled):
        run(name, easy.inputs(), progress=stop)


@pytest.mark.parametrize("name", ["tac", "kec-tac", "turtle", "sic", "laic-centres"])
def test_training_tells_progress_at_every_step(easy, name):
    counts = []
    for steps in (3, 13):
        told = []
        run(name, easy.inputs(), steps=steps, progress=lambda done, total, label: told.append(done <= total))  # noqa: B023
        assert all(told)
        counts.append(len(told))
    assert counts[1] - counts[0] >= 10


def test_zero_shot_names_every_photo_and_the_seven_templates_count(easy):
    seen = []

    def encode(texts):
        seen.extend(texts)
        return easy.encode(texts)

    made = run("zeroshot", easy.inputs(encode=encode))
    np.testing.assert_array_equal(made.labels, easy.truth)  # ids are the class names' own positions
    assert len(seen) == 7 * 4
    assert "a origami class2." in seen


def test_captions_can_be_weighed_by_their_words_or_joined_with_the_photos(easy):
    for options in (CaptionOptions(texts="tfidf"), CaptionOptions(with_photos=True)):
        made = run_method("caption", easy.inputs(), 4, options=options)
        assert score(made.labels, easy.truth).acc == 1.0
    silent = run_method("caption", easy.inputs(photo_captions=("a dog",) + ("",) * 119), 4)
    assert silent.note.startswith("Without a caption: 119 photos.")


@pytest.mark.parametrize("name", [name for name in METHODS if "photo captions" not in METHODS[name].needs])
def test_with_a_split_only_test_photos_are_clustered(name):
    train, test = Planted(), Planted(per_class=8, seed=0)
    inputs = train.inputs(test=photo_features(test.raw, train.inputs().defaults), labels=test.truth)
    assert inputs.has_split
    assert run(name, inputs).labels.shape == (32,)


@pytest.mark.parametrize("name", METHODS)
def test_tiny_and_uniform_collections_are_no_trouble(name):
    two, equal = Planted(2, 1), Planted(3, 3)
    equal.raw[:] = equal.raw[0]
    for planted, n_clusters in ((two, 1), (two, 2), (equal, 3)):
        made = run(name, planted.inputs(), n_clusters)
        assert made.labels.max() < 3
        assert np.isfinite(made.centroids).all()


def test_a_single_photo_is_refused():
    with pytest.raises(InputError, match="at least two photos, but there is only one; add photos"):
        run_method("kmeans", Planted(1, 1).inputs(), 1)


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=re.escape("Unknown method 'kmean'; known methods: kmeans, ")):
        run_method("kmean", Planted().inputs(), 4)


def test_options_of_another_method_are_refused():
    with pytest.raises(InputError, match="'kec' takes KecOptions, but KMeansOptions was given"):
        run_method("kec", Planted().inputs(), 4, options=KMeansOptions())


def test_a_method_says_what_it_lacks():
    with pytest.raises(InputError, match="'kec' needs knowledge, but none was given"):
        run_method("kec", Planted().inputs(knowledge=None), 4)


def test_only_the_method_that_says_so_may_choose_its_epoch_by_labels(easy):
    options = SicOptions(paper_compat_select=True, epochs=2, n_init=1)
    with pytest.raises(InputError, match="needs a label for every photo; use sic, which takes the last"):
        run_method("sic", easy.inputs(), 4, options=options)
    assert "chosen by the true labels" in run("sic-best-epoch", easy.inputs()).note


def test_more_clusters_than_photos_are_refused():
    with pytest.raises(InputError, match=r"between 1 and the number of photos \(120\), but 121"):
        run_method("kmeans", Planted().inputs(), 121)


def test_kec_at_weight_zero_is_kmeans():
    inputs = Planted(noise=2.0).inputs()
    without_words = run_method("kec", inputs, 4, options=KecOptions(weight=0.0))
    assert score(without_words.labels, run_method("kmeans", inputs, 4).labels).ari > 0.95


@pytest.mark.parametrize("name", ["tac-notrain", "kec"])
def test_words_at_the_classes_help_where_looks_mislead(name):
    misleading = Planted(per_class=60, signal=0.6, nuisance=0.8, noise=0.7)
    inputs = misleading.inputs()
    alone = score(run_method("kmeans", inputs, 4).labels, misleading.truth).acc
    with_words = score(run_method(name, inputs, 4).labels, misleading.truth).acc
    assert with_words > alone + 0.1


def test_words_that_say_nothing_do_little_harm_at_a_small_weight():
    noisy = Planted(noise=1.0, helpful=False)
    inputs = noisy.inputs(weight=0.2)
    alone = score(run_method("kmeans", inputs, 4).labels, noisy.truth).acc
    assert score(run_method("kec", inputs, 4).labels, noisy.truth).acc >= alone - 0.05


def test_a_text_counterpart_is_the_softmax_mix_of_the_nouns():
    x = np.array([[1, 0], [0.6, 0.8]], np.float32)
    nouns = np.array([[1, 0], [0, 1]], np.float32)
    mixed = mix_of_nouns(x, nouns, 0.5, progress=lambda *_: None)
    first = np.exp(2.0) / (np.exp(2.0) + 1)
    second = np.exp(1.2) / (np.exp(1.2) + np.exp(1.6))
    expected = np.array([[first, 1 - first], [second, 1 - second]])
    np.testing.assert_allclose(mixed, l2_normalize(expected.astype(np.float32)), atol=1e-5)


def test_only_nouns_that_a_centre_owns_most_surely_are_kept(easy):
    kept = filtered_nouns(easy.inputs(), 4, 1, seed=0, progress=lambda *_: None)
    assert 4 <= len(kept) <= 12  # at most one per micro-cluster
    named = l2_normalize(easy.encode([f"class{c}" for c in range(4)]))
    assert (kept @ named.T).max(axis=0).min() > 0.99
