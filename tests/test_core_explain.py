"""Explanations: contributions add up to scores in every mode, clusters are told apart by what was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kec_core.arrays import l2_normalize
from kec_core.clustering import fuse
from kec_core.clustering.geometry import centroids_of
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.encoders import load_encoder
from kec_core.encoders.base import Places, collection_mean, visual_features
from kec_core.errors import InputError
from kec_core.explain import (
    Explainer,
    explain_cluster,
    explain_place,
    explain_score,
    has_places,
    heat_map,
)
from kec_core.explain.words import word_parts
from kec_core.grounding import concept_vectors
from kec_core.live import LiveCollection, start, update
from kec_core.types import BiAttribute, Clustering, Concept, Group, Knowledge, UniAttribute

TABLE = {
    "cat": [1, 0, 0, 0],
    "a small pet": [0, 0, 1, 0],
    "dog": [0, 1, 0, 0],
    "whiskers": [0.6, 0, 0.8, 0],
    "long nose": [0, 0.8, 0, 0.6],
    "it barks": [0, 0, 0, 1],
}
KNOWLEDGE = Knowledge(
    concepts=(Concept(id="c001", name="cat", description="a small pet"), Concept(id="c002", name="dog")),
    uni=(UniAttribute(id="a003", concept="c001", text="whiskers"),),
    bi=(
        BiAttribute(id="a004", pair=("c001", "c002"), text="long nose", ends=("c002",)),
        BiAttribute(id="a005", pair=("c001", "c002"), text="it barks", ends=("c001", "c002")),
    ),
    last_id=5,
)
X = np.float32([[1, 0, 0, 0], [0.6, 0, 0.8, 0], [0, 1, 0, 0], [0, 0.6, 0, 0.8]])
LABELS = np.int32([0, 0, 1, 1])


def encode(texts):
    return np.float32([TABLE[text] for text in texts])


def state_of(knowledge=KNOWLEDGE, x=X, labels=LABELS, encode=encode, weight=1.0, scale=2.0, **options):
    config = GroundingConfig(**options)
    collection = LiveCollection(
        image_ids=tuple(f"{row}.jpg" for row in range(len(x))),
        x=l2_normalize(x),
        grounded=x if config.mode == "raw" else l2_normalize(x),
        encode=encode,
        defaults=EncoderDefaults(logit_scale=scale),
        config=config,
        n_clusters=2,
        weight=weight,
    )
    centroids = np.zeros((int(labels.max()) + 1, 2 * x.shape[1]), np.float32)
    clustering = Clustering(labels=labels, centroids=centroids, objective=0.0, method="kmeans", seed=0)
    return start(collection, knowledge, clustering)


# --- a score by hand


def test_a_score_is_the_share_of_the_name_and_of_the_description():
    found = explain_score(Explainer(state_of()), 1, "c001")
    # zeta = (1, 0, 1, 0), length sqrt(2); photo (.6, 0, .8, 0); scale 2
    assert [(part.kind, part.text) for part in found.parts] == [
        ("description", "a small pet"),
        ("name", "cat"),
    ]
    assert found.parts[0].value == pytest.approx(2 * 0.8 / np.sqrt(2), abs=1e-5)
    assert found.parts[1].value == pytest.approx(2 * 0.6 / np.sqrt(2), abs=1e-5)
    assert found.total == pytest.approx(2 * 1.4 / np.sqrt(2), abs=1e-5)


def test_in_raw_mode_nothing_is_scaled():
    found = explain_score(Explainer(state_of(x=3 * X, mode="raw")), 1, "c001")
    assert found.total == pytest.approx(3 * 1.4, abs=1e-6)


def test_guidance_is_a_part_of_the_score():
    guided = replace(KNOWLEDGE, guidance="prefer dog")
    found = explain_score(Explainer(state_of(guided)), 2, "c002")
    assert [(part.kind, part.text) for part in found.parts] == [("name", "dog"), ("guidance", "prefer dog")]
    assert [part.value for part in found.parts] == pytest.approx([2.0, np.log(4)], abs=1e-5)


def test_a_collapsed_group_speaks_with_all_its_names():
    both = tuple(replace(concept, group="g006", description="") for concept in KNOWLEDGE.concepts)
    group = Group(id="g006", name="animal", collapsed=True)
    found = explain_score(Explainer(state_of(replace(KNOWLEDGE, concepts=both, groups=(group,)))), 0, "g006")
    # zeta = (.5, .5, 0, 0), its direction (1, 1, 0, 0) / sqrt(2); photo (1, 0, 0, 0); scale 2
    assert {part.text: part.value for part in found.parts} == pytest.approx(
        {"cat": np.sqrt(2), "dog": 0.0}, abs=1e-5
    )


def test_a_muted_concept_has_no_score_to_explain():
    muted = replace(KNOWLEDGE, concepts=(replace(KNOWLEDGE.concepts[0], muted=True), KNOWLEDGE.concepts[1]))
    with pytest.raises(InputError, match="'c001' is muted or not there"):
        explain_score(Explainer(state_of(muted)), 0, "c001")


# --- the place of a photo by hand


def test_without_attributes_and_with_one_concept_the_place_is_looks_and_one_concept():
    only = Knowledge(concepts=(Concept(id="c001", name="cat", description="a small pet"),), last_id=1)
    state = state_of(only, labels=np.int32([0, 0, 0, 0]), weight=1.0)
    found = explain_place(Explainer(state), 0)
    # kappa = (1, 0, 1, 0) for all, so centre = [sum of x; 4 n(kappa)] / length
    centre = np.concatenate([X.sum(axis=0), 4 * np.array([1, 0, 1, 0]) / np.sqrt(2)]) / np.sqrt(2)
    centre /= np.linalg.norm(centre)
    values = {part.kind: part.value for part in found.parts}
    assert values["looks"] == pytest.approx(centre[0] / np.sqrt(2), abs=1e-5)
    assert values["name"] == pytest.approx(centre[4] / 2, abs=1e-5)
    assert values["description"] == pytest.approx(centre[6] / 2, abs=1e-5)
    assert found.by_concept()["c001"] == pytest.approx((centre[4] + centre[6]) / 2, abs=1e-5)


def test_attributes_count_with_the_photo_they_are_multiplied_with():
    only = Knowledge(
        concepts=(Concept(id="c001", name="cat"),),
        uni=(
            UniAttribute(id="a002", concept="c001", text="whiskers"),
            UniAttribute(id="a003", concept="c001", text="it barks"),
        ),
        last_id=3,
    )
    state = state_of(only, labels=np.int32([0, 0, 0, 0]), attribute_scale=2.0, weight=1.0)
    values = {part.text: part.value for part in explain_place(Explainer(state), 1).parts}
    # photo (.6, 0, .8, 0) times whiskers (.6, 0, .8, 0) / 2, twice: (.36, 0, .64, 0); it shares nothing with barking
    kappa = np.array([1.36, 0, 0.64, 0])
    centre = Explainer(state).centres[0, 4:]
    factor = np.sqrt(0.5) / np.linalg.norm(kappa)
    assert values["cat"] == pytest.approx(factor * centre[0], abs=1e-5)
    assert values["whiskers"] == pytest.approx(factor * (0.36 * centre[0] + 0.64 * centre[2]), abs=1e-5)
    assert values["it barks"] == pytest.approx(0.0, abs=1e-5)


def test_why_here_and_not_there_is_the_difference_of_the_two():
    explainer = Explainer(state_of())
    here, there = explain_place(explainer, 1, 0), explain_place(explainer, 1, 1)
    between = explain_place(explainer, 1, 0, against=1)
    assert between.total == pytest.approx(here.total - there.total, abs=1e-5)
    assert between.total > 0
    assert explain_place(explainer, 1).total == here.total


def test_a_cluster_without_photos_is_refused():
    with pytest.raises(InputError, match="7 has none"):
        explain_place(Explainer(state_of()), 0, 7)


# --- sums, in every mode


MODES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["scaled", "raw", "literal_unit"]),
        "unit_zeta": st.booleans(),
        "centre_before_product": st.booleans(),
        "use_concept": st.booleans(),
        "use_uni": st.booleans(),
        "use_bi": st.booleans(),
        "smooth_neighbours": st.sampled_from([0, 3]),
        "attribute_scale": st.sampled_from([None, 0.0, 4.0]),
    }
)


def random_state(seed, weight, options):
    """Fourteen photos and five concepts in 12 dimensions, some without description, attributes, or muted.

    By chance there is guidance, and two or three concepts are collapsed.
    """
    rng = np.random.default_rng(seed)
    concepts = tuple(
        Concept(id=f"c{q:03d}", name=f"name {q}", description=f"words {q}" * int(q != 2), muted=bool(q == 3))
        for q in range(5)
    )
    uni = tuple(
        UniAttribute(id=f"a{n:03d}", concept=f"c{n % 4:03d}", text=f"typical {n % 6}") for n in range(9)
    )
    bi = tuple(
        BiAttribute(
            id=f"a{n:03d}", pair=("c000", "c001"), text=f"apart {n}", ends=("c000", "c001")[: 1 + n % 2]
        )
        for n in range(20, 24)
    )
    length = 5.0 if options["mode"] == "raw" else 1.0

    def words(texts):
        seeds = [int.from_bytes(text.encode(), "little") % 2**32 for text in texts]
        return length * np.stack([np.random.default_rng(s).normal(size=12).astype(np.float32) for s in seeds])

    x = rng.normal(size=(14, 12)).astype(np.float32)
    labels = np.append(np.arange(4), rng.integers(0, 4, 10)).astype(np.int32)
    knowledge = Knowledge(
        concepts=concepts,
        uni=uni,
        bi=bi,
        groups=(Group(id="g030", name="group", collapsed=bool(seed % 2)),),
        guidance="prefer typical 1, name 4, ignore words 1 and typical 2" if seed % 3 else "",
        last_id=30,
    )
    return state_of(knowledge, x, labels, words, weight, 10.0, **options)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), weight=st.sampled_from([0.0, 0.5, 1.0, 3.0]), options=MODES)
def test_contributions_add_up_to_the_scores_the_method_uses(seed, weight, options):
    state = random_state(seed, weight, options)
    explainer = Explainer(state)
    fused = fuse(state.collection.x, state.grounding.kappa, weight)
    centres = centroids_of(fused, state.clustering.labels, len(explainer.sizes))
    for row in (0, 13):
        for column, concept in enumerate(state.vectors.concept_ids):
            found = explain_score(explainer, row, concept)
            score = float(state.logits[row, column])
            assert sum(p.value for p in found.parts) == pytest.approx(score, abs=1e-5, rel=1e-5)
        for cluster in range(4):
            found = explain_place(explainer, row, cluster)
            assert sum(p.value for p in found.parts) == pytest.approx(
                float(fused[row] @ centres[cluster]), abs=1e-5
            )
            assert explainer.cosines(row)[cluster] == pytest.approx(found.total, abs=1e-5)
            assert sum(found.by_concept().values()) == pytest.approx(found.total, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), options=MODES)
def test_words_add_up_to_the_vectors_of_their_concepts(seed, options):
    state = random_state(seed, 1.0, options)
    parts = word_parts(state.knowledge, state.collection.encode, state.collection.config)
    vectors = concept_vectors(state.knowledge, state.collection.encode, state.collection.config)
    for column in range(len(vectors.concept_ids)):
        mine = parts.columns == column
        zeta = parts.vectors[mine & parts.speaks].sum(axis=0)
        zeta /= parts.lengths[column] if options["unit_zeta"] else 1.0
        assert np.allclose(zeta, vectors.zeta[column], atol=1e-5)
        assert np.allclose(
            parts.vectors[mine & ~parts.speaks].sum(axis=0), vectors.attributes[column], atol=1e-5
        )


def test_the_words_follow_an_edit():
    state = state_of()
    edited = update(state, replace(KNOWLEDGE, uni=()))
    texts = {part.text for part in explain_place(Explainer(edited), 0).parts}
    assert "whiskers" not in texts
    assert "long nose" in texts


# --- clusters


def test_a_cluster_is_told_in_words_and_set_apart_from_its_nearest():
    found = explain_cluster(Explainer(state_of(scale=20.0)), 0)
    assert found.nearest == 1
    assert found.concepts[0].text == "cat"
    assert found.concepts[0].here > 0.95
    # mean photo of the cluster (.8, 0, .4, 0); of all photos (.4, .4, .2, .2)
    assert [(c.text, c.kind) for c in found.attributes] == [("whiskers", "attribute")]
    assert found.attributes[0].here == pytest.approx(0.8 * 0.6 + 0.4 * 0.8, abs=1e-5)
    assert found.attributes[0].there == pytest.approx(0.4 * 0.6 + 0.2 * 0.8, abs=1e-5)
    assert [c.text for c in found.apart] == ["cat", "whiskers"]
    assert [c.text for c in found.there] == ["dog", "long nose", "it barks"]
    # the mean photo of the other cluster is (0, .8, 0, .4)
    assert found.there[1].gap == pytest.approx(-(0.8 * 0.8 + 0.4 * 0.6), abs=1e-5)
    assert sorted(found.photos.tolist()) == [0, 1]


def test_the_nearest_cluster_is_the_one_whose_centre_is_nearest():
    x = np.float32([[1, 0, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 0, 1]])
    state = state_of(x=x, labels=np.int32([0, 1, 3]), weight=0.0)
    explainer = Explainer(state)
    assert (explainer.nearest(0), explainer.nearest(1), explainer.nearest(3)) == (1, 0, 0)
    assert explain_cluster(explainer, 0, against=3).nearest == 3


def test_the_only_cluster_has_nothing_to_be_set_apart_from():
    found = explain_cluster(Explainer(state_of(labels=np.int32([0, 0, 0, 0]))), 0)
    assert found.nearest is None
    assert found.apart == found.there == ()


def test_what_does_not_fit_a_group_is_no_evidence_for_it_however_much_less_it_fits_the_other():
    table = {**TABLE, "a wall": [-0.28, -0.96, 0, 0]}
    walls = UniAttribute(id="a006", concept="c002", text="a wall")
    state = state_of(
        replace(KNOWLEDGE, uni=(*KNOWLEDGE.uni, walls)),
        encode=lambda texts: np.float32([table[text] for text in texts]),
    )
    found = explain_cluster(Explainer(state), 0)
    assert "a wall" not in [one.text for one in (*found.apart, *found.attributes)]
    assert all(one.here > 0 for one in (*found.apart, *found.attributes, *found.concepts))
    assert all(one.there > 0 for one in found.there)


# --- where in the photo


class Corners:
    """An encoder whose places are given: two by two."""

    def __init__(self, features, pooled):
        self.places = Places(
            features=np.float32(features).reshape(2, 2, 2), seen=np.zeros((4, 4, 3), np.uint8), pooled=pooled
        )

    def encode_places(self, image):
        return self.places

    def encode_texts(self, texts):
        return np.float32([[0, 3]] * len(texts))


PHOTO = Image.new("RGB", (40, 30), (200, 30, 30))


def test_shares_of_a_pooled_photo_average_to_its_cosine():
    found = heat_map(Corners([[0, 4], [0, 0], [3, 0], [9, 8]], pooled=True), PHOTO, "a phrase")
    # the mean feature is (3, 3): cosine with (0, 1) is 1 / sqrt(2)
    assert found.adds_up
    assert found.values.mean() == pytest.approx(1 / np.sqrt(2), abs=1e-5)
    assert found.values[0, 0] == pytest.approx(4 / np.sqrt(18), abs=1e-5)
    assert found.values[0, 1] == 0


def test_patches_are_compared_by_cosine():
    found = heat_map(Corners([[0, 4], [0, 0], [3, 0], [3, 4]], pooled=False), PHOTO, "a phrase")
    assert not found.adds_up
    assert np.allclose(found.values, [[1, 0], [0, 0.8]])


def test_a_phrase_is_needed_and_places_too():
    with pytest.raises(InputError, match="should not be empty"):
        heat_map(Corners([[0, 1]] * 4, pooled=True), PHOTO, " ")


def test_the_patches_of_a_real_vision_transformer(tiny_clips):
    import torch

    encoder = load_encoder(f"open_clip:kec-tiny/{tiny_clips['kec-tiny']}")
    encoder.model.visual.output_tokens = True  # the model's own way to its patches, before the projection
    with torch.inference_mode():
        pixels = torch.from_numpy(encoder.preprocess(PHOTO)[None])
        tokens = encoder.model.visual(pixels)[1] @ encoder.model.visual.proj
    encoder.model.visual.output_tokens = False
    text = l2_normalize(encoder.encode_texts(["red"]))[0]
    expected = (l2_normalize(tokens[0].numpy()) @ text).reshape(2, 2)
    found = heat_map(encoder, PHOTO, "red")
    assert np.allclose(found.values, expected, atol=1e-5)
    assert found.seen.shape == (32, 32, 3)
    assert np.abs(found.seen.astype(int) - (200, 30, 30)).max() <= 1
    assert has_places(encoder)


def test_other_networks_say_that_they_have_no_places(tiny_clips):
    encoder = load_encoder(f"open_clip:kec-tiny/{tiny_clips['kec-tiny']}")
    encoder.model.visual.attn_pool = torch_identity()
    with pytest.raises(InputError, match="another kind of network"):
        heat_map(encoder, PHOTO, "red")


def torch_identity():
    from torch import nn

    return nn.Identity()


def test_ready_made_features_know_no_places(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(3, dtype=np.float32))
    encoder = load_encoder(f"embeddings:{tmp_path / 'x.npy'}")
    assert not has_places(encoder)
    with pytest.raises(InputError, match="features of whole photos only"):
        heat_map(encoder, PHOTO, "red")


@pytest.mark.weights
def test_the_compact_map_averages_to_the_cosine_of_the_photo(compact_encoder):
    rng = np.random.default_rng(0)
    photos = [
        Image.fromarray(rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)).resize((300, 260))
        for _ in range(3)
    ]
    raw = compact_encoder.encode_images(np.stack([compact_encoder.preprocess(photo) for photo in photos]))
    mean = collection_mean(raw, compact_encoder.info.defaults)
    x = visual_features(raw, compact_encoder.info.defaults)
    text = l2_normalize(compact_encoder.encode_texts(["a photo of a dog"]))[0]
    found = heat_map(compact_encoder, photos[1], "a photo of a dog", mean=mean)
    assert found.values.shape == (9, 9)
    assert found.values.mean() == pytest.approx(float(x[1] @ text), abs=1e-4)
    assert found.adds_up
