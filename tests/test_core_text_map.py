"""Kernel ridge regression from sentences to image directions, on hand-made spaces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kec_core.encoders.text_map import Anchors, TextMap, fit, imagenet_anchors, map_key
from kec_core.wordnet.wordnet import load_wordnet, wordnet_from_timm
from tests.tiny_wordnet import write_wordnet

ANCHORS = Anchors(
    texts=("cat", "dog", "animal"),
    nodes=(0, 1, 2),
    members=((0,), (1,), (0, 1)),
    ids=frozenset({"n1", "n2", "n3"}),
    words=("cat", "dog"),
)
CLASSIFIER = np.array([[5, 1, 0], [1, 5, 0], [0, 0, 6]], dtype=np.float32)
SENTENCES = {"cat": (1, 0, 0, 0), "dog": (0, 1, 0, 0), "animal": (0, 0, 1, 0), "tax": (0, 0, 0, 1)}


def embed(texts):
    return np.array([SENTENCES[text] for text in texts], dtype=np.float32)


@pytest.fixture
def fitted():
    return fit(ANCHORS, embed, CLASSIFIER)


class TestFit:
    def test_a_class_points_where_its_classifier_row_stands_out(self, fitted):
        # rows less their mean (2, 2, 2): cat (3, -1, -2), dog (-1, 3, -2)
        cat = fitted(embed(["cat"]))[0]
        np.testing.assert_allclose(cat / np.linalg.norm(cat), np.array([3, -1, -2]) / np.sqrt(14), atol=0.01)

    def test_a_node_points_to_the_mean_of_the_classes_below(self, fitted):
        # mean of (3, -1, -2) and (-1, 3, -2)
        animal = fitted(embed(["animal"]))[0]
        np.testing.assert_allclose(
            animal / np.linalg.norm(animal), np.array([1, 1, -2]) / np.sqrt(6), atol=0.01
        )

    def test_what_is_unlike_every_anchor_is_short(self, fitted):
        lengths = np.linalg.norm(fitted(embed(["cat", "dog", "animal", "tax"])), axis=1)
        assert lengths[3] < 0.05 * lengths[:3].min()

    def test_what_lies_between_two_anchors_is_mapped_between(self, fitted):
        between = np.array([[1, 1, 0, 0]], dtype=np.float32) / np.sqrt(2)
        mapped = fitted(between)[0]
        np.testing.assert_allclose(
            mapped / np.linalg.norm(mapped), np.array([1, 1, -2]) / np.sqrt(6), atol=0.02
        )

    def test_solves_the_regression_it_states(self, fitted):
        """(K + 2 I) A = directions, with K = exp(7 (cos - 1)), solved independently in float64."""
        kernel = np.exp(7 * (np.eye(3) - 1)) + 2 * np.eye(3)
        rows = np.array([[3, -1, -2], [-1, 3, -2], [1, 1, -2]]) / np.sqrt([[14], [14], [6]])
        np.testing.assert_allclose(fitted.coefficients, np.linalg.solve(kernel, rows), atol=1e-5)

    def test_blocks_change_nothing(self, fitted, monkeypatch):
        from kec_core.encoders import text_map

        texts = embed(["cat", "dog", "tax"] * 3)
        expected = fitted(texts)
        monkeypatch.setattr(text_map, "_BLOCK", 2)
        np.testing.assert_allclose(fitted(texts), expected, rtol=1e-5, atol=1e-5)
        assert fitted.covers(texts).tolist() == [True, True, False] * 3


class TestCovers:
    @pytest.mark.parametrize(("cosine", "known"), [(0.76, True), (0.74, False)])
    def test_words_within_cosine_three_quarters_of_a_nodes_word(self, fitted, cosine, known):
        word = np.array([[cosine, 0, 0, np.sqrt(1 - cosine**2)]], dtype=np.float32)
        assert fitted.covers(word).tolist() == [known]

    def test_anchors_that_are_no_words_do_not_count(self, fitted):
        assert fitted.covers(embed(["animal"])).tolist() == [False]

    def test_of_nothing(self, fitted):
        assert fitted.covers(np.empty((0, 4), dtype=np.float32)).shape == (0,)


def test_saved_and_read_again_it_maps_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "map.npz")
    again = TextMap.load(tmp_path / "map.npz")
    np.testing.assert_array_equal(again(embed(["cat", "tax"])), fitted(embed(["cat", "tax"])))
    np.testing.assert_array_equal(again.words, fitted.words)


@pytest.fixture(scope="module")
def anchors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wordnet")
    write_wordnet(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEC_CACHE_DIR", str(folder / "cache"))
        return imagenet_anchors(load_wordnet(folder))


class TestAnchors:
    def texts_of(self, anchors, text):
        node = anchors.nodes[anchors.texts.index(text)]
        return [other for other, row in zip(anchors.texts, anchors.nodes, strict=True) if row == node]

    def test_a_node_is_anchored_by_its_words_its_gloss_and_the_class_name(self, anchors):
        texts = self.texts_of(anchors, "a photo of a pickup")
        assert texts == [
            "a photo of a pickup",
            "a light truck with an open body and low sides",
            "pickup, pickup truck",
        ]

    def test_nodes_above_gather_the_classes_below(self, anchors):
        members = anchors.members[anchors.nodes[anchors.texts.index("a photo of a truck")]]
        assert anchors.members[anchors.nodes[anchors.texts.index("a photo of a pickup")]] == (717,)
        assert 717 in members
        assert len(members) < 500

    def test_classes_that_wordnet_lacks_keep_their_names(self, anchors):
        assert self.texts_of(anchors, "tench, Tinca tinca") == ["tench, Tinca tinca"]

    def test_all_classes_have_a_node(self, anchors):
        assert {number for members in anchors.members for number in members} == set(range(1000))

    def test_the_words_are_the_nodes(self, anchors):
        assert {"pickup", "truck", "lorry"} <= set(anchors.words)
        assert not {"tench", "Akita"} & set(
            anchors.words
        )  # one unknown to this WordNet, one below every class

    def test_without_hypernyms_the_classes_are_the_nodes(self, tmp_path, monkeypatch):
        monkeypatch.setenv("KEC_CACHE_DIR", str(tmp_path))
        anchors = imagenet_anchors(wordnet_from_timm())
        assert all(len(members) == 1 for members in anchors.members)
        assert "a photo of a tench" in anchors.texts


def test_other_anchors_or_models_are_another_map():
    other = replace(ANCHORS, texts=("cat", "dog", "beast"))
    keys = {map_key(ANCHORS, "r1"), map_key(other, "r1"), map_key(ANCHORS, "r2")}
    assert len(keys) == 3
