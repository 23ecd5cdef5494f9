import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.errors import Cancelled, InputError, ShapeError
from kec_core.grounding import aggregate, concept_scores, concept_vectors, ground, ground_features
from kec_core.grounding import photos as photos_module
from kec_core.types import BiAttribute, Concept, Grounding, Knowledge, UniAttribute
from tests.fakes import HashEncoder
from tests.planted import unit

DEFAULTS = EncoderDefaults(logit_scale=8.0)
DIM = 16
encode = HashEncoder(dim=DIM).encode_texts

KNOWLEDGE = Knowledge(
    concepts=(
        Concept(id="c1", name="tern", description="slim white seabird"),
        Concept(id="c2", name="gull", description="stout grey seabird"),
        Concept(id="c3", name="lighthouse"),
        Concept(id="c4", name="boat", description="small vessel"),
        Concept(id="c5", name="fog", description="low cloud", muted=True),
    ),
    uni=(
        UniAttribute(id="a1", concept="c1", text="forked tail"),
        UniAttribute(id="a2", concept="c1", text="black cap"),
        UniAttribute(id="a3", concept="c4", text="pointed bow"),
        UniAttribute(id="a4", concept="c5", text="blurred edges"),
    ),
    bi=(
        BiAttribute(id="a5", pair=("c1", "c2"), text="bill colour", ends=("c1", "c2")),
        BiAttribute(id="a6", pair=("c2", "c4"), text="wings or hull", ends=("c4",)),
    ),
)


def photos(n=13, seed=0):
    return 3 * np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)


def normal(vector):
    return vector / np.linalg.norm(vector)


def attribute_texts(knowledge, concept, config):
    uni = [a.text for a in knowledge.uni if a.concept == concept.id and config.use_uni]
    return uni + [a.text for a in knowledge.bi if concept.id in a.ends and config.use_bi]


def triple_loop(x, knowledge, config, scale, eta):
    """Step 4 of methods.md 6.1 as written: photo by photo, concept by concept, attribute by attribute; float64."""
    prepare = (lambda v: v) if config.mode == "raw" else normal

    def feature(text):
        return prepare(encode([text])[0].astype(np.float64))

    concepts = [c for c in knowledge.concepts if not c.muted]
    x = x.astype(np.float64)
    zetas, logit_vectors = [], []
    for concept in concepts:
        zeta = np.zeros(DIM)
        if config.use_concept or not concept.description:
            zeta = zeta + feature(concept.name)
        if config.use_description and concept.description:
            zeta = zeta + feature(concept.description)
        logit_vectors.append(normal(zeta) if config.mode == "scaled" else zeta)
        zetas.append(normal(zeta) if config.unit_zeta else zeta)
    sets = [[feature(t) for t in attribute_texts(knowledge, c, config)] for c in concepts]
    centre_x, centre_xi = np.zeros(DIM), np.zeros(DIM)
    if config.centre_before_product:
        centre_x = x.mean(axis=0)
        centre_xi = np.mean([xi for xis in sets for xi in xis], axis=0)
    omega, kappa = np.zeros((len(x), len(concepts))), np.zeros((len(x), DIM))
    for i in range(len(x)):
        logits = np.array([scale * (x[i] @ v) for v in logit_vectors])
        omega[i] = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        for q in range(len(concepts)):
            blended = np.zeros(DIM)
            for xi in sets[q]:
                blended += (x[i] - centre_x) * (xi - centre_xi) / len(sets[q])
            kappa[i] += omega[i, q] * zetas[q] + eta * omega[i, q] * blended
    return omega, kappa


CONFIGS = [
    GroundingConfig(mode=mode, unit_zeta=unit_zeta, centre_before_product=centre)
    for mode, unit_zeta, centre in itertools.product(
        ("scaled", "raw", "literal_unit"), (False, True), (False, True)
    )
] + [
    GroundingConfig(use_description=False, use_uni=False, use_bi=False),  # Con
    GroundingConfig(use_concept=False, use_uni=False, use_bi=False),  # Des
    GroundingConfig(use_uni=False, use_bi=False),  # Con + Des
    GroundingConfig(use_bi=False),  # + UA
    GroundingConfig(use_uni=False),  # + BA
    GroundingConfig(logit_scale=2.5, attribute_scale=0.3),
    GroundingConfig(attribute_scale=0.0),
    GroundingConfig(mode="raw", logit_scale=0.1, attribute_scale=2.0),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_two_matrix_products_equal_the_triple_loop(config, monkeypatch):
    monkeypatch.setattr(photos_module, "blocks", lambda n: (slice(s, min(s + 5, n)) for s in range(0, n, 5)))
    raw = photos() / (20 if config.mode == "raw" else 1)  # the softmax would be one-hot otherwise
    x = raw if config.mode == "raw" else unit(raw)
    scale = config.logit_scale or (8.0 if config.mode == "scaled" else 1.0)
    eta = config.attribute_scale
    if eta is None:
        eta = np.sqrt(DIM) if config.mode == "scaled" else 1.0
    omega, kappa = triple_loop(x, KNOWLEDGE, config, scale, eta)
    vectors = concept_vectors(KNOWLEDGE, encode, config)
    found = ground(x, vectors, config, DEFAULTS)
    np.testing.assert_allclose(found.omega, omega, atol=1e-5)
    np.testing.assert_allclose(found.kappa, kappa, atol=1e-5 * max(1, np.abs(kappa).max()))
    assert found.concept_ids == ("c1", "c2", "c3", "c4")
    assert found.omega.dtype == found.kappa.dtype == np.float32
    np.testing.assert_array_equal(ground_features(x, vectors, config, DEFAULTS), found.kappa)


def test_grounding_of_a_hand_made_case():
    words = {"a": [2, 0], "b": [0, 3], "stripes": [3, 4]}
    knowledge = Knowledge(
        concepts=(Concept(id="c1", name="a"), Concept(id="c2", name="b")),
        uni=(UniAttribute(id="a1", concept="c1", text="stripes"),),
    )
    config = GroundingConfig(logit_scale=np.log(3), attribute_scale=10.0)
    vectors = concept_vectors(
        knowledge, lambda texts: np.array([words[t] for t in texts], np.float32), config
    )
    found = ground(np.array([[1, 0]], np.float32), vectors, config, DEFAULTS)
    np.testing.assert_allclose(found.omega, [[0.75, 0.25]], rtol=1e-5, atol=1e-6)
    # c = (0.75, 0.25), a = 0.75 * (1, 0) * (0.6, 0.8)
    np.testing.assert_allclose(found.kappa, [[0.75 + 10 * 0.75 * 0.6, 0.25]], rtol=1e-5, atol=1e-6)


def test_every_string_is_encoded_once():
    asked = []

    def listening(texts):
        asked.extend(texts)
        return encode(texts)

    twice = Knowledge(
        concepts=(Concept(id="c1", name="tern", description="bird"), Concept(id="c2", name="bird")),
        uni=(
            UniAttribute(id="a1", concept="c1", text="beak"),
            UniAttribute(id="a2", concept="c2", text="beak"),
        ),
    )
    vectors = concept_vectors(twice, listening, GroundingConfig())
    assert asked == ["tern", "bird", "beak"]
    np.testing.assert_allclose(vectors.attributes[0], vectors.attributes[1])
    np.testing.assert_allclose(np.linalg.norm(vectors.logit, axis=1), 1, rtol=1e-5, atol=1e-6)


def test_without_attributes_only_the_concepts_speak():
    bare = Knowledge(concepts=KNOWLEDGE.concepts)
    vectors = concept_vectors(bare, encode, GroundingConfig())
    assert not vectors.attributes.any()
    x = unit(photos())
    found = ground(x, vectors, GroundingConfig(), DEFAULTS)
    np.testing.assert_allclose(found.kappa, found.omega @ vectors.zeta, rtol=1e-5, atol=1e-6)
    silent = concept_vectors(KNOWLEDGE, encode, GroundingConfig(use_uni=False, use_bi=False))
    assert not silent.attributes.any()


def test_one_concept_gets_every_photo_whole():
    one = Knowledge(concepts=KNOWLEDGE.concepts[:1])
    found = ground(
        unit(photos()), concept_vectors(one, encode, GroundingConfig()), GroundingConfig(), DEFAULTS
    )
    np.testing.assert_array_equal(found.omega, np.ones((13, 1)))


def test_a_changed_concept_changes_only_its_column_of_scores():
    x = unit(photos())
    config = GroundingConfig()
    before = concept_scores(x, concept_vectors(KNOWLEDGE, encode, config), config, DEFAULTS)
    other = Concept(id="c2", name="puffin", description="black and white seabird")
    concepts = tuple(other if c.id == "c2" else c for c in KNOWLEDGE.concepts)
    changed = concept_vectors(Knowledge(concepts=concepts), encode, config)
    after = concept_scores(x, changed, config, DEFAULTS)
    np.testing.assert_array_equal(before[:, [0, 2, 3]], after[:, [0, 2, 3]])
    assert np.abs(before[:, 1] - after[:, 1]).min() > 0


def test_aggregate_takes_any_posteriors():
    x = unit(photos())
    config = GroundingConfig(centre_before_product=True)
    vectors = concept_vectors(KNOWLEDGE, encode, config)
    found = ground(x, vectors, config, DEFAULTS)
    np.testing.assert_allclose(aggregate(x, found.omega, vectors, config), found.kappa, rtol=1e-5, atol=1e-6)


def test_smoothing_averages_with_the_visual_neighbours():
    x = unit(photos())
    plain_config, config = GroundingConfig(), GroundingConfig(smooth_neighbours=3)
    vectors = concept_vectors(KNOWLEDGE, encode, config)
    plain = ground(x, vectors, plain_config, DEFAULTS)
    smooth = ground(x, vectors, config, DEFAULTS)
    cosines = x @ x.T
    np.fill_diagonal(cosines, -2)
    for i in range(len(x)):
        near = np.argsort(-cosines[i])[:3]
        expected = 0.5 * plain.omega[i] + 0.5 * plain.omega[near].mean(axis=0)
        np.testing.assert_allclose(smooth.omega[i], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        smooth.kappa, aggregate(x, smooth.omega, vectors, config), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(ground_features(x, vectors, config, DEFAULTS), smooth.kappa)
    alone = ground(x[:1], vectors, config, DEFAULTS)
    np.testing.assert_allclose(alone.omega, plain.omega[:1], rtol=1e-5, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_rows_concepts_duplicates_and_precision_do_not_matter(seed, order):
    x = unit(photos(seed=seed))
    config = GroundingConfig()
    vectors = concept_vectors(KNOWLEDGE, encode, config)
    plain = ground(x, vectors, config, DEFAULTS)
    rows = np.random.default_rng(seed).permutation(len(x))
    np.testing.assert_allclose(ground(x[rows], vectors, config, DEFAULTS).kappa, plain.kappa[rows], atol=1e-5)
    doubled = ground(np.vstack([x, x]), vectors, config, DEFAULTS)
    np.testing.assert_allclose(doubled.kappa[: len(x)], doubled.kappa[len(x) :], atol=1e-5)
    wide = ground(x.astype(np.float64), vectors, config, DEFAULTS)
    np.testing.assert_allclose(wide.kappa, plain.kappa, atol=1e-5)
    assert wide.kappa.dtype == np.float32
    np.testing.assert_allclose(plain.omega.sum(axis=1), 1, rtol=1e-5, atol=1e-6)
    shuffled = Knowledge(
        concepts=tuple(KNOWLEDGE.concepts[i] for i in order), uni=KNOWLEDGE.uni, bi=KNOWLEDGE.bi
    )
    moved = ground(x, concept_vectors(shuffled, encode, config), config, DEFAULTS)
    np.testing.assert_allclose(moved.omega, plain.omega[:, list(order)], atol=1e-5)
    np.testing.assert_allclose(moved.kappa, plain.kappa, atol=1e-5)


def test_a_sharp_scale_does_not_overflow():
    found = ground(
        unit(photos()),
        concept_vectors(KNOWLEDGE, encode, GroundingConfig()),
        GroundingConfig(logit_scale=1e6),
        DEFAULTS,
    )
    assert np.isfinite(found.kappa).all()
    np.testing.assert_allclose(found.omega.max(axis=1), 1)


def test_what_cannot_be_grounded_is_refused():
    muted = Knowledge(concepts=KNOWLEDGE.concepts[4:])
    with pytest.raises(InputError, match="all 1 are muted; unmute one"):
        concept_vectors(muted, encode, GroundingConfig())
    with pytest.raises(InputError, match="there is none; build the knowledge"):
        concept_vectors(Knowledge(), encode, GroundingConfig())
    with pytest.raises(InputError, match="both are switched off"):
        concept_vectors(KNOWLEDGE, encode, GroundingConfig(use_concept=False, use_description=False))
    vectors = concept_vectors(KNOWLEDGE, encode, GroundingConfig())
    for carry in (ground, ground_features):
        with pytest.raises(ShapeError, match=r"shape \(rows, 16\), but has shape \(1, 5\)"):
            carry(np.ones((3, 5), np.float32), vectors, GroundingConfig(), DEFAULTS)


def test_grounding_can_be_cancelled():
    def stop(done, total, label):
        raise Cancelled("stopped")

    vectors = concept_vectors(KNOWLEDGE, encode, GroundingConfig())
    for carry in (ground, ground_features):
        with pytest.raises(Cancelled):
            carry(unit(photos()), vectors, GroundingConfig(), DEFAULTS, progress=stop)


def test_each_photo_has_one_winner_the_first_of_equals_and_none_without_concepts():
    omega = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.1, 0.1, 0.8]], dtype=np.float32)
    grounding = Grounding(omega=omega, kappa=omega, concept_ids=("c1", "c2", "c3"))
    assert grounding.winner.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="read-only"):
        grounding.winner[0] = 2
    assert Grounding(omega=omega[:, :0], kappa=omega, concept_ids=()).winner.tolist() == [-1, -1, -1]
